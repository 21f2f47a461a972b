import {_t} from "@web/core/l10n/translation";

/**
 * The kinds of cards that mail is bound to, in the order in which they are shown.
 *
 * @type {{type: String, icon: String, label: String, plural: String}[]}
 */
export const CARD_TYPES = [
    {type: "opportunity", icon: "fa-star", label: _t("Opportunity"), plural: _t("Opportunities")},
    {type: "lead", icon: "fa-star-o", label: _t("Lead"), plural: _t("Leads")},
    {type: "contact", icon: "fa-user-o", label: _t("Contact"), plural: _t("Contacts")},
    {type: "company", icon: "fa-building-o", label: _t("Company"), plural: _t("Companies")},
];

const NAME = {name: "name", label: _t("Name")};
const PHONE = {name: "phone", label: _t("Phone")};
const DEAL_FIELDS = [
    NAME,
    {name: "contact_name", label: _t("Contact name")},
    {name: "partner_name", label: _t("Company name")},
    {name: "email_from", label: _t("Email")},
    PHONE,
];
const PARTNER_FIELDS = [NAME, {name: "email", label: _t("Email")}, PHONE];

/** What is asked for when a card is created in place. */
export const FORM_FIELDS = {
    opportunity: DEAL_FIELDS,
    lead: DEAL_FIELDS,
    contact: PARTNER_FIELDS,
    company: PARTNER_FIELDS,
};

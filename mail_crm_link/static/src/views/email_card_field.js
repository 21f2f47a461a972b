import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

/** The name of the card that a link binds to; a click opens it. */
export class EmailCardField extends Component {
    static template = "mail_crm_link.EmailCardField";
    static props = {...standardFieldProps};

    setup() {
        this.action = useService("action");
    }

    get card() {
        const {lead_id: lead, partner_id: partner} = this.props.record.data;
        return lead
            ? {model: "crm.lead", id: lead.id, icon: "fa-star-o", kind: _t("Lead or opportunity")}
            : {model: "res.partner", id: partner.id, icon: "fa-user-o", kind: _t("Contact")};
    }

    open() {
        const {id, model} = this.card;
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: model,
            res_id: id,
            views: [[false, "form"]],
        });
    }
}

registry.category("fields").add("crm_email_card", {
    component: EmailCardField,
    displayName: _t("Card of an e-mail"),
    supportedTypes: ["char"],
    fieldDependencies: [
        {name: "lead_id", type: "many2one", relation: "crm.lead"},
        {name: "partner_id", type: "many2one", relation: "res.partner"},
    ],
});

import {CharField, charField} from "@web/views/fields/char/char_field";
import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

export class EmailDirectionField extends Component {
    static template = "mail_crm_link.EmailDirectionField";
    static props = {...standardFieldProps};

    get isReceived() {
        return this.props.record.data[this.props.name] === "in";
    }

    get title() {
        return this.isReceived ? _t("Received") : _t("Sent");
    }
}

registry.category("fields").add("crm_email_direction", {
    component: EmailDirectionField,
    displayName: _t("Received or sent"),
    supportedTypes: ["selection"],
});

export class EmailAttachmentField extends Component {
    static template = "mail_crm_link.EmailAttachmentField";
    static props = {...standardFieldProps};
}

registry.category("fields").add("crm_email_attachment", {
    component: EmailAttachmentField,
    displayName: _t("Has attachments"),
    supportedTypes: ["boolean"],
});

/** That the mail is on a card, where there is no room for the cards themselves. */
export class EmailBoundField extends Component {
    static template = "mail_crm_link.EmailBoundField";
    static props = {...standardFieldProps};
}

registry.category("fields").add("crm_email_bound", {
    component: EmailBoundField,
    displayName: _t("On a card"),
    supportedTypes: ["boolean"],
});

/** The subject, and after it, as mail programs have it, how the text begins. */
export class EmailSubjectField extends CharField {
    static template = "mail_crm_link.EmailSubjectField";

    get subject() {
        return this.props.record.data[this.props.name] || _t("(no subject)");
    }
}

registry.category("fields").add("crm_email_subject", {
    ...charField,
    component: EmailSubjectField,
    displayName: _t("Subject and beginning"),
    fieldDependencies: [{name: "snippet", type: "char"}],
});

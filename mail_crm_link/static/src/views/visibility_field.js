import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

/** Who sees a conversation: chosen on a mail, which itself is for nobody to change. */
export class VisibilityField extends Component {
    static template = "mail_crm_link.VisibilityField";
    static props = {...standardFieldProps};

    setup() {
        this.orm = useService("orm");
    }

    get choices() {
        return this.props.record.fields[this.props.name].selection;
    }

    get chosen() {
        return this.props.record.data[this.props.name];
    }

    async choose(visibility) {
        const {record} = this.props;
        await this.orm.call(record.resModel, "set_conversation_visibility", [
            record.resId,
            visibility,
        ]);
        await record.load();
    }
}

registry.category("fields").add("crm_email_visibility", {
    component: VisibilityField,
    displayName: _t("Who sees a conversation"),
    supportedTypes: ["selection"],
});

import {CARD_TYPES, FORM_FIELDS} from "./card_types";
import {Component, useState} from "@odoo/owl";
import {useAutofocus} from "@web/core/utils/hooks";

/** A few fields of a card that is to be created when the connections are saved. */
export class ConnectionForm extends Component {
    static template = "mail_crm_link.ConnectionForm";
    static props = {
        target: String,
        values: Object,
        onConfirm: Function,
        onDiscard: Function,
    };

    setup() {
        useAutofocus({refName: "name", selectAll: true});
        const texts = this.fields.map(({name}) => [name, this.props.values[name] || ""]);
        this.values = useState(Object.fromEntries(texts));
    }

    get fields() {
        return FORM_FIELDS[this.props.target];
    }

    get cardType() {
        return CARD_TYPES.find(({type}) => type === this.props.target);
    }

    get isComplete() {
        return Boolean(this.values.name.trim());
    }

    confirm() {
        if (this.isComplete) {
            this.props.onConfirm(this.props.target, {...this.values});
        }
    }
}

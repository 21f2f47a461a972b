import {isPlausible, parseRecipient, splitRecipients} from "./recipients";
import {AutoComplete} from "@web/core/autocomplete/autocomplete";
import {Component, useRef} from "@odoo/owl";
import {TagsList} from "@web/core/tags_list/tags_list";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

const COLOR = 0;
const COLOR_OF_WRONG = 1;

/** Addresses as chips; the value is what a mail's To says, so that any client can write it. */
export class RecipientsField extends Component {
    static template = "mail_crm_link.RecipientsField";
    static components = {AutoComplete, TagsList};
    static props = {...standardFieldProps, placeholder: {type: String, optional: true}};

    setup() {
        this.orm = useService("orm");
        this.root = useRef("root");
        this.isChoosing = false;
    }

    get recipients() {
        return splitRecipients(this.props.record.data[this.props.name]);
    }

    get tags() {
        return this.recipients.map((recipient, index) => {
            const {email, name} = parseRecipient(recipient);
            const isWrong = !isPlausible(recipient);
            return {
                id: `${index} ${recipient}`,
                text: name || email,
                title: recipient,
                colorIndex: isWrong ? COLOR_OF_WRONG : COLOR,
                canEdit: isWrong && !this.props.readonly,
                onClick: isWrong && !this.props.readonly ? () => this.edit(index) : undefined,
                onDelete: this.props.readonly ? undefined : () => this.remove(index),
            };
        });
    }

    /** What to do about names that nobody was chosen for, "" without any. */
    get advice() {
        const wrong = this.recipients.filter((recipient) => !isPlausible(recipient));
        return wrong.length && !this.props.readonly
            ? _t(
                  "No email address: %s. Click on it, then choose a person from the list or enter the address.",
                  wrong.join(", ")
              )
            : "";
    }

    get sources() {
        return [{placeholder: _t("Loading..."), options: (term) => this.suggest(term)}];
    }

    async suggest(term) {
        if (!term) {
            return [];
        }
        const found = await this.orm.call("crm.email.composer", "suggest_recipients", [term]);
        return found.map((recipient) => ({
            label: recipient,
            onSelect: () => this.add(recipient),
        }));
    }

    /** @param {String} text one or more addresses */
    add(text) {
        const added = splitRecipients(text).filter((one) => !this.recipients.includes(one));
        return added.length ? this.update([...this.recipients, ...added]) : undefined;
    }

    remove(index) {
        return this.update(this.recipients.filter((_, position) => position !== index));
    }

    /** Back into the input, with the suggestions for it. */
    async edit(index) {
        const text = this.recipients[index];
        await this.remove(index);
        const input = this.root.el.querySelector("input");
        input.value = text;
        input.focus();
        input.dispatchEvent(new InputEvent("input", {bubbles: true}));
    }

    update(recipients) {
        return this.props.record.update({[this.props.name]: recipients.join(", ")});
    }

    /** What was typed and not chosen counts, too. */
    take(input) {
        const text = input.value.trim();
        if (text) {
            input.value = "";
            this.add(text);
        }
    }

    onKeydown(ev) {
        const {key, target} = ev;
        const isComplete = isPlausible(target.value || "");
        if (isComplete && (key === "Enter" || key === "," || key === ";")) {
            ev.preventDefault();
            ev.stopPropagation();
            this.take(target);
        } else if (key === "Backspace" && !target.value && this.recipients.length) {
            this.remove(this.recipients.length - 1);
        }
    }

    /** Who presses on a suggestion leaves the input by it. */
    onPointerdown({target}) {
        this.isChoosing = Boolean(target.closest("[role=option]"));
    }

    /** A name that was not chosen is shown as what it is: no address. Left in the input, it would be forgotten. */
    onFocusout({target}) {
        if (target.matches("input") && !this.isChoosing) {
            this.take(target);
        }
        this.isChoosing = false;
    }
}

registry.category("fields").add("crm_email_recipients", {
    component: RecipientsField,
    supportedTypes: ["text", "char"],
    extractProps: ({attrs}) => ({placeholder: attrs.placeholder}),
});

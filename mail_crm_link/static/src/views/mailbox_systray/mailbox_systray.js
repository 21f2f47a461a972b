import {Component, useState} from "@odoo/owl";
import {Dropdown} from "@web/core/dropdown/dropdown";
import {DropdownItem} from "@web/core/dropdown/dropdown_item";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/** An icon while there is something to tell of the user's mailboxes, and nothing else. */
export class MailboxSystray extends Component {
    static template = "mail_crm_link.MailboxSystray";
    static components = {Dropdown, DropdownItem};
    static props = {};

    setup() {
        this.action = useService("action");
        this.notable = useState(useService("mail_crm_link.mailboxes"));
    }

    get mailboxes() {
        return Object.values(this.notable).map((note) => ({
            ...note,
            needsOwner: note.state === "error",
            percent: Math.min(100, Math.round(note.progress)),
        }));
    }

    get title() {
        return this.mailboxes.some(({needsOwner}) => needsOwner)
            ? _t("A mailbox needs you")
            : _t("First synchronisation of your mail");
    }

    open({id}) {
        this.action.doAction(
            {
                type: "ir.actions.act_window",
                res_model: "crm.mailbox",
                res_id: id,
                views: [[false, "form"]],
            },
            {clearBreadcrumbs: true}
        );
    }

    /** As the button of the form: the dialog for the password, or the provider's page. */
    reconnect({id}) {
        this.action.doActionButton({
            type: "object",
            name: "action_reconnect",
            resModel: "crm.mailbox",
            resId: id,
        });
    }
}

registry
    .category("systray")
    .add("mail_crm_link.mailboxes", {Component: MailboxSystray}, {sequence: 24});

import {Component, onWillStart, onWillUpdateProps, useState} from "@odoo/owl";
import {deserializeDateTime} from "@web/core/l10n/dates";
import {KeepLast} from "@web/core/utils/concurrency";
import {MailContent} from "./mail_content";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

const {DateTime} = luxon;

/** The mails of a conversation in their order, each to be read in its place. */
export class Conversation extends Component {
    static template = "mail_crm_link.Conversation";
    static components = {MailContent};
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({emails: [], opened: {}});
        onWillStart(() => {
            this.load(this.props.record.resId);
        });
        onWillUpdateProps(({record}) => {
            if (record.resId !== this.props.record.resId) {
                this.load(record.resId);
            }
        });
    }

    /** Not awaited: it stands below the mail, which need not wait for it. */
    async load(emailId) {
        Object.assign(this.state, {emails: [], opened: {}});
        if (emailId) {
            this.state.emails = await this.keepLast.add(
                this.orm.silent.call("crm.email", "get_conversation", [[emailId]])
            );
        }
    }

    isCurrent({id}) {
        return id === this.props.record.resId;
    }

    dateOf({date}) {
        return deserializeDateTime(date).toLocaleString(DateTime.DATETIME_MED);
    }

    directionOf({direction}) {
        return direction === "in" ? _t("Received") : _t("Sent");
    }

    toggle(email) {
        if (email.has_content_access && !this.isCurrent(email)) {
            this.state.opened[email.id] = !this.state.opened[email.id];
        }
    }
}

registry.category("view_widgets").add("crm_email_conversation", {component: Conversation});

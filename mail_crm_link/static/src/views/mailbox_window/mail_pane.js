import {Component, useSubEnv} from "@odoo/owl";
import {View, getDefaultConfig} from "@web/views/view";

/** The mail beside the list: Odoo's own form of it. */
export class MailPane extends Component {
    static template = "mail_crm_link.MailPane";
    static components = {View};
    static props = {
        emailId: {type: [Number, {value: false}]},
        openInFull: Function,
        close: Function,
        step: Function,
    };

    setup() {
        // A view writes into the configuration it finds, and would find the list's.
        useSubEnv({config: {...getDefaultConfig(), disableSearchBarAutofocus: true}});
    }

    get viewProps() {
        return {
            type: "form",
            resModel: "crm.email",
            resId: this.props.emailId,
            display: {controlPanel: false},
            preventCreate: true,
            preventEdit: true,
        };
    }
}

import {Component, useState, useSubEnv} from "@odoo/owl";
import {View, getDefaultConfig} from "@web/views/view";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useCardMail} from "../core/common/card_mail";
import {useService} from "@web/core/utils/hooks";

const LINK_FIELDS = {"crm.lead": "lead_ids", "res.partner": "partner_ids"};

/**
 * The e-mails of a card, in a list that loads a page at a time: a company can have tens of
 * thousands, and a field of the form would carry all of their ids.
 */
export class CardEmails extends Component {
    static template = "mail_crm_link.CardEmails";
    static components = {View};
    static props = {...standardWidgetProps};

    setup() {
        this.action = useService("action");
        this.state = useState({version: 0});
        useCardMail(
            () => this.props.record,
            () => this.state.version++
        );
        // A view writes into the configuration it finds, and would find the form's.
        useSubEnv({
            config: {...getDefaultConfig(), disableSearchBarAutofocus: true},
        });
    }

    get viewProps() {
        const {resId, resModel} = this.props.record;
        return {
            type: this.env.isSmall ? "kanban" : "list",
            resModel: "crm.email",
            domain: [[LINK_FIELDS[resModel], "in", [resId]]],
            context: {list_view_ref: "mail_crm_link.crm_email_view_list_card"},
            display: {searchPanel: false},
            noBreadcrumbs: true,
            allowSelectors: false,
            showButtons: false,
            readonly: true,
            selectRecord: (emailId) => this.open(emailId),
        };
    }

    open(emailId) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "crm.email",
            res_id: emailId,
            views: [[false, "form"]],
        });
    }
}

registry.category("view_widgets").add("crm_card_emails", {component: CardEmails});

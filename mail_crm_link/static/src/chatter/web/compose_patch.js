import {CARD_MODELS} from "@mail_crm_link/core/common/thread_model_patch";
import {Chatter} from "@mail/chatter/web_portal/chatter";
import {patch} from "@web/core/utils/patch";
import {user} from "@web/core/user";
import {useService} from "@web/core/utils/hooks";

patch(Chatter.prototype, {
    setup() {
        super.setup(...arguments);
        this.crmEmailAction = useService("action");
        this.crmEmailOrm = useService("orm");
    },

    get canWriteCrmEmail() {
        const {thread} = this.state;
        return CARD_MODELS.includes(thread.model) && user.isInternalUser;
    },

    /** Odoo keeps what was changed on the form before a message is written, and so do we. */
    async writeCrmEmail() {
        if (this.props.saveRecord && !(await this.props.saveRecord())) {
            return;
        }
        const {thread} = this.state;
        const action = await this.crmEmailOrm.call(thread.model, "action_compose_crm_email", [
            [thread.id],
        ]);
        await this.crmEmailAction.doAction(action);
    },
});

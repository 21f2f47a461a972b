import {Activity} from "@mail/core/web/activity";
import {answerCrmEmail} from "./answer_actions";
import {_t} from "@web/core/l10n/translation";
import {patch} from "@web/core/utils/patch";

patch(Activity.prototype, {
    get crmEmailSubject() {
        const {level, subject} = this.props.activity.crm_email;
        return level === "private" ? _t("Email") : subject || _t("(no subject)");
    },

    /** The card that shows it, which may be another one than the activity's own. */
    get crmEmailCard() {
        return this.env.inChatter?.thread || this.thread;
    },

    async markCrmEmailProcessed() {
        const {activity} = this.props;
        const {orm} = this.env.services;
        const card = this.crmEmailCard;
        const {id} = activity;
        await orm.call("crm.email", "action_mark_processed", [[activity.crm_email.id]]);
        activity.remove();
        // Chatters of its other cards, in other tabs
        this.storeService.activityBroadcastChannel?.postMessage({
            type: "DELETE",
            payload: {id},
        });
        this.props.onActivityChanged(card);
    },

    answerCrmEmail() {
        const {activity} = this.props;
        return answerCrmEmail(
            this.storeService,
            activity.crm_email.id,
            "action_reply",
            this.crmEmailCard
        );
    },

    openCrmEmail() {
        return this.env.services.action.doAction({
            type: "ir.actions.act_window",
            res_model: "crm.email",
            res_id: this.props.activity.crm_email.id,
            views: [[false, "form"]],
        });
    },
});

import {_t} from "@web/core/l10n/translation";
import {registerMessageAction} from "@mail/core/common/message_actions";

const ANSWERS = [
    {
        id: "reply-crm-email",
        icon: "fa fa-reply",
        method: "action_reply",
        name: _t("Reply"),
        sequence: 1,
    },
    {
        id: "reply-all-crm-email",
        icon: "fa fa-reply-all",
        method: "action_reply_all",
        name: _t("Reply to All"),
        sequence: 2,
    },
    {
        id: "forward-crm-email",
        icon: "fa fa-share",
        method: "action_forward",
        name: _t("Forward"),
        sequence: 3,
    },
];

for (const {icon, id, method, name, sequence} of ANSWERS) {
    registerMessageAction(id, {
        condition: ({message}) => message.crm_email?.level === "full",
        icon,
        name,
        onSelected: ({message, thread}) =>
            answerCrmEmail(message.store, message.crm_email.id, method, thread),
        sequence,
    });
}

/**
 * Opens the window to answer or to forward a mail.
 *
 * @param {import("models").Store} store
 * @param {Number} emailId
 * @param {String} method of the mail
 * @param {import("models").Thread} [card] on which it is answered
 */
export async function answerCrmEmail(store, emailId, method, card) {
    const {action, orm} = store.env.services;
    const context = card?.isOrderedByDate
        ? {crm_email_card_id: card.id, crm_email_card_model: card.model}
        : {};
    const window = await orm.call("crm.email", method, [[emailId]], {context});
    await action.doAction(window);
}

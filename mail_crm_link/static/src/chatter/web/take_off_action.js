import {ACTION_TAGS} from "@mail/core/common/action";
import {ConfirmationDialog} from "@web/core/confirmation_dialog/confirmation_dialog";
import {_t} from "@web/core/l10n/translation";
import {registerMessageAction} from "@mail/core/common/message_actions";

registerMessageAction("take-crm-email-off-card", {
    condition: ({message, thread}) =>
        Boolean(message.crm_email && thread?.isOrderedByDate && thread.hasWriteAccess),
    icon: "fa fa-chain-broken",
    name: _t("Take off this Card"),
    onSelected: ({message, store, thread}) =>
        store.env.services.dialog.add(ConfirmationDialog, {
            title: _t("Take this email off the card?"),
            body: _t(
                "Only this email leaves only this card: %s. It stays in the mailbox and on its other cards, and the other emails of the conversation stay where they are.",
                thread.display_name || ""
            ),
            confirmLabel: _t("Take off"),
            confirm: () => takeOff(message, thread),
            cancel: () => undefined,
        }),
    sequence: 115,
    tags: ACTION_TAGS.DANGER,
});

/**
 * @param {import("models").Message} message
 * @param {import("models").Thread} thread
 */
async function takeOff(message, thread) {
    const {orm} = message.store.env.services;
    await orm.call("crm.email", "unlink_from", [[message.crm_email.id], thread.model, thread.id]);
    await thread.fetchThreadData(["activities", "messages"]);
}

import {registry} from "@web/core/registry";

const LIST = "mail_crm_link.crm_mailbox_action";

/** Back from the provider: the list of mailboxes, and over it what is still to be chosen. */
async function setUpMailbox({services}, {params}) {
    await services.action.doAction(LIST, {clearBreadcrumbs: true});
    const mailboxId = Number(params.resId);
    if (mailboxId) {
        const next = await services.orm.call("crm.mailbox", "action_set_up", [[mailboxId]]);
        await services.action.doAction(next);
    }
}
// As the controller of the sign-in names it.
setUpMailbox.path = "set-up-mailbox";

registry.category("actions").add("crm_mailbox_set_up", setUpMailbox);

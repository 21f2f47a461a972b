import {registry} from "@web/core/registry";

const LIST = "mail_crm_link.crm_mailbox_action";

/** Back from the provider: the list of mailboxes, and over it how it goes on. */
function overTheList(path, model, method) {
    async function goOn({services}, {params}) {
        await services.action.doAction(LIST, {clearBreadcrumbs: true});
        const resId = Number(params.resId);
        const next = resId && (await services.orm.call(model, method, [[resId]]));
        if (next) {
            await services.action.doAction(next);
        }
    }
    // As the controller of the sign-in names it.
    goOn.path = path;
    return goOn;
}

const actions = registry.category("actions");
actions.add("crm_mailbox_set_up", overTheList("set-up-mailbox", "crm.mailbox", "action_set_up"));
actions.add(
    "crm_mailbox_go_on",
    overTheList("connect-mailbox", "crm.mailbox.connect", "action_go_on")
);

import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {deserializeDateTime, formatDateTime} from "@web/core/l10n/dates";
import {registry} from "@web/core/registry";

const MODEL = "crm.email.composer";

/**
 * The window of a mail closes, and for some seconds it can be taken back. Whoever closes the
 * browser meanwhile leaves the mail to the server, which sends it a minute later.
 */
function sending(env, {params}) {
    const {id, later, seconds} = params;
    let timer = null;
    const closeNotification = env.services.notification.add(
        later
            ? _t("The email will be sent at %s.", formatDateTime(deserializeDateTime(later)))
            : _t("The email is being sent."),
        {
            type: "info",
            autocloseDelay: seconds * 1000,
            buttons: [
                {
                    name: _t("Undo"),
                    primary: true,
                    onClick: async () => {
                        browser.clearTimeout(timer);
                        closeNotification();
                        const action = await env.services.orm.call(MODEL, "action_undo", [[id]]);
                        env.services.action.doAction(action);
                    },
                },
            ],
        }
    );
    if (!later) {
        // The clocks of server and browser need not tick alike.
        timer = browser.setTimeout(() => send(env, params), seconds * 1000 + 500);
    }
    return {type: "ir.actions.act_window_close"};
}

async function send(env, {id, model, res_id}) {
    const {message, refused, state} = await env.services.orm.silent.call(MODEL, "send_waiting", [
        [id],
    ]);
    if (state === "failed") {
        env.services.notification.add(message, {
            type: "danger",
            sticky: true,
            buttons: [{name: _t("Open"), onClick: () => open(env, id)}],
        });
    } else if (refused || state !== "sent") {
        env.services.notification.add(refused || message, {type: "warning", sticky: true});
    }
    const thread = model && env.services["mail.store"]?.Thread.get({id: res_id, model});
    if (thread?.isLoaded) {
        thread.fetchThreadData(["activities", "messages"]);
    }
}

async function open(env, id) {
    const action = await env.services.orm.call(MODEL, "action_open", [[id]]);
    env.services.action.doAction(action);
}

registry.category("actions").add("mail_crm_link.sending", sending);

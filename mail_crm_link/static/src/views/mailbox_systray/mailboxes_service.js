import {reactive} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {session} from "@web/session";

const NOTIFICATION = "mail_crm_link.progress";
/** What is worth a look wherever one is. */
const NOTABLE = ["connecting", "error"];

/** The user's mailboxes that are synchronised for the first time, and those that need their owner. */
export const mailboxesService = {
    dependencies: ["bus_service"],

    start(env, {bus_service: bus}) {
        const notable = reactive(
            Object.fromEntries((session.crm_mailboxes || []).map((note) => [note.id, note]))
        );
        bus.subscribe(NOTIFICATION, (note) => {
            if (NOTABLE.includes(note.state)) {
                notable[note.id] = note;
            } else {
                delete notable[note.id];
            }
        });
        return notable;
    },
};

registry.category("services").add("mail_crm_link.mailboxes", mailboxesService);

import {registry} from "@web/core/registry";

const NOTIFICATION = "mail_crm_link.mail";

/** Tells on the desktop of new mail, to who wants it and looks elsewhere. */
export const newMailService = {
    dependencies: ["bus_service", "mail.out_of_focus", "orm"],

    start(env, services) {
        const {bus_service: bus, "mail.out_of_focus": outOfFocus, orm} = services;
        bus.subscribe(NOTIFICATION, async ({new: emailIds}) => {
            if (!emailIds.length || document.hasFocus()) {
                return;
            }
            const notes = await orm.silent.call("crm.email", "describe_new", [emailIds]);
            for (const {title, text} of notes) {
                outOfFocus.sendNotification({title, message: text, sound: false, type: "info"});
            }
        });
    },
};

registry.category("services").add("mail_crm_link.new_mail", newMailService);

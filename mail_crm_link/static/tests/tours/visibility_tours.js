import {registry} from "@web/core/registry";

const CHOICE = ".o_field_widget[name=conversation_visibility] select";

registry.category("web_tour.tours").add("mail_crm_link_conversation_visibility", {
    steps: () => [
        {
            content: "It is as for all mail of the mailbox",
            trigger: `${CHOICE}:has(option[value=mailbox]:checked)`,
        },
        {
            content: "Open this conversation",
            trigger: CHOICE,
            run: "select public",
        },
        {
            content: "It was kept",
            trigger: `${CHOICE}:has(option[value=public]:checked)`,
        },
    ],
});

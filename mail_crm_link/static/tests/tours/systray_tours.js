import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const ICON = ".o_menu_systray .o_crm_mailbox_systray";

tours.add("mail_crm_link_systray", {
    steps: () => [
        {trigger: `${ICON} .text-danger`},
        {trigger: ICON, run: "click"},
        {trigger: ".o_crm_mailbox_note:contains(second@our.example) [aria-valuenow='25']"},
        {trigger: ".o_crm_mailbox_note:contains(50 of 200 messages)"},
        {
            trigger: ".o_crm_mailbox_note:contains(The password is wrong) .btn-link",
            run: "click",
        },
        {
            content: "What is left to do is to enter the password",
            trigger: ".o_dialog .o_crm_mailbox_connect [name=password] input",
        },
        {trigger: ".o_dialog button:contains(Discard)", run: "click"},
        {trigger: "body:not(:has(.o_dialog))"},
        {trigger: ICON, run: "click"},
        {trigger: ".o_crm_mailbox_note:contains(second@our.example)", run: "click"},
        {trigger: ".o_form_view .o_arrow_button_current:contains(First synchronisation)"},
        {
            content: "Why nothing moves, and when it goes on",
            trigger: ".o_form_view .alert:contains(asks us to wait):contains(Next try:)",
        },
    ],
});

tours.add("mail_crm_link_mailbox_list", {
    steps: () => [
        {
            content: "Rate and time left can be read",
            trigger: ".o_data_row:contains(second@our.example) td:contains(50 of 200 messages)",
            run: ({anchor}) => {
                if (anchor.scrollWidth > anchor.clientWidth) {
                    throw new Error("The text is cut off.");
                }
            },
        },
        {trigger: ".o_switch_view.o_kanban", run: "click"},
        {trigger: ".o_kanban_record:contains(asks us to wait):contains(Next try:)"},
        {
            content: "Who is on a phone reads why, and can do something about it",
            trigger:
                ".o_kanban_record:contains(The password is wrong) button[name=action_reconnect]",
            run: "click",
        },
        {trigger: ".o_dialog .o_crm_mailbox_connect [name=password] input"},
    ],
});

tours.add("mail_crm_link_systray_quiet", {
    steps: () => [
        {trigger: ".o_menu_systray:has(.o_user_menu):not(:has(.o_crm_mailbox_systray))"},
    ],
});

import {registry} from "@web/core/registry";

const FORM = ".o_form_view";
const STEP_TIMEOUT = 60000;

function addTour(name, {steps}) {
    registry.category("web_tour.tours").add(name, {
        steps: () => steps().map((step) => ({timeout: STEP_TIMEOUT, ...step})),
    });
}

/** Choose a record by its name in a field that refers to one. */
function choose(field, name) {
    return [
        {trigger: `.o_field_widget[name=${field}] input`, run: `edit ${name}`},
        {trigger: `.o-autocomplete--dropdown-item:contains("/^${name}$/") a`, run: "click"},
    ];
}

addTour("mail_crm_link_automation_action", {
    steps: () => [
        ...choose("model_id", "Lead"),
        {
            trigger: `${FORM} .o_field_widget[name=state] :contains("/^Send 1:1 Email$/")`,
            run: "click",
        },
        {
            content: "What is missing is said",
            trigger: `${FORM} .alert:contains(choose the template)`,
        },
        ...choose("crm_email_template_id", "Follow-up on the offer"),
        {trigger: `${FORM}:not(:has(.alert-warning:visible))`},
        {trigger: "button[name=action_crm_email_preview]", run: "click"},
        ...choose("lead_id", "Pumps for the mill"),
        {trigger: ".modal .o_field_widget[name=subject]:contains(About Pumps for the mill)"},
        {trigger: ".modal .o_field_widget[name=email_to]:contains(anna@mill.example)"},
        {
            content: "And why nothing would be sent yet",
            trigger: ".modal .alert:contains(does not let automation write)",
        },
        {trigger: ".modal .modal-footer button:contains(Close)", run: "click"},
        {trigger: "body:not(:has(.modal)) button[name=create_action]", run: "click"},
        {trigger: "button[name=unlink_action]"},
    ],
});

addTour("mail_crm_link_automation_allow", {
    steps: () => [
        {trigger: ".nav-link[name=advanced]", run: "click"},
        {trigger: ".o_field_widget[name=automation] input", run: "click"},
        {trigger: ".o_field_widget[name=automation_per_day] input:value(200)"},
        {trigger: ".o_form_button_save", run: "click"},
        {trigger: ".o_form_saved"},
    ],
});

addTour("mail_crm_link_automation_run", {
    steps: () => [
        {trigger: `${FORM} .o_cp_action_menus button, .o_cp_action_menus button`, run: "click"},
        {trigger: ".o-dropdown--menu .o_menu_item:contains(Send 1:1 Email)", run: "click"},
        {trigger: ".o_notification:contains(on their way: 1)"},
    ],
});

addTour("mail_crm_link_automation_sent", {
    steps: () => [
        {trigger: ".o-mail-Chatter .o-mail-Message:contains(About Pumps for the mill)"},
    ],
});

addTour("mail_crm_link_automation_log", {
    steps: () => [{trigger: ".o_data_row:contains(Pumps for the mill):contains(Sent)"}],
});

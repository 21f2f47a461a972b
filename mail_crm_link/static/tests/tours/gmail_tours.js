import {registry} from "@web/core/registry";

// Milliseconds; on a loaded machine the first page alone takes longer than a step may by default.
const STEP_TIMEOUT = 60000;
const SIGN_IN = "button[name=action_sign_in]:contains(Sign in with Google)";
const FAILED = ".o_crm_sign_in_failed";

function addTour(name, steps) {
    registry.category("web_tour.tours").add(name, {
        steps: () => steps().map((step) => ({timeout: STEP_TIMEOUT, ...step})),
    });
}

/** Read what will be asked for, and go to the provider, which sends the browser back. */
function signIn() {
    return [
        {
            content: "The rights are shown before",
            trigger: ".o_field_widget[name=consent_rights]:contains(Read mail and settings)",
        },
        {trigger: SIGN_IN, run: "click", expectUnloadPage: true},
    ];
}

function failsWith(words) {
    return () => [...signIn(), {trigger: `${FAILED} .alert:contains(${words})`}];
}

addTour("mail_crm_link_gmail", () => [
    ...signIn(),
    {
        content: "The mailbox is connected, and says so",
        trigger: ".o_form_view:contains(You are signed in)",
    },
    {trigger: "button[name=action_sync_now]:visible", run: "click"},
    {trigger: ".o_arrow_button_current:contains(Connected)"},
]);

addTour("mail_crm_link_gmail_refused", failsWith("You did not allow it"));

addTour("mail_crm_link_gmail_wrong_account", () => [
    ...failsWith("You signed in as bob@our.example, and this mailbox is anna@our.example")(),
    {trigger: `${FAILED} a:contains(Back to the mailbox)`, run: "click", expectUnloadPage: true},
    {trigger: SIGN_IN},
]);

addTour("mail_crm_link_gmail_expired", failsWith("is not valid any more"));

addTour("mail_crm_link_gmail_replayed", failsWith("it was used already"));

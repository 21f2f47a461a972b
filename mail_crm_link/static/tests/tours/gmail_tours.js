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

const DIALOG = ".o_dialog .o_crm_mailbox_connect";

/** From the button "Connect" to the provider, with what it will be asked for shown before. */
function connect() {
    return [
        {trigger: ".o_view_nocontent a.btn-primary:contains(Connect)", run: "click"},
        {trigger: `${DIALOG} [name=email] input`, run: "edit anna@our.example"},
        {trigger: ".o_dialog button[name=action_find]", run: "click"},
        {trigger: `${DIALOG} [name=consent_rights]:contains(Read mail and settings)`},
        {
            trigger: `${DIALOG} button[name=action_provider_sign_in]:contains(Sign in with Google)`,
            run: "click",
            expectUnloadPage: true,
        },
    ];
}

addTour("mail_crm_link_gmail_connect", () => [
    ...connect(),
    {
        content: "Back from the provider, what becomes of the mail is still to be said",
        trigger: `${DIALOG} .alert-success:contains(Signed in as anna@our.example)`,
    },
    {trigger: `${DIALOG} [name=history_days] input`, run: "edit 30"},
    {trigger: `${DIALOG} [name=visibility] input[data-value=subject]`, run: "click"},
    {trigger: `${DIALOG} [name=inbound_unknown] input`, run: "click"},
    {trigger: ".o_dialog button[name=action_finish]", run: "click"},
    {trigger: ".o_form_view .o_statusbar_status [data-value=connecting].o_arrow_button_current"},
]);

addTour("mail_crm_link_gmail_give_up", () => [
    ...connect(),
    {trigger: `${DIALOG} .alert-success:contains(Signed in as anna@our.example)`},
    {trigger: ".o_dialog button[name=action_give_up]", run: "click"},
    {trigger: "body:not(:has(.o_dialog)) .o_view_nocontent"},
]);

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

const GO_TO_GOOGLE = {
    trigger: `${DIALOG} button[name=action_provider_sign_in]:contains(Sign in with Google)`,
    run: "click",
    expectUnloadPage: true,
};

/** From the button "Connect" to the provider, with what it will be asked for shown before. */
function connect() {
    return [
        {trigger: ".o_view_nocontent a.btn-primary:contains(Connect)", run: "click"},
        {trigger: `${DIALOG} [name=email] input`, run: "edit anna@our.example"},
        {trigger: ".o_dialog button[name=action_find]", run: "click"},
        {trigger: `${DIALOG} [name=consent_rights]:contains(Read mail and settings)`},
        GO_TO_GOOGLE,
    ];
}

const SIGNED_IN = {
    content: "Back from the provider, what becomes of the mail is still to be said",
    trigger: `${DIALOG} .alert-success:contains(Signed in as anna@our.example)`,
};
const FINISH = [
    {trigger: ".o_dialog button[name=action_finish]", run: "click"},
    {trigger: ".o_form_view .o_statusbar_status [data-value=connecting].o_arrow_button_current"},
];

/** The dialog is as it was left, and says why nothing came of it. */
function readsWhy(words) {
    return [
        {trigger: `${DIALOG} .alert-warning:contains(${words})`},
        {trigger: `${DIALOG} [name=email]:contains(anna@our.example)`},
    ];
}

addTour("mail_crm_link_gmail_connect", () => [
    ...connect(),
    SIGNED_IN,
    {trigger: `${DIALOG} [name=history_days] input`, run: "edit 30"},
    {trigger: `${DIALOG} [name=visibility] input[data-value=subject]`, run: "click"},
    {trigger: `${DIALOG} [name=inbound_unknown] input`, run: "click"},
    ...FINISH,
]);

addTour("mail_crm_link_gmail_give_up", () => [
    ...connect(),
    SIGNED_IN,
    {trigger: ".o_dialog button[name=action_give_up]", run: "click"},
    {trigger: "body:not(:has(.o_dialog)) .o_view_nocontent"},
]);

addTour("mail_crm_link_gmail_connect_refused", () => [
    ...connect(),
    ...readsWhy("You did not allow it"),
    {trigger: ".o_dialog button:contains(Discard)", run: "click"},
    {content: "No mailbox is half connected", trigger: "body:not(:has(.o_dialog)) .o_view_nocontent"},
    ...connect(),
    SIGNED_IN,
    ...FINISH,
]);

function triesAgain(words) {
    return () => [...connect(), ...readsWhy(words), GO_TO_GOOGLE, SIGNED_IN, ...FINISH];
}

addTour("mail_crm_link_gmail_connect_wrong_account", triesAgain("You signed in as bob@our.example"));

addTour("mail_crm_link_gmail_connect_expired", triesAgain("This sign-in is not valid any more"));

addTour("mail_crm_link_gmail_connect_replayed", () => [
    ...connect(),
    {trigger: `${FAILED} .alert:contains(it was used already)`},
    {
        content: "What came first counted",
        trigger: `${FAILED} a:contains(Go on with anna@our.example)`,
        run: "click",
        expectUnloadPage: true,
    },
    SIGNED_IN,
    ...FINISH,
]);

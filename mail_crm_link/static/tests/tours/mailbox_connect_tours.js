import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const DIALOG = ".o_dialog .o_crm_mailbox_connect";
const PASSWORD = `${DIALOG} [name=password] input`;
const FAILURE = ".o_crm_mailbox_failure";
// What the test server's users sign in with.
const RIGHT = "correct-horse";

function open(address) {
    return [
        {trigger: ".o_view_nocontent a.btn-primary:contains(Connect)", run: "click"},
        {trigger: `${DIALOG} [name=email] input`, run: `edit ${address}`},
        {trigger: ".o_dialog button[name=action_find]", run: "click"},
        {trigger: `${DIALOG} .o_crm_mailbox_sign_in`},
    ];
}

/** With two clicks, as some people do everywhere. */
function signIn(password) {
    return [
        {trigger: PASSWORD, run: `edit ${password}`},
        {trigger: `${DIALOG} .o_crm_mailbox_sign_in button:contains(Sign In)`, run: "dblclick"},
    ];
}

function fails(mark, sentence) {
    return [
        {trigger: `[data-mark=${mark}] .fa-times`},
        {
            trigger: `${FAILURE}:contains(${sentence})`,
            run: ({anchor}) => {
                const {left, top, height} = anchor.getBoundingClientRect();
                if (!anchor.contains(document.elementFromPoint(left + 5, top + height / 2))) {
                    throw new Error("The reason is out of sight.");
                }
            },
        },
        {trigger: `${DIALOG} summary:contains(Technical detail)`, run: "click"},
        {trigger: `${DIALOG} details[open] pre`},
    ];
}

const DISCARD = [
    {trigger: ".o_dialog button:contains(Discard)", run: "click"},
    {trigger: "body:not(:has(.o_dialog))"},
];

tours.add("mail_crm_link_connect", {
    steps: () => [
        ...open("seller@mill.example"),
        {trigger: `${DIALOG} [name=found]:contains(settings that the domain publishes)`},
        ...signIn(RIGHT),
        {trigger: `${DIALOG} .alert-success:contains(Signed in)`},
        {trigger: `${DIALOG} [name=folder_ids] tr:contains(INBOX)`},
        {trigger: `${DIALOG} [name=inbound_unknown] input`, run: "click"},
        {trigger: ".o_dialog button[name=action_finish]", run: "click"},
        {trigger: ".o_form_view .o_statusbar_status [data-value=connecting].o_arrow_button_current"},
    ],
});

tours.add("mail_crm_link_connect_wrong_password", {
    steps: () => [
        ...open("seller@mill.example"),
        ...signIn("wrong"),
        {trigger: "[data-mark=server] .fa-check"},
        ...fails("signed_in", "password is wrong"),
        {
            content: "It signed in once",
            trigger: `${DIALOG} ul:not(:has([data-mark=server] ~ [data-mark=server]))`,
        },
        ...signIn(RIGHT),
        {trigger: `${DIALOG} .alert-success:contains(Signed in)`},
        ...DISCARD,
    ],
});

tours.add("mail_crm_link_connect_unknown_host", {
    steps: () => [
        ...open("seller@mill.example"),
        {trigger: `${DIALOG} [name=hint]:contains(your provider or your administrator)`},
        {trigger: `${DIALOG} [name=imap_host] input`, run: "edit imap.mill.invalid"},
        ...signIn(RIGHT),
        ...fails("server", "was not found"),
        ...DISCARD,
    ],
});

tours.add("mail_crm_link_connect_app_password", {
    steps: () => [
        ...open("seller@yahoo.com"),
        {trigger: `${DIALOG} [name=hint]:contains(wants an app password)`},
        {trigger: `${DIALOG} [name=help_url] a[href^='https://help.yahoo.com/']`},
        {content: "What is asked for is the password", trigger: `${PASSWORD}:focus`},
        ...signIn("password of the page"),
        ...fails("signed_in", "app password"),
        {trigger: `${DIALOG} a[href^='https://help.yahoo.com/']:contains(help)`},
        ...DISCARD,
    ],
});

tours.add("mail_crm_link_connect_exchange", {
    steps: () => [
        ...open("seller@mill.example"),
        {trigger: `${DIALOG} [name=hint]:contains(your provider or your administrator)`},
        {trigger: `${DIALOG} [name=protocol] input[data-value=ews]`, run: "click"},
        {trigger: `${DIALOG}:not(:has([name=imap_host])) [name=ews_server]`},
        {trigger: `${DIALOG} [name=ews_username] input`, run: "edit MILL\\seller"},
        ...signIn("wrong"),
        ...fails("autodiscover", "User name used: MILL"),
        ...signIn(RIGHT),
        {trigger: `${DIALOG} .alert-success:contains(Signed in)`},
        {trigger: `${DIALOG} [name=folder_ids] tr:contains(INBOX)`},
        {trigger: ".o_dialog button[name=action_finish]", run: "click"},
        {trigger: ".o_form_view .o_statusbar_status [data-value=connecting].o_arrow_button_current"},
    ],
});

import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const ROW = ".o_crm_mailbox_list .o_data_row";
const PANE = ".o_crm_mail_pane";
const FRAME = `${PANE} .o_crm_email_body:eq(0) .o_crm_email_frame`;

const orm = () => odoo.__WOWL_DEBUG__.root.env.services.orm;
const pause = (duration = 400) => new Promise((resolve) => setTimeout(resolve, duration));

function check(condition, problem) {
    if (!condition) {
        throw new Error(problem);
    }
}

async function until(condition, problem) {
    for (let tries = 0; !condition(); tries++) {
        check(tries < 100, problem);
        await pause(100);
    }
}

/** The frame on the page that says ``text``. */
const frameWith = (text) =>
    [...document.querySelectorAll(".o_crm_email_frame")].find((frame) =>
        frame.contentDocument?.body?.textContent.includes(text)
    );
/** A step that waits until a mail on the page says ``text``. */
const reads = (text) => ({
    content: `The mail says: ${text}`,
    trigger: ".o_crm_email_body",
    run: () => until(() => frameWith(text), `the mail does not say: ${text}`),
});
const counts = (place, number) =>
    `.o_search_panel_category_value:contains(${place}) .o_search_panel_counter:contains(/^${number}$/)`;
const opens = (subject) => ({
    trigger: `${ROW}:contains(${subject}) .o_data_cell[name=subject]`,
    run: "click",
});
const searches = (text) => [
    {trigger: ".o_searchview_input", run: `edit ${text}`},
    {trigger: ".o_searchview_input", run: "press Enter"},
];

tours.add("mail_crm_link_window", {
    steps: () => [
        {content: "Folders tell what is unread", trigger: counts("Inbox", 4)},
        {trigger: ".o_search_panel_category_value header:contains(Inbox):has(.o_search_panel_counter)", run: "click"},
        {content: "What is unread is bold", trigger: `${ROW}.fw-bold:contains(Offer)`},
        opens("Offer"),
        reads("please find our offer"),
        {
            content: "What it quotes is folded",
            trigger: FRAME,
            run: () => {
                const quote = frameWith("please find").contentDocument.querySelector("details.quote");
                check(quote && !quote.open, "the quote is not folded");
                check(quote.textContent.includes("Could you send"), "the quote is not there");
            },
        },
        {content: "It is read now", trigger: `${ROW}:not(.fw-bold):contains(Offer)`},
        {trigger: counts("Inbox", 3)},
        {
            content: "Attachments are listed for what they are",
            trigger: `${PANE} .o_crm_email_attachments:contains(drawing.png):contains(Outlook's own format)`,
        },
        {trigger: `${PANE} button:contains(drawing.png)`, run: "click"},
        {content: "An image is looked at in place", trigger: ".o-FileViewer img[alt='Viewer'], .o-FileViewer-viewImage"},
        {trigger: ".o-FileViewer [aria-label='Close'], .o-FileViewer-headerButton[title^='Close']", run: "click"},
        {content: "The keyboard goes on", trigger: "body", run: "press j"},
        {trigger: `${ROW}.o_crm_shown:not(:contains(Offer))`},
        {trigger: "body", run: "press k"},
        {trigger: `${ROW}.o_crm_shown:contains(Offer)`},
        opens("Sale"),
        {
            content: "Images of the sender's server wait",
            trigger: `${PANE} button:contains(Show images)`,
            run: async () => {
                const frame = document.querySelector(".o_crm_mail_pane .o_crm_email_frame");
                const image = () => frame.contentDocument?.querySelector("img");
                await until(image, "there is no image");
                check(!image().hasAttribute("src"), "the image was loaded");
            },
        },
        {trigger: `${PANE} button:contains(Always from news@shop.example)`, run: "click"},
        {trigger: `${PANE}:contains(are always shown)`},
        {trigger: `${PANE} button:contains(Ask each time)`, run: "click"},
        {trigger: `${PANE} button:contains(Show images)`},
        opens("Visit"),
        {
            content: "An invitation says what, where and who",
            trigger: `${PANE} .o_crm_invitation:contains(Site visit):contains(Hall 3):contains(Anna Meyer)`,
        },
        opens("Re: Pumps"),
        reads("Thursday fits"),
        {trigger: `${PANE} .o_crm_conversation li:eq(2)`},
        {trigger: `${PANE} .o_crm_conversation li:eq(0) button`, run: "click"},
        {
            ...reads("twelve pumps"),
            content: "A mail of the conversation is read in its place",
        },
        {trigger: `${PANE} [aria-label='Open in full']`, run: "click"},
        {content: "Odoo's pager leads on", trigger: ".o_form_view .o_pager_next:enabled", run: "click"},
        {trigger: ".o_form_view .o_crm_email_body"},
        {trigger: ".o_back_button, .breadcrumb-item:contains(Mailboxes) a", run: "click"},
        {trigger: ROW},
    ],
});

tours.add("mail_crm_link_window_server_search", {
    steps: () => [
        {trigger: ROW},
        ...searches("flange"),
        {trigger: ".o_view_nocontent"},
        {trigger: "button:contains(Search on the server)", run: "click"},
        {
            content: "The server knows the text",
            trigger: `${ROW}:contains(Only there)`,
            run: () => {
                check(document.querySelectorAll(".o_data_row").length === 1, "others were found too");
            },
        },
        {trigger: ".o_facet_value:contains(On the server: “flange”)"},
    ],
});

tours.add("mail_crm_link_window_live", {
    steps: () => [
        {
            content: "Mail comes while the list is open",
            trigger: ".o_view_nocontent",
            run: async () => {
                const boxes = await orm().search("crm.mailbox", [["imap_host", "!=", false]]);
                await orm().call("crm.mailbox", "action_sync_now", [boxes]);
            },
        },
        {content: "It is there without reload", trigger: `${ROW}.fw-bold:contains(Just came)`},
        {trigger: counts("Inbox", 1)},
        {trigger: ".o_search_panel_category_value:contains(Inbox) .o_crm_to_process:contains(1)"},
        opens("Just came"),
        {trigger: `${PANE} button:contains(Mark as Processed)`, run: "click"},
        {
            content: "What is processed is taken off the counter",
            trigger: ".o_search_panel_category_value:contains(Inbox):not(:has(.o_crm_to_process))",
        },
    ],
});

tours.add("mail_crm_link_card_live", {
    steps: () => [
        {
            content: "A colleague has the card open when mail comes to it",
            trigger: ".o-mail-Chatter .o-mail-Message, .o-mail-Chatter .o-mail-Thread",
            run: async () => {
                // The channel of the card is asked for after the card is shown.
                await pause(4000);
                const [email] = await orm().search("crm.email", [["subject", "=", "Just came"]]);
                const [lead] = await orm().search("crm.lead", [["name", "=", "Live card"]]);
                await orm().call("crm.email", "link_to", [[email], "crm.lead", lead]);
            },
        },
        {
            content: "What waits shows without reload, and so does the counter",
            trigger: ".o-mail-ActivityList:contains(Just came), .o-mail-Activity:contains(Just came)",
        },
        {trigger: "button[name=action_open_crm_emails]:contains(1)"},
        {
            content: "Mail from before the card was made stands in its history, too",
            trigger: ".o-mail-Message:contains(Just came)",
        },
    ],
});

tours.add("mail_crm_link_window_phone", {
    steps: () => [
        {trigger: ".o_kanban_record:contains(Offer)", run: "click"},
        reads("please find our offer"),
        {
            content: "It fits the screen",
            trigger: ".o_form_view",
            run: () => check(document.body.scrollWidth <= window.innerWidth, "the page is wider than the screen"),
        },
    ],
});

tours.add("mail_crm_link_window_away", {
    steps: () => [
        opens("Offer"),
        {content: "It says that the server is away", trigger: `${PANE} .alert:contains(does not accept connections)`},
        {trigger: `${PANE} button:contains(Try again)`, run: "click"},
        {trigger: `${PANE} .alert:contains(does not accept connections)`},
    ],
});

tours.add("mail_crm_link_window_cancel", {
    steps: () => [
        opens("Offer"),
        {content: "Fetching takes long", trigger: `${PANE} button:contains(Cancel)`, run: "click"},
        {trigger: `${PANE} .alert:contains(was cancelled)`},
        {trigger: `${PANE} button:contains(Try again)`},
    ],
});

/** Longest time in milliseconds that the page did not answer, since this was started. */
function watchFreezes() {
    window.longestFreeze = 0;
    new PerformanceObserver((list) => {
        for (const {duration} of list.getEntries()) {
            window.longestFreeze = Math.max(window.longestFreeze, duration);
        }
    }).observe({entryTypes: ["longtask"]});
}

tours.add("mail_crm_link_window_hostile", {
    steps: () => [
        {
            trigger: ROW,
            run: watchFreezes,
        },
        {trigger: `${ROW} .o_data_cell[name=subject]`, run: "click"},
        {
            ...reads("canary-text"),
            timeout: 60000,
        },
        {
            content: "Nothing of the mail ran, or left its frame",
            trigger: FRAME,
            run: async () => {
                await pause(2500);
                const anchor = frameWith("canary-text");
                const page = anchor.contentDocument;
                const acting = "script,form,iframe,object,embed,link,meta[http-equiv=refresh],base,svg,video,audio";
                check(!page.body.querySelector(acting), "something that acts is left");
                check(!window.hostile && !anchor.contentWindow.hostile, "a script of the mail ran");
                check(!anchor.sandbox.contains("allow-scripts"), "scripts are allowed");
                check(location.pathname.startsWith("/odoo"), "the page was led away");
                check(window.longestFreeze < 1000, `the page froze for ${window.longestFreeze} ms`);
                const covered = document.elementFromPoint(20, 20).closest(".o_main_navbar");
                check(covered, "the mail covers the page");
            },
        },
    ],
});

tours.add("mail_crm_link_window_frame", {
    steps: () => [
        {trigger: `${ROW} .o_data_cell[name=subject]`, run: "click"},
        reads("canary-text"),
        {
            content: "Nothing of the mail ran",
            trigger: FRAME,
            run: async () => {
                await pause(2500);
                const anchor = frameWith("canary-text");
                check(!window.hostile && !anchor.contentWindow.hostile, "a script of the mail ran");
                check(location.pathname.startsWith("/odoo"), "the page was led away");
            },
        },
    ],
});

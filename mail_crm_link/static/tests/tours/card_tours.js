import {registry} from "@web/core/registry";

const MESSAGE = ".o-mail-Chatter .o-mail-Message";
const tours = registry.category("web_tour.tours");

/** @returns {String[]} what the messages on screen say, newest first */
function shownTexts() {
    return [...document.querySelectorAll(MESSAGE)].map((message) => {
        const shadow = [...message.querySelectorAll("*")].find((el) => el.shadowRoot);
        const body =
            shadow?.shadowRoot.querySelector("span") ||
            message.querySelector(".o-mail-Message-body");
        return body.textContent.trim();
    });
}

function assertShown(expected) {
    const shown = shownTexts();
    if (JSON.stringify(shown) !== JSON.stringify(expected)) {
        throw new Error(`expected ${expected.join(", ")}; shown ${shown.join(", ")}`);
    }
}

/** Texts of the days from `newest` down to `oldest`, as the tests name messages. */
function days(newest, oldest) {
    const length = newest - oldest + 1;
    return Array.from({length}, (_, index) => `Day ${newest - index}`);
}

function pause() {
    return new Promise((resolve) => setTimeout(resolve, 500));
}

/** As a person does: down to the end of what is loaded. */
function scrollDown() {
    const chatter = document.querySelector(".o-mail-Chatter");
    chatter.scrollTop = chatter.scrollHeight;
}

function isInView(element) {
    const {bottom, top} = element.getBoundingClientRect();
    return top >= 0 && bottom <= window.innerHeight;
}

function orm() {
    return odoo.__WOWL_DEBUG__.root.env.services.orm;
}

function writeNote(text) {
    return [
        {trigger: ".o-mail-Chatter-logNote", run: "click"},
        {
            trigger: ".o-mail-Composer-input, .o-mail-Composer .odoo-editor-editable",
            run: `edit ${text}`,
        },
        {trigger: ".o-mail-Composer-send:enabled", run: "click"},
        {trigger: `${MESSAGE}:contains(${text})`},
    ];
}

tours.add("mail_crm_link_chatter_order", {
    steps: () => [
        {
            content: "The first page is in order of date",
            trigger: `${MESSAGE}:eq(29)`,
            run: () => assertShown(days(69, 40)),
        },
        {
            trigger: ".o-mail-Chatter",
            run: scrollDown,
        },
        {
            content: "So is what the next page adds, and the view stays where it is",
            trigger: `${MESSAGE}:eq(59)`,
            run: async () => {
                await pause();
                assertShown(days(69, 10));
            },
        },
        {
            trigger: ".o-mail-Chatter",
            run: scrollDown,
        },
        {
            content: "It ends with the first message",
            trigger: `${MESSAGE}:eq(69)`,
            run: () => assertShown(days(69, 0)),
        },
        {trigger: ".o-mail-Chatter:not(:has(button:contains(Load More)))"},
        ...writeNote("Newest of all"),
        {
            content: "A new note stands on top",
            trigger: `${MESSAGE}:eq(70)`,
            run: () => assertShown(["Newest of all", ...days(69, 0)]),
        },
    ],
});

tours.add("mail_crm_link_chatter_late_mail", {
    steps: () => [
        {
            content: "While the card is open, a mail of long ago arrives, another one goes",
            trigger: `${MESSAGE}:eq(1)`,
            run: async () => {
                assertShown(["Day 9", "Day 1"]);
                const [lead] = await orm().search("crm.lead", [["name", "=", "Late"]]);
                const [late] = await orm().search("crm.email", [["subject", "=", "Late"]]);
                const [gone] = await orm().search("crm.email", [["subject", "=", "Gone"]]);
                await orm().call("crm.email", "link_to", [[late], "crm.lead", lead]);
                await orm().call("crm.email", "unlink_from", [[gone], "crm.lead", lead]);
            },
        },
        ...writeNote("Newest of all"),
        {
            content: "The late one stands at its place",
            trigger: `${MESSAGE}:contains(Late)`,
            run: () => assertShown(["Newest of all", "Day 5", "Day 1"]),
        },
    ],
});

tours.add("mail_crm_link_chatter_search", {
    steps: () => [
        {trigger: `${MESSAGE}:eq(29)`},
        {trigger: "[aria-label='Search Messages']", run: "click"},
        {trigger: ".o-mail-SearchMessageInput input", run: "edit Subject 31"},
        {trigger: ".o-mail-SearchMessageInput input", run: "press Enter"},
        {
            content: "Mail is found, newest first",
            trigger: ".o-mail-SearchMessageResult .o-mail-Message:contains(Subject 31)",
            run: "hover",
        },
        {
            trigger: ".o-mail-SearchMessageResult .o-mail-MessageCard-jump:not(:visible)",
            run: "click",
        },
        {
            content: "A jump loads what is around the mail",
            trigger: `${MESSAGE}.o-highlighted:contains(Subject 31)`,
            run: async ({anchor}) => {
                // 30 newer ones, the mail, and 29 older ones
                assertShown(days(61, 2));
                for (let tries = 0; !isInView(anchor); tries++) {
                    if (tries === 12) {
                        throw new Error("the mail is not in view");
                    }
                    await pause();
                }
            },
        },
    ],
});

tours.add("mail_crm_link_emails_tab", {
    steps: () => [
        {trigger: ".o_form_view .nav-link:contains(Emails)", run: "click"},
        {
            trigger: ".o_crm_card_emails .o_data_row .o_data_cell:contains(Hostile)",
            run: "click",
        },
        {
            content: "The body is in a frame without scripts",
            trigger: ".o_crm_email_frame",
            run: async ({anchor}) => {
                await pause();
                if (anchor.sandbox.contains("allow-scripts")) {
                    throw new Error("scripts are allowed");
                }
                const body = anchor.contentDocument.body;
                if (!body.textContent.includes("Offer for pumps")) {
                    throw new Error("the text is not shown");
                }
                if (window.hostile || anchor.contentWindow.hostile) {
                    throw new Error("a script of the mail ran");
                }
                if (body.querySelector("img").hasAttribute("src")) {
                    throw new Error("a remote image was loaded");
                }
                if (anchor.clientHeight < body.scrollHeight) {
                    throw new Error("the frame does not fit its content");
                }
            },
        },
        {trigger: "button:contains(Show images)", run: "click"},
        {
            trigger: ".o_crm_email_body:not(:has(button:contains(Show images)))",
            run: async () => {
                await pause();
                const frame = document.querySelector(".o_crm_email_frame");
                const image = frame.contentDocument.querySelector("img");
                if (image.getAttribute("src") !== "https://images.invalid/a.png") {
                    throw new Error("the image is not shown");
                }
            },
        },
        {
            content: "It tells on which cards the mail is and why",
            trigger: ".o_crm_email_form:contains(Address of the test)",
        },
        {trigger: ".o_crm_email_form a:contains(Mill)", run: "click"},
        {trigger: ".o_form_view .nav-link:contains(Emails)"},
    ],
});

tours.add("mail_crm_link_masked", {
    steps: () => [
        {
            content: "Others see that there was a mail, and no more",
            trigger: `${MESSAGE}:contains(Anna Meyer)`,
            run: () => {
                const page = document.querySelector(".o-mail-Chatter").textContent;
                if (page.includes("Secret") || shownTexts().join().includes("Secret")) {
                    throw new Error("the mail is not masked");
                }
            },
        },
        {trigger: `${MESSAGE} a:contains(Email)`, run: "click"},
        {trigger: ".o_crm_email_form .alert:contains(private)"},
    ],
});

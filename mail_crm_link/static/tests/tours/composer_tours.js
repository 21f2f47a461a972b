import {registry} from "@web/core/registry";

const MESSAGE = ".o-mail-Chatter .o-mail-Message";
const WINDOW = ".modal .o_crm_email_composer";
const tours = registry.category("web_tour.tours");

/** On the first line, above the signature and the quote. */
function type(text) {
    return {
        trigger: `${WINDOW} .odoo-editor-editable p`,
        run: ({anchor}) => {
            anchor.textContent = text;
            anchor.dispatchEvent(new InputEvent("input", {bubbles: true}));
        },
    };
}

function recipient(field, address) {
    const input = `${WINDOW} .o_field_widget[name=${field}] input`;
    return [
        {trigger: input, run: `edit ${address}`},
        {trigger: input, run: "press Enter"},
        {trigger: `${WINDOW} .o_field_widget[name=${field}] .o_tag:contains(${address})`},
    ];
}

const CC = `${WINDOW} .o_field_widget[name=cc]`;

/** Typed, and nobody chosen. */
function leftInCc(text) {
    const subject = `${WINDOW} .o_field_widget[name=subject] input`;
    return [
        {trigger: `${CC} input`, run: `edit ${text}`},
        {trigger: subject, run: "edit Pumps for the mill"},
        {trigger: `${CC} .o_tag:contains(${text})`},
    ];
}

const LONGER_THAN_BETWEEN_TWO_SAVES = [1, 2].map(() => ({
    trigger: `${WINDOW} .o_field_widget[name=subject] input`,
    run: () => new Promise((resolve) => setTimeout(resolve, 6000)),
}));
const SEND = {trigger: ".modal-footer button.o_crm_email_send", run: "click"};

tours.add("mail_crm_link_compose", {
    steps: () => [
        {trigger: ".o-mail-crm-link-write", run: "click"},
        {
            content: "To is filled with the contact",
            trigger: `${WINDOW} .o_field_widget[name=to] .o_tag:contains(Anna Meyer)`,
        },
        ...recipient("to", "second@mill.example"),
        ...recipient("cc", "boss@mill.example"),
        {trigger: `${WINDOW} .o_field_widget[name=subject] input`, run: "edit Our offer"},
        type("Twelve pumps for you"),
        {trigger: `${WINDOW} button:contains(From the record)`, run: "click"},
        {trigger: ".modal .o_data_row:contains(price list) .o_data_cell", run: "click"},
        {trigger: `${WINDOW} .o_attachment:contains(price list)`},
        SEND,
        {content: "Sent after the time to undo, and on the card", trigger: ".o_notification:contains(being sent)"},
        {trigger: `${MESSAGE}:contains(Our offer)`, timeout: 30000},
        {
            content: "And it stays after a reload",
            trigger: "body",
            run: () => window.location.reload(),
            expectUnloadPage: true,
        },
        {trigger: `${MESSAGE}:contains(Our offer)`},
    ],
});

tours.add("mail_crm_link_compose_unchosen", {
    steps: () => [
        {trigger: ".o-mail-crm-link-write", run: "click"},
        ...leftInCc("Nobody Known"),
        {trigger: `${CC} [role=alert]:contains(No email address: Nobody Known)`},
        {content: "A click brings it back to be corrected", trigger: `${CC} .o_tag`, run: "click"},
        {trigger: `${CC}:not(:has(.o_tag)) input:value(Nobody Known)`},
        ...leftInCc("boss@mill.example"),
        {trigger: `${CC}:not(:has([role=alert])) .o_tag:contains(boss@mill.example)`},
        SEND,
        {trigger: ".o_notification:contains(being sent)"},
        {trigger: `${MESSAGE}:contains(Pumps for the mill)`, timeout: 30000},
    ],
});

tours.add("mail_crm_link_compose_unwritten", {
    steps: () => [
        {trigger: ".o-mail-crm-link-write", run: "click"},
        {trigger: `${WINDOW} .o_field_widget[name=to] .o_tag:contains(Anna Meyer)`},
        {trigger: ".modal-header .btn-close", run: "click"},
        {trigger: "body:not(:has(.modal))"},
        {trigger: ".o-mail-crm-link-write", run: "click"},
        {trigger: `${WINDOW} .o_field_widget[name=subject] input`, run: "edit A beginning"},
        ...LONGER_THAN_BETWEEN_TWO_SAVES,
        {trigger: `${WINDOW} .o_field_widget[name=subject] input`, run: "edit A beginning, changed"},
        {trigger: ".modal-header .btn-close", run: "click"},
        {trigger: "body:not(:has(.modal))"},
    ],
});

tours.add("mail_crm_link_compose_reply", {
    steps: () => [
        {trigger: `${MESSAGE}:contains(Pumps?)`, run: "hover"},
        {trigger: `${MESSAGE} button[name=reply-crm-email]`, run: "click"},
        {trigger: `${WINDOW} .o_field_widget[name=to] .o_tag:contains(Anna Meyer)`},
        {trigger: `${WINDOW} blockquote:contains(Hello there)`},
        type("Yes, of course"),
        SEND,
        {trigger: `${MESSAGE}:contains(Re: Pumps?)`, timeout: 30000},
    ],
});

tours.add("mail_crm_link_compose_undo", {
    steps: () => [
        {trigger: ".o-mail-crm-link-write", run: "click"},
        {trigger: `${WINDOW} .o_field_widget[name=subject] input`, run: "edit Taken back"},
        SEND,
        {trigger: ".o_notification button:contains(Undo)", run: "click"},
        {trigger: `${WINDOW} .o_field_widget[name=subject] input:value(Taken back)`},
        {trigger: `${WINDOW} .o_field_widget[name=subject] input`, run: "edit Kept"},
        {trigger: ".modal-header .btn-close", run: "click"},
        {trigger: "body:not(:has(.modal))"},
    ],
});

import {registry} from "@web/core/registry";

// Milliseconds; on a loaded machine the first page alone takes longer than a step may by default.
const STEP_TIMEOUT = 60000;
const BLOCK = ".o_crm_connections";
const TODO = ".o-mail-Chatter .o-mail-Activity";
const RULES = ".o_field_widget[name=rule_ids]";

function addTour(name, {steps}) {
    registry.category("web_tour.tours").add(name, {
        steps: () => steps().map((step) => ({timeout: STEP_TIMEOUT, ...step})),
    });
}

/** The row of a scenario on the form of a mailbox. */
function ruleRow(name) {
    return `${RULES} .o_data_row:contains(${name})`;
}

/** The entry of a card in the connections of a mail. */
function card(name) {
    return `${BLOCK} .o_crm_connection:contains(${name})`;
}

function switchOn(scenario) {
    return [
        {
            trigger: `${ruleRow(scenario)} .o_boolean_toggle input:not(:checked)`,
            run: "click",
        },
        {trigger: `${ruleRow(scenario)} .o_boolean_toggle input:checked`},
    ];
}

const listIsLoadedAgain = {
    content: "The list is loaded again: nothing is selected, and nothing is to be done with it",
    trigger: ".o_control_panel:not(:has(button:contains(Link to)))",
};

function selectAllRows() {
    return [
        {trigger: ".o_list_view .o_data_row"},
        {trigger: ".o_list_view thead .o_list_record_selector input", run: "click"},
    ];
}

addTour("mail_crm_link_scenarios", {
    steps: () => [
        ...switchOn("Mail from an unknown address"),
        ...switchOn("Mail to an unknown address"),
        ...switchOn("Mail from a known contact"),
        {
            content: "A row opens all that can be chosen for it",
            trigger: `${ruleRow("Mail to an unknown address")} td[name=target]`,
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=target] input, .modal select#target_0",
            run: "click",
        },
        {trigger: ".o_select_menu_item:contains(Company)", run: "click"},
        {trigger: ".modal .o_form_button_save", run: "click"},
        {trigger: `${ruleRow("Mail to an unknown address")} td[name=target]:contains(Company)`},
        {trigger: ".o_form_button_save", run: "click"},
        {trigger: ".o_form_saved"},
        {
            trigger: `${ruleRow("Mail from an unknown address")} button[name=action_rehearse]`,
            run: "click",
        },
        {
            content: "The rehearsal tells what would be made, and what not and why",
            trigger: ".modal .o_data_row:contains(Automatic mail)",
        },
        {
            trigger: ".modal .o_data_row:contains(Not this one) td[name=chosen]",
            run: "click",
        },
        {
            trigger:
                ".modal .o_data_row:contains(Not this one) td[name=chosen] input:not(:checked)",
        },
        {trigger: ".modal button[name=action_create]", run: "click"},
        {
            content: "What was chosen is made, and listed",
            trigger:
                ".o_list_view:not(:contains(Not this one)) .o_data_row:contains(Old question)",
        },
    ],
});

addTour("mail_crm_link_connections", {
    steps: () => [
        {
            content: "Each card tells why the mail is on it",
            trigger: `${card("Anna Meyer")}:contains(Address of Anna Meyer)`,
        },
        {trigger: `${BLOCK}_edit`, run: "click"},
        {
            trigger: `${card("Twelve pumps")} .o_crm_connection_remove`,
            run: "click",
        },
        {trigger: `${card("Twelve pumps")}:contains(Will be removed)`},
        {
            content: "Discard leaves all as it was",
            trigger: `${BLOCK}_discard`,
            run: "click",
        },
        {trigger: `${card("Twelve pumps")}:contains(Open opportunity)`},
        {trigger: `${BLOCK}_edit`, run: "click"},
        {
            trigger: `${card("Twelve pumps")} .o_crm_connection_remove`,
            run: "click",
        },
        {
            content: "A card that is there is searched",
            trigger: `${BLOCK}_search input`,
            run: "edit Spare parts",
        },
        {
            trigger: `.o-autocomplete--dropdown-item:contains(Spare parts)`,
            run: "click",
        },
        {trigger: `${card("Spare parts")}:contains(Will be added)`},
        {
            content: "One that is not is created in place, out of the mail",
            trigger: `${BLOCK}_create[data-target=lead]`,
            run: "click",
        },
        {
            trigger: ".o_crm_connection_form input[name=email_from]:value(anna@mill.example)",
        },
        {
            trigger: ".o_crm_connection_form input[name=name]",
            run: "edit Service contract",
        },
        {trigger: ".o_crm_connection_form_add", run: "click"},
        {trigger: `${card("Service contract")}:contains(Will be created)`},
        {trigger: `${BLOCK}_save`, run: "click"},
        {
            content: "Saved: with the reason, and without what was removed",
            trigger: `${BLOCK}:not(:contains(Twelve pumps)):not(.o_crm_connections_editing)`,
        },
        {trigger: `${card("Service contract")}:contains(By hand)`},
        {trigger: `${card("Spare parts")}:contains(By hand)`},
    ],
});

addTour("mail_crm_link_connections_refused", {
    steps: () => [
        {trigger: `${BLOCK}_edit`, run: "click"},
        {
            content: "What is not the user's to remove says why",
            trigger: `${card("Twelve pumps")} [data-why-not*='may not edit']:has(button:disabled)`,
        },
        {trigger: `${BLOCK}_create`},
    ],
});

addTour("mail_crm_link_candidates", {
    steps: () => [
        {
            trigger: `${BLOCK}_candidates button:contains(Roof)`,
            run: "click",
        },
        {trigger: card("Roof")},
        {trigger: `${BLOCK}:not(:has(${BLOCK}_candidates))`},
    ],
});

addTour("mail_crm_link_create_anyway", {
    steps: () => [
        {trigger: "button[name=action_sync_now]", run: "click"},
        {trigger: ".oe_stat_button:contains(Emails):contains(1)", run: "click"},
        {trigger: ".o_data_row td:contains(Spring sale)", run: "click"},
        {trigger: `${BLOCK}:contains(No card has any of its addresses)`},
        {trigger: `${BLOCK}_create_anyway`, run: "click"},
        {trigger: `${card("Spring sale")}:contains(Rule)`},
    ],
});

addTour("mail_crm_link_todo", {
    steps: () => [
        {
            content: "What waits on the opportunity stands on its company's card too",
            trigger: `${TODO}:contains(Anna Meyer):contains(Delivery date)`,
        },
        {trigger: ".o-mail-crm-link-processed", run: "click"},
        {trigger: `.o-mail-Chatter:not(:has(.o-mail-Activity))`},
        {
            content: "It stands in the history",
            trigger: ".o-mail-Chatter .o-mail-Message:contains(Delivery date)",
        },
    ],
});

addTour("mail_crm_link_todo_private", {
    steps: () => [
        {
            content: "Who may not read the mail sees that one waits, and from whom",
            trigger: `${TODO}:contains(Anna Meyer)`,
            run: ({anchor}) => {
                if (anchor.textContent.includes("Delivery date")) {
                    throw new Error("the subject of a private mail is shown");
                }
            },
        },
    ],
});

addTour("mail_crm_link_take_off", {
    steps: () => [
        {
            trigger: ".o-mail-Chatter .o-mail-Message:contains(Delivery date)",
            run: "hover",
        },
        {
            trigger: ".o-mail-Message:contains(Delivery date) [name^=more-action]",
            run: "click",
        },
        {trigger: ".o-dropdown-item[name=take-crm-email-off-card]", run: "click"},
        {
            content: "It is said what happens, and what does not",
            trigger: ".modal:contains(only this card) .btn-primary",
            run: "click",
        },
        {
            trigger:
                ".o-mail-Chatter:not(:contains(Delivery date)):has(.o-mail-Activity:contains(Order))",
        },
    ],
});

addTour("mail_crm_link_undo", {
    steps: () => [
        ...selectAllRows(),
        {trigger: ".o_control_panel button:contains(Undo and Block Sender)", run: "click"},
        {trigger: ".modal .btn-primary", run: "click"},
        {
            content: "They are gone from what is still there",
            trigger: ".o_list_view:not(:has(.o_data_row))",
        },
    ],
});

addTour("mail_crm_link_undo_on_card", {
    steps: () => [
        {trigger: "button[name=action_undo_crm_email_creation]", run: "click"},
        {trigger: ".modal .btn-primary", run: "click"},
        {
            content: "What is left of what was made is listed",
            trigger: ".o_last_breadcrumb_item:contains(Created from Mail)",
        },
    ],
});

addTour("mail_crm_link_list_actions", {
    steps: () => [
        ...selectAllRows(),
        {trigger: ".o_control_panel button:contains(Mark as Processed)", run: "click"},
        listIsLoadedAgain,
        ...selectAllRows(),
        {trigger: ".o_control_panel button:contains(Link to)", run: "click"},
        {trigger: ".modal .o_field_widget[name=lead_ids] input", run: "edit Spare parts"},
        {
            trigger: ".o-autocomplete--dropdown-item a:contains(Spare parts)",
            run: "click",
        },
        {trigger: ".modal button[name=action_link]", run: "click"},
        listIsLoadedAgain,
        ...selectAllRows(),
        {trigger: ".o_control_panel button:contains(Remove from)", run: "click"},
        {trigger: ".modal .o_field_widget[name=lead_ids] input", run: "click"},
        {
            trigger: ".o-autocomplete--dropdown-item a:contains(Twelve pumps)",
            run: "click",
        },
        {trigger: ".modal button[name=action_remove]", run: "click"},
        listIsLoadedAgain,
    ],
});

addTour("mail_crm_link_received", {
    steps: () => [
        {trigger: "button[name=action_sync_now]", run: "click"},
        {
            content: "The mails of the server are there",
            trigger: ".oe_stat_button:contains(Emails):contains(3)",
        },
        {trigger: ".oe_stat_button:contains(Created from Mail)", run: "click"},
        {trigger: ".o_data_row:contains(dora@neu.example):contains(Contact)"},
        {
            trigger: ".o_data_row:contains(Price list) td[name=card_name]",
            run: "click",
        },
        {
            content: "The lead was made from the mail, which waits on it",
            trigger: `${TODO}:contains(Carla Stranger):contains(Price list)`,
        },
        {trigger: ".o-mail-crm-link-open", run: "click"},
        {
            content: "The mail tells which rule put it there",
            trigger: `${card("Price list")}:contains(Rule)`,
        },
    ],
});

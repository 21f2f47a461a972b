import {registry} from "@web/core/registry";

const tours = registry.category("web_tour.tours");

tours.add("mail_crm_link_sentiment_allowed", {
    steps: () => [
        {
            content: "Nothing is judged before its owner allows it",
            trigger: ".o_field_widget[name=sentiment_choice] input[data-value=deny]:checked",
        },
        {
            content: "The setting lists the languages that work",
            trigger: ".o_field_widget[name=sentiment_note]:contains(English)",
        },
        {
            trigger: ".o_field_widget[name=sentiment_choice] input[data-value=allow]",
            run: "click",
        },
        {trigger: ".o_form_button_save", run: "click"},
        {trigger: ".o_form_saved"},
    ],
});

tours.add("mail_crm_link_sentiment_on_card", {
    steps: () => [
        {
            content: "The trend stands on the opportunity, in words, too",
            trigger:
                ".oe_stat_button .o_field_widget[name=mail_sentiment_trend]:contains(Negative):contains(getting worse)",
        },
        {
            content: "One bar for each mail that was judged",
            trigger: ".o_crm_mood_bar:nth-child(2) .o_crm_mood_down.o_crm_mood_negative",
        },
        {
            content: "Each mail says it in the chatter",
            trigger: ".o-mail-Message .o-mail-crm-link-sentiment:has(.fa-frown-o):contains(Negative)",
        },
        {
            trigger: ".o-mail-Message .o-mail-crm-link-sentiment:has(.fa-smile-o):contains(Positive)",
        },
    ],
});

const SMILING = ".o_data_row .o_field_widget[name=sentiment] .fa-smile-o[title=Positive]";

tours.add("mail_crm_link_sentiment_filter", {
    steps: () => [
        {
            content: "Beside a mail there is room for the icon, which says its word",
            trigger: SMILING,
        },
        {trigger: ".o_searchview_dropdown_toggler", run: "click"},
        {trigger: ".o_filter_menu .o_menu_item:contains(/^Negative$/)", run: "click"},
        {
            content: "Only what is negative is left",
            trigger: `.o_list_view:not(:has(${SMILING}))`,
        },
        {trigger: ".o_data_row .o_field_widget[name=sentiment] .fa-frown-o[title=Negative]"},
    ],
});

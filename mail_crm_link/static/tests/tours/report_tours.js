import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("mail_crm_link_report", {
    steps: () => [
        {trigger: ".o_graph_view canvas"},
        {trigger: ".o_switch_view.o_pivot", run: "click"},
        {trigger: ".o_pivot_view th:contains('Waiting')"},
        {trigger: ".o_pivot_view th:contains('Unanswered')"},
        {trigger: ".o_switch_view.o_calendar", run: "click"},
        {trigger: ".o_calendar_view"},
        {trigger: ".o_switch_view.o_list", run: "click"},
        {
            content: "The list opens the mail itself",
            trigger: ".o_list_view .o_data_cell[name='kind']:contains('Sent')",
            run: "click",
        },
        {trigger: ".o_form_view:contains('Our offer')"},
    ],
});

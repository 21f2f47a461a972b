import {registry} from "@web/core/registry";

const card = ".o_kanban_record:contains('Figures')";

registry.category("web_tour.tours").add("mail_crm_link_dashboard", {
    steps: () => [
        {trigger: `${card} a:contains('2 h 00 min'):contains('Response Time')`},
        {trigger: `${card} a:contains('2'):contains('Received in 7 Days')`},
        {
            content: "What waits stands in the list",
            trigger: `${card} a:contains('1'):contains('Waiting for an Answer')`,
            run: "click",
        },
        {trigger: ".o_facet_value:contains('Waiting')"},
        {trigger: ".o_list_view .o_data_cell[name='kind']:contains('Waiting')"},
        {trigger: ".o_switch_view.o_graph", run: "click"},
        {trigger: ".o_graph_view canvas"},
    ],
});

import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {useService} from "@web/core/utils/hooks";

/** The offer to look for the words of the search on the mail server too, where all texts are. */
export class ServerSearch extends Component {
    static template = "mail_crm_link.ServerSearch";
    static props = {};

    setup() {
        this.orm = useService("orm");
        this.notification = useService("notification");
        this.state = useState({isSearching: false});
    }

    /** What was typed into the search bar. */
    get text() {
        const {query, searchItems} = this.env.searchModel;
        const typed = query.filter(
            ({autocompleteValue, searchItemId}) =>
                autocompleteValue && searchItems[searchItemId].type === "field"
        );
        return typed.map(({autocompleteValue}) => autocompleteValue.value).join(" ");
    }

    async search() {
        const {text} = this;
        this.state.isSearching = true;
        try {
            const found = await this.orm.call("crm.email", "search_on_server", [text]);
            for (const problem of found.problems) {
                this.notification.add(problem, {type: "warning"});
            }
            this.show(text, found.ids);
        } finally {
            this.state.isSearching = false;
        }
    }

    show(text, ids) {
        const {searchModel} = this.env;
        searchModel.blockNotification = true;
        searchModel.clearQuery();
        searchModel.blockNotification = false;
        searchModel.createNewFilters([
            {
                description: _t("On the server: “%s”", text),
                domain: `[("id", "in", ${JSON.stringify(ids)})]`,
            },
        ]);
    }
}

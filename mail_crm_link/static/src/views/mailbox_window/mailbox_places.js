import {SearchPanel} from "@web/search/search_panel/search_panel";
import {useBus, useService} from "@web/core/utils/hooks";

export const PLACES_CHANGED = "MAIL_CRM_LINK:PLACES_CHANGED";
const FIELD = "place";

/** Mailboxes and folders, with what is unread in them and what is to be processed. */
export class MailboxPlaces extends SearchPanel {
    static subTemplates = {
        ...SearchPanel.subTemplates,
        category: "mail_crm_link.MailboxPlaces.Category",
    };

    setup() {
        super.setup();
        this.orm = useService("orm");
        useBus(this.env.bus, PLACES_CHANGED, () => this.count());
    }

    /** Counts anew what the places hold; the list beside them stays as it is. */
    async count() {
        const {searchModel} = this.env;
        const place = searchModel.categories.find(({fieldName}) => fieldName === FIELD);
        if (place) {
            const range = await this.orm.silent.call("crm.email", "search_panel_select_range", [
                FIELD,
            ]);
            searchModel._createCategoryTree(place.id, range);
            this.render();
        }
    }
}

import {ListController} from "@web/views/list/list_controller";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/** A draft opens in the window that it is written in. */
class ComposerListController extends ListController {
    setup() {
        super.setup();
        this.orm = useService("orm");
    }

    async openRecord(record) {
        const {resId, resModel} = record;
        const action = await this.orm.call(resModel, "action_open", [[resId]]);
        await this.actionService.doAction(action, {onClose: () => this.model.load()});
    }
}

registry.category("views").add("crm_email_composer_list", {
    ...listView,
    Controller: ComposerListController,
});

import {KanbanController} from "@web/views/kanban/kanban_controller";
import {ListController} from "@web/views/list/list_controller";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/** A draft opens in the window that it is written in. */
const opensComposer = (Controller) =>
    class extends Controller {
        setup() {
            super.setup();
            this.orm = useService("orm");
            this.actionService = useService("action");
        }

        async openRecord(record) {
            const {resId, resModel} = record;
            const action = await this.orm.call(resModel, "action_open", [[resId]]);
            await this.actionService.doAction(action, {onClose: () => this.model.load()});
        }
    };

registry.category("views").add("crm_email_composer_list", {
    ...listView,
    Controller: opensComposer(ListController),
});
registry.category("views").add("crm_email_composer_kanban", {
    ...kanbanView,
    Controller: opensComposer(KanbanController),
});

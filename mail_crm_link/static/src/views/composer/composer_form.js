import {onMounted, onWillUnmount} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {formView} from "@web/views/form/form_view";
import {registry} from "@web/core/registry";

const AUTOSAVE_INTERVAL = 10000;

/** What is written is kept: now and then, and when the window closes whichever way. */
export class ComposerFormController extends formView.Controller {
    setup() {
        super.setup();
        let timer = null;
        onMounted(() => {
            this.focusText();
            timer = browser.setInterval(() => this.keep(), AUTOSAVE_INTERVAL);
            if (this.env.dialogData) {
                this.env.dialogData.dismiss = () => this.keep();
            }
        });
        onWillUnmount(() => browser.clearInterval(timer));
    }

    /** Who answers writes; who writes anew says first to whom. */
    focusText() {
        const {el} = this.rootRef;
        const place = this.model.root.data.parent_id ? ".odoo-editor-editable" : "[name=to] input";
        browser.setTimeout(() => el.querySelector(place)?.focus(), 100);
    }

    /** The server tells two windows of one draft apart by it. */
    async onWillSaveRecord(record, changes) {
        if (record.resId) {
            changes.revision = record.data.revision;
        }
        return super.onWillSaveRecord(...arguments);
    }

    async onRecordSaved(record, changes) {
        if ("revision" in changes) {
            record.data.revision = changes.revision + 1;
        }
        return super.onRecordSaved(...arguments);
    }

    async keep() {
        const {root} = this.model;
        if (["draft", "failed"].includes(root.data.state) && (await root.isDirty())) {
            await root.save({reload: false});
        }
    }
}

registry.category("views").add("crm_email_composer", {
    ...formView,
    Controller: ComposerFormController,
});

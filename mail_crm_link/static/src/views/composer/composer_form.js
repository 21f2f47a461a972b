import {onMounted, onWillUnmount} from "@odoo/owl";
import {browser} from "@web/core/browser/browser";
import {formView} from "@web/views/form/form_view";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

const AUTOSAVE_INTERVAL = 10000;

/**
 * What is written is kept: now and then, and when the window closes whichever way. Where nobody
 * wrote a word, nothing stays.
 */
export class ComposerFormController extends formView.Controller {
    setup() {
        super.setup();
        this.orm = useService("orm");
        let timer = null;
        onMounted(() => {
            this.firstRevision = this.revision = this.model.root.data.revision;
            this.focusText();
            timer = browser.setInterval(() => this.keep(), AUTOSAVE_INTERVAL);
            if (this.env.dialogData) {
                this.env.dialogData.dismiss = () => this.keepOrForget();
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

    /**
     * The server tells two windows of one draft apart by it. Counted here, because a record that
     * is saved without being loaded anew has the values from before.
     */
    async onWillSaveRecord(record, changes) {
        if (record.resId) {
            this.revision = Math.max(this.revision, record.data.revision);
            changes.revision = this.revision;
        }
        return super.onWillSaveRecord(...arguments);
    }

    async onRecordSaved(record, changes) {
        if ("revision" in changes) {
            this.revision++;
        }
        return super.onRecordSaved(...arguments);
    }

    async keepOrForget() {
        await this.keep();
        const {resId, resModel} = this.model.root;
        if (this.props.context.crm_email_unwritten && this.revision === this.firstRevision) {
            await this.orm.unlink(resModel, [resId]);
        }
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

import {onMounted, onWillUnmount, reactive, useState, useSubEnv} from "@odoo/owl";
import {useBus, useService} from "@web/core/utils/hooks";
import {ListController} from "@web/views/list/list_controller";
import {MailPane} from "./mail_pane";
import {MailboxList} from "./mailbox_list";
import {MailboxPlaces, PLACES_CHANGED} from "./mailbox_places";
import {ServerSearch} from "./server_search";
import {EMAIL_OPENED} from "../reading/events";
import {browser} from "@web/core/browser/browser";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {useDebounced} from "@web/core/utils/timing";
import {useHotkey} from "@web/core/hotkeys/hotkey_hook";

const WIDE_ENOUGH = "(min-width: 1200px)";
const CHANGED = "mail_crm_link.mail";
const PROGRESS = "mail_crm_link.progress";
const CHANGED_DELAY = 500;

/** The list of mail with, on a wide screen, the mail beside it. */
export class MailboxWindow extends ListController {
    static template = "mail_crm_link.MailboxWindow";
    static components = {...ListController.components, MailPane, ServerSearch};

    setup() {
        super.setup();
        this.pane = useState(reactive({emailId: false, isSplit: false}));
        useSubEnv({mailPane: this.pane});
        this.setupWidth();
        useHotkey("j", () => this.step(1), {allowRepeat: true});
        useHotkey("k", () => this.step(-1), {allowRepeat: true});
        useBus(this.env.bus, EMAIL_OPENED, ({detail}) => this.onOpened(detail));
        this.setupLive();
    }

    setupWidth() {
        const width = browser.matchMedia(WIDE_ENOUGH);
        const onChange = () => {
            this.pane.isSplit = width.matches && !this.env.inDialog;
        };
        onChange();
        onMounted(() => width.addEventListener("change", onChange));
        onWillUnmount(() => width.removeEventListener("change", onChange));
    }

    /** New mail comes, and what a colleague processed goes, while one looks at the list. */
    setupLive() {
        const bus = useService("bus_service");
        const refresh = useDebounced(() => this.refresh(), CHANGED_DELAY);
        const progress = () => (this.model.root.records.length ? refresh() : this.refresh());
        onMounted(() => {
            bus.subscribe(CHANGED, refresh);
            bus.subscribe(PROGRESS, progress);
        });
        onWillUnmount(() => {
            bus.unsubscribe(CHANGED, refresh);
            bus.unsubscribe(PROGRESS, progress);
        });
    }

    async refresh() {
        this.env.bus.trigger(PLACES_CHANGED);
        // Loading anew would take back what was selected.
        if (!this.model.root.selection.length) {
            await this.model.root.load();
        }
    }

    recordOf(emailId) {
        return this.model.root.records.find(({resId}) => resId === emailId);
    }

    /** The row counts, too: of an opening that was cancelled, nobody heard that it was the first. */
    async onOpened({emailId, wasUnread}) {
        const record = this.recordOf(emailId);
        if (wasUnread || record?.data.is_unread) {
            this.env.bus.trigger(PLACES_CHANGED);
            await record?.load();
        }
    }

    /** A mail that is shown beside the list already is opened in full. */
    async openRecord(record, options = {}) {
        const {force, newWindow} = options;
        if (!this.pane.isSplit || force || newWindow || record.resId === this.pane.emailId) {
            return super.openRecord(record, options);
        }
        this.pane.emailId = record.resId;
    }

    openInFull(emailId) {
        const activeIds = this.model.root.records.map(({resId}) => resId);
        return this.props.selectRecord(emailId, {activeIds});
    }

    /** @param {1|-1} direction to the next or the previous mail of the list */
    step(direction) {
        const {records} = this.model.root;
        if (!this.pane.isSplit || !records.length) {
            return;
        }
        const shown = records.indexOf(this.recordOf(this.pane.emailId));
        const next = shown < 0 ? 0 : Math.min(Math.max(shown + direction, 0), records.length - 1);
        this.pane.emailId = records[next].resId;
        this.rootRef.el
            .querySelector(`.o_data_row[data-id="${records[next].id}"]`)
            ?.scrollIntoView({block: "nearest"});
    }
}

registry.category("views").add("crm_mailbox_window", {
    ...listView,
    Controller: MailboxWindow,
    Renderer: MailboxList,
    SearchPanel: MailboxPlaces,
});

import {ListRenderer} from "@web/views/list/list_renderer";
import {useState} from "@odoo/owl";

// What there is room for beside a mail, and how much.
const NARROW = {
    direction: {},
    correspondent: {attrs: {width: "125px"}},
    subject: {},
    has_attachment: {attrs: {width: "16px"}},
    sentiment: {attrs: {width: "16px"}, hasLabel: false, options: {icon_only: true}},
    is_bound: {attrs: {width: "16px"}},
    date: {attrs: {width: "60px"}, options: {show_time: false}},
};
const ARROWS = ["arrowdown", "arrowup"];

/** The list of the mailbox window: narrow beside a mail, and in step with it. */
export class MailboxList extends ListRenderer {
    setup() {
        super.setup();
        this.pane = useState(this.env.mailPane);
    }

    getActiveColumns() {
        if (!this.pane.isSplit) {
            return super.getActiveColumns();
        }
        return this.allColumns
            .filter(({name}) => name in NARROW)
            .map((column) => ({
                ...column,
                ...NARROW[column.name],
                attrs: {...column.attrs, ...NARROW[column.name].attrs},
                options: {...column.options, ...NARROW[column.name].options},
            }));
    }

    /** What stands in the columns that are left out is chosen again when there is room. */
    get displayOptionalFields() {
        return !this.pane.isSplit && super.displayOptionalFields;
    }

    getRowClass(record) {
        const isShown = this.pane.isSplit && record.resId === this.pane.emailId;
        return `${super.getRowClass(record)} ${isShown ? "o_crm_shown table-active" : ""}`;
    }

    /** Arrow keys move from row to row; beside the list the mail follows. */
    onCellKeydownReadOnlyMode(hotkey) {
        const handled = super.onCellKeydownReadOnlyMode(...arguments);
        if (ARROWS.includes(hotkey) && this.pane.isSplit) {
            const row = document.activeElement.closest(".o_data_row");
            const record = this.props.list.records.find(({id}) => id === row?.dataset.id);
            if (record) {
                this.pane.emailId = record.resId;
            }
        }
        return handled;
    }
}

import {Component, onWillDestroy, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

const NOTIFICATION = "mail_crm_link.progress";

/** How far the first synchronisation is; follows what the server tells meanwhile. */
export class MailboxProgressField extends Component {
    static template = "mail_crm_link.MailboxProgressField";
    static props = {...standardFieldProps};

    setup() {
        this.bus = useService("bus_service");
        this.live = useState({id: false, state: "", progress: 0, progress_text: ""});
        const onProgress = (payload) => this.onProgress(payload);
        this.bus.subscribe(NOTIFICATION, onProgress);
        onWillDestroy(() => this.bus.unsubscribe(NOTIFICATION, onProgress));
    }

    get figures() {
        const {data, resId} = this.props.record;
        return this.live.id === resId ? this.live : data;
    }

    get percent() {
        return Math.min(100, Math.round(this.figures.progress));
    }

    get isShown() {
        return this.figures.state === "connecting";
    }

    async onProgress(payload) {
        const {record} = this.props;
        if (payload.id !== record.resId) {
            return;
        }
        Object.assign(this.live, payload);
        // What a person is writing in the form is not thrown away for it.
        if (payload.state !== record.data.state && !(await record.isDirty())) {
            await record.load();
        }
    }
}

registry.category("fields").add("crm_mailbox_progress", {
    component: MailboxProgressField,
    displayName: _t("Progress of a synchronisation"),
    supportedTypes: ["float"],
    fieldDependencies: [
        {name: "progress_text", type: "char"},
        {name: "state", type: "selection", selection: []},
    ],
});

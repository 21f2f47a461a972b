import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

const STEPS = ["server", "incoming", "outgoing", "finish"];
const MODEL = "crm.mailbox.connect";

/** Tries the sign-in step by step and shows each one as it passes. */
export class MailboxSignIn extends Component {
    static template = "mail_crm_link.MailboxSignIn";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({marks: [], underWay: "", failure: false, skippable: false});
    }

    get record() {
        return this.props.record;
    }

    get texts() {
        return {
            server: _t("Looking for the server …"),
            incoming: _t("Signing in …"),
            outgoing: _t("Trying outgoing mail …"),
            finish: _t("Connecting …"),
        };
    }

    async signIn() {
        Object.assign(this.state, {marks: [], failure: false, skippable: false});
        if (await this.record.save()) {
            await this.follow(STEPS);
        }
    }

    async goOnWithoutOutgoing() {
        await this.orm.call(MODEL, "action_without_outgoing", [[this.record.resId]]);
        this.state.marks = this.state.marks.filter((mark) => mark.passed);
        Object.assign(this.state, {failure: false, skippable: false});
        await this.follow(STEPS.slice(STEPS.indexOf("outgoing")));
    }

    async follow(steps) {
        try {
            for (const step of steps) {
                this.state.underWay = step;
                const result = await this.orm.call(MODEL, "check_step", [
                    [this.record.resId],
                    step,
                ]);
                this.show(result);
                if (result.failure) {
                    return;
                }
                if (result.done) {
                    await this.end(step);
                    return;
                }
            }
        } finally {
            this.state.underWay = "";
        }
    }

    show(result) {
        this.state.marks.push(...result.marks);
        this.state.failure = result.failure;
        this.state.skippable = Boolean(result.skippable);
    }

    /** A new mailbox has options to choose; one that was there is done. */
    end(step) {
        return step === "finish"
            ? this.action.doAction({type: "ir.actions.act_window_close"})
            : this.record.load();
    }
}

registry.category("view_widgets").add("crm_mailbox_sign_in", {component: MailboxSignIn});

import {Component, onMounted, useEffect, useRef, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {hasTouch} from "@web/core/browser/feature_detection";
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
        this.root = useRef("root");
        // Else it is on the link to the provider's help.
        onMounted(() => hasTouch() || this.password?.focus());
        // Below the button that was clicked there may be no room left.
        useEffect(
            (failure) => this.scrollTo(failure),
            () => [this.state.failure]
        );
    }

    scrollTo(failure) {
        if (failure) {
            this.root.el.querySelector("[role=alert]").scrollIntoView({block: "nearest"});
        }
    }

    get password() {
        return this.root.el.closest(".o_form_renderer").querySelector("[name=password] input");
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

    signIn() {
        return this.attempt(STEPS, [], () => this.record.save());
    }

    goOnWithoutOutgoing() {
        const passed = this.state.marks.filter((mark) => mark.passed);
        return this.attempt(STEPS.slice(STEPS.indexOf("outgoing")), passed, () =>
            this.orm.call(MODEL, "action_without_outgoing", [[this.record.resId]])
        );
    }

    async attempt(steps, marks, prepare) {
        // A second click comes before the button is switched off.
        if (this.state.underWay) {
            return;
        }
        Object.assign(this.state, {marks, underWay: steps[0], failure: false, skippable: false});
        try {
            if (await prepare()) {
                await this.follow(steps);
            }
        } finally {
            this.state.underWay = "";
        }
    }

    async follow(steps) {
        for (const step of steps) {
            this.state.underWay = step;
            const result = await this.orm.call(MODEL, "check_step", [[this.record.resId], step]);
            this.show(result);
            if (result.failure) {
                return;
            }
            if (result.done) {
                await this.end(step);
                return;
            }
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

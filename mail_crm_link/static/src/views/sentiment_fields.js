import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {sentimentOf} from "../core/common/sentiment";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

// Between two mails that differ by less, the mood is the same.
const STEADY = 0.15;
// Of the height of a bar, in percent, so that a neutral mail has one, too.
const LEAST = 8;

/** What a mail was judged to be, as icon and word. */
export class EmailSentimentField extends Component {
    static template = "mail_crm_link.EmailSentimentField";
    static props = {...standardFieldProps, iconOnly: {type: Boolean, optional: true}};

    get sentiment() {
        return sentimentOf(this.props.record.data[this.props.name]);
    }
}

registry.category("fields").add("crm_email_sentiment", {
    component: EmailSentimentField,
    displayName: _t("Sentiment"),
    supportedOptions: [
        {
            label: _t("Icon only"),
            name: "icon_only",
            type: "boolean",
            help: _t("The word stands in its tooltip."),
        },
    ],
    supportedTypes: ["selection"],
    extractProps: ({options}) => ({iconOnly: Boolean(options.icon_only)}),
});

/** How the mood of the last mails went: a bar each, up for content and down for discontent. */
export class MailSentimentTrendField extends Component {
    static template = "mail_crm_link.MailSentimentTrendField";
    static props = {...standardFieldProps};

    get mails() {
        return this.props.record.data[this.props.name] || [];
    }

    get current() {
        return sentimentOf(this.mails.at(-1)?.sentiment);
    }

    get direction() {
        const scores = this.mails.map((mail) => mail.score);
        if (scores.length < 2) {
            return "";
        }
        const before = scores.slice(0, -1).reduce((sum, one) => sum + one, 0) / (scores.length - 1);
        const change = scores.at(-1) - before;
        if (Math.abs(change) < STEADY) {
            return _t("steady");
        }
        return change > 0 ? _t("improving") : _t("getting worse");
    }

    get bars() {
        return this.mails.map(({sentiment, score}) => ({
            class: `o_crm_mood_${score < 0 ? "down" : "up"} o_crm_mood_${sentiment}`,
            style: `height: ${Math.max(LEAST, Math.round(Math.abs(score) * 50))}%`,
        }));
    }

    get title() {
        return _t("Mood of the last %s emails that were judged", this.mails.length);
    }
}

registry.category("fields").add("crm_mail_sentiment_trend", {
    component: MailSentimentTrendField,
    displayName: _t("Trend of the mood"),
    supportedTypes: ["json"],
});

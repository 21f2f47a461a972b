import {_t} from "@web/core/l10n/translation";

const ICONS = {
    negative: "fa-frown-o text-danger",
    neutral: "fa-meh-o text-muted",
    positive: "fa-smile-o text-success",
    unknown: "fa-question-circle-o text-muted",
};

/**
 * How a mood is shown: never by its colour alone.
 *
 * @param {String | false} sentiment
 * @returns {{icon: String, label: String} | undefined} nothing where nothing was judged
 */
export function sentimentOf(sentiment) {
    const labels = {
        negative: _t("Negative"),
        neutral: _t("Neutral"),
        positive: _t("Positive"),
        unknown: _t("Could not be judged"),
    };
    return sentiment ? {icon: ICONS[sentiment], label: labels[sentiment]} : undefined;
}

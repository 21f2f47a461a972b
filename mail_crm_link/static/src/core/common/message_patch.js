import {Message} from "@mail/core/common/message";
import {_t} from "@web/core/l10n/translation";
import {patch} from "@web/core/utils/patch";
import {sentimentOf} from "./sentiment";

patch(Message.prototype, {
    /** What a mail quotes is folded, as in Odoo's own messages. */
    prepareMessageBody(bodyEl) {
        if (bodyEl && this.message.crm_email) {
            for (const quote of bodyEl.querySelectorAll("blockquote")) {
                quote.dataset.oMailQuote = "1";
            }
        }
        super.prepareMessageBody(...arguments);
    },

    get crmEmailDirection() {
        return this.message.crm_email.direction === "in" ? _t("Received") : _t("Sent");
    },

    get crmEmailSubject() {
        const {level, subject} = this.message.crm_email;
        return level === "private" ? _t("Email") : subject || _t("(no subject)");
    },

    get crmEmailSentiment() {
        return sentimentOf(this.message.crm_email.sentiment);
    },

    get crmEmailRecipients() {
        return this.message.crm_email.to.map(([name, email]) => name || email).join(", ");
    },

    get crmEmailAddresses() {
        const {cc, to} = this.message.crm_email;
        const lines = [_t("To: %s", addresses(to))];
        if (cc.length) {
            lines.push(_t("Cc: %s", addresses(cc)));
        }
        return lines.join("\n");
    },
});

/** @param {[String, String][]} people */
function addresses(people) {
    return people.map(([name, email]) => (name ? `${name} <${email}>` : email)).join(", ");
}

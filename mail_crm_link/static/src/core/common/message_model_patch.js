import {Message} from "@mail/core/common/message_model";
import {hasBlockedImages, withRemoteImages} from "./remote_images";
import {parseEmail} from "@mail/utils/common/format";
import {patch} from "@web/core/utils/patch";

/**
 * What a message that is an e-mail tells beyond its body.
 *
 * @typedef {Object} CrmEmailFacts
 * @property {Number} id
 * @property {"in"|"out"} direction
 * @property {"full"|"subject"|"private"} level what the user may see of it
 * @property {"none"|"wanted"|"stored"|"failed"|false} body_state
 * @property {String|false} problem whom it could not be delivered to, and why
 * @property {String|false} subject
 * @property {[String, String][]} to names and addresses
 * @property {[String, String][]} cc names and addresses
 */

/** @type {import("models").Message} */
const messagePatch = {
    setup() {
        super.setup(...arguments);
        /** @type {CrmEmailFacts|undefined} */
        this.crm_email = undefined;
    },

    /** The sender's name as the mail has it, when the sender is no contact. */
    get authorName() {
        if (this.crm_email && !this.author) {
            const [name, email] = parseEmail(this.email_from || "");
            return name || email || this.email_from;
        }
        return super.authorName;
    },

    get awaitsContent() {
        return this.crm_email?.body_state === "wanted";
    },

    get hasBlockedImages() {
        return Boolean(this.crm_email) && hasBlockedImages(this.body);
    },

    showRemoteImages() {
        this.body = withRemoteImages(this.body);
    },

    /** Mail keeps its place and its look whatever its body is. */
    computeIsEmpty() {
        return !this.crm_email && super.computeIsEmpty();
    },

    get bubbleColor() {
        if (this.crm_email) {
            return this.crm_email.direction === "in" ? "blue" : "green";
        }
        return super.bubbleColor;
    },

    get isSubjectDefault() {
        // The line above the body shows it.
        return Boolean(this.crm_email) || super.isSubjectDefault;
    },

    canAddReaction() {
        return !this.crm_email && super.canAddReaction(...arguments);
    },

    /** Odoo's composer would answer from Odoo's own address, not from the mailbox. */
    canForward() {
        return !this.crm_email && super.canForward(...arguments);
    },

    canReplyTo() {
        return !this.crm_email && super.canReplyTo(...arguments);
    },
};
patch(Message.prototype, messagePatch);

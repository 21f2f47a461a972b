import {Attachment} from "@mail/core/common/attachment_model";
import {patch} from "@web/core/utils/patch";

const LEFT_IN_MAILBOX = "/mail_crm_link/attachment/";

patch(Attachment.prototype, {
    /** A mail stays as it was sent. */
    get isDeletable() {
        return !this.message?.crm_email && super.isDeletable;
    },

    get isLeftInMailbox() {
        return this.type === "url" && Boolean(this.url?.startsWith(LEFT_IN_MAILBOX));
    },

    /** A preview would fetch it from the mail server before anybody asks for it. */
    get isImage() {
        return !this.isLeftInMailbox && super.isImage;
    },

    get isViewable() {
        return !this.isLeftInMailbox && super.isViewable;
    },

    setPdfThumbnail() {
        return this.isLeftInMailbox ? undefined : super.setPdfThumbnail(...arguments);
    },
});

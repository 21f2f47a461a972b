import {Attachment} from "@mail/core/common/attachment_model";
import {patch} from "@web/core/utils/patch";

patch(Attachment.prototype, {
    /** A mail stays as it was sent. */
    get isDeletable() {
        return !this.message?.crm_email && super.isDeletable;
    },
});

import {Thread} from "@mail/core/common/thread";
import {comparePosition} from "./thread_model_patch";
import {patch} from "@web/core/utils/patch";

patch(Thread.prototype, {
    /**
     * Odoo tells from ids on which side messages were added. By ids, a page of older mail
     * that was imported late would count as none, and the view jump to its end.
     */
    applyScrollContextually(thread) {
        const side = this.sideOfAddedMessages(thread);
        if (!side) {
            return super.applyScrollContextually(...arguments);
        }
        const {scrollHeight, scrollTop} = this.snapshot;
        const added = this.scrollableRef.el.scrollHeight - scrollHeight;
        this.setScroll(side === "top" ? scrollTop + added : scrollTop);
    },

    /**
     * @param {import("models").Thread} thread
     * @returns {"top"|"bottom"|undefined}
     */
    sideOfAddedMessages(thread) {
        if (!thread.isOrderedByDate || !this.snapshot || this.props.order !== "desc") {
            return undefined;
        }
        if (isAfter(thread.newestPersistentMessage, this.newestPersistentMessage)) {
            return "top";
        }
        if (isAfter(this.oldestPersistentMessage, thread.oldestPersistentMessage)) {
            return "bottom";
        }
        return undefined;
    },
});

/**
 * @param {import("models").Message} [message1]
 * @param {import("models").Message} [message2]
 */
function isAfter(message1, message2) {
    return Boolean(message1 && message2) && comparePosition(message1, message2) > 0;
}

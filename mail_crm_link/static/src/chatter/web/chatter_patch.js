import {Chatter} from "@mail/chatter/web_portal/chatter";
import {browser} from "@web/core/browser/browser";
import {patch} from "@web/core/utils/patch";

const HIGHLIGHT_DURATION = 2000;

patch(Chatter.prototype, {
    setup() {
        super.setup(...arguments);
        const scrolling = this.messageHighlight;
        const highlightOwn = scrolling.highlightMessage;
        scrolling.highlightMessage = (message, thread) =>
            message.crm_email && thread.isOrderedByDate
                ? highlightProjected(scrolling, message, thread)
                : highlightOwn.call(scrolling, message, thread);
    },
});

/**
 * Odoo jumps only to messages of the thread that is shown; a mail is a thread of its own.
 *
 * @param {ReturnType<import("@mail/utils/common/hooks").useMessageScrolling>} scrolling
 * @param {import("models").Message} message
 * @param {import("models").Thread} thread
 */
async function highlightProjected(scrolling, message, thread) {
    scrolling.initiated = true;
    await thread.loadAround(message.id);
    thread.scrollTop = undefined;
    scrolling.clear();
    scrolling.highlightedMessageId = message.id;
    scrolling.initiated = false;
    browser.setTimeout(() => scrolling.clear(), HIGHLIGHT_DURATION);
}

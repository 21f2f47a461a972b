import {Chatter} from "@mail/chatter/web_portal/chatter";
import {browser} from "@web/core/browser/browser";
import {onWillDestroy} from "@odoo/owl";
import {patch} from "@web/core/utils/patch";
import {useCardMail} from "../../core/common/card_mail";
import {useService} from "@web/core/utils/hooks";

const HIGHLIGHT_DURATION = 2000;
// A message that is in view already is not scrolled to, and no end of it is told.
const LONGEST_SCROLL = 5000;
const NOTIFICATION = "mail_crm_link.progress";

patch(Chatter.prototype, {
    setup() {
        super.setup(...arguments);
        projectHighlights(this.messageHighlight);
        const bus = useService("bus_service");
        const onProgress = () => this.onMailArrived();
        bus.subscribe(NOTIFICATION, onProgress);
        onWillDestroy(() => bus.unsubscribe(NOTIFICATION, onProgress));
        useCardMail(
            () => ({resModel: this.props.threadModel, resId: this.props.threadId}),
            () => this.onCardMail()
        );
    },

    /** Its counters change too, unless somebody is writing in the form. */
    async onCardMail() {
        this.onMailArrived();
        const {record} = this.props;
        if (record && !(await record.isDirty())) {
            await record.load();
        }
    },

    /** Mail comes to the card that is open while its mailbox is synchronised. */
    onMailArrived() {
        const {thread} = this.state;
        if (thread?.isOrderedByDate && thread.isLoaded) {
            thread.fetchNewMessages();
        }
    },
});

/**
 * Odoo jumps only to messages of the thread that is shown; a mail is a thread of its own.
 *
 * @param {ReturnType<import("@mail/utils/common/hooks").useMessageScrolling>} scrolling
 */
function projectHighlights(scrolling) {
    const {highlightMessage, scrollTo} = scrolling;
    let timeout = null;

    scrolling.highlightMessage = async (message, thread) => {
        if (!message.crm_email || !thread.isOrderedByDate) {
            return highlightMessage.call(scrolling, message, thread);
        }
        scrolling.initiated = true;
        await thread.loadAround(message.id);
        scrolling.initiated = false;
        if (message.in(thread.messages)) {
            thread.scrollTop = undefined;
            scrolling.clear();
            scrolling.highlightedMessageId = message.id;
        }
    };

    const clearIn = (duration) => {
        browser.clearTimeout(timeout);
        timeout = browser.setTimeout(() => scrolling.clear(), duration);
    };
    // The time starts when the message is in view: a page of mail takes long to render,
    // and when the highlight goes, Odoo's thread stops a scroll that is under way.
    scrolling.scrollTo = (el) => {
        const scrolled = scrollTo.call(scrolling, el);
        clearIn(LONGEST_SCROLL);
        scrolled.then(() => clearIn(HIGHLIGHT_DURATION));
        return scrolled;
    };
}

import {Thread} from "@mail/core/common/thread_model";
import {patch} from "@web/core/utils/patch";
import {rpc} from "@web/core/network/rpc";

/** Models whose chatter shows e-mails: the server pages their threads by date. */
export const CARD_MODELS = ["crm.lead", "res.partner"];

/**
 * @param {import("models").Message} message1
 * @param {import("models").Message} message2
 * @returns {Number} negative when the first one stands before the second one
 */
export function comparePosition(message1, message2) {
    return message1.datetime - message2.datetime || message1.id - message2.id;
}

/** @type {import("models").Thread} */
const threadPatch = {
    get isOrderedByDate() {
        return CARD_MODELS.includes(this.model);
    },

    /**
     * Odoo asks for what is newer than the newest message. A mail that was imported just
     * now can be older than anything on screen, and one that was taken off the card has
     * to go: the whole of what is shown is compared.
     */
    async fetchNewMessages() {
        if (!this.isOrderedByDate || !this.isLoaded || !this.id) {
            return super.fetchNewMessages(...arguments);
        }
        if (this.status === "loading" || this.loadNewer) {
            return;
        }
        const window = await this.fetchWindow();
        if (window) {
            this.showWindow(window);
        }
    },

    async fetchWindow() {
        const shown = this.messages.filter((message) => message.persistent);
        const limit = shown.length + this.store.FETCH_LIMIT;
        this.status = "loading";
        try {
            return await rpc("/mail_crm_link/thread/window", {
                ...this.getFetchParams(),
                known: shown.map(({id}) => id),
                complete: shown.filter((msg) => !msg.awaitsContent).map(({id}) => id),
                limit,
                whole: !this.loadOlder,
            });
        } catch {
            return undefined;
        } finally {
            this.status = "ready";
        }
    },

    /**
     * @param {Object} window
     * @param {Object} window.data of the messages that the client did not have
     * @param {Number[]} window.messages ids, newest first
     * @param {Boolean} window.more whether there are older ones within what was asked for
     */
    showWindow({data, messages, more}) {
        this.store.insert(data);
        const isPassing = (message) => !message.persistent;
        const passing = this.messages.filter(isPassing);
        this.messages = [...this.store["mail.message"].insert(messages.reverse()), ...passing];
        this.loadOlder = this.loadOlder || more;
    },

    /**
     * Odoo tells from the ids on which side of the target more is to be had, and takes
     * what is shown away while it loads.
     */
    async loadAround(messageId) {
        if (!this.isOrderedByDate || messageId === undefined) {
            return super.loadAround(...arguments);
        }
        const isTarget = ({id}) => id === messageId;
        if (this.status === "loading" || (this.isLoaded && this.messages.some(isTarget))) {
            return;
        }
        let around = [];
        try {
            around = await this.fetchMessages({around: messageId});
        } catch {
            return;
        }
        const older = around.findIndex(isTarget);
        this.messages = around;
        this.loadOlder = older + 1 >= this.store.FETCH_LIMIT;
        this.loadNewer = around.length - older - 1 >= this.store.FETCH_LIMIT;
    },

    addOrReplaceMessage() {
        super.addOrReplaceMessage(...arguments);
        if (this.isOrderedByDate) {
            this.messages.sort(comparePosition);
        }
    },
};
patch(Thread.prototype, threadPatch);

import {onWillDestroy, useEffect} from "@odoo/owl";
import {CARD_MODELS} from "./thread_model_patch";
import {useDebounced} from "@web/core/utils/timing";
import {useService} from "@web/core/utils/hooks";

const NOTIFICATION = "mail_crm_link.card";
const DELAY = 300;
/** How often each channel is wanted: two parts of a form may listen to one card. */
const listeners = new Map();

/**
 * Hear of mail that comes to a card or leaves it, while the card is open.
 *
 * @param {() => {resModel: String, resId: Number|false}} card
 * @param {() => void} onMail
 */
export function useCardMail(card, onMail) {
    const bus = useService("bus_service");
    const notify = useDebounced(onMail, DELAY);
    const onNotification = ({model, id}) => {
        const {resModel, resId} = card();
        if (model === resModel && id === resId) {
            notify();
        }
    };
    bus.subscribe(NOTIFICATION, onNotification);
    onWillDestroy(() => bus.unsubscribe(NOTIFICATION, onNotification));
    useEffect(
        (resModel, resId) => {
            if (CARD_MODELS.includes(resModel) && resId) {
                return listen(bus, `mail_crm_link/${resModel}/${resId}`);
            }
        },
        () => {
            const {resModel, resId} = card();
            return [resModel, resId];
        }
    );
}

/** @returns {() => void} stops it */
function listen(bus, channel) {
    const count = listeners.get(channel) || 0;
    listeners.set(channel, count + 1);
    if (!count) {
        bus.addChannel(channel);
    }
    return () => {
        listeners.set(channel, listeners.get(channel) - 1);
        if (!listeners.get(channel)) {
            bus.deleteChannel(channel);
        }
    };
}

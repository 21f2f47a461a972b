import {createElementWithContent} from "@web/core/utils/html";
import {markup} from "@odoo/owl";

/** Where the server puts the address of an image that must not load by itself. */
const BLOCKED_ATTRIBUTE = "data-crm-src";

/** @param {ReturnType<markup>|String} html as the server wrote it */
export function hasBlockedImages(html) {
    return String(html || "").includes(` ${BLOCKED_ATTRIBUTE}="http`);
}

/**
 * @param {ReturnType<markup>} html
 * @returns {ReturnType<markup>} with its remote images
 */
export function withRemoteImages(html) {
    const root = createElementWithContent("div", html);
    for (const image of root.querySelectorAll(`img[${BLOCKED_ATTRIBUTE}]`)) {
        const address = image.getAttribute(BLOCKED_ATTRIBUTE);
        image.removeAttribute(BLOCKED_ATTRIBUTE);
        if (isForeign(address)) {
            image.setAttribute("src", address);
        }
    }
    return markup(root.innerHTML);
}

/** A mail must not call this server with the reader's session. */
function isForeign(address) {
    try {
        return new URL(address).origin !== location.origin;
    } catch {
        return false;
    }
}

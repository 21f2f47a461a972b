import {hasBlockedImages, withRemoteImages} from "../../core/common/remote_images";
import {_t} from "@web/core/l10n/translation";
import {cookie} from "@web/core/browser/cookie";
import {foldQuotes} from "./quotes";
import {htmlEscape, markup} from "@odoo/owl";

const LIGHT_STYLE = "html{color-scheme:light;background:#fff;color:#212529}";
const DARK_STYLE = `html{color-scheme:dark;background:transparent;color:#e4e4e4}
    body,body *{background-color:transparent!important;color:inherit!important}
    a{color:#8fb8de!important}`;
const COMMON_STYLE = `body{margin:0;padding:1px;font:14px/1.5 system-ui,sans-serif;
    overflow-wrap:anywhere;overflow-y:hidden}
    img{max-width:100%;height:auto}
    img[data-crm-src]{border:1px dashed #adb5bd;min-width:16px;min-height:16px}
    blockquote{margin:0 0 0 .5em;padding:0;padding-inline-start:.75em;
        border:0;border-inline-start:2px solid #ced4da}
    pre{white-space:pre-wrap}
    details.quote>summary{display:inline-block;margin:.5em 0;padding:0 .75em;cursor:pointer;
        list-style:none;border-radius:1em;background:#e9ecef;color:#495057!important;
        font:12px/1.6 system-ui,sans-serif}
    details.quote>summary::-webkit-details-marker{display:none}`;

/** A frame whose scheme is not its document's would have a ground of the browser's own. */
export function colorScheme() {
    return cookie.get("color_scheme") === "dark" ? "dark" : "light";
}

/** What a mail's frame may load: its own images, and those of others when the reader wants. */
function policy(showsImages) {
    const own = `data: ${location.origin}/mail_crm_link/attachment/`;
    const images = showsImages ? `${own} http: https:` : own;
    return `default-src 'none'; img-src ${images}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'`;
}

/**
 * @param {String} html sanitised by the server
 * @param {Boolean} showsImages those of other servers, too
 * @returns {String} a document for `srcdoc`, which has the origin of the page: its policy matters
 */
export function mailDocument(html, showsImages) {
    const isDark = colorScheme() === "dark";
    const text = showsImages && hasBlockedImages(html) ? withRemoteImages(markup(html)) : html;
    const folded = foldQuotes(String(text), htmlEscape(_t("Quoted text")));
    return `<!DOCTYPE html><html><head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="${policy(showsImages)}">
        <meta name="referrer" content="no-referrer">
        <style>${isDark ? DARK_STYLE : LIGHT_STYLE}${COMMON_STYLE}</style>
        </head><body dir="auto">${folded}</body></html>`;
}

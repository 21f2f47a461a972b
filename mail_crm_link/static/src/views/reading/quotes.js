/**
 * Fold what a mail quotes, unless it says nothing else.
 *
 * @param {String} html sanitised
 * @param {String} label HTML to click on
 * @returns {String}
 */
export function foldQuotes(html, label) {
    if (!html.includes("<blockquote")) {
        return html;
    }
    // A document that is not shown loads nothing.
    const {body} = new DOMParser().parseFromString(html, "text/html");
    const quotes = [...body.querySelectorAll("blockquote")].filter(isOutermost);
    if (saysMoreThan(body, quotes)) {
        quotes.forEach((quote) => fold(quote, label));
    }
    return body.innerHTML;
}

function isOutermost(quote) {
    return !quote.parentElement.closest("blockquote");
}

function saysMoreThan(body, quotes) {
    const quoted = quotes.reduce((sum, quote) => sum + letters(quote), 0);
    return letters(body) > quoted;
}

function letters({textContent}) {
    return textContent.replace(/\s/g, "").length;
}

function fold(quote, label) {
    const folded = quote.ownerDocument.createElement("details");
    folded.className = "quote";
    folded.innerHTML = `<summary>${label}</summary>`;
    quote.replaceWith(folded);
    folded.append(quote);
}

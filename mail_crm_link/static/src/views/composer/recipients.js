const SEPARATOR = /("(?:\\.|[^"\\])*"|[^,;\n"])+/g;
const ADDRESS = /^(?:"?(?<name>(?:[^"\\<]|\\.)*?)"?\s*<(?<angle>[^<>]+)>|(?<alone>\S+))$/;

/**
 * @param {String|false} text addresses as a mail's To has them
 * @returns {String[]} one for each
 */
export function splitRecipients(text) {
    return [...(text || "").matchAll(SEPARATOR)].map(([one]) => one.trim()).filter(Boolean);
}

/**
 * @param {String} recipient
 * @returns {{name: String, email: String}}
 */
export function parseRecipient(recipient) {
    const {name, angle, alone} = recipient.match(ADDRESS)?.groups || {alone: recipient};
    return {name: (name || "").replace(/\\(.)/g, "$1").trim(), email: angle || alone};
}

/** Whether it looks like an address; the server judges. */
export function isPlausible(recipient) {
    return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(parseRecipient(recipient).email);
}

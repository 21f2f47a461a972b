import {
    Component,
    onWillDestroy,
    onWillStart,
    onWillUpdateProps,
    useRef,
    useState,
} from "@odoo/owl";
import {EMAIL_OPENED} from "./events";
import {MailAttachments} from "./mail_attachments";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {hasBlockedImages} from "../../core/common/remote_images";
import {colorScheme, mailDocument} from "./mail_document";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {url} from "@web/core/utils/urls";
import {useService} from "@web/core/utils/hooks";

// Room for a horizontal scrollbar below a mail that is wider than the frame.
const FRAME_MARGIN = 20;

/**
 * The text of a mail, apart from the page: in a frame of its own without scripts, whose
 * policy lets it load nothing but what it shows.
 */
export class MailContent extends Component {
    static template = "mail_crm_link.MailContent";
    static components = {MailAttachments};
    static props = {emailId: Number};

    setup() {
        this.orm = useService("orm");
        this.frame = useRef("frame");
        this.state = useState({});
        onWillStart(() => {
            this.load(this.props.emailId);
        });
        onWillUpdateProps(({emailId}) => {
            if (emailId !== this.props.emailId) {
                this.load(emailId);
            }
        });
        onWillDestroy(() => {
            this.resizing?.disconnect();
            this.loading?.abort();
        });
    }

    /** Not awaited: the mail server may take its time, the form shall not. */
    async load(emailId, whole = false) {
        this.loading?.abort();
        const loading = (this.loading = new AbortController());
        Object.assign(this.state, {content: null, error: "", isLoading: true, showsImages: false});
        try {
            const content = await fetchContent(emailId, whole, loading.signal);
            Object.assign(this.state, {content, showsImages: content.is_trusted});
            this.env.bus.trigger(EMAIL_OPENED, {emailId, wasUnread: content.was_unread});
        } catch (error) {
            if (loading !== this.loading) {
                return;
            }
            this.state.error =
                error.name === "AbortError" ? _t("Loading was cancelled.") : error.message;
        }
        this.state.isLoading = false;
    }

    reload(whole = false) {
        return this.load(this.props.emailId, whole);
    }

    cancel() {
        this.loading.abort();
    }

    get hasBlockedImages() {
        return !this.state.showsImages && hasBlockedImages(this.state.content.html);
    }

    get colorScheme() {
        return colorScheme();
    }

    get document() {
        return mailDocument(this.state.content.html, this.state.showsImages);
    }

    get originalUrl() {
        return url(`/mail_crm_link/original/${this.props.emailId}`);
    }

    async trustSender(trusted) {
        const {content} = this.state;
        Object.assign(this.state, {showsImages: trusted});
        content.is_trusted = await this.orm.call("crm.email.image.sender", "set_trusted", [
            content.sender,
            trusted,
        ]);
    }

    /** Fits the frame to its content, so that the form scrolls and not the frame. */
    onFrameLoaded() {
        const body = this.frame.el?.contentDocument?.body;
        if (!body) {
            return;
        }
        this.resizing?.disconnect();
        this.resizing = new ResizeObserver(() => this.fitFrame(body));
        this.resizing.observe(body);
        this.fitFrame(body);
    }

    fitFrame(body) {
        if (this.frame.el) {
            this.frame.el.style.height = `${body.scrollHeight + FRAME_MARGIN}px`;
        }
    }
}

/** @throws {Error} with a text for people */
async function fetchContent(emailId, whole, signal) {
    const address = url(`/mail_crm_link/content/${emailId}`, whole ? {whole: 1} : {});
    let content = null;
    let response = null;
    try {
        response = await browser.fetch(address, {signal, headers: {Accept: "application/json"}});
        content = await response.json();
    } catch (error) {
        if (error.name === "AbortError") {
            throw error;
        }
        throw new Error(_t("The mail could not be loaded. Check your connection and try again."));
    }
    if (!response.ok) {
        throw new Error(content.error);
    }
    return content;
}

export class MailContentWidget extends Component {
    static template = "mail_crm_link.MailContentWidget";
    static components = {MailContent};
    static props = {...standardWidgetProps};
}

registry.category("view_widgets").add("crm_email_body", {component: MailContentWidget});

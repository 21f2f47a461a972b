import {
    Component,
    markup,
    onWillDestroy,
    onWillStart,
    onWillUpdateProps,
    useRef,
    useState,
} from "@odoo/owl";
import {hasBlockedImages, withRemoteImages} from "../core/common/remote_images";
import {KeepLast} from "@web/core/utils/concurrency";
import {cookie} from "@web/core/browser/cookie";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

const MEGABYTE = 1024 * 1024;
const KILOBYTE = 1024;
// Room for a horizontal scrollbar below a mail that is wider than the frame.
const FRAME_MARGIN = 20;
const LIGHT_STYLE = "html{color-scheme:light;background:#fff;color:#212529}";
const DARK_STYLE = `html{color-scheme:dark;background:transparent;color:#e4e4e4}
    *{background-color:transparent!important;color:inherit!important}
    a{color:#8fb8de!important}`;
const COMMON_STYLE = `body{margin:0;font:14px/1.5 system-ui,sans-serif;
    overflow-wrap:anywhere;overflow-y:hidden}
    img{max-width:100%;height:auto}
    img[data-crm-src]{border:1px dashed #adb5bd;min-width:16px;min-height:16px}
    blockquote{margin:0 0 0 .5em;padding-left:.75em;border-left:2px solid #ced4da}
    pre{white-space:pre-wrap}`;

/**
 * The text of a mail, apart from the page: in a frame of its own without scripts, whose
 * policy lets it load nothing but what it shows.
 */
export class EmailBody extends Component {
    static template = "mail_crm_link.EmailBody";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.frame = useRef("frame");
        this.keepLast = new KeepLast();
        this.state = useState({
            attachments: [],
            error: "",
            html: "",
            isLoading: true,
            showsImages: false,
        });
        onWillStart(() => {
            this.load(this.props.record.resId);
        });
        onWillDestroy(() => this.resizing?.disconnect());
        onWillUpdateProps(({record}) => {
            if (record.resId !== this.props.record.resId) {
                this.load(record.resId);
            }
        });
    }

    /** Not awaited: the mail server may take its time, the form shall not. */
    async load(resId) {
        Object.assign(this.state, {error: "", isLoading: true, showsImages: false});
        try {
            const content = await this.keepLast.add(
                this.orm.silent.call("crm.email", "load_content", [[resId]])
            );
            this.state.html = markup(content.html);
            this.state.attachments = content.attachments;
        } catch (error) {
            this.state.error = error.data?.message || error.message;
        }
        this.state.isLoading = false;
    }

    get hasBlockedImages() {
        return !this.state.showsImages && hasBlockedImages(this.state.html);
    }

    /** What the frame shows; `srcdoc` has the origin of the page, so the policy matters. */
    get document() {
        const {html, showsImages} = this.state;
        const images = showsImages ? "data: 'self' http: https:" : "data: 'self'";
        const policy = `default-src 'none'; img-src ${images}; style-src 'unsafe-inline'`;
        const isDark = cookie.get("color_scheme") === "dark";
        return `<!DOCTYPE html><html><head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="${policy}">
            <meta name="referrer" content="no-referrer">
            <base target="_blank">
            <style>${isDark ? DARK_STYLE : LIGHT_STYLE}${COMMON_STYLE}</style>
            </head><body>${showsImages ? withRemoteImages(html) : html}</body></html>`;
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

    sizeOf({size}) {
        return size < MEGABYTE
            ? `${Math.max(1, Math.round(size / KILOBYTE))} kB`
            : `${(size / MEGABYTE).toFixed(1)} MB`;
    }
}

registry.category("view_widgets").add("crm_email_body", {component: EmailBody});

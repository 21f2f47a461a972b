import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {useFileViewer} from "@web/core/file_viewer/file_viewer_hook";

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;
const PDF = "application/pdf";
const KINDS = {
    invitation: {icon: "fa-calendar", name: _t("Invitation")},
    mail: {icon: "fa-envelope-o", name: _t("Attached email")},
    outlook: {icon: "fa-archive", name: _t("Outlook's own format")},
    smime: {icon: "fa-lock", name: _t("S/MIME")},
    smime_signature: {icon: "fa-certificate", name: _t("S/MIME signature")},
    pgp: {icon: "fa-lock", name: _t("PGP")},
    pgp_signature: {icon: "fa-certificate", name: _t("PGP signature")},
};

/** The attachments of a mail: fetched from the mailbox when somebody opens them. */
export class MailAttachments extends Component {
    static template = "mail_crm_link.MailAttachments";
    static props = {attachments: Array};

    setup() {
        this.viewer = useFileViewer();
    }

    isShown({kind, mimetype}) {
        return kind === "image" || mimetype === PDF;
    }

    kindOf({kind}) {
        return KINDS[kind];
    }

    downloadTitle(attachment) {
        return this.isShown(attachment) ? _t("Download") : attachment.name;
    }

    sizeOf({size}) {
        return size < MEGABYTE
            ? `${Math.max(1, Math.round(size / KILOBYTE))} kB`
            : `${(size / MEGABYTE).toFixed(1)} MB`;
    }

    /** Images and PDF are looked at in place; the browser never shows anything else inline. */
    show(attachment) {
        const files = this.props.attachments.filter((one) => this.isShown(one)).map(asFile);
        this.viewer.open(
            files.find(({section}) => section === attachment.section),
            files
        );
    }
}

function asFile({kind, name, section, url}) {
    const isImage = kind === "image";
    const viewer = `/web/static/lib/pdfjs/web/viewer.html?file=${encodeURIComponent(url)}`;
    return {
        section,
        name,
        isImage,
        isPdf: !isImage,
        isViewable: true,
        defaultSource: isImage ? url : `${viewer}#pagemode=none`,
        downloadUrl: url,
    };
}

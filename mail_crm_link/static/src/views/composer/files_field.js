import {
    Many2ManyBinaryField,
    many2ManyBinaryField,
} from "@web/views/fields/many2many_binary/many2many_binary_field";
import {SelectCreateDialog} from "@web/views/view_dialogs/select_create_dialog";
import {_t} from "@web/core/l10n/translation";
import {formatFloat} from "@web/views/fields/formatters";
import {onWillStart} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/** Attachments from the disk and from the card; what is too large is said before it is uploaded. */
export class EmailFilesField extends Many2ManyBinaryField {
    static template = "mail_crm_link.EmailFilesField";

    setup() {
        super.setup();
        this.dialog = useService("dialog");
        onWillStart(async () => {
            this.limit = await this.orm.call("crm.email.composer", "max_attachment_size", []);
        });
    }

    get hasCard() {
        const {model, res_id} = this.props.record.data;
        return Boolean(model && res_id);
    }

    /** @param {File[]} files */
    onWillUpload(files) {
        const size = (numbers) => numbers.reduce((sum, number) => sum + number, 0);
        const attached = size(this.files.map((file) => file.file_size || 0));
        if (attached + size([...files].map((file) => file.size)) <= this.limit) {
            return files;
        }
        const limit = formatFloat(this.limit, {humanReadable: true, decimals: 0});
        this.notification.add(
            _t("Attachments of at most %sB are sent with one email. Send less, or a link.", limit),
            {type: "danger"}
        );
        return [];
    }

    async onFileUploaded(files) {
        if (files.length) {
            await super.onFileUploaded(files);
        }
    }

    chooseFromCard() {
        const {model, res_id} = this.props.record.data;
        this.dialog.add(SelectCreateDialog, {
            resModel: "ir.attachment",
            title: _t("Attach from the record"),
            noCreate: true,
            domain: [
                ["res_model", "=", model],
                ["res_id", "=", res_id.resId || res_id],
            ],
            onSelected: async (ids) => {
                for (const id of ids) {
                    await this.operations.saveRecord([id]);
                }
            },
        });
    }
}

registry.category("fields").add("crm_email_files", {
    ...many2ManyBinaryField,
    component: EmailFilesField,
    relatedFields: [...many2ManyBinaryField.relatedFields, {name: "file_size", type: "integer"}],
});

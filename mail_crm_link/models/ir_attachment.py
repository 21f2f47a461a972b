from odoo import fields, models


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    crm_email_section = fields.Char(
        "Email part",
        readonly=True,
        copy=False,
        help="The part's number in the mail (RFC 9051, 6.4.5).",
    )

    def _to_http_stream(self):
        stream = super()._to_http_stream()
        self._note_crm_email_reading()
        return stream

    def _crm_email_messages(self):
        """Return the messages of e-mails that these belong to, as superuser."""
        of_messages = self.sudo().filtered(lambda attachment: attachment.res_model == "mail.message")
        messages = self.env["mail.message"].sudo().browse(of_messages.mapped("res_id")).exists()
        return messages.filtered(lambda message: message.model == "crm.email")

    def _note_crm_email_reading(self) -> None:
        # Not as superuser, as whom Odoo hands out what it has checked.
        self._crm_email_messages().sudo(False)._note_reading()


class IrBinary(models.AbstractModel):
    _inherit = "ir.binary"

    def _find_record(self, xmlid=None, res_model="ir.attachment", res_id=None, access_token=None, field=None):
        """A link to an attachment works for whoever has it; of a mail it asks who that is."""
        record = super()._find_record(xmlid, res_model, res_id, access_token, field)
        if record._name == "ir.attachment" and record._crm_email_messages():
            record.sudo(False).check_access("read")
        return record

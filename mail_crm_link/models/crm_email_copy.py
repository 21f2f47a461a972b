from odoo import fields, models


class CrmEmailCopy(models.Model):
    """A place where a mail was seen: mailbox, folder, uidvalidity and remote id."""

    _name = "crm.email.copy"
    _description = "Copy of an Email in a Mailbox"
    _log_access = False
    _rec_name = "remote_id"
    _order = "id desc"

    email_id = fields.Many2one("crm.email", index=True, ondelete="cascade")
    mailbox_id = fields.Many2one("crm.mailbox", required=True, index=True, ondelete="cascade")
    folder_id = fields.Many2one("crm.mailbox.folder", required=True, ondelete="cascade")
    # UIDs are unsigned 32 bit and Gmail's ids are strings: no integers here.
    uidvalidity = fields.Char()
    remote_id = fields.Char(required=True)
    seen = fields.Boolean()
    size = fields.Integer(help="Octets.")
    received = fields.Datetime(help="The server's date (UTC).")
    sha256 = fields.Char(help="Of the raw mail, once it was fetched whole.")
    suspect = fields.Boolean(help="Another copy in this mailbox has another size: compare their contents.")
    compared = fields.Boolean()
    attempts = fields.Integer(help="Fetches begun and not finished.")
    state = fields.Selection(
        [
            ("ok", "Synchronised"),
            ("failed", "Failed"),
            ("quarantined", "Given up"),
            ("expired", "Older than the retention"),
            ("erased", "Erased for somebody"),
        ],
        required=True,
        default="ok",
    )
    reason = fields.Char(help="Why it could not be read.")

    _location_uniq = models.UniqueIndex("(folder_id, uidvalidity, remote_id)")
    _unread_idx = models.Index("(mailbox_id, state) WHERE state != 'ok'")
    _suspect_idx = models.Index("(mailbox_id) WHERE suspect")

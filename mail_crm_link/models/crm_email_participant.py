from odoo import fields, models


class CrmEmailParticipant(models.Model):
    """An address in a mail's header: what past mail is found by when a card gets it."""

    _name = "crm.email.participant"
    _description = "Participant of an E-mail"
    _rec_name = "address"
    _log_access = False

    email_id = fields.Many2one("crm.email", required=True, index=True, ondelete="cascade")
    kind = fields.Selection([("from", "From"), ("to", "To"), ("cc", "Cc"), ("bcc", "Bcc")], required=True)
    name = fields.Char()
    address = fields.Char(required=True, index=True, help="Normalised.")

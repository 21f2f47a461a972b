from odoo import fields, models

from .. import rules


def bare(address: str) -> str:
    """Return the form that all spellings of a normalised address share."""
    local = address.partition("@")[0].partition("+")[0]
    keys = [key for key in rules.addresses.match_keys(address) if key.partition("@")[0] == local]
    return min(keys, default=address)


class CrmEmailParticipant(models.Model):
    """An address in a mail's header: what past mail is found by when a card gets it."""

    _name = "crm.email.participant"
    _description = "Participant of an Email"
    _rec_name = "address"
    _log_access = False

    email_id = fields.Many2one("crm.email", required=True, index=True, ondelete="cascade")
    kind = fields.Selection([("from", "From"), ("to", "To"), ("cc", "Cc"), ("bcc", "Bcc")], required=True)
    name = fields.Char()
    address = fields.Char(required=True, help="Normalised.")
    bare = fields.Char(
        required=True,
        index=True,
        help="One form for all under which a card may know the address: without +tag, and in"
        " one of the two spellings of an international domain.",
    )

"""What becomes of the mail of mailboxes that are connected from now on, unless their owners say otherwise."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError


def _as_mailbox(name: str, default: str):
    """Return a field with the choices that a mailbox has."""
    return fields.Selection(
        selection=lambda self: self.env["crm.mailbox"]._fields[name]._description_selection(self.env),
        required=True,
        default=default,
    )


class ResCompany(models.Model):
    _inherit = "res.company"

    crm_mailbox_crm_link = fields.Boolean("Connections with CRM", default=True)
    crm_mailbox_link_mode = _as_mailbox("link_mode", "automatic")
    crm_mailbox_sync_scope = _as_mailbox("sync_scope", "all")
    crm_mailbox_visibility = _as_mailbox("visibility", "private")
    crm_mailbox_history_days = fields.Integer("Days of history", default=365, help="0: all mail.")
    crm_mailbox_inbound_unknown = fields.Boolean("Make records of unknown people who write")
    crm_mailbox_outbound_unknown = fields.Boolean("Make records of unknown people who are written to")
    crm_mailbox_inbound_known = fields.Boolean("Make records of known people who write")

    @api.constrains("crm_mailbox_history_days")
    def _check_crm_mailbox_history_days(self):
        if any(company.crm_mailbox_history_days < 0 for company in self):
            raise ValidationError(self.env._("The days of history are a number of days, or 0 for all."))


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    @api.model
    def default_get(self, fields):
        """Begin with what the company's administrators chose; what the caller says counts more."""
        defaults = super().default_get(fields)
        chosen = {name for name in fields if f"default_{name}" not in self.env.context}
        return {**defaults, **self._company_choices(chosen)}

    @api.model
    def _company_choices(self, names) -> dict:
        """Return what the current company says of these fields and scenarios, as far as it says anything."""
        company = self.env.company
        return {name: company[f"crm_mailbox_{name}"] for name in names if f"crm_mailbox_{name}" in company._fields}


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_mailbox_crm_link = fields.Boolean(related="company_id.crm_mailbox_crm_link", readonly=False)
    crm_mailbox_link_mode = fields.Selection(related="company_id.crm_mailbox_link_mode", readonly=False, required=True)
    crm_mailbox_sync_scope = fields.Selection(
        related="company_id.crm_mailbox_sync_scope", readonly=False, required=True
    )
    crm_mailbox_visibility = fields.Selection(
        related="company_id.crm_mailbox_visibility", readonly=False, required=True
    )
    crm_mailbox_history_days = fields.Integer(related="company_id.crm_mailbox_history_days", readonly=False)
    crm_mailbox_inbound_unknown = fields.Boolean(related="company_id.crm_mailbox_inbound_unknown", readonly=False)
    crm_mailbox_outbound_unknown = fields.Boolean(related="company_id.crm_mailbox_outbound_unknown", readonly=False)
    crm_mailbox_inbound_known = fields.Boolean(related="company_id.crm_mailbox_inbound_known", readonly=False)

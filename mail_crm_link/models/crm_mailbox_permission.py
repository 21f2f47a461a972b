"""Who may connect mailboxes of which provider, as the administrators say.

It decides about connecting alone: what is connected goes on, until it has to be connected again.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError

EVERYBODY = ("sales_team.group_sale_salesman", "base.group_system")
PERMISSIONS = [("everybody", "Everybody in sales"), ("group", "A group"), ("nobody", "Nobody")]
PERMISSION_PARAMETER = "mail_crm_link.%s_connected_by"
GROUP_PARAMETER = "mail_crm_link.%s_connected_by_group"
# Whoever writes one of these has a mailbox connected: this one once more, or another one.
CONNECTING_FIELDS = {
    "email",
    "ews_server",
    "ews_sign_in",
    "ews_username",
    "imap_host",
    "imap_sign_in",
    "login",
    "password",
    "provider",
}


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    @api.model_create_multi
    def create(self, vals_list):
        mailboxes = super().create(vals_list)
        mailboxes._check_may_connect()
        return mailboxes

    def write(self, vals):
        result = super().write(vals)
        if CONNECTING_FIELDS & vals.keys():
            self._check_may_connect()
        return result

    def action_connect(self) -> bool:
        self._check_may_connect()
        return super().action_connect()

    def action_sign_in(self) -> dict:
        self._check_may_connect()
        return super().action_sign_in()

    def _consent_url__(self, browser: str) -> str:
        self._check_may_connect()
        return super()._consent_url__(browser)

    def _check_may_connect(self) -> None:
        """:raise AccessError: the administrators let others connect such mailboxes, or nobody"""
        for provider in set(self.mapped("provider")):
            if not self.env.su and not self._may_connect(provider):
                raise AccessError(self._no_permission_sentence(provider))

    @api.model
    def _may_connect(self, provider: str) -> bool:
        """Whether the current user may connect mailboxes of a provider."""
        permission, group = self._permission(provider)
        if permission == "everybody":
            return any(map(self.env.user.has_group, EVERYBODY))
        return permission == "group" and group in self.env.user.all_group_ids

    @api.model
    def _permission(self, provider: str) -> tuple:
        """Return who may connect mailboxes of a provider, and the group if it is one."""
        # sudo: parameters are the administrators' to read, and everybody's to follow
        parameters = self.env["ir.config_parameter"].sudo()
        permission = parameters.get_param(PERMISSION_PARAMETER % provider) or "everybody"
        group = parameters.get_param(GROUP_PARAMETER % provider) or ""
        return permission, self.env["res.groups"].sudo().browse(int(group) if group.isdecimal() else ())

    @api.model
    def _no_permission_sentence(self, provider: str) -> str:
        permission, group = self._permission(provider)
        label = dict(self._fields["provider"]._description_selection(self.env))[provider]
        if permission == "everybody":
            return self.env._("Mailboxes are connected by people who work in sales. Ask your administrator to add you.")
        if permission == "group" and group:
            return self.env._(
                "Your administrator lets only people of the group “%(group)s” connect mailboxes of %(provider)s.",
                group=group.full_name,
                provider=label,
            )
        return self.env._("Your administrator lets nobody connect mailboxes of %s.", label)

    @api.model
    def _connectable_providers(self) -> set[str]:
        return set(filter(self._may_connect, super()._connectable_providers()))


def _permission_field(provider: str, label: str):
    return fields.Selection(
        PERMISSIONS, label, config_parameter=PERMISSION_PARAMETER % provider, default="everybody", required=True
    )


def _group_field(provider: str, label: str):
    return fields.Many2one("res.groups", label, config_parameter=GROUP_PARAMETER % provider)


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    crm_mailbox_imap_permission = _permission_field("imap", "IMAP")
    crm_mailbox_imap_group_id = _group_field("imap", "Group for IMAP")
    crm_mailbox_gmail_permission = _permission_field("gmail", "Gmail")
    crm_mailbox_gmail_group_id = _group_field("gmail", "Group for Gmail")
    crm_mailbox_graph_permission = _permission_field("graph", "Microsoft 365")
    crm_mailbox_graph_group_id = _group_field("graph", "Group for Microsoft 365")
    crm_mailbox_ews_permission = _permission_field("ews", "Exchange")
    crm_mailbox_ews_group_id = _group_field("ews", "Group for Exchange")

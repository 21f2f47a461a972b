from odoo import api, models


class CrmEmail(models.Model):
    """What Odoo's messaging asks of the record that a message belongs to."""

    _inherit = "crm.email"

    @api.depends("subject")
    @api.depends_context("uid", "allowed_company_ids", "lang")
    def _compute_display_name(self):
        """Odoo reads the names of referred records as superuser: the reader is the user."""
        for email, shown in zip(self, self.sudo(False), strict=True):
            email.display_name = shown.subject or self.env._("(no subject)")

    @api.model
    def _get_allowed_access_params(self) -> set[str]:
        return set()

    @api.model
    def _get_thread_with_access(self, thread_id, *, mode="read", **kwargs):
        """Return the e-mail to those who may read all of it; nobody writes on one."""
        email = self.browse(thread_id).exists()
        return email._filter_content_readable() if mode == "read" else email[:0]

    def _masked_body(self) -> str:
        """What readers see in place of a content that is not for them."""
        self.ensure_one()
        if self.direction == "in":
            return self.env._("Email received. Its content is private.")
        return self.env._("Email sent. Its content is private.")

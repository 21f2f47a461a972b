from odoo import models


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _get_rendering_context(self, report, docids, data):
        """A report prints what is in the cache, and deciding on the rights of a mail's message puts it there."""
        if report.model == "mail.message":
            self.env[report.model].browse(docids)._of_crm_emails().check_access("read")
        return super()._get_rendering_context(report, docids, data)

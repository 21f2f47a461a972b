"""What Odoo's own uninstall cannot know about this module's traces."""

from odoo.api import Environment
from odoo.fields import Domain

TRACES = {
    "mail.activity": Domain("crm_email_id", "!=", False),
    "mail.message": Domain("model", "=", "crm.email"),
    "ir.attachment": Domain("crm_email_section", "!=", False),
}


def uninstall_hook(env: Environment) -> None:
    """Take away what belongs to e-mails and would dangle without them."""
    for model, domain in TRACES.items():
        env[model].sudo().with_context(active_test=False).search(domain).unlink()

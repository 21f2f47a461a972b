"""What Odoo's own uninstall cannot know about this module's traces."""

from odoo.api import Environment


def uninstall_hook(env: Environment) -> None:
    """Take away what points at e-mails and would dangle without their model."""
    for model, field in (
        ("mail.message", "model"),
        ("ir.attachment", "res_model"),
    ):
        env[model].sudo().search([(field, "=", "crm.email")]).unlink()

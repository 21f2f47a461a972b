"""What Odoo's own uninstall cannot know about this module's traces."""

from odoo.api import Environment
from odoo.fields import Domain

TRACES = {
    "mail.activity": Domain("crm_email_id", "!=", False),
    "mail.message": Domain("model", "=like", "crm.email%"),
    "ir.attachment": Domain("crm_email_section", "!=", False)
    | Domain("res_model", "=like", "crm.email%")
    | Domain("res_model", "=like", "crm.mailbox%"),
    "ir.config_parameter": Domain("key", "=like", "mail_crm_link.%"),
}
BATCH = 1000


def uninstall_hook(env: Environment) -> None:
    """Take away what belongs to e-mails and would dangle without them."""
    for model, domain in TRACES.items():
        records = env[model].sudo().with_context(active_test=False, skip_res_field_check=True)
        # Years of mail do not fit into memory.
        while batch := records.search(domain, limit=BATCH):
            batch.unlink()
            env.flush_all()
            env.invalidate_all()

import polib

from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged
from odoo.tools import convert_file, file_path
from odoo.tools.translate import TranslationModuleReader

from ..hooks import TRACES, uninstall_hook
from .received_case import ReceivedCase


@tagged("-at_install", "post_install")
class TestPackage(ReceivedCase):
    def test_uninstalling_leaves_nothing_that_belongs_to_a_mail(self):
        email = self.receive()
        self.env["ir.attachment"].create(
            {
                "name": "a.pdf",
                "raw": b"a",
                "res_model": "mail.message",
                "res_id": email.mail_message_id.id,
                "crm_email_section": "2",
            }
        )
        self.env["ir.config_parameter"].set_param("mail_crm_link.own_domains", "our.example")
        for model, domain in TRACES.items():
            self.assertTrue(self.env[model].search_count(domain), model)
        uninstall_hook(self.env)
        for model, domain in TRACES.items():
            self.assertFalse(self.env[model].search_count(domain), model)

    def test_a_neutralised_copy_touches_no_mailbox(self):
        secrets = self.env["crm.mailbox.secret"]
        secrets.create({"mailbox_id": self.mailbox.id, "kind": "password", "ciphertext": "x"})
        self.env.flush_all()
        for query in get_neutralization_queries(["mail_crm_link"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertEqual(self.mailbox.state, "paused")
        self.assertFalse(secrets.search([]))

    def test_an_upgrade_leaves_crons_as_administrators_set_them(self):
        cron = self.env.ref("mail_crm_link.cron_audit")
        cron.interval_number = 3
        convert_file(self.env, "mail_crm_link", "data/ir_cron.xml", {})
        self.assertEqual(cron.interval_number, 3)

    def test_the_template_of_translations_has_every_text(self):
        exported = TranslationModuleReader(self.env.cr, ["mail_crm_link"])
        # An upgrade leaves their names as they were, and administrators may change them.
        kept = self.env["ir.model.data"].search([("module", "=", "mail_crm_link"), ("noupdate", "=", True)])
        kept = set(kept.mapped("complete_name"))
        texts = {source for _module, _type, _name, record, source, _value, _comments in exported if record not in kept}
        template = polib.pofile(file_path("mail_crm_link/i18n/mail_crm_link.pot"))
        missing = texts - {entry.msgid for entry in template}
        self.assertFalse(missing, "Run `scripts/launch translations`, and commit what it writes.")

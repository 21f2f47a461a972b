"""Nothing of a private mail is printed, nor sent in Odoo's digests."""

import json
from unittest.mock import patch
from urllib.parse import urlencode

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_actions_report import IrActionsReport

from .canary_case import CanaryCase

CRM_USERS = ("salesperson", "manager", "administrator")
# What an administrator's report may print of a record; the first field fills Odoo's cache with the others.
PRINTED = {
    "crm.email": "doc[name] if name in doc else doc.mail_message_id[name]",
    "mail.message": "doc[name]",
    "ir.attachment": "doc[name]",
    "crm.lead": "[doc.crm_email_ids.mapped(name), doc.crm_email_ids.mail_message_id.mapped(name)]",
}
NAMES = {
    "crm.email": ("display_name", "subject", "email_from", "email_to", "snippet", "body", "message_id", "preview"),
    "mail.message": ("display_name", "subject", "body", "preview", "email_from", "message_id"),
    "ir.attachment": ("display_name", "raw", "index_content"),
    "crm.lead": ("display_name", "subject", "email_from", "body"),
}


@tagged("-at_install", "post_install")
class TestCanariesOnPaper(CanaryCase):
    def setUp(self):
        super().setUp()
        for model, expression in PRINTED.items():
            self.make_report(model, expression)
        emails = self.bound[0] + self.hidden[0] + self.unbound[0]
        self.records = {
            "crm.email": emails,
            "mail.message": emails.mail_message_id,
            "ir.attachment": emails.mail_message_id.attachment_ids,
            "crm.lead": self.visible_deal,
        }

    def make_report(self, model: str, expression: str) -> None:
        name = f"canary_{model.replace('.', '_')}"
        arch = f"""<t t-name="mail_crm_link.{name}"><t t-foreach="docs" t-as="doc"><t t-foreach="names" t-as="name">
            <p t-out="{expression}"/></t></t></t>"""
        view = self.env["ir.ui.view"].create(
            {"name": name, "type": "qweb", "key": f"mail_crm_link.{name}", "arch": arch}
        )
        self.env["ir.model.data"].create(
            {"module": "mail_crm_link", "name": name, "model": "ir.ui.view", "res_id": view.id}
        )
        for kind in ("html", "text"):
            self.env["ir.actions.report"].create(
                {
                    "name": name,
                    "model": model,
                    "report_type": f"qweb-{kind}",
                    "report_name": f"mail_crm_link.{name}",
                }
            )

    def printed(self, model: str):
        """Addresses that print each record, one field after that which fills the cache."""
        report = f"mail_crm_link.canary_{model.replace('.', '_')}"
        first, *others = NAMES[model]
        for record in self.records[model]:
            for name in others:
                options = urlencode({"options": json.dumps({"names": [first, name]})})
                yield f"html/{report}/{record.id}?{options}"
            yield f"text/{report}/{record.id}?{options}"
            yield f"pdf/{report}/{record.id}?{options}"

    def print_all(self, user: str, models=tuple(PRINTED)) -> None:
        self.as_user(user)
        for model in models:
            for address in self.printed(model):
                self.get(user, f"/report/{address}")

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_qweb")
    def test_reports(self):
        for user in (*CRM_USERS, "portal"):
            self.print_all(user)
        self.assert_no_leaks()

    def digest_to(self, user):
        digest = self.env["digest.digest"].create(
            {"name": "Digest", "user_ids": user.ids, "kpi_mail_message_total": True, "kpi_crm_lead_created": True}
        )
        digest.action_send_manual()
        sent = self.env["mail.mail"].sudo().search([("create_date", ">=", self.env.cr.now())])
        self.assertTrue(sent)
        return sent

    def test_digests(self):
        for name in CRM_USERS:
            self.note(name, "digest", self.digest_to(self.users[name]).mapped("body_html"))
        self.assert_no_leaks()

    # --- the owner, and negative controls -----------------------------------------------

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_qweb")
    def test_the_owner_prints_it(self):
        self.users["owner"] = self.owner
        for model in PRINTED:
            self.leaks.clear()
            self.print_all("owner", [model])
            self.assertTrue(self.leaks, model)

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_qweb")
    def test_without_the_guards_canaries_are_printed(self):
        emails, reports = self.env.registry["crm.email"], self.env.registry["ir.actions.report"]
        with self.guard_off(emails, "_content_levels", lambda self: dict.fromkeys(self.ids, "full")):
            self.print_all("salesperson", ["crm.email"])
        messages = self.env.registry["mail.message"]
        with patch.object(messages, "_load_subject_of"):
            self.print_all("salesperson", ["mail.message"])
            self.assert_no_leaks()
            with self.guard_off(reports, "_get_rendering_context", IrActionsReport._get_rendering_context):
                self.print_all("salesperson", ["mail.message"])

    def test_a_digest_with_a_canary_is_noticed(self):
        for user in CRM_USERS[:1]:
            tips = self.env["digest.tip"].create({"name": "Tip", "tip_description": self.bound[0].stored_snippet})
            tips.sequence = -1
            self.note(user, "digest", self.digest_to(self.users[user]).mapped("body_html"))
        self.assertTrue(self.leaks)

"""Nothing of a private mail comes over the network, by any route and for anybody who may not read it."""

import json
import logging
import xmlrpc.client

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_binary import IrBinary

from .canary_case import MARK, CanaryCase, canaries_in

EVERYBODY = ("salesperson", "manager", "administrator", "portal", "public")
CRM_USERS = ("salesperson", "manager", "administrator")


@tagged("-at_install", "post_install")
class TestCanariesOnTheWeb(CanaryCase):
    def addresses(self):
        """Where a mail, its message and its attachments can be asked for."""
        for email in self.emails:
            yield f"/mail_crm_link/content/{email.id}"
            yield f"/mail_crm_link/original/{email.id}"
            yield f"/mail_crm_link/attachment/{email.id}/2"
            yield f"/web/content/crm.email/{email.id}/body"
            yield f"/mail/view?model=crm.email&res_id={email.id}"
        for message in self.emails.mail_message_id:
            yield f"/mail/message/{message.id}"
            yield f"/web/content/mail.message/{message.id}/body"
        for attachment in self.emails.mail_message_id.attachment_ids:
            [token] = attachment.generate_access_token()
            raw = attachment._get_raw_access_token()
            yield f"/web/content/{attachment.id}"
            yield f"/web/content/{attachment.id}?download=1&access_token={token}"
            yield f"/web/content/{attachment.id}?access_token={raw}"
            yield f"/web/image/{attachment.id}?access_token={raw}"
            yield f"/web/content/ir.attachment/{attachment.id}/datas"
            yield f"/mail/attachment/pdf_first_page/{attachment.id}?access_token={token}"

    def ask_for_addresses(self, user):
        self.as_user(user)
        for address in self.addresses():
            self.get(user, address)
        ids = ",".join(map(str, self.emails.mail_message_id.attachment_ids.ids))
        answer = self.url_open("/mail/attachment/zip", data={"file_ids": ids, "zip_name": "all.zip"})
        self.note(user, "/mail/attachment/zip", answer.content)

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_binary")
    def test_addresses(self):
        for user in EVERYBODY:
            self.ask_for_addresses(user)
        self.assert_no_leaks()

    def cards(self):
        return [self.visible_deal, self.anna, self.mill, self.hidden_contact, *self.bound[:1], *self.hidden[:1]]

    def ask_for_chatters(self, user):
        self.as_user(user)
        for card in self.cards():
            thread = {"thread_model": card._name, "thread_id": card.id}
            for fetched in ({"limit": 50}, {"limit": 50, "search_term": MARK}, {"around": 1, "limit": 30}):
                self.rpc(user, "/mail/thread/messages", **thread, fetch_params=fetched)
            self.rpc(user, "/mail_crm_link/thread/window", **thread, known=[], complete=[], limit=50)
            requests = ["activities", "attachments", "followers", "messages", "suggestedRecipients"]
            wanted = [["mail.thread", {"thread_model": card._name, "thread_id": card.id, "request_list": requests}]]
            self.rpc(user, "/mail/data", fetch_params=wanted)
        self.rpc(user, "/mail/data", fetch_params=["systray_get_activities", "init_messaging", "failures"])
        for box in ("inbox", "history", "starred"):
            self.rpc(user, f"/mail/{box}/messages", fetch_params={"limit": 30})

    @mute_logger("odoo.http")
    def test_chatters(self):
        for user in EVERYBODY:
            self.ask_for_chatters(user)
        self.assert_no_leaks()

    def call(self, user, model, method, *args, **kwargs):
        route = f"/web/dataset/call_kw/{model}/{method}"
        self.rpc(user, route, model=model, method=method, args=list(args), kwargs=kwargs)

    @mute_logger("odoo.http")
    def test_json_rpc(self):
        everything = {name: {} for name in self.env["crm.email"]._fields}
        ids = self.emails.ids
        for user in EVERYBODY:
            self.as_user(user)
            self.call(user, "crm.email", "search_read", [], [])
            self.call(user, "crm.email", "read", ids)
            self.call(user, "crm.email", "web_read", ids, everything)
            self.call(user, "crm.email", "web_search_read", [], everything, context={"active_test": False})
            self.call(user, "mail.message", "read", self.emails.mail_message_id.ids)
            self.call(user, "ir.attachment", "read", self.emails.mail_message_id.attachment_ids.ids)
            self.call(user, "crm.email", "load_content", ids[:1])
            self.call(user, "crm.email", "_content_levels", ids)
            self.call(user, "crm.email", "_fetch_original", ids[:1])
        self.assert_no_leaks()

    def call_by_xml(self, who, user, model, method, arguments):
        try:
            answer = self.xmlrpc_object.execute_kw(self.env.cr.dbname, who.id, who.login, model, method, arguments, {})
        except xmlrpc.client.Fault as fault:
            answer = fault.faultString
        self.note(user, f"XML-RPC {model}.{method}", answer)

    @mute_logger("odoo.http", "odoo.addons.rpc.controllers.xmlrpc")
    def test_xml_rpc(self):
        for user in ("salesperson", "manager", "administrator", "portal"):
            who = self.users[user]
            for model, records in (("crm.email", self.emails), ("mail.message", self.emails.mail_message_id)):
                for method, arguments in (("search_read", [[]]), ("read", [records.ids])):
                    self.call_by_xml(who, user, model, method, arguments)
                self.call_by_xml(who, user, model, "export_data", [records.ids, ["body"]])
        self.assert_no_leaks()

    @mute_logger("odoo.http", "odoo.addons.web.controllers.export")
    def test_exported_files(self):
        fields = [{"name": name, "label": name} for name in ("subject", "email_to", "body", "message_id", "snippet")]
        for user in ("salesperson", "administrator"):
            self.as_user(user)
            for kind in ("csv", "xlsx"):
                wanted = {
                    "model": "crm.email",
                    "fields": fields,
                    "ids": self.emails.ids,
                    "domain": [],
                    "groupby": [],
                    "import_compat": False,
                }
                answer = self.url_open(f"/web/export/{kind}", data={"data": json.dumps(wanted)})
                self.note(user, f"/web/export/{kind}", answer.content)
        self.assert_no_leaks()

    # --- what leaves without being asked for --------------------------------------------

    def test_notices_of_a_new_mail(self):
        self.env.cr.precommit.run()
        notices = self.env["bus.bus"].sudo().search([])
        mine = f'["{self.env.cr.dbname}", "res.partner", {self.owner.partner_id.id}]'
        others = notices.filtered(lambda notice: json.loads(notice.channel) != json.loads(mine))
        self.note("anybody", "the bus", others.mapped("message"))
        sent = self.env["mail.mail"].sudo().search([("create_date", ">=", self.env.cr.now())])
        self.note("followers", "mail.mail", [(one.subject, one.body_html) for one in sent])
        told = self.env["mail.notification"].sudo().search([("mail_message_id", "in", self.emails.mail_message_id.ids)])
        self.leaks += [f"{one.res_partner_id.name} is notified" for one in told]
        activities = self.env["mail.activity"].sudo().search([("crm_email_id", "in", self.emails.ids)])
        self.assertTrue(activities)
        self.note("anybody", "activities", activities.read(["summary", "note", "display_name"]))
        self.note("followers", "tracking", self.visible_deal.message_ids.sudo().mapped("body"))
        self.assert_no_leaks()

    def test_logs(self):
        with self.assertLogs("odoo.addons.mail_crm_link", logging.DEBUG) as logs:
            logging.getLogger("odoo.addons.mail_crm_link").debug("There is always one line.")
            email = self.secret("Anna <anna@mill.example>", "m")
            self.fill(email)
            email.with_user(self.owner).load_content()
            email.with_user(self.owner).link_to("res.partner", self.mill.id)
            email.with_user(self.owner).action_mark_processed()
            self.relink()
        self.note("whoever reads the log", "DEBUG", logs.output)
        self.assert_no_leaks()

    # --- the owner, and negative controls -----------------------------------------------

    @mute_logger("odoo.http")
    def test_the_owner_gets_it_on_the_same_ways(self):
        self.users["owner"] = self.owner
        self.as_user("owner")
        email = self.bound[0]
        attachment = email.mail_message_id.attachment_ids
        for address in (
            f"/mail_crm_link/content/{email.id}",
            f"/mail_crm_link/attachment/{email.id}/2",
            f"/web/content/{attachment.id}",
        ):
            self.assertTrue(canaries_in(self.url_open(address).content), address)
        self.ask_for_chatters("owner")
        self.call("owner", "crm.email", "search_read", [], [])
        self.assertGreater(len(self.leaks), 5)

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_binary")
    def test_without_the_guards_canaries_are_found(self):
        emails = self.env.registry["crm.email"]
        everything = lambda self: dict.fromkeys(self.ids, "full")  # noqa: E731
        with self.guard_off(emails, "_content_levels", everything):
            self.ask_for_addresses("salesperson")
        with self.guard_off(emails, "_content_levels", everything):
            self.ask_for_chatters("salesperson")
        with self.guard_off(self.env.registry["ir.binary"], "_find_record", IrBinary._find_record):
            self.ask_for_addresses("public")

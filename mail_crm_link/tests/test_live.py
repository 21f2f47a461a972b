"""Who is told of mail, and what."""

import json
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.http_routing.tests.common import MockRequest

from ..connectors.base import Changes, Folder
from ..models.crm_email_live import CARD, MAIL
from ..models.orm_store import OrmStore
from .received_case import NOW, ReceivedCase

SECRET = "canary-subject"


@tagged("-at_install", "post_install")
class TestLive(ReceivedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.colleague = new_test_user(cls.env, "live_colleague", "sales_team.group_sale_salesman_all_leads")
        cls.stranger = new_test_user(cls.env, "live_stranger", "base.group_user")

    def told(self, act) -> list[tuple]:
        """Return what ``act`` has sent: target, kind and content."""
        sent = []
        bus = type(self.env["bus.bus"])
        with patch.object(bus, "_sendone", lambda _self, *notification: sent.append(notification)):
            act()
        return [one for one in sent if one[1] in (MAIL, CARD)]

    def save_page(self, *emails, seen=None):
        """Store a page that has these mails again, as a synchronisation does."""
        folder = self.mailbox.folder_ids.filtered(lambda one: one.role == "inbox")
        flags = {copy.remote_id: bool(seen) for email in emails for copy in email.copy_ids}
        OrmStore(self.mailbox)._save_page(folder.id, Changes("1", "cursor", seen=flags), [])

    def test_a_page_is_one_notification_a_reader_and_one_a_card(self):
        emails = [self.receive(subject=SECRET) for _ in range(3)]
        told = self.told(lambda: self.save_page(*emails))
        to_readers = [one for one in told if one[1] == MAIL]
        self.assertEqual([target for target, _kind, _payload in to_readers], [self.owner.partner_id])
        self.assertEqual(set(to_readers[0][2]["emails"]), {email.id for email in emails})
        self.assertEqual(set(to_readers[0][2]["new"]), {email.id for email in emails})
        cards = {target[0] for target, kind, _payload in told if kind == CARD}
        self.assertLessEqual({self.anna, self.mill}, cards)
        self.assertEqual(len(told), 1 + len(cards))
        self.assertNotIn(SECRET, json.dumps([payload for _target, _kind, payload in told]))

    def test_where_the_inbox_is_a_view_new_mail_is_told_of_from_all_mail(self):
        folders = self.mailbox.folder_ids
        OrmStore(self.mailbox)._save_folders(
            [
                Folder("INBOX", "INBOX", "inbox", is_view=True),
                Folder("[Gmail]/All Mail", "All Mail", "archive"),
                Folder("Customers", "Customers", "other", is_view=True),
            ]
        )
        added = self.mailbox.folder_ids - folders
        self.assertEqual(dict(added.mapped(lambda one: (one.name, one.sync))), {"All Mail": True, "Customers": False})
        archive = added.filtered("sync")
        self.assertFalse(archive._is_arrival())
        folders.filtered(lambda one: one.role == "inbox").sudo().sync = False
        self.assertTrue(archive._is_arrival())

    def test_members_are_told_and_nobody_else(self):
        self.mailbox.write({"access": "shared", "member_ids": [Command.link(self.colleague.id)]})
        email = self.receive()
        readers = [target for target, kind, _payload in self.told(lambda: self.save_page(email)) if kind == MAIL]
        self.assertEqual(set(readers), {self.owner.partner_id, self.colleague.partner_id})

    def test_what_was_read_and_what_is_automatic_is_not_new(self):
        read, bulk = self.receive(), self.receive("news@shop.example", List_Id="<a.b>")
        read.copy_ids.seen = True
        self.env.flush_all()
        [told] = [one for one in self.told(lambda: self.save_page(read, bulk, seen=True)) if one[1] == MAIL]
        self.assertFalse(told[2]["new"])

    def test_a_first_synchronisation_tells_its_progress_instead(self):
        email = self.receive()
        self.mailbox.state = "connecting"
        self.assertFalse(self.told(lambda: self.save_page(email)))

    def test_what_people_do_is_told(self):
        email = self.receive().with_user(self.owner)
        lead = self.opportunity("Pumps")
        for act in (
            email.action_mark_processed,
            lambda: email.link_to("crm.lead", lead.id),
            lambda: email.unlink_from("crm.lead", lead.id),
        ):
            told = self.told(act)
            self.assertTrue([one for one in told if one[1] == MAIL])
            told_cards = {target[0] for target, kind, _payload in told if kind == CARD}
            self.assertIn(lead if act != email.action_mark_processed else self.anna, told_cards)
        self.assertIn(lead, {target[0] for target, kind, _payload in told if kind == CARD}, "there it has to go")

    # --- channels -----------------------------------------------------------------------

    def channels(self, user, *names):
        with MockRequest(self.env(user=user)) as request:
            request.session.uid = user.id
            return request.env["ir.websocket"]._build_bus_channel_list(list(names))

    def test_cards_are_heard_by_who_may_read_them(self):
        lead = self.opportunity("Pumps")
        names = [f"mail_crm_link/crm.lead/{lead.id}", f"mail_crm_link/res.partner/{self.anna.id}"]
        heard = self.channels(self.owner, *names)
        self.assertIn((lead, "mail_crm_link"), heard)
        self.assertIn((self.anna, "mail_crm_link"), heard)
        heard = self.channels(self.stranger, *names)
        self.assertNotIn((lead, "mail_crm_link"), heard)
        self.assertFalse(set(names) & set(filter(lambda one: isinstance(one, str), heard)))

    def test_other_channels_are_left_alone(self):
        names = ["mail_crm_link/crm.lead/x", "mail_crm_link/res.users/2", "other"]
        self.assertLessEqual(set(names), set(self.channels(self.owner, *names)))
        heard = self.channels(self.owner, "mail_crm_link/crm.lead/999999999")
        self.assertFalse([one for one in heard if isinstance(one, tuple) and one[1] == "mail_crm_link"])

    # --- desktop ------------------------------------------------------------------------

    def test_the_desktop_tells_of_what_one_may_read_to_who_wants_it(self):
        email = self.receive(subject=SECRET, received=NOW)
        self.assertFalse(email.with_user(self.owner).describe_new(email.ids), "nobody asked for it")
        (self.owner | self.colleague).crm_email_notify = True
        [note] = email.with_user(self.owner).describe_new(email.ids)
        self.assertEqual((note["title"], note["text"]), ("Anna Meyer", SECRET))
        self.assertFalse(email.with_user(self.colleague).describe_new(email.ids))

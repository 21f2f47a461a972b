from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.mail.tools.discuss import Store

from .mailbox_case import MailboxCase


class ChatterCase(MailboxCase):
    def fetch(self, user=None, card=None, **params):
        card = card if card is not None else self.lead
        messages = self.env["mail.message"].with_user(user or self.owner)
        return messages._message_fetch(None, thread=card.with_user(messages.env.user), **params)

    def page(self, **params):
        return self.fetch(**params)["messages"]

    def stored(self, messages, user=None):
        """What a browser gets of these messages, by id."""
        data = Store().add(messages.with_user(user or self.owner)).get_result()
        return {values["id"]: values for values in data["mail.message"]}


@tagged("post_install", "-at_install")
class TestOrder(ChatterCase):
    def test_late_mail_stands_at_its_date_between_odoo_s_own_messages(self):
        first, last = self.note(days=0), self.note(days=10)
        late = self.email(days=5).mail_message_id
        self.assertGreater(late.id, last.id)
        self.assertEqual(self.page(), last + late + first)

    def test_mail_of_another_card_is_not_shown(self):
        other = self.lead.copy()
        self.email(cards=[other])
        self.assertFalse(self.page())

    def test_one_mail_stands_on_all_of_its_cards(self):
        partner = self.env["res.partner"].create({"name": "Anna"})
        message = self.email(cards=[self.lead, partner]).mail_message_id
        self.assertIn(message, self.page())
        self.assertIn(message, self.page(card=partner))

    def test_mail_taken_off_the_card_is_gone(self):
        email = self.email()
        email.link_ids.active = False
        self.assertFalse(self.page())

    def test_another_model_s_thread_stays_as_odoo_has_it(self):
        team = self.env["crm.team"].create({"name": "Team"})
        newer = team.message_post(body="newer")
        older = team.message_post(body="older")
        older.date = "2020-01-01 00:00:00"
        page = self.env["mail.message"]._message_fetch(None, thread=team)["messages"]
        self.assertEqual(page[:2], older + newer)


@tagged("post_install", "-at_install")
class TestPaging(ChatterCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # imported from new to old, and notes in between: ids and dates disagree
        mails = [cls.email(days=day).mail_message_id for day in range(28, -1, -2)]
        notes = [cls.note(days=day) for day in range(1, 28, 2)]
        cls.all = cls.env["mail.message"].union(*mails, *notes).sorted("date", True)

    def test_older_pages_go_back_to_the_first_message_without_gap_or_double(self):
        shown = self.page(limit=4)
        while older := self.page(before=shown[-1].id, limit=4):
            shown = self.env["mail.message"].browse(shown.ids + older.ids)
        self.assertEqual(shown.ids, self.all.ids)

    def test_newer_pages_go_on_to_the_last_message_without_gap_or_double(self):
        shown = self.all[-1]
        while newer := self.page(after=shown[0].id, limit=4):
            shown = self.env["mail.message"].browse(newer.ids + shown.ids)
        self.assertEqual(shown.ids, self.all.ids)

    def test_a_jump_loads_what_is_around_the_message(self):
        self.assertEqual(self.page(around=self.all[10].id, limit=6), self.all[7:13])

    def test_messages_of_one_second_are_paged_by_id(self):
        self.all.date = "2026-01-01 00:00:00"
        in_order = self.all.sorted("id", reverse=True)
        self.assertEqual(self.page(limit=5), in_order[:5])
        self.assertEqual(self.page(before=in_order[4].id, limit=5), in_order[5:10])

    def test_fractions_of_a_second_make_no_gap(self):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE mail_message SET date = '2026-01-01 00:00:00.9'::timestamp"
            " - (id - %s) * interval '10 ms' WHERE id = ANY(%s)",
            [min(self.all.ids), self.all.ids],
        )
        self.all.invalidate_recordset()
        shown = self.page(limit=4)
        while older := self.page(before=shown[-1].id, limit=4):
            shown = self.env["mail.message"].browse(shown.ids + older.ids)
        self.assertEqual(shown.ids, sorted(self.all.ids))

    def test_a_message_of_elsewhere_is_no_border(self):
        elsewhere = self.email(days=15, cards=[self.lead.copy()]).mail_message_id
        self.assertFalse(self.page(before=elsewhere.id))
        self.assertFalse(self.page(after=elsewhere.id))

    def test_a_page_costs_the_same_queries_whatever_its_size(self):
        def queries(limit):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            Store().add(self.page(limit=limit)).get_result()
            return self.env.cr.sql_log_count - before

        queries(5)
        self.assertEqual(queries(5), queries(20))


@tagged("post_install", "-at_install")
class TestWindow(ChatterCase):
    def window(self, known, limit=60):
        messages = self.env["mail.message"].with_user(self.owner)
        return messages._card_window(self.lead.with_user(self.owner), known.ids, limit)

    def test_the_window_takes_in_late_mail_and_leaves_older_pages_out(self):
        old, first, last = self.note(-9), self.note(0), self.note(10)
        late = self.email(days=5).mail_message_id
        self.assertEqual(self.window(last + first), last + late + first)
        self.assertNotIn(old, self.window(last + first))

    def test_the_window_drops_mail_that_was_taken_off(self):
        note = self.note(0)
        email = self.email(days=5)
        email.link_ids.active = False
        self.assertEqual(self.window(note + email.mail_message_id), note)

    def test_the_window_of_a_card_without_messages_is_its_newest_page(self):
        message = self.email().mail_message_id
        self.assertEqual(self.window(self.env["mail.message"]), message)


@tagged("post_install", "-at_install")
class TestSearch(ChatterCase):
    def test_mail_is_found_by_body_subject_sender_and_attachment(self):
        email = self.email(subject="Cavitation", body="<p>The impeller is worn</p>")
        attachment = self.env["ir.attachment"].create(
            {
                "name": "datasheet.pdf",
                "res_model": "mail.message",
                "res_id": email.mail_message_id.id,
            }
        )
        email.mail_message_id.attachment_ids = [Command.set(attachment.ids)]
        for term in ("impeller", "impeller worn", "cavitation", "anna@mill", "datasheet"):
            with self.subTest(term):
                found = self.fetch(search_term=term)
                self.assertEqual(found["messages"], email.mail_message_id)
                self.assertEqual(found["count"], 1)

    def test_search_pages_by_date_and_counts_all(self):
        mails = [self.email(days=day, body="impeller") for day in (4, 2, 0)]
        notes = [self.note(days=day, body="impeller") for day in (3, 1)]
        messages = self.env["mail.message"].union(*(mail.mail_message_id for mail in mails), *notes)
        in_order = messages.sorted("date", reverse=True)
        found = self.fetch(search_term="impeller", limit=2)
        self.assertEqual((found["count"], found["messages"]), (5, in_order[:2]))
        found = self.fetch(search_term="impeller", before=in_order[1].id, limit=2)
        self.assertEqual((found["count"], found["messages"]), (5, in_order[2:4]))

    def test_the_filter_of_tracked_changes_leaves_mail_out(self):
        message = self.email(body="impeller").mail_message_id
        self.assertNotIn(message, self.page(is_notification=True))
        self.assertIn(message, self.page(is_notification=False))
        self.assertFalse(self.page(search_term="impeller", is_notification=True))
        self.assertTrue(self.page(search_term="impeller", is_notification=False))

    def test_hidden_mail_is_not_found(self):
        self.email(subject="Cavitation", body="<p>impeller</p>")
        self.mailbox.visibility = "subject"
        for term in ("cavitation", "impeller", "anna"):
            found = self.fetch(user=self.colleague, search_term=term)
            self.assertEqual((found["count"], len(found["messages"])), (0, 0))


@tagged("post_install", "-at_install")
class TestMasking(ChatterCase):
    SECRET = "The secret price"

    def seen_by_colleague(self, visibility):
        self.mailbox.visibility = visibility
        page = self.page(user=self.colleague)
        return self.stored(page, self.colleague)

    def setUp(self):
        super().setUp()
        self.message = self.email(subject="Cavitation", body=f"<p>{self.SECRET}</p>").mail_message_id
        self.message.attachment_ids = [
            Command.create(
                {
                    "name": "price.pdf",
                    "res_model": "mail.message",
                    "res_id": self.message.id,
                }
            )
        ]

    def test_the_owner_reads_all_of_it(self):
        values = self.stored(self.page())[self.message.id]
        self.assertIn(self.SECRET, values["body"][1])
        self.assertEqual(values["crm_email"]["level"], "full")
        self.assertTrue(values["attachment_ids"])

    def test_public_mail_is_read_by_who_sees_the_card(self):
        values = self.seen_by_colleague("public")[self.message.id]
        self.assertIn(self.SECRET, values["body"][1])

    def test_of_private_mail_others_learn_when_and_by_whom(self):
        values = self.seen_by_colleague("private")[self.message.id]
        self.assertEqual(values["crm_email"]["level"], "private")
        self.assertIn("anna@mill.example", values["email_from"])
        self.assertNotIn(self.SECRET, str(values))
        self.assertNotIn("Cavitation", str(values))
        self.assertFalse(values["attachment_ids"])

    def test_of_subject_mail_others_learn_the_subject_too(self):
        values = self.seen_by_colleague("subject")[self.message.id]
        self.assertEqual(values["crm_email"]["subject"], "Cavitation")
        self.assertNotIn(self.SECRET, str(values))
        self.assertFalse(values["attachment_ids"])

    def test_nothing_else_of_the_answer_has_it(self):
        self.mailbox.visibility = "private"
        page = self.page(user=self.colleague).with_user(self.colleague)
        answer = str(Store().add(page).get_result())
        for hidden in (self.SECRET, "Cavitation", "price.pdf"):
            self.assertNotIn(hidden, answer)

    def test_a_notice_to_another_user_is_masked_for_that_user(self):
        self.mailbox.visibility = "private"
        store = Store(bus_channel=self.colleague).add(self.message.sudo())
        self.assertNotIn(self.SECRET, str(store.get_result()))

    def test_single_fields_of_a_masked_message_are_not_handed_out(self):
        self.mailbox.visibility = "private"
        message = self.message.with_user(self.colleague)
        store = Store().add(message, ["body", "subject"])
        self.assertNotIn(self.SECRET, str(store.get_result()))


@tagged("post_install", "-at_install")
class TestRights(ChatterCase):
    def setUp(self):
        super().setUp()
        self.message = self.email(body="<p>impeller</p>").mail_message_id

    def test_the_message_is_for_those_who_may_read_all_of_the_mail(self):
        message = self.message.with_user(self.colleague)
        with self.assertRaises(AccessError):
            message.read(["body"])
        self.assertFalse(message.search([("body", "ilike", "impeller")]))
        self.mailbox.visibility = "public"
        self.assertTrue(message.read(["body"]))
        self.assertTrue(message.search([("body", "ilike", "impeller")]))

    def test_a_forged_sender_gives_no_right_to_read_or_change(self):
        self.message.author_id = self.colleague.partner_id
        message = self.message.with_user(self.colleague)
        self.assertFalse(message.search([("id", "=", message.id)]))
        with self.assertRaises(AccessError):
            message.read(["body"])
        with self.assertRaises(AccessError):
            message.write({"body": "changed"})

    def test_nobody_changes_or_deletes_a_mail_through_its_message(self):
        message = self.message.with_user(self.owner)
        with self.assertRaises(AccessError):
            message.write({"body": "changed"})
        with self.assertRaises(AccessError):
            message.unlink()

    def test_an_attachment_is_for_those_who_may_read_all_of_the_mail(self):
        attachment = self.env["ir.attachment"].create(
            {
                "name": "price.pdf",
                "raw": b"%PDF",
                "res_model": "mail.message",
                "res_id": self.message.id,
            }
        )
        with self.assertRaises(AccessError):
            attachment.with_user(self.colleague).read(["raw"])
        self.assertTrue(attachment.with_user(self.owner).read(["raw"]))
        found = (
            self.env["ir.attachment"]
            .with_user(self.colleague)
            .search([("res_model", "=", "mail.message"), ("name", "=", "price.pdf")])
        )
        self.assertFalse(found)


@tagged("post_install", "-at_install")
class TestContent(ChatterCase):
    def test_remote_images_are_blocked_and_inline_ones_are_not_listed(self):
        email = self.email()
        message = email.mail_message_id
        inline = f"/mail_crm_link/attachment/{email.id}/2"
        message.body = f'<img src="https://t.example/p.gif"><img src="{inline}">'
        message.attachment_ids = [
            Command.create(
                {
                    "name": name,
                    "res_model": "mail.message",
                    "res_id": message.id,
                    "crm_email_section": section,
                }
            )
            for name, section in (("logo.png", "2"), ("offer.pdf", "3"))
        ]
        values = self.stored(self.page())[message.id]
        self.assertNotIn('src="https', values["body"][1].replace("data-crm-src", ""))
        self.assertIn(f'src="{inline}"', values["body"][1])
        listed = self.env["ir.attachment"].browse(values["attachment_ids"])
        self.assertEqual(listed.mapped("name"), ["offer.pdf"])

    def test_a_mail_without_a_subject_has_a_name(self):
        self.assertEqual(self.email(subject=False).display_name, "(no subject)")
        values = self.stored(self.page())
        self.assertFalse(next(iter(values.values()))["crm_email"]["subject"])

"""Mailboxes of Microsoft 365, from the sign-in to the card, on servers written from Microsoft's documents."""

import os
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from cryptography.fernet import Fernet
from servers.graph import GraphServer, Refusal
from servers.oauth import AuthorizationServer, Grant

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from ..connectors.oauth import Tokens
from .committing_case import mail
from .exchange_case import ADDRESS, ExchangeCase
from .oauth_case import OAuthCase


def set_up_microsoft(env, sign_in: AuthorizationServer, service: GraphServer) -> None:
    """Have this server registered at both servers."""
    os.environ.setdefault("MAIL_CRM_LINK_KEY", Fernet.generate_key().decode())
    parameters = env["ir.config_parameter"]
    parameters.set_param("mail_crm_link.microsoft_authority", sign_in.url)
    parameters.set_param("mail_crm_link.microsoft_client_id", sign_in.client_id)
    parameters.set_param("mail_crm_link.microsoft_graph_endpoint", service.endpoint)
    secrets = env["crm.mailbox.secret"]
    secrets._store__(env["crm.mailbox"], "microsoft_client_secret", sign_in.client_secret)
    service.accepts = sign_in.access_tokens.__contains__
    service.signed_in = ADDRESS
    service.mailbox(ADDRESS)


def give_consent(mailbox, sign_in: AuthorizationServer) -> None:
    """Have the owner's consent without a browser."""
    sign_in.refresh_tokens["refresh-0"] = Grant(ADDRESS, "")
    mailbox._keep_tokens__(Tokens("", "refresh-0", 0))


class TestGraph(ExchangeCase):
    def setUp(self):
        super().setUp()
        self.sign_in = self.enterContext(AuthorizationServer())
        self.service = self.enterContext(GraphServer())
        self.account = self.service.mailbox(ADDRESS)
        set_up_microsoft(self.env, self.sign_in, self.service)
        self.addCleanup(self._forget_microsoft)

    def _forget_microsoft(self):
        self.env.cr.rollback()
        self.env["ir.config_parameter"].search([("key", "=like", "mail_crm_link.microsoft_%")]).unlink()
        self.env.cr.commit()

    def new_mailbox(self, **values):
        mailbox = self.env["crm.mailbox"].create({"email": ADDRESS, "provider": "graph", **values})
        if not mailbox.graph_application:
            give_consent(mailbox, self.sign_in)
        return mailbox

    def bring_forward(self):
        """Have the time come of what waits to be sent."""
        self.env.cr.execute("UPDATE crm_email_composer SET send_at = now() at time zone 'utc' - interval '1 second'")
        self.env.cr.commit()
        self.env.invalidate_all()

    def test_mail_comes_to_cards_and_goes_on_coming(self):
        mailbox = self.assert_mail_comes()
        emails = self.emails()
        self.assertIn("Hello there", emails.filtered(lambda one: one.direction == "in").body)
        self.account.deliver(mail("Eva Mill <eva@mill.example>", ADDRESS, "Once more"))
        mailbox.action_sync_now()
        self.assertEqual(len(self.emails([("partner_ids", "=", emails.partner_ids.id)])), 3)

    def test_what_was_moved_and_deleted_is_followed(self):
        mailbox = self.connected()
        moved = self.account.deliver(mail("eva@mill.example", ADDRESS, "Moved"))
        gone = self.account.deliver(mail("eva@mill.example", ADDRESS, "Gone"))
        mailbox.action_sync_now()
        [before] = self.emails([("subject", "=", "Moved")])
        self.account.move(moved, "sentitems")
        self.account.remove(gone)
        mailbox.action_sync_now()
        [after] = self.emails([("subject", "=", "Moved")])
        self.assertEqual(after, before)
        self.assertEqual(after.copy_ids.folder_id.role, "sent")
        self.assertFalse(self.emails([("subject", "=", "Gone")]).copy_ids)

    def test_forgotten_links_cost_a_listing_and_no_mail(self):
        self.assert_nothing_is_lost(self.account.forget_rounds)

    def test_a_throttled_mailbox_waits_as_long_as_it_was_told(self):
        self.assert_waits(Refusal(429, "TooManyRequests", Retry_After="1200"))

    def test_a_consent_that_was_taken_back_asks_its_owner(self):
        mailbox = self.connected()
        self.sign_in.take_back()
        with self.assertRaisesRegex(UserError, "not valid any more"):
            mailbox.action_sync_now()
        self.assertEqual(mailbox.state, "error")

    def test_a_shared_mailbox_is_read_by_who_may(self):
        shared = self.service.mailbox("team@our.example")
        shared.deliver(mail("eva@mill.example", "team@our.example", "For the team"))
        mailbox = self.connected(email="team@our.example", login=ADDRESS, access="shared")
        self.assertIn("Mail.Read.Shared", " ".join(mailbox._oauth_scopes()))
        mailbox.action_sync_now()
        self.assertEqual(self.emails().subject, "For the team")

    def test_the_application_reads_what_an_administrator_named(self):
        other = self.service.mailbox("info@our.example")
        other.deliver(mail("eva@mill.example", "info@our.example", "By the application"))
        mailbox = self.connected(email="info@our.example", graph_application=True)
        mailbox.action_sync_now()
        self.assertEqual(self.emails().subject, "By the application")
        self.assertTrue(self.sign_in.calls["client_credentials"])
        self.assertFalse(self.sign_in.calls["refresh_token"])

    def test_sender_addresses_of_the_account_are_offered_and_others_refused(self):
        self.account.proxy_addresses.append("smtp:sales@our.example")
        mailbox = self.connected()
        self.assertEqual(mailbox.aliases, "sales@our.example")
        self.assertEqual(mailbox._sender_addresses(), [ADDRESS, "sales@our.example"])
        values = {"mailbox_id": mailbox.id, "to": "eva@mill.example", "subject": "Offer", "body": "<p>Hello</p>"}
        drafts = self.env["crm.email.composer"]
        self.assertTrue(drafts.create({**values, "email_from": "sales@our.example"}))
        with self.assertRaises(AccessError):
            drafts.create({**values, "email_from": "boss@our.example"})

    def test_a_mailbox_works_without_the_right_to_ask_for_its_addresses(self):
        self.account.proxy_addresses = None
        self.assertFalse(self.connected().aliases)

    def test_what_is_written_here_goes_out_once_and_is_one_mail(self):
        eva = self.partner("Eva Mill", "eva@mill.example")
        author = self.committed_user("graph_author")
        mailbox = self.connected(user_id=author.id)
        mailbox.action_sync_now()
        draft = self.draft(mailbox, to="Eva Mill <eva@mill.example>", bcc="hidden@mill.example")
        self.service.cut[self.service.calls + 1] = -1
        draft.action_send()
        for _look in range(3):
            self.bring_forward()
            self.env["crm.email.composer"].browse(draft.id)._send_guarded()
        self.assertEqual(len(self.service.sent), 1)
        self.assertIn(b"Bcc: hidden@mill.example\r\n", self.service.sent[0])
        self.env.invalidate_all()
        self.assertEqual(draft.state, "sent")
        mailbox.action_sync_now()
        [email] = self.emails()
        self.assertEqual((email.partner_ids, email.direction), (eva, "out"))
        self.assertEqual(email.copy_ids.folder_id.role, "sent")

    def test_a_mailbox_that_is_not_there_is_said_so(self):
        with self.assertRaisesRegex(UserError, "no mailbox"):
            self.connected(email="nobody@our.example", graph_application=True)


@tagged("-at_install", "post_install")
class TestGraphSignIn(OAuthCase):
    def setUp(self):
        super().setUp()
        self.service = self.enterContext(GraphServer())
        set_up_microsoft(self.env, self.server, self.service)
        settings = self.env["res.config.settings"].create({})
        self.server.redirects.add(settings.crm_mailbox_microsoft_redirect)
        self.authenticate("oauth_owner", "oauth_owner")

    def new_mailbox(self, email=ADDRESS, owner=None):
        mailboxes = self.env["crm.mailbox"].with_user(owner or self.owner)
        return mailboxes.create({"email": email, "provider": "graph"}).sudo()

    def test_who_agrees_is_connected(self):
        response = self.sign_in()
        self.assertEqual(response.status_code, 303, response.text)
        self.assertEqual(self.mailbox.state, "connecting")
        self.assertIn("inbox", self.mailbox.folder_ids.mapped("role"))
        [asked] = self.server.asked
        self.assertNotIn("ReadWrite", asked["scope"])
        self.assertIn("offline_access", asked["scope"])

    def test_only_an_administrator_lets_the_application_read(self):
        mailbox = self.mailbox.with_user(self.owner)
        with self.assertRaises(Exception) as caught:
            mailbox.graph_application = True
        self.assertEqual(type(caught.exception).__name__, "AccessError")

    def test_the_permission_does_not_go_to_another_mailbox(self):
        self.mailbox.graph_application = True
        self.mailbox.with_user(self.owner).name = "Mine"
        self.assertTrue(self.mailbox.graph_application)
        self.mailbox.with_user(self.owner).email = "boss@our.example"
        self.assertFalse(self.mailbox.graph_application)

    def test_clouds_are_addresses(self):
        settings = self.env["res.config.settings"].create({})
        self.assertEqual(settings.crm_mailbox_microsoft_cloud, "other")
        settings.crm_mailbox_microsoft_cloud = "us"
        settings.execute()
        self.assertIn("https://graph.microsoft.us/Mail.Read", self.mailbox._oauth_scopes())
        url = self.mailbox._consent_url__("browser")
        self.assertTrue(url.startswith("https://login.microsoftonline.us/common/"), url)


@tagged("-at_install", "post_install")
class TestGraphNotices(HttpCase):
    def setUp(self):
        super().setUp()
        self.sign_in = self.enterContext(AuthorizationServer())
        self.service = self.enterContext(GraphServer())
        set_up_microsoft(self.env, self.sign_in, self.service)
        self.env["ir.config_parameter"].set_param("mail_crm_link.microsoft_notification_url", self.base_url())
        owner = new_test_user(self.env, "graph_owner", "sales_team.group_sale_salesman")
        values = {"email": ADDRESS, "provider": "graph", "user_id": owner.id}
        self.mailbox = self.env["crm.mailbox"].create(values)
        give_consent(self.mailbox, self.sign_in)
        self.mailbox._token__()(True)
        self.mailbox.write({"state": "connected", "next_sync": self.later()})

    def later(self):
        return fields.Datetime.now() + timedelta(hours=1)

    def subscribe(self):
        with self.allow_requests(all_requests=True):
            self.mailbox._graph_subscribe()
        [subscribed] = self.service.subscriptions.values()
        return subscribed

    def notify(self, **values) -> list[int]:
        self.env.flush_all()
        with self.allow_requests(all_requests=True):
            statuses = self.service.notify(**values)
        self.env.invalidate_all()
        return statuses

    def test_a_subscription_is_made_and_renewed(self):
        subscribed = self.subscribe()
        self.assertEqual(self.mailbox.graph_subscription, subscribed.remote_id)
        self.assertGreater(self.mailbox.graph_subscribed_until, fields.Datetime.now() + timedelta(days=5))
        self.assertGreaterEqual(len(subscribed.body["clientState"]), 40)
        self.subscribe()
        self.assertEqual(subscribed.renewals, 1)

    def test_a_notification_triggers_the_synchronisation(self):
        self.subscribe()
        self.assertEqual(self.notify(), [202])
        self.assertFalse(self.mailbox.next_sync)

    def test_a_notification_without_the_secret_does_nothing(self):
        subscribed = self.subscribe()
        for forged in ({"clientState": "guessed"}, {"clientState": ""}, {"subscriptionId": "another"}):
            self.assertEqual(self.notify(**forged), [202])
            self.assertTrue(self.mailbox.next_sync, forged)
        self.mailbox.graph_subscription = False
        self.notify(subscriptionId="")
        self.assertTrue(self.mailbox.next_sync)
        self.assertEqual(len(subscribed.body["clientState"]), 43)

    def test_a_notification_does_not_shorten_a_wait(self):
        self.subscribe()
        self.mailbox.state = "waiting"
        self.notify()
        self.assertTrue(self.mailbox.next_sync)

    def test_missed_notifications_are_made_up_for(self):
        self.subscribe()
        self.notify(lifecycleEvent="missed")
        self.assertFalse(self.mailbox.next_sync)

    def test_a_removed_subscription_is_made_anew(self):
        first = self.subscribe()
        self.notify(lifecycleEvent="subscriptionRemoved")
        self.service.subscriptions.clear()
        self.assertFalse(self.mailbox.next_sync)
        self.assertFalse(self.mailbox.graph_subscribed_until)
        self.assertNotEqual(self.subscribe().remote_id, first.remote_id)

    def test_a_subscription_to_be_authorised_again_is_renewed(self):
        subscribed = self.subscribe()
        self.notify(lifecycleEvent="reauthorizationRequired")
        self.assertTrue(self.mailbox.next_sync)
        self.assertFalse(self.mailbox.graph_subscribed_until)
        self.subscribe()
        self.assertEqual(subscribed.renewals, 1)

    def test_nonsense_is_answered_and_forgotten(self):
        self.subscribe()
        path = f"/mail_crm_link/graph/{self.mailbox.id}/changes"
        nested = b"[" * 100_000
        for body in (b" ", b"{", b"[]", nested, b'{"value": 1}', b'{"value": [1, null]}', b"x" * 300_000):
            response = self.url_open(path, data=body, headers={"Content-Type": "application/json"})
            self.assertEqual((response.status_code, response.text), (202, ""))
        self.assertEqual(self.url_open("/mail_crm_link/graph/999999999/changes", data=b"{}").status_code, 202)

    def test_strangers_open_no_secret_however_much_they_say(self):
        subscribed = self.subscribe()
        forged = [{"subscriptionId": "guessed", "clientState": "guessed"}] * 100
        with self.count_openings() as opened:
            self.assertFalse(self.mailbox._graph_notified__(forged))
            self.assertEqual(len(opened), 0)
            known = {"subscriptionId": subscribed.remote_id, "clientState": "\ud800"}
            self.assertFalse(self.mailbox._graph_notified__([known] * 100))
            self.assertEqual(len(opened), 1)

    @contextmanager
    def count_openings(self):
        secrets = self.env.registry["crm.mailbox.secret"]
        reveal, opened = secrets._reveal__, []

        def counted(records, mailbox, kind):
            opened.append(kind)
            return reveal(records, mailbox, kind)

        with patch.object(secrets, "_reveal__", counted):
            yield opened

    def test_without_the_key_nobody_learns_which_mailboxes_there_are(self):
        self.subscribe()
        with patch.dict(os.environ, {"MAIL_CRM_LINK_KEY": Fernet.generate_key().decode()}):
            self.assertEqual(self.notify(), [202])
        self.assertTrue(self.mailbox.next_sync)

    def test_the_question_is_answered_as_plain_text(self):
        token = "<script>alert(1)</script> & ü"
        response = self.url_open(
            f"/mail_crm_link/graph/{self.mailbox.id}/lifecycle", params={"validationToken": token}, method="POST"
        )
        self.assertEqual(response.text, token)
        self.assertTrue(response.headers["Content-Type"].startswith("text/plain"))
        self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")

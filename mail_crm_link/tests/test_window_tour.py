"""The mailbox window in a real browser, with mail of a real server."""

import time
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tests.common import ChromeBrowser

from ..connectors.imap import IMAPConnector
from .committing_case import mail
from .test_connections_tour import ServedTourCase
from .test_reading import ICS, with_parts

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645"
    "400000000049454e44ae426082"
)
OFFER = with_parts(
    ("image/png", "drawing.png", PNG),
    ("application/ms-tnef", "winmail.dat", b"x"),
    html="<p>please find our offer</p><blockquote>Could you send an offer?</blockquote>",
    subject="Offer",
)
SALE = with_parts(html='<p>Sale</p><img src="https://images.shop.example/a.png">', subject="Sale").replace(
    b"Zoe <zoe@far.example>", b"News <news@shop.example>"
)
VISIT = with_parts(("text/calendar", "invite.ics", ICS), subject="Visit").replace(b"zoe@far", b"anna@mill")


class WindowCase(ServedTourCase):
    def setUp(self):
        super().setUp()
        self.box = self.connected_mailbox()

    def deliver(self, *mails, folder="INBOX", days_ago=0):
        """Put mails into a folder, the last one the newest."""
        for age, raw in zip(range(len(mails), 0, -1), mails, strict=True):
            received = datetime.now(timezone.utc) - timedelta(days=days_ago, seconds=age)
            self.dovecot.deliver(self.box.login, [raw], folder, received)

    def synchronise(self):
        """As the owner's browser asks for it: what it stores is of the test's transaction."""
        self.authenticate(self.owner.login, self.owner.login)
        self.make_jsonrpc_request(
            "/web/dataset/call_kw",
            {"model": "crm.mailbox", "method": "action_sync_now", "args": [self.box.ids], "kwargs": {}},
        )
        self.env.invalidate_all()

    def window(self, tour, **options):
        self.env.flush_all()
        self.start_tour("/odoo/crm-emails", tour, login=self.owner.login, timeout=240, **options)
        self.env.invalidate_all()


@tagged("-at_install", "post_install")
class TestWindowTour(WindowCase):
    def test_mail_is_read_beside_its_list(self):
        asked = "We need twelve pumps"
        first = mail("anna@mill.example", self.box.email, "Pumps", asked, Message_ID="<p1@mill.example>")
        answer = {"Message_ID": "<p2@our.example>", "In_Reply_To": "<p1@mill.example>"}
        last = {"Message_ID": "<p3@mill.example>", "References": "<p1@mill.example> <p2@our.example>"}
        self.deliver(first, folder="Archive", days_ago=2)
        self.deliver(
            mail(self.box.email, "anna@mill.example", "Re: Pumps", "Thursday?", **answer), folder="Sent", days_ago=1
        )
        self.deliver(
            mail("anna@mill.example", self.box.email, "Re: Pumps", "Thursday fits", **last), VISIT, SALE, OFFER
        )
        self.synchronise()
        self.window("mail_crm_link_window")

    def test_texts_that_are_not_here_are_found_on_the_server(self):
        self.deliver(
            mail("zoe@far.example", self.box.email, "Only there", "The flange broke"),
            mail("zoe@far.example", self.box.email, "Other", "Nothing"),
        )
        self.synchronise()
        self.window("mail_crm_link_window_server_search")

    def test_new_mail_is_seen_without_reload(self):
        self.synchronise()
        self.box.connected_at -= timedelta(hours=1)
        self.deliver(mail("anna@mill.example", self.box.email, "Just came"))
        self.window("mail_crm_link_window_live")

    def test_new_mail_is_seen_on_an_open_card(self):
        lead = self.opportunity("Live card")
        self.receive(subject="Just came")
        self.env.flush_all()
        self.start_tour(
            f"/odoo/action-crm.crm_lead_action_pipeline/{lead.id}",
            "mail_crm_link_card_live",
            login=self.owner.login,
            timeout=120,
        )

    def test_a_server_that_is_away_is_told(self):
        self.deliver(OFFER)
        self.synchronise()
        self.box.write({"imap_port": 1, "password": self.dovecot.password})
        self.window("mail_crm_link_window_away")

    def test_fetching_is_cancelled(self):
        self.deliver(OFFER)
        self.synchronise()
        contents = IMAPConnector.contents

        def slow(*arguments):
            time.sleep(8)
            return contents(*arguments)

        with patch.object(IMAPConnector, "contents", slow):
            self.window("mail_crm_link_window_cancel")


@tagged("-at_install", "post_install")
class TestWindowOnAPhone(WindowCase):
    browser_size = "390x844"
    touch_enabled = True

    def test_mail_is_read_on_a_phone(self):
        self.deliver(OFFER)
        self.synchronise()
        self.window("mail_crm_link_window_phone")


CSS = """<style>@import url(https://evil.example/i.css); @font-face{font-family:x;src:url(https://evil.example/f.woff)}
body{background:url(https://evil.example/b.png)} *{position:fixed!important;font-family:x}</style>
<link rel=stylesheet href="https://evil.example/l.css">"""
STYLES = """<div style="position:fixed;top:0;left:0;width:100vw;height:100vh;z-index:99999;background:red">x</div>
<div style="background:url(https://evil.example/s.png)">y</div>
<div style="background:\\75rl(https://evil.example/e.png)">z</div>
<p style="margin-top:-9000px">up</p>"""
HANDLERS = """<script>parent.hostile=window.hostile=1</script><img src=x onerror="parent.hostile=1">
<body onload="parent.hostile=1"><svg onload="parent.hostile=1"><script>parent.hostile=1</script></svg>
<details open ontoggle="parent.hostile=1">d</details><a href="javascript:parent.hostile=1" autofocus
onfocus="parent.hostile=1">j</a><math><mi xlink:href="javascript:parent.hostile=1">m</mi></math>
<iframe srcdoc="<script>top.hostile=1</script>"></iframe><object data="https://evil.example/o"></object>
<embed src="https://evil.example/e"><video src="https://evil.example/v" autoplay></video>"""
LEADING_AWAY = """<meta http-equiv="refresh" content="0;url=https://evil.example/"><base href="https://evil.example/">
<form action="https://evil.example/post" method="post"><input name=a autofocus><button>Go</button></form>
<img src="relative.png"><img srcset="https://evil.example/set.png 1x"><picture><source srcset="https://evil.example/p.png">
</picture><img src="{base}/web/session/logout"><a href="https://evil.example/" ping="https://evil.example/ping">a</a>
<link rel=preconnect href="https://evil.example"><link rel=dns-prefetch href="https://evil.example">"""
TEXT = "<p>canary-text</p>"
HOSTILE = {
    "styles that load or leave their place": CSS + STYLES,
    "scripts and handlers": HANDLERS,
    "what leads away": LEADING_AWAY,
    "a million nested tags": "<b>" * 1_000_000,
    "nested tables": "<table><tr><td>" * 900,
    "a huge table": "<table>" + ("<tr>" + "<td>x</td>" * 60 + "</tr>") * 1500,
    "one long word": "x" * 1_000_000,
    "an endless attribute": '<p title="' + "y" * 1_000_000,
    "quotes in quotes": "<blockquote>" * 2_000 + "q",
}


@tagged("-at_install", "post_install")
class TestHostileMail(WindowCase):
    """What the browser asks for while a hostile mail is open, listened to by Chromium's own protocol."""

    def setUp(self):
        super().setUp()
        self.requests = []
        heard = ChromeBrowser._handle_request_paused

        def listen(browser, **parameters):
            self.requests.append(parameters["request"]["url"])
            return heard(browser, **parameters)

        self.startPatcher(patch.object(ChromeBrowser, "_handle_request_paused", listen))

    def read(self, html):
        raw = with_parts(html=TEXT + html.replace("{base}", self.base_url()), subject="Hostile")
        self.deliver(raw)
        self.synchronise()
        self.requests.clear()
        self.window("mail_crm_link_window_hostile")
        return self.requests

    def test_no_mail_runs_fetches_or_freezes(self):
        for name, html in HOSTILE.items():
            with self.subTest(name):
                self.box.active = False
                self.box = self.connected_mailbox("".join(filter(str.isalnum, name)))
                requests = self.read(html)
                self.assertTrue(requests, "nobody listened")
                foreign = [url for url in requests if not url.startswith(self.base_url())]
                self.assertFalse(foreign)
                self.assertFalse([url for url in requests if "logout" in url or "relative" in url])

    def test_what_got_past_the_sanitiser_is_stopped_by_the_frame(self):
        """The last wall stands when all before it fall."""
        with patch("odoo.addons.mail_crm_link.rules.message.sanitize", lambda html: html):
            raw = CSS + HANDLERS.replace("<body", "<div")
            self.deliver(with_parts(html=TEXT + raw, subject="Hostile"))
            self.synchronise()
            self.requests.clear()
            self.window("mail_crm_link_window_frame")
        self.assertFalse([url for url in self.requests if "evil.example" in url])

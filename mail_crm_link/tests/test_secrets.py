"""A mailbox's password: written, used, and seen by nobody (F4)."""

import base64
import io
import json
import logging
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from cryptography.fernet import Fernet
from servers.canned_imap import CannedImap

import odoo
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tests.common import get_db_name
from odoo.tools import config

from ..connectors.errors import SignInNeeded
from ..models import call_log
from .committing_case import CommittingCase, mail

KEY = "MAIL_CRM_LINK_KEY"
CANARY = "Kanarienvogel-im-Kohleschacht-7391"


def with_key(*keys):
    return patch.dict(os.environ, {KEY: ",".join(keys)})


def new_key():
    return Fernet.generate_key().decode()


def spellings(secret: str) -> list[bytes]:
    """The secret as it is, and as base64 and hexadecimal code have it, also from the middle of something longer."""
    octets = secret.encode()
    encoded = [base64.b64encode(b"x" * shift + octets)[4 * bool(shift) : -4] for shift in range(3)]
    return [octets, octets[::-1], octets.hex().encode(), *encoded]


def reveals(octets: bytes, secret: str = CANARY) -> bool:
    return any(spelling in octets for spelling in spellings(secret))


class SecretCase(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(CannedImap())
        cls.ann = new_test_user(cls.env, "secret_ann", "sales_team.group_sale_salesman")
        cls.enterClassContext(with_key(new_key()))

    def values(self, **values):
        return {
            "email": "ann@our.example",
            "imap_host": "127.0.0.1",
            "imap_port": self.server.port,
            "imap_security": "none",
            "smtp_host": False,
            "login": "ann",
            "password": CANARY,
            **values,
        }

    def mailbox(self, **values):
        return self.env["crm.mailbox"].with_user(self.ann).create(self.values(**values))

    def password(self, mailbox):
        return self.env["crm.mailbox.secret"]._reveal__(mailbox, "password")

    def secret(self, mailbox):
        return self.env["crm.mailbox.secret"].search([("mailbox_id", "=", mailbox.id)])


@tagged("-at_install", "post_install")
class TestKeys(SecretCase):
    def test_without_a_key_no_password_is_stored_and_somebody_says_so(self):
        for keys in ("", "hello", f"{new_key()},hello", "ü"):
            with with_key(keys), self.assertRaisesRegex(UserError, "no key to encrypt passwords with"):
                self.mailbox()

    def test_the_configuration_file_wins_over_the_environment(self):
        mailbox = self.mailbox()
        self.assertEqual(self.password(mailbox), CANARY)
        with patch.dict(config.options, {"mail_crm_link_key": new_key()}), self.assertRaises(SignInNeeded):
            self.password(mailbox)

    def test_the_first_key_encrypts_and_all_decrypt(self):
        old, new = new_key(), new_key()
        with with_key(old):
            mailbox = self.mailbox()
        with with_key(new, old):
            self.assertEqual(self.password(mailbox), CANARY)
            mailbox.password = "another"
        with with_key(new):
            self.assertEqual(self.password(mailbox), "another")

    def test_rotation_makes_the_old_key_superfluous(self):
        old, new = new_key(), new_key()
        with with_key(old):
            mailbox = self.mailbox()
        with with_key(f"{new} , {old}"):
            self.assertEqual(self.env["crm.mailbox.secret"]._rotate__(), (1, []))
        with with_key(new):
            self.assertEqual(self.password(mailbox), CANARY)

    def test_rotation_leaves_what_no_key_opens(self):
        with with_key(new_key()):
            lost = self.mailbox()
        kept = self.mailbox(email="other@our.example")
        self.assertEqual(self.env["crm.mailbox.secret"]._rotate__(), (2, self.secret(lost).ids))
        self.assertEqual(self.password(kept), CANARY)

    def test_a_secret_opens_in_its_own_mailbox_alone(self):
        """Who can write the database makes no mailbox of their own sign in with somebody else's password."""
        mailbox, thief = self.mailbox(), self.mailbox(email="thief@our.example", password="own")
        self.secret(thief).ciphertext = self.secret(mailbox).ciphertext
        with self.assertRaises(SignInNeeded):
            self.password(thief)
        with self.assertRaisesRegex(UserError, "belongs to another mailbox"):
            thief.action_test_connection()
        self.assertNotIn(CANARY, " ".join(self.server.commands))

    def test_a_secret_of_another_kind_is_none(self):
        mailbox = self.mailbox()
        secrets = self.env["crm.mailbox.secret"]
        secrets._store__(self.env["crm.mailbox"], "google_client_secret", CANARY)
        client_secret = secrets.search([("kind", "=", "google_client_secret")])
        self.secret(mailbox).ciphertext = client_secret.ciphertext
        with self.assertRaises(SignInNeeded):
            self.password(mailbox)

    def test_a_secret_that_was_tampered_with_is_none(self):
        mailbox = self.mailbox()
        self.secret(mailbox).ciphertext = self.secret(mailbox).ciphertext[:-8] + "AAAAAAA="
        with self.assertRaises(SignInNeeded):
            self.password(mailbox)

    def test_no_script_reaches_a_password(self):
        mailbox = self.mailbox()
        code = "log(env['crm.mailbox.secret'].sudo()._reveal__(record, 'password'))"
        action = {
            "name": "Spy",
            "model_id": self.env["ir.model"]._get_id("crm.mailbox"),
            "state": "code",
            "code": code,
        }
        with self.assertRaisesRegex(Exception, "_reveal__"):
            action = self.env["ir.actions.server"].create(action)
            action.with_context(active_model="crm.mailbox", active_id=mailbox.id).run()


@tagged("-at_install", "post_install")
class TestKeysMissing(CommittingCase):
    def test_mailboxes_without_their_key_ask_and_go_on_when_it_is_back(self):
        mailbox = self.connected_mailbox()
        for keys, sentence in (("", "has no key to read passwords with"), (new_key(), "key is another one now")):
            with with_key(keys):
                with self.assertRaisesRegex(UserError, sentence):
                    mailbox.action_test_connection()
                with self.assertRaisesRegex(UserError, sentence):
                    mailbox.action_sync_now()
                mailbox.invalidate_recordset()
                self.assertEqual(mailbox.state, "error")
                self.assertRegex(mailbox.status_message, sentence)
                self.assertIn("mail_crm_link_key in the Odoo configuration file", mailbox.status_message)
                self.assertIn(KEY, mailbox.status_message)
            mailbox.action_connect()
            self.assertEqual(mailbox.state, "connecting")
            self.env.cr.commit()

    def test_mailboxes_go_on_by_themselves_when_the_key_is_back(self):
        mailbox = self.connected_mailbox()
        self.deliver(mail("eva@mill.example", mailbox.email, "Pumps"))
        for keys, cause in (("", "key_missing"), (new_key(), "key_changed")):
            with self.subTest(cause), with_key(keys):
                mailbox._sync(time.monotonic() + 60)
                self.env["crm.mailbox"]._resume_with_key()
                self.assertEqual((mailbox.state, mailbox.status_cause), ("error", cause))
            self.env["crm.mailbox"]._resume_with_key()
            self.assertEqual((mailbox.state, mailbox.status_message), ("connecting", False))
            mailbox._sync(time.monotonic() + 60)
        self.assertEqual(self.emails().mapped("subject"), ["Pumps"])

    def test_the_cron_passes_on_to_the_next_mailbox(self):
        mailbox = self.connected_mailbox()
        with with_key(""):
            self.env["crm.mailbox"]._cron_sync()
            self.assertEqual(mailbox.state, "error")
            self.env["crm.mailbox"]._cron_sync()
            mailbox.state = "connected"
            self.env["crm.mailbox"]._cron_audit()
        self.assertEqual(mailbox.state, "error")
        self.assertIn("has no key", mailbox.status_message)

    def test_the_command_rotates(self):
        old, new = new_key(), new_key()
        with with_key(old):
            mailbox = self.connected_mailbox()
        done = self.rotate(new, old)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 secrets are encrypted with the first key", done.stderr)
        self.assertEqual(self.rotate(new_key()).returncode, 1)
        self.env.invalidate_all()
        with with_key(new):
            mailbox.action_connect()

    def rotate(self, *keys):
        """Run the command as an administrator does."""
        program = [sys.executable, "-m", "odoo", f"--addons-path={','.join(odoo.addons.__path__)}"]
        options = [f"--db_{name}={config[f'db_{name}']}" for name in ("host", "port", "user") if config[f"db_{name}"]]
        command = [
            *program,
            "mail_crm_link_rotate_key",
            "-d",
            get_db_name(),
            "--data-dir",
            config["data_dir"],
            *options,
        ]
        environment = {**os.environ, KEY: ",".join(keys)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@tagged("-at_install", "post_install")
class TestNobodySees(SecretCase):
    @contextmanager
    def everything_logged(self):
        """Yield what all loggers say, whatever their level, with their tracebacks."""
        text = io.StringIO()
        handler = logging.StreamHandler(text)
        handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
        loggers = [logging.root, *filter(_is_logger, logging.root.manager.loggerDict.values())]
        levels = [(logger, logger.level) for logger in loggers]
        # What fails here on purpose is no complaint of the run.
        quiet = logging.getLogger("odoo.http")
        try:
            logging.root.addHandler(handler)
            quiet.addHandler(handler)
            quiet.propagate = False
            for logger in loggers:
                logger.setLevel(logging.DEBUG)
            yield text
        finally:
            logging.root.removeHandler(handler)
            quiet.removeHandler(handler)
            quiet.propagate = True
            for logger, level in levels:
                logger.setLevel(level)

    def call(self, method, *args, model="crm.mailbox", **kwargs):
        """Call as the browser does; the whole answer."""
        params = {"model": model, "method": method, "args": list(args), "kwargs": kwargs}
        answer = self.url_open(f"/web/dataset/call_kw/{model}/{method}", json={"params": params})
        return answer.text

    def through_http(self):
        """Do everything a browser can do with a password; the answers."""
        self.authenticate("secret_ann", "secret_ann")
        created = self.call("create", [self.values()])
        (record,) = json.loads(created)["result"]
        specification = {"password": {}, "email": {}, "imap_security": {}, "has_password": {}}
        yield created
        yield self.call("write", [record], {"password": CANARY})
        yield self.call("web_save", [record], {"password": CANARY, "login": "ann"}, specification)
        yield self.call("web_save", [], self.values(email="2@our.example"), specification)
        yield self.call("read", [record])
        yield self.call("web_read", [record], specification)
        yield self.call("search_read", [["password", "=", CANARY]], ["password"])
        yield self.call("export_data", [record], ["email", "password", "secret_ids"])
        yield self.call("copy_data", [record])
        yield self.call("copy", [record], {"email": "copy@our.example"})
        yield self.call("default_get", ["password", "email"])
        yield self.call("onchange", [record], {"password": CANARY}, ["imap_security"], specification)
        yield self.call("action_test_connection", [record])
        yield self.call("action_connect", [record])

    def errors(self):
        """Have calls fail in all ways that could carry a password away; the answers."""
        self.authenticate("secret_ann", "secret_ann")
        yield self.call("create", [self.values(email="nonsense")])
        yield self.call("create", [self.values(no_such_field=1)])
        yield self.call("create", [self.values(user_id="x")])
        yield self.call("create", [self.values(state="connected", user_id=10**12)])
        yield self.call("write", [10**9], {"password": CANARY})
        yield self.call("no_such_method", [], {"password": CANARY})
        yield self.call("_store_password", [], CANARY)
        with with_key(""):
            yield self.call("create", [self.values(email="3@our.example")])

    def test_no_answer_and_no_line_of_the_log_has_it(self):
        with self.everything_logged() as log:
            answers = list(self.through_http())
        self.assertIn('LOGIN ann "' + CANARY, " ".join(self.server.commands))
        self.assertIn("It works", answers[-2])
        self.assertIn("INSERT INTO", log.getvalue())
        self.assertIn("call crm.mailbox", log.getvalue())
        self.assertFalse([answer for answer in answers if reveals(answer.encode())])
        self.assertFalse([line for line in log.getvalue().splitlines() if reveals(line.encode())])

    def test_no_error_has_it(self):
        with self.everything_logged() as log:
            answers = list(self.errors())
        self.assertTrue(all('"error"' in answer for answer in answers), answers)
        self.assertIn("Traceback", log.getvalue())
        self.assertFalse([answer for answer in answers if reveals(answer.encode())])
        self.assertFalse([line for line in log.getvalue().splitlines() if reveals(line.encode())])

    def test_a_server_that_repeats_it_brings_it_nowhere(self):
        token = base64.b64encode(f"\0ann\0{CANARY}".encode())
        mailbox = self.mailbox()
        self.env.flush_all()
        for said in (f'{{tag}} NO no LOGIN "{CANARY}"', f"{{tag}} BAD {token.decode()}", f"what is {CANARY}"):
            with CannedImap({"LOGIN": said.encode() + b"\r\n"}) as server, self.everything_logged() as log:
                mailbox.write({"imap_port": server.port, "password": CANARY})
                self.authenticate("secret_ann", "secret_ann")
                answer = self.call("action_test_connection", mailbox.ids)
                self.assertIn('"error"', answer)
                self.assertFalse(reveals(answer.encode()), answer)
                self.assertFalse([line for line in log.getvalue().splitlines() if reveals(line.encode())])

    def test_the_log_of_calls_would_have_it(self):
        """Negative control: the same without what keeps it out."""
        self.patch(call_log.HiddenSecrets, "filter", lambda _self, _record: True)
        with self.everything_logged() as log:
            self.authenticate("secret_ann", "secret_ann")
            self.call("write", [self.mailbox().id], {"password": CANARY})
        self.assertTrue(reveals(log.getvalue().encode()))

    def test_nobody_reads_the_model_of_secrets(self):
        self.mailbox()
        for user in (self.ann, self.env.ref("base.user_admin")):
            secrets = self.env["crm.mailbox.secret"].with_user(user)
            for attempt in (
                lambda secrets=secrets: secrets.search([]),
                lambda secrets=secrets: secrets.search_count([("ciphertext", "like", "g")]),
                lambda secrets=secrets: secrets.create({"kind": "password", "ciphertext": "x"}),
                lambda secrets=secrets: secrets.sudo().search([]).with_user(secrets.env.user).read(["ciphertext"]),
            ):
                with self.assertRaises(AccessError):
                    attempt()

    # --- what a thief of the database gets ----------------------------------------------

    def test_a_dump_and_the_file_store_reveal_nothing(self):
        self.mailbox()
        self.env["crm.mailbox.secret"]._store__(self.env["crm.mailbox"], "google_client_secret", CANARY)
        self.assertFalse([name for name, octets in self.dump() if reveals(octets)])
        self.assertFalse([path for path in self.stored_files() if reveals(path.read_bytes())])

    def test_a_dump_would_reveal_what_is_not_encrypted(self):
        """Negative control: with a code instead of a key."""
        mailbox = self.mailbox()
        for coded in (CANARY, base64.b64encode(f"12:{CANARY}:".encode()).decode(), CANARY.encode().hex()):
            self.secret(mailbox).ciphertext = coded
            self.assertEqual([name for name, octets in self.dump() if reveals(octets)], ["crm_mailbox_secret"])

    def dump(self):
        """Yield each table's name and all its text."""
        self.env.flush_all()
        self.env.cr.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        for (table,) in self.env.cr.fetchall():
            octets = io.BytesIO()
            self.env.cr._obj.copy_expert(f'COPY "{table}" TO STDOUT', octets)
            yield table, octets.getvalue()

    def stored_files(self):
        folder = Path(config.filestore(get_db_name()))
        return [path for path in folder.rglob("*") if path.is_file()]


def _is_logger(value) -> bool:
    return isinstance(value, logging.Logger)

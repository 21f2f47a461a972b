"""Private mail full of canaries, and what tells when one of them comes back somewhere."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import psycopg2

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .received_case import ReceivedCase

MARK = "zqcanary"
# What calls of all kinds answer with, asked for what they do not have or not for this user.
REFUSALS = (
    UserError,
    AssertionError,
    AttributeError,
    KeyError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
    psycopg2.Error,
)


def _base64_forms(text: str) -> tuple[str, ...]:
    """What of the text is in its base64 wherever it begins, without what its neighbours change."""
    return tuple(
        base64.b64encode(b" " * before + text.encode())[4 if before else 0 : -4].decode() for before in range(3)
    )


FORMS = (MARK, *_base64_forms(MARK * 2))


def canaries_in(value) -> list[str]:
    """Return the canaries in whatever a client was given, also in packed files."""
    if isinstance(value, bytes) and value[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(value)) as archive:
            return [one for name in archive.namelist() for one in canaries_in(name) + canaries_in(archive.read(name))]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return [form for form in FORMS if form in text or form in text.lower()]


@tagged("-at_install", "post_install")
class CanaryCase(ReceivedCase, HttpCase):
    """One mail on cards that others see, one on a card they do not, one on none; and a twin of each.

    Twins differ in what is hidden only, so that no order may tell them apart.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mailbox.visibility = "private"
        cls.visible_deal = cls.opportunity("Visible deal", cls.anna)
        cls.elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.owner.company_ids |= cls.elsewhere
        cls.hidden_contact = cls.env["res.partner"].create(
            {"name": "Hidden", "email": "hidden@elsewhere.example", "company_id": cls.elsewhere.id}
        )
        cls.users = {
            "salesperson": cls._user("salesperson", "sales_team.group_sale_salesman_all_leads,base.group_allow_export"),
            "manager": cls._user("manager", "sales_team.group_sale_manager,base.group_allow_export"),
            "administrator": cls._user("admin", "base.group_system,sales_team.group_sale_manager"),
            "portal": cls._user("portal", "base.group_portal"),
            "public": cls.env.ref("base.public_user"),
        }
        cls.anna.write({"user_ids": [Command.link(cls.users["portal"].id)]})
        cls.users["portal"].partner_id = cls.anna

    @classmethod
    def _user(cls, name, groups):
        return new_test_user(cls.env, f"canary_reader_{name}", groups)

    def setUp(self):
        super().setUp()
        self.leaks = []
        self.bound = [self.secret("Anna <anna@mill.example>", letter) for letter in "az"]
        self.hidden = [self.secret("hidden@elsewhere.example", letter) for letter in "az"]
        self.unbound = [self.secret(f"{MARK}from@nowhere.example", letter) for letter in "az"]
        for email in self.bound + self.hidden:
            self.fill(email)
        self.assertFalse(self.unbound[0].is_bound)
        self.emails = self.env["crm.email"].union(*self.bound, *self.hidden, *self.unbound)
        self.env.flush_all()
        self.env.invalidate_all()

    def secret(self, sender, letter):
        email = self.receive(
            sender,
            f"{letter} {MARK}subject",
            to=f"{letter}{MARK}toname <{letter}{MARK}to@secret.example>",
            Cc=f"{letter}{MARK}ccname <{letter}{MARK}cc@secret.example>",
            Message_ID=f"<{letter}{MARK}{next(self.uids)}@secret.example>",
        )
        email.write(
            {
                "stored_snippet": f"{letter} {MARK}snippet",
                "automatic_reason": f"{letter} {MARK}reason",
                "body_reason": f"{letter} {MARK}why",
                "size": ord(letter),
                "has_attachment": letter == "z",
            }
        )
        return email

    def fill(self, email):
        letter = email.header_subject[0]
        email.mail_message_id.write(
            {
                "body": f"<p>{letter} {MARK}body</p>",
                "attachment_ids": [
                    Command.create(
                        {
                            "name": f"{letter}{MARK}name.txt",
                            "raw": (f"{MARK}content" * 2).encode(),
                            "crm_email_section": "2",
                            "res_model": "mail.message",
                            "res_id": email.mail_message_id.id,
                        }
                    )
                ],
            }
        )
        email.body_state = "stored"

    # --- noting leaks -------------------------------------------------------------------

    def note(self, user: str, path: str, answer) -> None:
        if found := canaries_in(answer):
            self.leaks.append(f"{user}: {path}: {', '.join(found)}: {str(answer)[:300]}")

    @contextmanager
    def attempt(self, user: str, path: str, asked: str = "") -> Iterator[None]:
        """Try what may be refused; a refusal must not tell what it refuses, but for what was asked."""
        try:
            with self.env.cr.savepoint(flush=False):
                yield
        except REFUSALS as refusal:
            self.note(user, f"{path}, refused", f"{refusal!r} {refusal}".replace(asked or "\0", ""))

    def assert_no_leaks(self) -> None:
        self.assertFalse(self.leaks, "\n".join(["Canaries came back:", *self.leaks]))

    @contextmanager
    def guard_off(self, target, name, replacement) -> Iterator[None]:
        """Switch a guard off: what the suite does then is to find the leak."""
        with patch.object(target, name, replacement):
            yield
        self.env.invalidate_all()
        self.assertTrue(self.leaks, f"Without {name} nothing leaked, so the suite does not look there.")
        self.leaks.clear()

    # --- the network --------------------------------------------------------------------

    def as_user(self, user: str) -> None:
        if user == "public":
            self.authenticate(None, None)
        else:
            login = self.users[user].login
            self.authenticate(login, login)

    def get(self, user: str, path: str) -> None:
        self.note(user, f"GET {path}", self.url_open(path).content)

    def rpc(self, user: str, route: str, **parameters) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": parameters})
        answer = self.url_open(route, body.encode(), headers={"Content-Type": "application/json"})
        self.note(user, f"{route} {parameters}", _without_question(answer.content, parameters))


def _without_question(answer: bytes, parameters: dict) -> bytes:
    """What was asked comes back in error messages; that is the asker's own canary."""
    return answer.replace(MARK.encode(), b"") if MARK in str(parameters) else answer

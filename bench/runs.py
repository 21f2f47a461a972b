"""What is measured. Every run is a process of its own, with an Odoo that has done nothing before."""

import importlib
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median
from types import SimpleNamespace

import odoo
from odoo import SUPERUSER_ID, api
from odoo.modules.module import initialize_sys_path
from odoo.modules.registry import Registry

from .correspondence import OWNER, contact_address
from .gauge import Gauge, Memory, Reading
from .insight import brought_up_to_date, looked_at
from .window import fill, opened

PAGE_OF_CARDS = 200


@dataclass(frozen=True)
class Server:
    """Where the mail is. :param user: the account"""

    host: str
    port: int
    user: str
    password: str


def alone(run: Callable, *arguments: object) -> dict:
    """Call ``run`` in a new process.

    :return: what it returns, a dictionary of numbers
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run, arguments)


@contextmanager
def environment(configuration: str, database: str) -> Iterator[api.Environment]:
    odoo.tools.config.parse_config(["-c", configuration, "-d", database, "--log-level=warn"], setup_logging=True)
    # The first use of a registry is no part of any measurement.
    with Registry(database).cursor() as cursor:
        env = api.Environment(cursor, SUPERUSER_ID, {})
        env.user.partner_id.read(["name"])
        yield env


def start(configuration: str) -> dict:
    """Import what Odoo imports first: CRM, then this module beside it.

    :return: milliseconds of the processor
    """
    # Servers start from byte code.
    sys.dont_write_bytecode = False
    odoo.tools.config.parse_config(["-c", configuration, "--log-level=warn"], setup_logging=True)
    initialize_sys_path()
    crm = _time_to_import("odoo.addons.crm")
    return {"crm": crm, "module": _time_to_import("odoo.addons.mail_crm_link")}


def _time_to_import(module: str) -> float:
    begun = time.process_time()
    importlib.import_module(module)
    return (time.process_time() - begun) * 1000


# --- stock Odoo -------------------------------------------------------------------------------


def stock(configuration: str, database: str, server: Server, count: int) -> dict:
    """Fetch mail into leads by Odoo's `fetchmail`."""
    with environment(configuration, database) as env:
        fetchmail = env["fetchmail.server"].create(
            {
                "name": "Bench",
                "server": server.host,
                "port": server.port,
                "user": server.user,
                "password": server.password,
                "object_id": env["ir.model"]._get_id("crm.lead"),
                "state": "done",
            }
        )
        env.cr.commit()
        gauge, memory = Gauge(), Memory()
        with gauge.counting():
            before = gauge.read()
            fetchmail._fetch_mail(batch_limit=count)
            reading = gauge.read().since(before)
        stored = env["mail.message"].search_count([("message_type", "=", "email")])
        return {"mails": stored, "memory": memory.peak(), **asdict(reading)}


# --- this module ------------------------------------------------------------------------------


def first_sync(configuration: str, database: str, server: Server, attachments: bool, contents: bool) -> dict:
    """Connect a mailbox and synchronise it.

    :param attachments: store them too
    :param contents: fetch bodies, not only envelopes
    :return: the readings ``envelopes`` and ``contents``, how many mails, how many of them on cards, seconds until the
        first one was there, bytes of memory at the peak
    """
    with environment(configuration, database) as env:
        gauge, memory = Gauge(), Memory()
        with gauge.counting():
            course = _course(gauge, contents)(_connected_mailbox(env, server, attachments))
            outcome = course.mailbox._engine(course).run(float("inf"))
            end = gauge.read()
        if outcome.error or not outcome.finished:
            raise RuntimeError(f"The synchronisation failed: {outcome}")
        return {
            "mails": env["crm.email"].search_count([]),
            "bound": env["crm.email"].search_count([("is_bound", "=", True)]),
            "stored": env["crm.email"].search_count([("body_state", "=", "stored")]),
            "first_mail": course.first_mail,
            "memory": memory.peak(),
            "envelopes": asdict(course.envelopes_done.since(course.begun)),
            "contents": asdict(end.since(course.envelopes_done)),
        }


def _course(gauge: Gauge, contents: bool) -> type:
    """A store that notes how far the synchronisation is. Its base can be imported only beside a registry."""
    from odoo.addons.mail_crm_link.models.orm_store import OrmStore

    class Course(OrmStore):
        def __init__(self, mailbox):
            super().__init__(mailbox)
            self.begun = gauge.read()
            self.first_mail: float | None = None
            self.envelopes_done: Reading | None = None

        def save_page(self, key, changes, envelopes):
            super().save_page(key, changes, envelopes)
            if self.first_mail is None and self._some_card_has_mail():
                self.first_mail = gauge.read().since(self.begun).seconds

        def _some_card_has_mail(self) -> bool:
            return bool(self.env["crm.email.link"].search_count([("email_id.mail_message_id", "!=", False)], limit=1))

        def wanted(self, limit):
            self.envelopes_done = self.envelopes_done or gauge.read()
            return super().wanted(limit) if contents else []

    return Course


def _connected_mailbox(env: api.Environment, server: Server, attachments: bool) -> object:
    mailbox = env["crm.mailbox"].create(
        {
            "email": OWNER,
            "user_id": env.ref("base.user_admin").id,
            "imap_host": server.host,
            "imap_port": server.port,
            "imap_security": "none",
            "login": server.user,
            "password": server.password,
            "store_attachments": attachments,
        }
    )
    mailbox.action_connect()
    env.cr.commit()
    return mailbox


def next_sync(configuration: str, database: str, server: Server, warm: bool) -> dict:
    """Synchronise a mailbox again.

    :param warm: once unmeasured before
    """
    with environment(configuration, database) as env:
        mailbox = env["crm.mailbox"].search([])
        mailbox.write({"imap_host": server.host})
        if warm:
            mailbox._sync(float("inf"))
            env.cr.commit()
        stored = env["crm.email"].search_count([])
        gauge = Gauge()
        with gauge.counting():
            before = gauge.read()
            error = mailbox._sync(float("inf"))
            reading = gauge.read().since(before)
        if error:
            raise RuntimeError(f"The synchronisation failed: {error}")
        folders = mailbox.folder_ids.filtered("sync")
        return {
            "mails": env["crm.email"].search_count([]) - stored,
            "folders": len(folders),
            **asdict(reading),
        }


def matching(configuration: str, database: str, contacts: int, pages: int) -> dict:
    """Find the cards of pages of 200 mails with an address each, six of ten of them contacts', as a page does it.

    :return: seconds a page
    """
    with environment(configuration, database) as env:
        from odoo.addons.mail_crm_link.models.email_rows import prefer_indexes

        binding = env["crm.email.binding"]
        companies, owners = tuple(env.company.ids), (env.ref("base.user_admin").id,)
        chance = random.Random(19)
        prefer_indexes(env)
        binding._known(_page(chance, contacts), companies, owners)
        seconds = []
        for _page_number in range(pages):
            mails = _page(chance, contacts)
            begun = time.perf_counter()
            known = binding._known(mails, companies, owners)
            seconds.append(time.perf_counter() - begun)
            if not known.by_address:
                raise RuntimeError("No card was found")
        return {"seconds": median(seconds)}


def _page(chance: random.Random, contacts: int) -> Sequence[SimpleNamespace]:
    """Mails as far as looking up their cards needs them."""
    from odoo.addons.mail_crm_link.rules.addresses import Address

    known = [contact_address(chance.randrange(contacts)) for _ in range(120)]
    unknown = [f"person{chance.randrange(10**6)}@elsewhere.example" for _ in range(80)]
    return [SimpleNamespace(people=[Address("", address)], conversation_id=0) for address in known + unknown]


def window(configuration: str, database: str, mails: int) -> dict:
    """Open the mailbox window of a mailbox with so many mails, once unmeasured before.

    :return: seconds by place
    """
    with environment(configuration, database) as env:
        places = fill(env, mails)
        reader = env(user=env.ref("base.user_admin").id)
        named = {
            "all": "",
            "inbox": f"folder-{places['inbox']}",
            "folder": f"folder-{places['inbox'] + 5}",
            "unread": "unread",
        }
        opened(reader, "")
        return {name: opened(reader, place) for name, place in named.items()}


def insight(configuration: str, database: str, mails: int) -> dict:
    """Look at the figures of so many mails, once unmeasured before.

    :return: seconds of each way, and of bringing a page of cards up to date
    """
    with environment(configuration, database) as env:
        fill(env, mails)
        looked_at(env)
        return {**looked_at(env), "moments": brought_up_to_date(env, PAGE_OF_CARDS)}


def processor_count() -> int:
    return len(os.sched_getaffinity(0))

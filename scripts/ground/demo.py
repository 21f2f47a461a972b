"""A company at work: Odoo with the module and demo data, and a mail server with a year of mail.

``make demo`` keeps everything in one folder, so the second start takes seconds; ``make clean`` removes it.
"""

import contextlib
import hashlib
import http.client
import os
import shutil
import subprocess
import time
import xmlrpc.client
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from . import demo_mail, mail_server, places, postgres, setup
from .console import Trouble, say, step
from .mail_server import MailServer, Ports
from .server import Instance, port_is_free

DATABASE = "demo"
START_SECONDS = 120
STOP_SECONDS = 15
HISTORY_DAYS = 400
# The demo connects its mailboxes by XML-RPC, and Odoo warns of each call.
QUIET = ":INFO,odoo.addons.rpc.controllers.xmlrpc:ERROR"
PORTS = {"ODOO_PORT": 8069, "MAIL_WEB_PORT": 8025, "MAIL_IMAP_PORT": 8143, "MAIL_SMTP_PORT": 8587}
"""Environment variables that choose the ports, and what they are without."""


def folder() -> Path:
    return places.cache() / "demo"


def main(arguments: list[str]) -> int:
    ports = choose_ports()
    ground = setup.prepare()
    mail_ports = Ports(ports["MAIL_IMAP_PORT"], ports["MAIL_SMTP_PORT"], ports["MAIL_WEB_PORT"])
    with contextlib.ExitStack() as running:
        database = running.enter_context(postgres.running(postgres.cluster_folder("demo"), ground.environment))
        instance = Instance(ground, database, folder(), DATABASE, ports["ODOO_PORT"])
        install(instance)
        mail = running.enter_context(serving_mail(MailServer(ground.environment, mailboxes(), mail_ports)))
        odoo = running.enter_context(serving(instance))
        running.enter_context(watching(instance))
        with step("mailboxes"):
            allow_mail_server(instance)
            for login, address in mail_server.OWNERS.items():
                connect(instance, login, address, mail_ports)
            show_scenarios(instance, mail)
        say(welcome(instance, mail_ports))
        wait(odoo, instance)
    return 0


def choose_ports() -> dict[str, int]:
    """:raises Trouble: one of them is taken"""
    ports = {name: int(os.environ.get(name, default)) for name, default in PORTS.items()}
    for name, port in ports.items():
        if not port_is_free(port):
            raise Trouble(
                f"Port {port} is used by another program (is the demo running already?).\n"
                f"Stop that program, or choose another port: {name}={port + 100} make demo"
            )
    return ports


def install(instance: Instance) -> None:
    """The module with demo data, again when its code has changed since."""
    instance.configure(max_cron_threads=1, log_handler=QUIET)
    instance.log.unlink(missing_ok=True)
    version = source_digest()
    stamp = instance.folder / "installed"
    if not (stamp.exists() and instance.server.has_database(DATABASE)):
        with step("Odoo with CRM, the module and demo data (about a minute)"):
            instance.server.create_database(DATABASE)
            instance.install("-i", places.MODULE, "--with-demo")
    elif stamp.read_text() != version:
        with step("the module, changed since the last time"):
            instance.install("-u", places.MODULE)
    stamp.write_text(version)


def source_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted((places.ROOT / places.MODULE).rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.read_bytes())
    return digest.hexdigest()


def mailboxes() -> Path:
    """The mails as files; made on the first start, kept afterwards."""

    def make(target: Path) -> None:
        demo_mail.make(target, datetime.now().astimezone())

    return places.built(folder() / "mailboxes", make, needs=10_000_000)


@contextlib.contextmanager
def serving_mail(server: MailServer) -> Iterator[MailServer]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def serving(instance: Instance) -> Iterator[subprocess.Popen[bytes]]:
    """Odoo while the block lasts."""
    with background(instance, instance.command()) as process:
        with step("Odoo"):
            wait_until_it_answers(process, instance)
        yield process


@contextlib.contextmanager
def watching(instance: Instance) -> Iterator[subprocess.Popen[bytes]]:
    """The process that waits for new mail, while the block lasts."""
    with background(instance, [*instance.own_command("mail_crm_watch"), "-d", DATABASE]) as process:
        yield process


@contextlib.contextmanager
def background(instance: Instance, command: list[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=instance.folder,
        env={**os.environ, **instance.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_until_it_answers(process: subprocess.Popen[bytes], instance: Instance) -> None:
    limit = time.monotonic() + START_SECONDS
    while time.monotonic() < limit and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=START_SECONDS)
            connection.request("GET", "/web/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise Trouble(f"Odoo did not start:\n{instance.log_tail()}")


def connect(instance: Instance, login: str, address: str, ports: Ports) -> None:
    """Connect a mailbox as its owner would, and fetch its mail.

    :raises Trouble: the server refused; with its reason
    """
    server = {"imap_host": mail_server.HOST, "imap_port": ports.imap, "imap_security": "none"}
    server |= {"smtp_host": mail_server.HOST, "smtp_port": ports.smtp, "smtp_security": "none"}
    server |= {"login": address, "password": mail_server.PASSWORD}
    with signed_in(instance, login) as call:
        found = call("crm.mailbox", "search", [("email", "=", address)])
        if found:
            call("crm.mailbox", "write", found, server)
        else:
            values = {"email": address, "history_days": HISTORY_DAYS, "visibility": "public"}
            found = [call("crm.mailbox", "create", {**values, **server})]
        call("crm.mailbox", "action_connect", found)
        call("crm.mailbox", "action_sync_now", found)


def allow_mail_server(instance: Instance) -> None:
    """The demo's mail server stands on this machine, where only an administrator may send people."""
    with signed_in(instance, "admin") as call:
        call("ir.config_parameter", "set_param", "mail_crm_link.allowed_hosts", f"*, {mail_server.HOST}")


def show_scenarios(instance: Instance, mail: MailServer) -> None:
    """Once: switch on what makes records of mail, and let a mail arrive for each."""
    arriving, shown = instance.folder / "arriving", instance.folder / "scenarios"
    if shown.exists():
        return
    shutil.rmtree(arriving, ignore_errors=True)
    with signed_in(instance, "nora") as call:
        found = call("crm.mailbox", "search", [("email", "=", demo_mail.OWNERS["nora"])])
        rules = call("crm.mailbox.rule", "search", [("mailbox_id", "in", found), ("active", "=", False)])
        call("crm.mailbox.rule", "write", rules, {"active": True})
        demo_mail.make(arriving, datetime.now().astimezone(), demo_mail.NEW)
        mail.take(arriving)
        call("crm.mailbox", "action_sync_now", found)
    shown.touch()


@contextlib.contextmanager
def signed_in(instance: Instance, login: str) -> Iterator["Caller"]:
    """:raises Trouble: a call of the block was refused; with its reason"""
    address = f"http://127.0.0.1:{instance.port}/xmlrpc/2"
    try:
        user = xmlrpc.client.ServerProxy(f"{address}/common").authenticate(DATABASE, login, login, {})
        yield Caller(xmlrpc.client.ServerProxy(f"{address}/object", allow_none=True), user, login)
    except xmlrpc.client.Fault as fault:
        reason = fault.faultString.strip().splitlines()[-1]
        raise Trouble(f"{login}'s mailbox could not be connected: {reason}\nMore in {instance.log}") from fault


class Caller:
    """A user's way to the models."""

    def __init__(self, models: xmlrpc.client.ServerProxy, user: int, password: str) -> None:
        self.models = models
        self.user = user
        self.password = password

    def __call__(self, model: str, method: str, *arguments: object) -> object:
        return self.models.execute_kw(DATABASE, self.user, self.password, model, method, list(arguments))


def welcome(instance: Instance, ports: Ports) -> str:
    return f"""
  Odoo                 http://127.0.0.1:{instance.port}
    sales manager      ines / ines
    salespeople        nora / nora    tom / tom
    administrator      admin / admin
  Mail server's page   http://127.0.0.1:{ports.web}      (IMAP {ports.imap}, SMTP {ports.smtp})

  What to try, as nora:
    CRM > Bright Harbour: espresso bar on floor 5    its mail of the year, in order, between Odoo's own notes
    Contacts > Hotel Adlerhof                        a company shows the mail of all its people
    CRM > Leads > Office coffee for 25 people        a lead known by its address only
    CRM > Leads > Coffee for our cinema foyer        made from the mail of an unknown sender
    CRM > Connected Emails                           the mailbox: folders, scenarios, who sees what
    Reply on a mail in a card's chatter, or Email beside "Send message": it goes out through the mail
    server, and its page shows it in the recipient's mailbox and in Nora's Sent folder.
    Write a mail on the mail server's page from maya.chen@brightharbour.example
    to nora.brandt@halden-coffee.example; within a minute it is on Maya's cards.

  Log: {instance.log}
  Ctrl-C stops everything; `make clean` removes it.
"""


def wait(odoo: subprocess.Popen[bytes], instance: Instance) -> None:
    """Until somebody presses Ctrl-C.

    :raises Trouble: Odoo ended by itself
    """
    try:
        odoo.wait()
    except KeyboardInterrupt:
        say("\nStopping …")
        return
    raise Trouble(f"Odoo ended by itself:\n{instance.log_tail()}")

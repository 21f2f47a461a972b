"""The demo's mail server: IMAP, SMTP and a web page to write mails on, in one process that keeps all in memory."""

import imaplib
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from . import demo_mail
from .console import Trouble
from .virtualenv import Environment

HOST = "127.0.0.1"
# The last mail-devel for Python 3.10 serves one account only.
OWNERS = demo_mail.OWNERS if sys.version_info >= (3, 11) else {"nora": demo_mail.OWNERS["nora"]}
"""Whose mail is served: login in Odoo and address."""
PASSWORD = "demo"
START_SECONDS = 30
UNREAD = timedelta(days=6)
"""Mail younger than this lies unread in INBOX."""
FETCHED = re.compile(rb'INTERNALDATE "([^"]+)"')


@dataclass(frozen=True)
class Ports:
    imap: int
    smtp: int
    web: int


class MailServer:
    """:param folder: the mails as files, ``<account>/<folder>/*.eml``; the time of a file is when the server took it"""

    def __init__(self, environment: Environment, folder: Path, ports: Ports) -> None:
        self.environment = environment
        self.folder = folder
        self.ports = ports
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """:raises Trouble: it does not come up"""
        arguments = ["--host", HOST, "--user", OWNERS["nora"], "--password", PASSWORD]
        arguments += ["--multi-user"] if len(OWNERS) > 1 else []
        ports = {"--imap-port": self.ports.imap, "--smtp-port": self.ports.smtp, "--http-port": self.ports.web}
        arguments += [text for name, port in ports.items() for text in (name, str(port))]
        log_path = self.folder / "mail-server.log"
        with log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [self.environment.python, "-m", "mail_devel", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait(log_path)
        self.take(self.folder)

    def stop(self) -> None:
        """Keep the mails that came meanwhile, and end."""
        if self._process and self._process.poll() is None:
            try:
                self._keep()
            finally:
                self._process.terminate()
                self._process.wait(START_SECONDS)

    def _wait(self, log: Path) -> None:
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit and self._process.poll() is None:
            if all(answers(port) for port in (self.ports.imap, self.ports.smtp, self.ports.web)):
                return
            time.sleep(0.1)
        raise Trouble(f"The mail server did not start:\n{log.read_text(errors='replace')[-1000:]}")

    def take(self, mails: Path) -> None:
        """Put mails on the server; those that are not from its own folder are kept at its end."""
        for account in filter(Path.is_dir, (mails / address for address in OWNERS.values())):
            with self._session(account.name) as session:
                for folder in folders_in(account):
                    load_folder(session, folder)

    def _keep(self) -> None:
        for account in OWNERS.values():
            with self._session(account) as session:
                for folder in folders_in(self.folder / account):
                    keep_folder(session, folder)

    def _session(self, account: str) -> imaplib.IMAP4:
        session = imaplib.IMAP4(HOST, self.ports.imap, timeout=START_SECONDS)
        session.login(account, PASSWORD)
        return session


def folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def load_folder(session: imaplib.IMAP4, folder: Path) -> None:
    """Put the mails of a folder's files on the server, the oldest first."""
    if folder.name != "INBOX":
        session.create(folder.name)  # says NO where it is there already
    for path in sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime):
        taken = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        read = folder.name != "INBOX" or datetime.now().astimezone() - taken > UNREAD
        status, answer = session.append(folder.name, r"\Seen" if read else None, taken, path.read_bytes())
        if status != "OK":
            raise Trouble(f"The mail server refused {path.name}: {answer}")


def keep_folder(session: imaplib.IMAP4, folder: Path) -> None:
    """Write the mails of a folder that are not among its files yet."""
    known = {path.read_bytes() for path in folder.glob("*.eml")}
    session.select(folder.name, readonly=True)
    _, parts = session.fetch("1:*", "(INTERNALDATE BODY.PEEK[])")
    for number, (head, mail) in enumerate(part for part in parts if isinstance(part, tuple)):
        if mail not in known:
            taken = imaplib.Internaldate2tuple(FETCHED.search(head)[0])
            path = folder / f"{time.strftime('%Y%m%d-%H%M%S', taken)}-{number}.eml"
            path.write_bytes(mail)
            os.utime(path, (time.mktime(taken), time.mktime(taken)))


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0

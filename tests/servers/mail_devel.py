"""A private mail-devel, another IMAP server than Dovecot: pymap keeps mail in memory and knows no CONDSTORE."""

from __future__ import annotations

import imaplib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType

from .dovecot import free_port

PASSWORD = "correct-horse"
STARTUP_SECONDS = 30.0


class MailDevel:
    """Context manager around one process. Any user name signs in with ``password``."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.password = PASSWORD
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> MailDevel:
        ports = ("--imap-port", str(self.port), "--smtp-port", str(free_port()), "--no-http")
        program = (sys.executable, "-m", "mail_devel", "--host", self.host, "--multi-user", *ports)
        self._process = subprocess.Popen(
            [*program, "--user", "ann@our.example", "--password", self.password],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)

    def _wait(self) -> None:
        end = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < end:
            try:
                with socket.create_connection((self.host, self.port), timeout=1) as probe:
                    if probe.recv(64).startswith(b"* OK"):
                        return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("mail-devel does not greet")


class Account:
    """A user, and what people do to their mailbox with another program; they have a folder Sent."""

    def __init__(self, server: MailDevel, user: str) -> None:
        self.server = server
        self.user = user

    @contextmanager
    def _program(self, folder: str = "") -> Iterator[imaplib.IMAP4]:
        """Another program that is signed in, and has a folder open for writing."""
        program = imaplib.IMAP4(self.server.host, self.server.port)
        program.login(self.user, self.server.password)
        if folder:
            _done(program.select(folder))
        yield program
        program.logout()

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        """Put a mail into a folder."""
        with self._program() as program:
            date = imaplib.Time2Internaldate(received) if received else ""
            _done(program.append(folder, "", date, raw))

    def remove(self, remote_id: str, folder: str = "INBOX") -> None:
        """Delete a mail for good."""
        with self._program(folder) as program:
            _done(program.uid("STORE", remote_id, "+FLAGS.SILENT", r"(\Deleted)"))
            _done(program.expunge())

    def move(self, remote_id: str, folder: str, target: str) -> None:
        """Move a mail."""
        with self._program(folder) as program:
            _done(program.uid("COPY", remote_id, target))
        self.remove(remote_id, folder)

    def mark(self, remote_id: str, seen: bool, folder: str = "INBOX") -> None:
        """Mark as read or unread."""
        with self._program(folder) as program:
            _done(program.uid("STORE", remote_id, "+FLAGS" if seen else "-FLAGS", r"(\Seen)"))

    def create(self, name: str, role: str = "other") -> None:
        """Make a folder."""
        with self._program() as program:
            _done(program.create(f'"{name}"'))

    def rename(self, name: str, new_name: str) -> None:
        """Rename a folder."""
        with self._program() as program:
            _done(program.rename(f'"{name}"', f'"{new_name}"'))

    def flags(self) -> list[bytes]:
        """What every mail of INBOX is marked with; ``Recent`` is the session's own."""
        with self._program("INBOX") as program:
            answers = program.uid("FETCH", "1:*", "(FLAGS)")[1]
        return sorted(re.sub(rb"\\Recent ?", b"", answer) for answer in answers if isinstance(answer, bytes))


def _done(answer: tuple[str, object]) -> None:
    if answer[0] != "OK":
        raise RuntimeError(f"mail-devel refused: {answer}")

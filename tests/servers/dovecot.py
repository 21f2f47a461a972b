"""A private Dovecot, the reference IMAP server, in a temporary directory on loopback ports.

Needs the Debian packages ``dovecot-core`` and ``dovecot-imapd``; runs as root and as any other user. Mail is kept as
Maildir, so tests can deliver thousands of mails by writing files.
"""

from __future__ import annotations

import getpass
import grp
import imaplib
import itertools
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType

from .certificates import CertificateFiles, Kind, issue

PASSWORD = "correct-horse"
STARTUP_SECONDS = 15.0

CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
instance_name = test
default_internal_user = {internal_user}
default_internal_group = {internal_group}
default_login_user = {login_user}
mail_location = maildir:{home}/mail/%u/Maildir
mail_uid = {mail_user}
mail_gid = {mail_group}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
mail_max_userip_connections = 100
auth_mechanisms = plain login
auth_failure_delay = 0
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = home={home}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
  mailbox Drafts {{
    auto = create
    special_use = \\Drafts
  }}
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Trash {{
    auto = create
    special_use = \\Trash
  }}
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service imap {{
  client_limit = 1
  vsz_limit = 1G
}}
service anvil {{
  chroot =
  # Otherwise each wrong password makes the next sign-in from this address slower, up to 15 seconds.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
protocol imap {{
  imap_capability = {capability}
}}
"""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _group_of(user: str) -> str:
    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def _first_user(*names: str) -> str:
    """The first of the users that exists. Dovecot wants its parts to run apart when it is started as root."""
    existing = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in names if name in existing)


class Dovecot:
    """Context manager around one Dovecot process. Any user name signs in with ``password``.

    :param certificate: which TLS certificate the server shows
    :param capability: overrides what the server says it can; ``""`` leaves it as it is
    :param separator: between the levels of folder names
    :param prefix: of all personal folders but INBOX, such as ``INBOX.``
    :param password: of all users; without spaces
    :param settings: further lines for the configuration
    """

    def __init__(
        self,
        certificate: Kind = "valid",
        capability: str = "",
        separator: str = "/",
        prefix: str = "",
        settings: str = "",
        password: str = PASSWORD,
    ) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.tls_port = free_port()
        self.password = password
        self.home = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self._choose_users()
        self._files: CertificateFiles = issue(self.home, certificate)
        self._text = self._configuration(capability, separator, prefix) + settings
        self._separator = separator
        self._counter = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def _choose_users(self) -> None:
        me = getpass.getuser()
        self._as_root = os.getuid() == 0
        self._internal_user = _first_user("dovecot", "daemon") if self._as_root else me
        self._login_user = _first_user("dovenull", "bin") if self._as_root else me
        self._mail_user = _first_user("nobody", "mail") if self._as_root else me

    def _configuration(self, capability: str, separator: str, prefix: str) -> str:
        return CONFIGURATION.format(
            home=self.home,
            port=self.port,
            tls_port=self.tls_port,
            password=self.password,
            certificate=self._files.certificate,
            key=self._files.key,
            capability=capability,
            separator=separator,
            prefix=prefix,
            **self._identities(),
        )

    def _identities(self) -> Mapping[str, str]:
        return {
            "internal_user": self._internal_user,
            "internal_group": _group_of(self._internal_user),
            "login_user": self._login_user,
            "mail_user": self._mail_user,
            "mail_group": _group_of(self._mail_user),
        }

    # -- life ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> Dovecot:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it greets.

        :raises RuntimeError: Dovecot is not installed, or does not come up; its log is in the text
        """
        program = shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if not program:
            raise RuntimeError("dovecot is not installed: apt-get install dovecot-core dovecot-imapd")
        self.home.chmod(0o755)
        self._make_directory(self.home / "mail")
        self._conf().write_text(self._text)
        self._process = subprocess.Popen([program, "-F", "-c", str(self._conf())])
        self._wait_for_greeting()

    def _conf(self) -> Path:
        return self.home / "dovecot.conf"

    def _wait_for_greeting(self) -> None:
        deadline = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < deadline:
            if self._greets():
                return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError("dovecot does not greet: " + self.log())

    def _greets(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1) as probe:
                return probe.recv(64).startswith(b"* OK")
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the server; its mail stays until the context ends."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def log(self) -> str:
        """What the server logged so far."""
        path = self.home / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def ssl_context(self) -> ssl.SSLContext:
        """A client context that trusts this server's authority and no other."""
        return ssl.create_default_context(cafile=str(self._files.authority))

    # -- mail ---------------------------------------------------------------------------------------------------

    def maildir(self, user: str, folder: str = "INBOX") -> Path:
        """The directory of a folder; its name must be ASCII, other ones are made with ``doveadm``."""
        root = self.home / "mail" / user / "Maildir"
        return root if folder == "INBOX" else root / ("." + folder.replace(self._separator, "."))

    def deliver(
        self,
        user: str,
        mails: Iterable[bytes],
        folder: str = "INBOX",
        received: datetime | None = None,
        flags: str = "",
    ) -> None:
        """Put mails into a folder as a delivery agent does, without a connection: thousands a second.

        :param received: the server's date (INTERNALDATE) of all of them, aware; now if left out
        :param flags: Maildir flags, ``S`` for seen
        """
        directory = self.maildir(user, folder)
        for name in ("cur", "new", "tmp"):
            self._make_directory(directory / name)
        for mail in mails:
            self._write(directory / "cur", mail, received, flags)

    def _make_directory(self, path: Path) -> None:
        if not path.exists():
            self._make_directory(path.parent)
            path.mkdir()
            self._give_away(path)

    def _give_away(self, path: Path) -> None:
        if self._as_root:
            shutil.chown(path, self._mail_user)

    def _write(self, directory: Path, mail: bytes, received: datetime | None, flags: str) -> None:
        number = next(self._counter)
        path = directory / f"{1700000000 + number}.M{number}P1.test,S={len(mail)}:2,{flags}"
        path.write_bytes(mail)
        self._give_away(path)
        if received is not None:
            stamp = received.timestamp()
            os.utime(path, (stamp, stamp))

    def doveadm(self, *arguments: str) -> str:
        """Run the administration tool, such as ``doveadm("mailbox", "create", "-u", user, "Été")``."""
        program = shutil.which("doveadm", path=os.environ.get("PATH", "") + ":/usr/bin:/usr/local/bin")
        done = subprocess.run(
            [str(program), "-c", str(self._conf()), *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"doveadm {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout


_users = itertools.count(1)


class Account:
    """A user of a Dovecot and what people do to their mailbox, with the administration tool. A new user if unnamed."""

    def __init__(self, dovecot: Dovecot, user: str = "") -> None:
        self.dovecot = dovecot
        self.user = user or f"user{next(_users)}"

    def deliver(self, raw: bytes, folder: str = "INBOX", received: datetime | None = None) -> None:
        """Put a mail into a folder."""
        self.dovecot.deliver(self.user, [raw], folder, received)

    def remove(self, remote_id: str, folder: str = "INBOX") -> None:
        """Delete mails for good; a set of UIDs."""
        self.dovecot.doveadm("expunge", "-u", self.user, "mailbox", folder, "uid", remote_id)

    def move(self, remote_id: str, folder: str, target: str) -> None:
        """Move mails; a set of UIDs."""
        self.dovecot.doveadm("move", "-u", self.user, target, "mailbox", folder, "uid", remote_id)

    def mark(self, remote_id: str, seen: bool, folder: str = "INBOX") -> None:
        """Mark mails as read or unread; a set of UIDs."""
        action = "add" if seen else "remove"
        self.dovecot.doveadm("flags", action, "-u", self.user, "\\Seen", "mailbox", folder, "uid", remote_id)

    def create(self, name: str, role: str = "other") -> None:
        """Make a folder; roles are set in the server's configuration."""
        self.dovecot.doveadm("mailbox", "create", "-u", self.user, name)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a folder."""
        self.dovecot.doveadm("mailbox", "rename", "-u", self.user, name, new_name)

    def delete(self, name: str) -> None:
        """Delete a folder with its mail."""
        self.dovecot.doveadm("mailbox", "delete", "-u", self.user, name)

    def renumber(self, folder: str = "INBOX") -> None:
        """Give a folder another UIDVALIDITY; a smaller one, because that is allowed too."""
        status = self.dovecot.doveadm("mailbox", "status", "-u", self.user, "uidvalidity", folder)
        uidvalidity = int(status.split("uidvalidity=")[1]) - 7
        self.dovecot.doveadm("mailbox", "update", "-u", self.user, "--uid-validity", str(uidvalidity), folder)

    def imap(self) -> imaplib.IMAP4:
        """Another mail program of the same user, signed in."""
        program = imaplib.IMAP4(self.dovecot.host, self.dovecot.port)
        program.login(self.user, self.dovecot.password)
        return program

    def snapshot(self) -> dict[str, list[str]]:
        """Flags of every mail of every folder, to show that nothing changed them."""
        listed = self.dovecot.doveadm("-f", "tab", "fetch", "-u", self.user, "mailbox uid flags", "all")
        return {"mails": sorted(listed.splitlines())}

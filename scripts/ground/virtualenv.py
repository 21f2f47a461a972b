"""The virtual environment: Odoo's libraries, the module's, and the tools, in the versions pinned here."""

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from . import places
from .console import run, step
from .debian import private_apt
from .odoo import Odoo

REQUIREMENTS = places.SCRIPTS / "requirements.txt"
CONSTRAINTS = places.SCRIPTS / "constraints.txt"
INSTALLED_BYTES = 700_000_000
NO_PACKAGES = "The Python packages could not be installed. Is there a network?"


@dataclass(frozen=True)
class Environment:
    """:param folder: root of the virtual environment"""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        return next(self.folder.glob("lib/python3.*/site-packages"))

    def tool(self, name: str) -> Path:
        return self.folder / "bin" / name

    def pip(self, *arguments: str | Path) -> None:
        """:raises Trouble: a package cannot be fetched or built"""
        quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--root-user-action=ignore"]
        run([self.python, "-m", "pip", "install", *quiet, *arguments], NO_PACKAGES)


def build(odoo: Odoo) -> Environment:
    """The environment for an Odoo, made if it is not there yet."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    inputs = places.digest(sys.executable, str(odoo.path), REQUIREMENTS.read_bytes(), CONSTRAINTS.read_bytes())
    folder = places.cache() / f"venv-{version}-{inputs}"
    return Environment(places.built(folder, lambda target: fill(target, odoo), INSTALLED_BYTES))


def fill(folder: Path, odoo: Odoo) -> None:
    with step(f"Python packages for Python {sys.version.split()[0]} (some minutes)"):
        create(folder)
        environment = Environment(folder)
        environment.pip("-r", REQUIREMENTS, "-c", CONSTRAINTS)
        (environment.site_packages / "odoo-source.pth").write_text(f"{odoo.path}\n")


def create(folder: Path) -> None:
    """A virtual environment with pip, also where Debian's python3-venv is not installed."""
    if importlib.util.find_spec("ensurepip"):
        run([sys.executable, "-m", "venv", folder], "Python's module venv does not work here.")
        return
    run([sys.executable, "-m", "venv", "--without-pip", folder], "Python's module venv does not work here.")
    unpacked = folder / "pip-wheel"
    apt = private_apt()
    apt.download([f"python3-pip-whl/{apt.suite}"], unpacked)
    wheel = next(unpacked.glob("usr/share/python-wheels/pip-*.whl"))
    run([Environment(folder).python, wheel / "pip", "install", "--quiet", "--no-index", wheel], NO_PACKAGES)
    shutil.rmtree(unpacked)

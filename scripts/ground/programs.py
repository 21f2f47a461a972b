"""The programs of the tests that are no Python packages: a mail server and a browser."""

import os
import shutil

from .console import Trouble, run, say, step

SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")
BROWSERS = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser")
PACKAGES = {"dovecot-imapd": ("dovecot",), "chromium": BROWSERS}


def provide() -> None:
    """Install what is missing where that is allowed, and say what the tests leave out where it is not."""
    missing = [package for package, names in PACKAGES.items() if not any(map(find, names))]
    if not missing:
        return
    try:
        install(missing)
    except Trouble as trouble:
        say(f"  {trouble}")
        say(f"  Without {' and '.join(missing)} the tests that need them are skipped.")


def find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(SYSTEM_FOLDERS))


def install(packages: list[str]) -> None:
    """:raises Trouble: not root, or apt cannot"""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Trouble(f"Please install them: sudo apt-get install {' '.join(packages)}")
    with step(f"{' and '.join(packages)} for the tests, by apt-get"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        failure = "apt-get could not install them."
        run(["apt-get", "-qq", "update"], failure, env=quiet)
        run(["apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages], failure, env=quiet)

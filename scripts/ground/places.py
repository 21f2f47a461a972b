"""Where things are kept."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from .console import Trouble

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
MODULE = "mail_crm_link"


def cache() -> Path:
    """The folder of everything downloaded; it may be deleted at any time."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / MODULE


def digest(*inputs: str | bytes) -> str:
    """A short name that changes with any of the inputs."""
    joined = b"\0".join(text.encode() if isinstance(text, str) else text for text in inputs)
    return hashlib.sha256(joined).hexdigest()[:12]


def built(folder: Path, build: Callable[[Path], None], needs: int) -> Path:
    """Build a folder once. Its name carries the digest of its inputs, so a finished one is never touched again.

    :param build: fills the folder it is given
    :param needs: bytes it takes at most
    :raises Trouble: not enough room
    """
    if (folder / ".complete").exists():
        return folder
    require_room(folder.parent, needs)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build(folder)
    (folder / ".complete").touch()
    return folder


def require_room(folder: Path, needs: int) -> None:
    """:raises Trouble: fewer than ``needs`` bytes are free, or the folder cannot be written"""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise Trouble(
            f"{folder} cannot be written ({error.strerror}). Set XDG_CACHE_HOME to a folder that can."
        ) from error
    if free < needs:
        raise Trouble(
            f"{needs / 2**30:.1f} GB are needed in {folder}, and {free / 2**30:.1f} GB are free. "
            "Make room, or set XDG_CACHE_HOME to a folder on another disk."
        )


def scratch(purpose: str) -> Path:
    """A new folder for one run; outside any home, and open to pass through, for the account that runs PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix=f"{MODULE}-{purpose}-"))
    folder.chmod(0o711)
    return folder

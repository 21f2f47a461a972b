"""A Gmail that others wrote (https://emulate.dev), run by Node.js; see ``google_emulator.mjs`` for what it lacks."""

from __future__ import annotations

import base64
import itertools
import os
import shutil
import subprocess
import time
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

SCRIPT = Path(__file__).with_suffix(".mjs")
PACKAGE = "@emulators/google"
TOKEN = "token"
SECONDS = 20
HOUR = 3_600_000
"""Milliseconds."""


def missing() -> str:
    """What is not here to run it, in words; "" when all is."""
    if not shutil.which("node"):
        return "Node.js is not installed"
    if not (_modules() / PACKAGE).is_dir():
        return f"{PACKAGE} is not installed; `make test` installs it where npm is"
    return ""


def _modules() -> Path:
    return Path(os.environ.get("MAIL_CRM_LINK_NODE_MODULES") or SCRIPT.parents[2] / "node_modules")


class GoogleEmulator:
    """Use as a context manager.

    :param folder: an empty one; Node.js looks for packages beside the program
    """

    def __init__(self, folder: Path, address: str = "anna@our.example") -> None:
        self._folder = folder
        self.address = address
        self.url = ""
        self._moments = itertools.count(int(time.time() * 1000) - HOUR)

    def __enter__(self) -> GoogleEmulator:
        (self._folder / "node_modules").symlink_to(_modules())
        program = shutil.copy(SCRIPT, self._folder)
        self._process = subprocess.Popen(
            ["node", program, self.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}/"
        for message in self.call("GET", "messages?q=").get("messages", ()):
            self.call("DELETE", f"messages/{message['id']}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=SECONDS)

    # -- what people do -----------------------------------------------------------------------------------------

    def call(self, method: str, path: str, content: Any = None) -> dict[str, Any]:
        """The answer to a request of somebody else's program."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{self.url}gmail/v1/users/me/{path}"
        answer = requests.request(method, url, json=content, headers=headers, timeout=SECONDS)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def deliver(self, raw: bytes, *labels: str, received: datetime | None = None) -> str:
        """Put a mail into the account; its id."""
        content = {
            "raw": base64.urlsafe_b64encode(raw).decode(),
            "labelIds": [*(labels or ("INBOX",)), "UNREAD"],
            # Else it takes the date of the header.
            "internalDate": str(int(received.timestamp() * 1000) if received else next(self._moments)),
        }
        return str(self.call("POST", "messages", content)["id"])

    def delete(self, remote_id: str) -> None:
        """Delete a mail for good."""
        self.call("DELETE", f"messages/{remote_id}")

    def label(self, remote_id: str, add: str = "", remove: str = "") -> None:
        """Put a label on a mail, or take one off."""
        changes = {"addLabelIds": [add] if add else [], "removeLabelIds": [remove] if remove else []}
        self.call("POST", f"messages/{remote_id}/modify", changes)

    def make_label(self, name: str) -> str:
        """Make a label; its id."""
        return str(self.call("POST", "labels", {"name": name})["id"])

    def rename_label(self, label: str, name: str) -> None:
        """Give a label another name."""
        self.call("PATCH", f"labels/{label}", {"name": name})

    def label_ids(self) -> dict[str, str]:
        """Ids of the labels, by name."""
        return {each["name"]: each["id"] for each in self.call("GET", "labels")["labels"]}

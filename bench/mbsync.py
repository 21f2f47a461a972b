"""The rate of mbsync (isync), the tool that people trust to copy mailboxes, over the same way to the same server."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .runs import Server

CONFIGURATION = """
IMAPAccount far
Host {host}
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account far

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Sync Pull
SyncState *
"""


def is_there() -> bool:
    return bool(shutil.which("mbsync"))


def copied(server: Server) -> dict[str, float]:
    """Copy all mail of the account, attachments too.

    :return: ``mails`` and ``seconds``
    """
    with tempfile.TemporaryDirectory(prefix="mbsync-") as name:
        folder = Path(name)
        (folder / "mail").mkdir()
        settings = folder / "mbsyncrc"
        settings.write_text(
            CONFIGURATION.format(
                folder=folder, host=server.host, port=server.port, user=server.user, password=server.password
            )
        )
        begun = time.perf_counter()
        subprocess.run(["mbsync", "-q", "-c", str(settings), "all"], capture_output=True, check=True)
        seconds = time.perf_counter() - begun
        mails = sum(1 for path in folder.rglob("*") if path.parent.name in ("cur", "new"))
    return {"mails": mails, "seconds": seconds}

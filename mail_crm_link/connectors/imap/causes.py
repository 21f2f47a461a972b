"""What IMAP servers mean when they refuse."""

from __future__ import annotations

from ..errors import ConnectorError, FolderGone, Transient
from ..refusals import Verdict, login_refusal, refusal

__all__ = ["Verdict", "folder_refusal", "login_refusal", "refusal"]


def folder_refusal(text: str) -> ConnectorError:
    """The error for a refused STATUS or EXAMINE: one folder with a fault must not stop the others."""
    error = refusal(text, Verdict(FolderGone, "folder_missing"))
    if isinstance(error, Transient) and error.cause != "unavailable":
        return error
    return FolderGone("The folder cannot be opened", text, cause=error.cause)

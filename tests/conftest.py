"""Lets plain tests import the plain packages of the addon without Odoo.

The addon's own ``__init__`` imports Odoo's models, so a bare module with the addon's path stands in for it.
"""

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.dovecot import Dovecot

ADDON = Path(__file__).resolve().parent.parent / "mail_crm_link"

if "mail_crm_link" not in sys.modules:
    package = types.ModuleType("mail_crm_link")
    package.__path__ = [str(ADDON)]
    sys.modules["mail_crm_link"] = package


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One Dovecot for all tests; each takes a user of its own."""
    with Dovecot() as running:
        yield running

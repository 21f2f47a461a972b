"""Lets plain programs import the plain packages of the addon without Odoo.

The addon's own ``__init__`` imports Odoo's models, so a bare module with the addon's path stands in for it.
"""

import sys
import types
from pathlib import Path

ADDON = Path(__file__).resolve().parent.parent / "mail_crm_link"

if "mail_crm_link" not in sys.modules:
    package = types.ModuleType("mail_crm_link")
    package.__path__ = [str(ADDON)]
    sys.modules["mail_crm_link"] = package

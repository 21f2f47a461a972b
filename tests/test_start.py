"""What Odoo loads when it starts: the module's own code, and of the libraries what every mail needs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDED_BY_EVERY_MAIL = {"cryptography", "nh3"}

START = """
import json, sys
import odoo.http, odoo.models, odoo.modules.module, odoo.service.server
odoo.tools.config.parse_config(["--addons-path", sys.argv[1], "--log-level=critical"])
odoo.modules.module.initialize_sys_path()
import odoo.addons.crm
before = set(sys.modules)
import odoo.addons.mail_crm_link
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def loaded() -> list[str]:
    """Modules that the addon brings with it into an Odoo with CRM."""
    core = importlib.util.find_spec("odoo")
    assert core is not None and core.submodule_search_locations
    addons = Path(next(iter(core.submodule_search_locations))) / "addons"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START, f"{addons},{ROOT}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return names


@pytest.mark.skipif(importlib.util.find_spec("odoo") is None, reason="It is Odoo that starts")
def test_no_library_of_a_provider_is_loaded_before_it_is_needed() -> None:
    modules = loaded()
    foreign = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"odoo"}
    assert foreign <= NEEDED_BY_EVERY_MAIL
    connectors = {name.partition(".connectors.")[2] for name in modules if ".connectors." in name}
    assert not {f"{provider}.connector" for provider in ("imap", "gmail", "graph", "ews")} & connectors

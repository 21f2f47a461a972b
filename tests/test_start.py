"""What Odoo loads when it starts: the models, and what they are made of; what only mail needs comes with mail."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
ADDON = ROOT / "mail_crm_link"
PLAIN = ("connectors", "rules", "sync")
PROVIDERS = ("discovery", "ews", "gmail", "graph", "imap")
# Packages, and what is caught by name.
LOADED_AT_START = {*PLAIN, *(f"connectors.{name}" for name in PROVIDERS), "connectors.errors"}
LIBRARIES_OF_MODELS = {"cryptography"}

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


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """Modules that the addon brings with it into an Odoo with CRM."""
    core = importlib.util.find_spec("odoo")
    if core is None or not core.submodule_search_locations:
        pytest.skip("It is Odoo that starts")
    addons = Path(next(iter(core.submodule_search_locations))) / "addons"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START, f"{addons},{ROOT}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return names


def test_no_library_of_a_provider_is_loaded_before_it_is_needed(loaded: list[str]) -> None:
    foreign = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names - {"odoo"}
    assert foreign <= LIBRARIES_OF_MODELS


def test_what_only_mail_needs_is_not_loaded_before_there_is_mail(loaded: list[str]) -> None:
    own = {name.removeprefix("odoo.addons.mail_crm_link.") for name in loaded}
    assert "models.crm_mailbox" in own
    assert {name for name in own if name.partition(".")[0] in PLAIN} <= LOADED_AT_START


@pytest.mark.parametrize("folder", ["cli", "controllers", "models", "wizard"])
def test_what_is_asked_for_later_exists(folder: str) -> None:
    asked = {(path.name, name) for path in (ADDON / folder).glob("*.py") for name in used_later(path)}
    assert not {(file, name) for file, name in asked if not exists(name)}


def used_later(path: Path) -> Iterator[str]:
    """Names in the plain packages that a module uses through these packages, or for its types."""
    tree = ast.parse(path.read_bytes())
    packages: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            names = {alias.name: ".".join(filter(None, (node.module, alias.name))) for alias in node.names}
            packages |= {name: full for name, full in names.items() if full.partition(".")[0] in PLAIN}
    yield from packages.values()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root, _dot, rest = ast.unparse(node).partition(".")
            if root in packages and "(" not in rest:
                yield f"{packages[root]}.{rest}"


def exists(name: str) -> bool:
    """Whether the modules that the dotted name goes through have what it names."""
    package, *names = name.split(".")
    found: object = importlib.import_module(f"mail_crm_link.{package}")
    for one in names:
        if not isinstance(found, ModuleType):
            return True
        if not hasattr(found, one):
            return False
        found = getattr(found, one)
    return True

"""All checks and tests: lint, plain tests, and Odoo's tests on a fresh database.

Arguments are handed on to both runs of pytest: ``scripts/launch test -k cursor``.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import lint, places, postgres, programs, setup
from .console import complain, say, step
from .server import Instance, free_port
from .setup import Ground

DATABASE = "odoo"
COMPANIONS = ("base_automation",)
"""Modules of Odoo that this one works with and does not need; without them their tests are skipped."""
NO_TESTS_COLLECTED = 5
LONGEST_LINE = 4096
COMPANIONS = ("base_automation",)
"""Modules of Odoo that the module works with and does not need."""
STATEMENT_SECONDS = 180
"""After which a statement is one that hangs, and fails with its text. pytest's own limit cannot interrupt it."""


def main(arguments: list[str]) -> int:
    ground = setup.prepare()
    programs.provide()
    failures = ["lint"] if lint.check(ground) else []
    scratch = places.scratch("test")
    try:
        plain, plain_summary = plain_tests(ground, arguments)
        with postgres.running(scratch / "postgres", ground.environment) as server:
            odoo, odoo_summary = odoo_tests(ground, server, scratch / "odoo", arguments)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    failures += plain + odoo
    if failures:
        complain(f"Failed: {', '.join(failures)}.")
    say("\nplain tests, then Odoo's:")
    say(plain_summary)
    say(odoo_summary)
    return 1 if failures else 0


def plain_tests(ground: Ground, arguments: Sequence[str]) -> tuple[list[str], str]:
    """What failed, and pytest's last line."""
    say("\n▸ plain tests")
    # Without npm the tests against the Gmail emulator say that they are left out.
    emulator = {"MAIL_CRM_LINK_NODE_MODULES": str(lint.node_modules())} if shutil.which("npm") else {}
    code, summary = pytest(ground, ["-p", "no:odoo", "tests", *arguments], emulator)
    return ([] if code in (0, NO_TESTS_COLLECTED) else ["plain tests"]), summary


def odoo_tests(
    ground: Ground, server: postgres.Server, folder: Path, arguments: Sequence[str]
) -> tuple[list[str], str]:
    """What failed, and pytest's last line."""
    instance = Instance(ground, server, folder, DATABASE, free_port())
    instance.configure()
    server.create_database(DATABASE)
    with step("the module on a fresh database"):
        instance.install("-i", ",".join((places.MODULE, *COMPANIONS)))
    say("\n▸ Odoo's tests")
    options = [f"--odoo-config={instance.configuration}", "--odoo-http", "--odoo-log-level=warn"]
    environment = {**instance.environment, "PGOPTIONS": limited(os.environ.get("PGOPTIONS", ""))}
    code, summary = pytest(ground, [f"{places.MODULE}/tests", *options, *arguments], environment)
    complaints = list(instance.complaints())
    if complaints:
        complain("Odoo's log has warnings or errors of the module:\n" + "\n".join(complaints))
    failures = [] if code in (0, NO_TESTS_COLLECTED) else ["Odoo's tests"]
    return failures + (["warnings in Odoo's log"] if complaints else []), summary


def limited(options: str) -> str:
    """Options of PostgreSQL's connections with a limit for each statement."""
    return f"{options} -c statement_timeout={STATEMENT_SECONDS}s".strip()


def pytest(ground: Ground, arguments: Sequence[str], env: dict[str, str]) -> tuple[int, str]:
    """Run pytest, showing what it prints; its exit code and its last line."""
    path = os.pathsep.join(
        [str(ground.environment.folder / "bin"), os.environ.get("PATH", ""), *programs.SYSTEM_FOLDERS]
    )
    process = subprocess.Popen(
        [ground.environment.python, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=places.ROOT,
        env={**os.environ, **env, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    end = b""
    while chunk := process.stdout.read1():
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        end = (end + chunk)[-LONGEST_LINE:]
    return process.wait(), end.decode(errors="replace").strip().rpartition("\n")[2]

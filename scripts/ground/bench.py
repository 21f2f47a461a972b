"""How fast the module is beside stock Odoo: fresh databases, a mail server, a table.

Arguments are handed on: ``scripts/launch bench --quick``, ``--only growth``, ``--out result.json``.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import places, postgres, programs, setup
from .console import Trouble, step
from .server import Instance, free_port
from .setup import Ground

STOCK = f"{places.MODULE}_bench_stock"
LINKED = f"{places.MODULE}_bench"
STOP_SECONDS = 30


def main(arguments: list[str]) -> int:
    ground = setup.prepare()
    programs.provide()
    if not programs.find("dovecot"):
        raise Trouble("The bench needs Dovecot: sudo apt-get install dovecot-imapd")
    scratch = places.scratch("bench")
    try:
        with (
            postgres.running(scratch / "postgres", ground.environment) as server,
            databases(ground, server, scratch / "odoo") as instance,
        ):
            return measure(instance, arguments)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def databases(ground: Ground, server: postgres.Server, folder: Path) -> Iterator[Instance]:
    """Odoo with CRM in one database, with the module too in another."""
    stock, linked = (Instance(ground, server, folder, name, free_port()) for name in (STOCK, LINKED))
    try:
        with step("Odoo with CRM"):
            server.create_database(STOCK)
            stock.configure()
            stock.install("-i", "crm")
        with step("the module"):
            server.create_database(LINKED, template=STOCK)
            linked.configure()
            linked.install("-i", places.MODULE)
        yield linked
    finally:
        server.drop_database(STOCK)
        server.drop_database(LINKED)


def measure(instance: Instance, arguments: Sequence[str]) -> int:
    """Run the bench and show what it prints; its exit code."""
    names = ["--config", instance.configuration, "--stock-database", STOCK, "--database", LINKED]
    path = os.pathsep.join([str(places.ROOT), str(places.ROOT / "tests")])
    process = subprocess.Popen(
        [instance.ground.environment.python, "-m", "bench", *names, *arguments],
        env={**os.environ, **instance.environment, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
    )
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_SECONDS)

"""The texts that can be translated, as Odoo exports them: ``scripts/launch translations``."""

import shutil

from . import places, postgres, setup
from .console import run, say, step
from .server import Instance, free_port

DATABASE = "translations"
TEMPLATE = places.ROOT / places.MODULE / "i18n" / f"{places.MODULE}.pot"


def main(arguments: list[str]) -> int:
    ground = setup.prepare()
    scratch = places.scratch("translations")
    try:
        with postgres.running(scratch / "postgres", ground.environment) as server:
            instance = Instance(ground, server, scratch / "odoo", DATABASE, free_port())
            instance.configure()
            server.create_database(DATABASE)
            with step("the module on a fresh database"):
                instance.install("-i", places.MODULE)
            export(instance)
            server.drop_database(DATABASE)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say(f"{TEMPLATE}")
    return 0


def export(instance: Instance) -> None:
    """Write the template anew, unless nothing but its dates would change."""
    TEMPLATE.parent.mkdir(exist_ok=True)
    before = TEMPLATE.read_text(encoding="utf-8") if TEMPLATE.exists() else ""
    command = [instance.ground.environment.python, "-m", "odoo", "i18n", "export", "-c", instance.configuration]
    run([*command, "-o", TEMPLATE, places.MODULE], "The texts could not be exported.", env=instance.environment)
    if undated(TEMPLATE.read_text(encoding="utf-8")) == undated(before):
        TEMPLATE.write_text(before, encoding="utf-8")


def undated(template: str) -> list[str]:
    """Return its lines without those that say when it was written."""
    return [line for line in template.splitlines() if "-Date: " not in line]

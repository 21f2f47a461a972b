"""Fetch everything the other commands need. A second run finds it all there and takes a moment."""

from dataclasses import dataclass

from . import odoo, postgres, programs, virtualenv
from .console import say
from .odoo import Odoo
from .virtualenv import Environment


@dataclass(frozen=True)
class Ground:
    odoo: Odoo
    environment: Environment


def main(arguments: list[str]) -> int:
    ground = prepare()
    binaries = postgres.binaries(ground.environment)
    programs.provide()
    say(f"Odoo        {ground.odoo.path}")
    say(f"Python      {ground.environment.python}")
    say(f"PostgreSQL  {binaries or 'the server named by PGHOST'}")
    return 0


def prepare() -> Ground:
    """Odoo and its virtual environment, which every command needs."""
    found = odoo.find()
    return Ground(found, virtualenv.build(found))

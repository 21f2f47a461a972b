"""Fresh databases for every measurement: copies of one with the cards that it needs."""

import itertools
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from . import cards

_numbers = itertools.count(1)


class Databases:
    """Copies of databases that are installed already.

    :param stock: a database with Odoo's CRM
    :param linked: one with this module too
    """

    def __init__(self, stock: str, linked: str) -> None:
        self._installed = {"stock": stock, "linked": linked}
        self._prefix = f"bench_{os.getpid()}"
        self._made: dict[tuple[str, int], str] = {}

    def __enter__(self) -> "Databases":
        return self

    def __exit__(self, *exception: object) -> None:
        for name in self._made.values():
            self._drop(name)

    def with_contacts(self, kind: str, contacts: int) -> str:
        """The database with so many contacts, made once, to be read or copied only.

        :param kind: ``stock`` or ``linked``
        """
        if (kind, contacts) not in self._made:
            name = self._made[kind, contacts] = self._copy(self._installed[kind])
            with connected(name) as cursor:
                cards.create(cursor, contacts)
            with connected(name) as cursor:
                cursor.execute("ANALYZE res_partner, crm_lead")
        return self._made[kind, contacts]

    @contextmanager
    def fresh(self, kind: str, contacts: int) -> Iterator[str]:
        """A copy to write to, dropped afterwards."""
        name = self._copy(self.with_contacts(kind, contacts))
        try:
            yield name
        finally:
            self._drop(name)

    def _copy(self, template: str) -> str:
        name = f"{self._prefix}_{next(_numbers)}"
        with connected("postgres") as cursor:
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def _drop(self, name: str) -> None:
        with connected("postgres") as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def connected(database: str) -> Iterator["psycopg2.extensions.cursor"]:
    """A cursor whose every statement is a transaction; PG* variables say where."""
    with closing(psycopg2.connect(dbname=database)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor

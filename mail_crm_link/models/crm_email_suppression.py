"""Whose mail was erased, so that mail servers do not bring it back.

Only a keyed hash of each address is stored: who reads the table does not learn whose they are,
and an address can still be recognised when it comes by. The key is the database's own, made
with the first entry; it moves with the database, where another one would let all mail back in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from odoo import api, fields, models

from .crm_email_participant import bare

if TYPE_CHECKING:
    from ..rules.addresses import Address
    from ..rules.header import Header

KEY_PARAMETER = "mail_crm_link.suppression_key"
KEY_OCTETS = 32


class CrmEmailSuppression(models.Model):
    _name = "crm.email.suppression"
    _description = "Hash of an Address Whose Mail Was Erased"

    digest = fields.Char(required=True)
    until = fields.Datetime(help="Mail that the server took later comes in again; empty: none does (UTC).")

    _digest_uniq = models.UniqueIndex("(digest)")

    @api.model
    def _suppress(self, addresses: Iterable[str], until: datetime | None) -> None:
        """Keep out mail that names these addresses.

        :param until: what the server took after this comes in again (UTC); ``None``: nothing does
        """
        key = self._key()
        digests = {_digest(key, bare(address)) for address in addresses}
        self.search([("digest", "in", list(digests))]).unlink()
        self.create([{"digest": digest, "until": until} for digest in sorted(digests)])

    def _key(self) -> bytes:
        parameters = self.env["ir.config_parameter"].sudo()
        key = parameters.get_param(KEY_PARAMETER)
        if not key:
            key = secrets.token_hex(KEY_OCTETS)
            parameters.set_param(KEY_PARAMETER, key)
        return bytes.fromhex(key)

    @api.model
    def _is_suppressed(self, address: str) -> bool:
        """Whether everything of an address is kept out, from now on, too."""
        if not self.search_count([], limit=1):
            return False
        digest = _digest(self._key(), bare(address))
        return bool(self.search_count([("digest", "=", digest), ("until", "=", False)], limit=1))

    @api.model
    def _of(self, headers: Sequence[Header]) -> dict[str, datetime]:
        """Return those of the headers' addresses that are to be kept out, and until when."""
        if not headers or not self.search_count([], limit=1):
            return {}
        key = self._key()
        digests = {
            one.email: _digest(key, bare(one.email))
            for header in headers
            for one in (*_people(header), *header.reply_to)
        }
        stored = self.search([("digest", "in", list(set(digests.values())))])
        until = {one.digest: one.until or datetime.max for one in stored}
        return {address: until[digest] for address, digest in digests.items() if digest in until}


def without_people(header: Header, gone: set[str]) -> Header:
    """The header as if these addresses had never been in it."""

    def rest(people: Sequence[Address]) -> tuple[Address, ...]:
        return tuple(one for one in people if one.email not in gone)

    from_ = None if header.from_ and header.from_.email in gone else header.from_
    return replace(
        header,
        from_=from_,
        to=rest(header.to),
        cc=rest(header.cc),
        bcc=rest(header.bcc),
        reply_to=rest(header.reply_to),
    )


def is_about_nobody_else(header: Header, gone: set[str], own: frozenset[str]) -> bool:
    """Whether the sender, or everybody outside whom the mail went to, is among ``gone``."""
    if header.from_ and header.from_.email in gone:
        return True
    people = {one.email for one in _people(header) if one.email}
    return bool(people & gone) and people <= gone | own


def _people(header: Header) -> list[Address]:
    return [one for one in (header.from_, *header.to, *header.cc, *header.bcc) if one]


def _digest(key: bytes, address: str) -> str:
    return hmac.new(key, address.encode(), hashlib.sha256).hexdigest()

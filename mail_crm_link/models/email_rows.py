"""Turn what a connector fetched into rows, a page at a time.

Pages are written by SQL, one statement a table: the ORM's `create` costs ten times as much
a mail and none of its hooks belongs to these tables. Nothing here commits.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from odoo.tools import SQL

from .. import connectors, rules
from .crm_email_participant import bare
from .crm_email_suppression import is_about_nobody_else, without_people
from .email_comparison import Comparison, variant_of

if TYPE_CHECKING:
    from ..connectors.base import Changes, Content, Envelope, FetchFailure
    from ..rules.addresses import Address
    from ..rules.matching import Binding, Decision
    from ..rules.message import Attachment, Body, Header

INT4_MAX = 2**31 - 1
# A server's date may be ahead of ours by a wrong clock, not by more.
CLOCK_TOLERANCE = timedelta(days=1)
TRIES = 3
WRITTEN_FROM_CARD = "Written from this card"


def insert(env, table: str, rows: Sequence[dict], suffix: SQL) -> list[tuple]:
    """Insert rows of equal keys with one statement; PostgreSQL casts by the table.

    :param suffix: ``ON CONFLICT`` and ``RETURNING`` clauses
    """
    if not rows:
        return []
    columns = SQL(", ").join(SQL.identifier(column) for column in rows[0])
    query = SQL(
        "INSERT INTO %(table)s (%(columns)s) SELECT %(columns)s"
        " FROM json_populate_recordset(NULL::%(table)s, %(rows)s) %(suffix)s",
        table=SQL.identifier(table),
        columns=columns,
        rows=json.dumps(rows, default=str),
        suffix=suffix,
    )
    env.cr.execute(query)
    return env.cr.fetchall() if env.cr.description else []


def next_ids(env, table: str, count: int) -> list[int]:
    """Reserve ids for rows that refer to one another before they are stored."""
    if not count:
        return []
    rows = env.execute_query(SQL("SELECT nextval(%s) FROM generate_series(1, %s)", f"{table}_id_seq", count))
    return [id_ for (id_,) in rows]


def prefer_indexes(env) -> None:
    """Have the rest of the transaction look rows up one by one, by index.

    For a page of addresses the planner would rather read some ten thousand contacts from
    end to end, and all links to join them with it. And the plans by which foreign keys are
    checked are kept for the session: one that was made while the table was small would
    read it from end to end ever after.
    """
    # Small tables without an index for a query are read all the same, at a price that the
    # planner pretends: it must not have the query compiled for that, which takes a second.
    settings = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit")
    calls = SQL(", ").join(SQL("set_config(%s, 'off', true)", setting) for setting in settings)
    env.cr.execute(SQL("SELECT %s", calls))


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail that is not stored yet, under the id it will have."""

    id: int
    envelope: Envelope
    header: Header
    conversation_id: int


class EnvelopeRows:
    """The mails of one page of one folder."""

    def __init__(self, mailbox, folder_id: int, uidvalidity: str):
        self.mailbox = mailbox
        self.env = mailbox.env
        self.folder = self.env["crm.mailbox.folder"].browse(folder_id)
        self.uidvalidity = uidvalidity
        self.now = self.env.cr.now()

    # --- save ---------------------------------------------------------------------------

    def save(self, envelopes: Sequence[Envelope]) -> int:
        """Store mails, copies, conversations and bindings; return how many copies are new."""
        prefer_indexes(self.env)
        headers = [rules.message.parse_header(one.header, one.size) for one in envelopes]
        erased = self._suppress(envelopes, headers)
        return self._save(*_without(erased, envelopes, headers)) + self._save_erased(erased)

    def _save(self, envelopes: Sequence[Envelope], headers: Sequence[Header]) -> int:
        known = self._known(headers)
        fresh = self._fresh(envelopes, headers, known)
        decisions = self._decide(fresh)
        self._insert_emails(fresh, decisions)
        ids = known | {mail.header.identity: mail.id for mail in fresh}
        email_ids = [ids[header.identity] for header in headers]
        added = self._insert_copies(envelopes, email_ids)
        self._insert_participants(fresh)
        seen_before = _seen_before(email_ids, decisions.keys())
        self._adopt(seen_before)
        self._bind(email_ids, decisions)
        self.env["crm.email"].browse(seen_before)._ask_to_compare()
        self.mailbox._forget_expired_among(email_ids)
        return added

    def _decide(self, fresh: Sequence[NewMail]) -> dict[int, Decision]:
        return self.env["crm.email.binding"]._decide_new(self.mailbox, fresh)

    def _known(self, headers: Iterable[Header]) -> dict[str, int]:
        """Stored mails of these identities; of contradicting ones the first.

        Those only that name the same recipients, or that this mailbox has: who knows all of an
        identity must not learn from it whom else the mail went to.
        """
        recipients = {header.identity: header.recipients for header in headers}
        rows = self.env.execute_query(
            SQL(
                "SELECT identity, id, variant, EXISTS (SELECT FROM crm_email_mailbox_rel r"
                " WHERE r.email_id = e.id AND r.mailbox_id = %s) AS is_own"
                " FROM crm_email e WHERE identity = ANY(%s) ORDER BY is_own, id DESC",
                self.mailbox.id,
                list(recipients),
            )
        )
        return {
            identity: email_id
            for identity, email_id, variant, is_own in rows
            if is_own or variant == recipients[identity]
        }

    def _fresh(self, envelopes, headers, known: dict[str, int]) -> list[NewMail]:
        """The mails that are not stored yet, each once, in their conversations."""
        found = {
            header.identity: (envelope, header)
            for envelope, header in zip(envelopes, headers, strict=True)
            if header.identity not in known
        }
        conversations = self._conversations([header for _, header in found.values()])
        ids = next_ids(self.env, "crm_email", len(found))
        return [
            NewMail(id_, envelope, header, conversation_id)
            for id_, (envelope, header), conversation_id in zip(ids, found.values(), conversations, strict=True)
        ]

    def _insert_emails(self, fresh: Sequence[NewMail], decisions: dict[int, Decision]) -> None:
        """Store mails together with what was decided about them.

        Rows that are changed in the transaction that inserted them have all their foreign
        keys checked again, which costs more than the insertion.
        """
        own = self._own_addresses()
        rows = {
            mail.id: {
                **self._email_row(mail.envelope, mail.header, own),
                "id": mail.id,
                "conversation_id": mail.conversation_id,
                "unbound_reason": decisions[mail.id].unbound_reason or None,
            }
            for mail in fresh
        }
        bound = {mail.id: mail for mail in fresh if decisions[mail.id].bindings}
        for email_id, message_id in self._insert_messages(bound, rows).items():
            rows[email_id] |= {"is_bound": True, "body_state": "wanted", "mail_message_id": message_id}
        insert(self.env, "crm_email", list(rows.values()), SQL(""))

    def _insert_messages(self, bound: dict[int, NewMail], rows: dict[int, dict]) -> dict[int, int]:
        """Store the messages of mails on cards; return them by mail."""
        message_ids = dict(zip(bound, next_ids(self.env, "mail_message", len(bound)), strict=True))
        self.env["crm.email.binding"]._insert_messages(
            [
                {
                    "id": message_ids[email_id],
                    "email_id": email_id,
                    "date": rows[email_id]["date"],
                    "email_from": rows[email_id]["header_from"],
                    "subject": rows[email_id]["header_subject"],
                    "address": mail.header.from_.email if mail.header.from_ else None,
                }
                for email_id, mail in bound.items()
            ]
        )
        return message_ids

    def _own_addresses(self) -> frozenset[str]:
        return self.env["crm.email.binding"]._own_addresses()

    def _email_row(self, envelope: Envelope, header: Header, own: frozenset[str]) -> dict:
        verdict = rules.automatic.classify(header)
        return {
            "identity": header.identity,
            "variant": header.recipients,
            "message_id": header.message_id,
            "header_subject": header.subject,
            "header_from": people_of([header.from_] if header.from_ else []),
            "header_to": people_of(header.to),
            "header_cc": people_of(header.cc),
            "header_date": header.date_raw,
            "header_reply_to": people_of(header.reply_to),
            "header_references": " ".join(header.references or header.in_reply_to) or None,
            "date": self._date(envelope, header),
            "direction": self._direction(envelope, header, own),
            "has_attachment": header.maybe_attachment,
            "size": min(envelope.size, INT4_MAX),
            "automatic": verdict.kind,
            "automatic_reason": verdict.reason or None,
            "state": "processed",
            "unbound_reason": None,
            "is_bound": False,
            "body_state": "none",
            "mail_message_id": None,
            **self._stamps(),
        }

    def _stamps(self) -> dict:
        """When; nobody wrote these rows, and two foreign keys a row less are to be checked."""
        return {"create_date": self.now, "write_date": self.now}

    def _date(self, envelope: Envelope, header: Header) -> datetime:
        """The server's date, unless it lies in the future. UTC, naive as Odoo stores it."""
        received = _naive(envelope.received)
        latest = self.now + CLOCK_TOLERANCE
        if received <= latest:
            return received
        sent = _naive(header.date) if header.date else self.now
        return min(sent, self.now)

    def _direction(self, envelope: Envelope, header: Header, own: frozenset[str]) -> str:
        if self.folder.role == "sent" or envelope.sent:
            return "out"
        return "out" if header.from_ and header.from_.email in own else "in"

    def _insert_copies(self, envelopes, email_ids) -> int:
        """Store where the mails were seen; return how many places are new."""
        rows = {
            envelope.remote_id: {
                **self._location(envelope.remote_id),
                "email_id": email_id,
                "seen": envelope.seen,
                "size": min(envelope.size, INT4_MAX),
                "received": _naive(envelope.received),
                "state": "ok",
                "attempts": 0,
            }
            for envelope, email_id in zip(envelopes, email_ids, strict=True)
        }
        return self._upsert_copies(list(rows.values()), SQL("0"))

    def _location(self, remote_id: str) -> dict:
        return {
            "mailbox_id": self.mailbox.id,
            "folder_id": self.folder.id,
            "uidvalidity": self.uidvalidity,
            "remote_id": remote_id,
            "reason": None,
        }

    def _upsert_copies(self, rows: Sequence[dict], attempts: SQL) -> int:
        returned = insert(
            self.env,
            "crm_email_copy",
            rows,
            SQL(
                """
                ON CONFLICT (folder_id, uidvalidity, remote_id) DO UPDATE
                   SET email_id = excluded.email_id, seen = excluded.seen,
                       size = excluded.size, state = excluded.state,
                       reason = excluded.reason, attempts = %s
                RETURNING (xmax = 0)
                """,
                attempts,
            ),
        )
        return sum(new for (new,) in returned)

    def save_failures(self, failures: Sequence[FetchFailure], attempts: int = 1) -> int:
        """Store places that could not be read, with the reason.

        What was expunged meanwhile leaves nothing. Others are tried again by the audit, and
        given up after three tries.

        :param attempts: how often it was tried now
        """
        rows = [
            {
                **self._location(failure.remote_id),
                "email_id": None,
                "seen": None,
                "size": None,
                "received": None,
                "state": "quarantined" if attempts >= TRIES else "failed",
                "attempts": attempts,
                "reason": failure.reason,
            }
            for failure in failures
            if not failure.gone
        ]
        added = self._upsert_copies(rows, SQL("crm_email_copy.attempts + 1"))
        if rows:
            self._give_up_after_three()
        return added

    def _give_up_after_three(self) -> None:
        self.env.cr.execute(
            SQL(
                "UPDATE crm_email_copy SET state = 'quarantined'"
                " WHERE folder_id = %s AND state = 'failed' AND attempts >= %s",
                self.folder.id,
                TRIES,
            )
        )

    def _insert_participants(self, fresh: Iterable[NewMail]) -> None:
        rows = [
            {
                "email_id": mail.id,
                "kind": kind,
                "name": person.name or None,
                "address": person.email,
                "bare": bare(person.email),
            }
            for mail in fresh
            for kind, person in _participants(mail.header)
        ]
        insert(self.env, "crm_email_participant", rows, SQL(""))

    # --- what was erased stays out ------------------------------------------------------

    def _suppress(self, envelopes: Sequence[Envelope], headers: list[Header]) -> list[Envelope]:
        """Take people whose mail was erased out of ``headers``; return what stays out entirely."""
        suppressed = self.env["crm.email.suppression"]._of(headers)
        if not suppressed:
            return []
        own = self._own_addresses()
        erased = []
        for position, envelope in enumerate(envelopes):
            header = headers[position]
            gone = {address for address, until in suppressed.items() if _naive(envelope.received) <= until}
            headers[position] = without_people(header, gone)
            if headers[position] != header and is_about_nobody_else(header, gone, own):
                erased.append(envelope)
        return erased

    def _save_erased(self, envelopes: Sequence[Envelope]) -> int:
        """Store only where they are, so that the server's copies are not taken for missing."""
        rows = [
            {
                **self._location(envelope.remote_id),
                "email_id": None,
                "seen": None,
                "size": None,
                "received": _naive(envelope.received),
                "state": "erased",
                "attempts": 0,
            }
            for envelope in envelopes
        ]
        return self._upsert_copies(rows, SQL("0"))

    # --- conversations ------------------------------------------------------------------

    def _conversations(self, headers: Sequence[Header]) -> list[int]:
        """Return the conversation of each mail; several may turn out to be one."""
        mails = [rules.conversation.keys(header) for header in headers]
        groups = rules.conversation.join(mails, self._known_keys(mails))
        targets = self._targets(groups)
        self._merge(groups, targets)
        self._insert_keys(groups, targets)
        of_mail = {position: target for group, target in zip(groups, targets, strict=True) for position in group.mails}
        return [of_mail[position] for position in range(len(mails))]

    def _known_keys(self, mails: Iterable[tuple[str, ...]]) -> dict[str, int]:
        return dict(
            self.env.execute_query(
                SQL(
                    "SELECT key, conversation_id FROM crm_email_conversation_key WHERE key = ANY(%s)",
                    list({key for keys in mails for key in keys}),
                )
            )
        )

    def _targets(self, groups) -> list[int]:
        """The conversation of each group: the oldest it touches, or a new one."""
        missing = sum(not group.conversations for group in groups)
        created = self.env.execute_query(
            SQL(
                "INSERT INTO crm_email_conversation (id)"
                " SELECT nextval('crm_email_conversation_id_seq') FROM generate_series(1, %s)"
                " RETURNING id",
                missing,
            )
        )
        new = iter(id_ for (id_,) in created)
        return [min(group.conversations) if group.conversations else next(new) for group in groups]

    def _merge(self, groups, targets) -> None:
        """Make one of the conversations that a group connects."""
        pairs = [
            (old, target)
            for group, target in zip(groups, targets, strict=True)
            for old in group.conversations - {target}
        ]
        if not pairs:
            return
        old, target = (list(column) for column in zip(*pairs, strict=True))
        for table in ("crm_email", "crm_email_conversation_key"):
            self.env.cr.execute(
                SQL(
                    "UPDATE %s t SET conversation_id = m.target"
                    " FROM unnest(%s::int[], %s::int[]) AS m(old, target)"
                    " WHERE t.conversation_id = m.old",
                    SQL.identifier(table),
                    old,
                    target,
                )
            )
        self.env["crm.email.conversation.visibility"]._merge(dict(pairs))
        self.env.flush_all()
        self.env.cr.execute(SQL("DELETE FROM crm_email_conversation WHERE id = ANY(%s)", old))

    def _insert_keys(self, groups, targets) -> None:
        rows = [
            {"key": key, "conversation_id": target}
            for group, target in zip(groups, targets, strict=True)
            for key in group.keys
        ]
        insert(self.env, "crm_email_conversation_key", rows, SQL("ON CONFLICT DO NOTHING"))

    # --- binding ------------------------------------------------------------------------

    def _bind(self, email_ids: Sequence[int], decisions: dict[int, Decision]) -> None:
        """Bind the mails that this mailbox sees for the first time.

        :param decisions: about the mails that no mailbox had before
        """
        rows = [{"email_id": email_id, "mailbox_id": self.mailbox.id} for email_id in dict.fromkeys(email_ids)]
        new = insert(
            self.env,
            "crm_email_mailbox_rel",
            rows,
            SQL("ON CONFLICT DO NOTHING RETURNING email_id"),
        )
        emails = self.env["crm.email"].browse(email_id for (email_id,) in new)
        binding = self.env["crm.email.binding"]
        binding._store_new(decisions)
        binding._bind([email_id for email_id in emails.ids if email_id not in decisions])
        self.env["crm.mailbox.rule"]._apply(self.mailbox, emails)
        emails._ask_to_process(self.mailbox)
        emails._answered_by(emails.ids)

    def _adopt(self, email_ids: Sequence[int]) -> None:
        """A mail that came back is no orphan; one of another size is to be compared."""
        if not email_ids:
            return
        self.env.cr.execute(
            SQL(
                """
                WITH adopted AS (
                    UPDATE crm_email SET orphaned_at = NULL
                     WHERE id = ANY(%(ids)s) AND orphaned_at IS NOT NULL)
                UPDATE crm_email_copy c SET suspect = true
                  FROM (SELECT email_id FROM crm_email_copy
                         WHERE email_id = ANY(%(ids)s) AND mailbox_id = %(mailbox)s
                         GROUP BY email_id HAVING min(size) != max(size)) AS unequal
                 WHERE c.email_id = unequal.email_id AND c.mailbox_id = %(mailbox)s
                   AND c.compared IS NOT TRUE AND c.suspect IS NOT TRUE
                """,
                ids=list(email_ids),
                mailbox=self.mailbox.id,
            )
        )

    # --- removal ------------------------------------------------------------------------

    def remove(self, changes: Changes) -> int:
        """Drop copies the server no longer has; return how many.

        Only a complete listing, or the server's own word, is ground enough.
        """
        gone = SQL("uidvalidity = %s AND remote_id = ANY(%s)", self.uidvalidity, list(changes.vanished))
        if changes.present is not None:
            gone = SQL(
                """(uidvalidity IS DISTINCT FROM %s OR NOT EXISTS (
                    SELECT FROM unnest(%s::text[]) AS present(id)
                     WHERE present.id = remote_id))""",
                self.uidvalidity,
                list(changes.present),
            )
        rows = self.env.execute_query(
            SQL(
                "DELETE FROM crm_email_copy WHERE folder_id = %s AND %s RETURNING email_id",
                self.folder.id,
                gone,
            )
        )
        self._mark_orphans({email_id for (email_id,) in rows if email_id})
        return len(rows)

    def _mark_orphans(self, email_ids: set[int]) -> None:
        self.env.cr.execute(
            SQL(
                "UPDATE crm_email e SET orphaned_at = %s WHERE id = ANY(%s)"
                " AND NOT EXISTS (SELECT FROM crm_email_copy c WHERE c.email_id = e.id)",
                self.now,
                list(email_ids),
            )
        )

    # --- contradiction ------------------------------------------------------------------

    def save_variant(self, copy, envelope: Envelope, body: Body) -> None:
        """Make a mail of its own of a copy whose content contradicts its mail's."""
        headers = [rules.message.parse_header(envelope.header, envelope.size)]
        self._suppress([envelope], headers)
        [header] = headers
        [conversation_id] = self._conversations([header])
        row = {
            **self._email_row(envelope, header, self._own_addresses()),
            "conversation_id": conversation_id,
            "variant": variant_of(body),
            "body_digest": body.digest,
        }
        [(email_id, new)] = insert(
            self.env,
            "crm_email",
            [row],
            SQL("ON CONFLICT (identity, variant) DO UPDATE SET variant = excluded.variant RETURNING id, (xmax = 0)"),
        )
        if new:
            self._insert_participants([NewMail(email_id, envelope, header, conversation_id)])
        self._move_copies(copy, email_id)
        self._bind([email_id], {})

    def _move_copies(self, copy, email_id: int) -> None:
        """Move a copy, and those of its mailbox that are as long, to another mail."""
        self.env.cr.execute(
            SQL(
                "UPDATE crm_email_copy SET email_id = %s, suspect = NULL"
                " WHERE id = %s OR email_id = %s AND mailbox_id = %s AND size = %s",
                email_id,
                copy.id,
                copy.email_id.id,
                self.mailbox.id,
                copy.size,
            )
        )
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_email_mailbox_rel r WHERE email_id = %s AND mailbox_id = %s AND NOT EXISTS"
                " (SELECT FROM crm_email_copy c WHERE c.email_id = r.email_id AND c.mailbox_id = r.mailbox_id)",
                copy.email_id.id,
                self.mailbox.id,
            )
        )
        self._mark_orphans({copy.email_id.id})


class SentRows(EnvelopeRows):
    """A mail that was sent from here, stored before its copy in the folder of sent mail is found.

    :param folder_id: of sent mail; 0 where the account has none
    :param card: the card that it was written from, which it stays on
    """

    def __init__(self, mailbox, folder_id: int, card):
        super().__init__(mailbox, folder_id, "")
        self.card = card

    def save_sent(self, raw: bytes):
        """Store the mail with its content, unless a synchronisation was quicker; return it."""
        header = head_of(raw)
        received = self.now.replace(tzinfo=timezone.utc)
        self.save([connectors.base.Envelope("", header, len(raw), received, seen=True)])
        email_id = self._known([rules.message.parse_header(header, len(raw))]).popitem()[1]
        self.env.invalidate_all()
        email = self.env["crm.email"].browse(email_id)
        if self.card and self.card not in (*email.link_ids.lead_id, *email.link_ids.partner_id):
            self.env["crm.email.link"]._link_by_rule(email, self.card, WRITTEN_FROM_CARD)
        ContentRows(self.mailbox).save_of(email, connectors.base.Content("", raw, header))
        return email

    def save_copy(self, email, uidvalidity: str, remote_id: str, size: int) -> None:
        """Store where the copy of a sent mail lies, as a synchronisation will find it."""
        self.uidvalidity = uidvalidity
        envelope = connectors.base.Envelope(remote_id, b"", size, self.now.replace(tzinfo=timezone.utc), seen=True)
        if EnvelopeRows._insert_copies(self, [envelope], [email.id]):
            self.env.cr.execute(
                SQL(
                    "UPDATE crm_mailbox_folder SET synced_count = coalesce(synced_count, 0) + 1 WHERE id = %s",
                    self.folder.id,
                )
            )

    def _decide(self, fresh):
        decisions = super()._decide(fresh)
        if not self.card:
            return decisions
        binding = rules.matching.Binding(self.card._name, self.card.id, "rule", WRITTEN_FROM_CARD)
        return {id_: _bound_to(decision, binding) for id_, decision in decisions.items()}

    def _insert_copies(self, envelopes, email_ids) -> int:
        """It is nowhere yet."""
        return 0


def _bound_to(decision: Decision, binding: Binding) -> Decision:
    """The decision with this card in it, too."""
    others = [one for one in decision.bindings if (one.model, one.id) != (binding.model, binding.id)]
    return rules.matching.Decision((binding, *others), "", decision.ambiguous)


class ContentRows:
    """Bodies and attachments of mails whose envelopes are stored."""

    def __init__(self, mailbox):
        self.mailbox = mailbox
        self.env = mailbox.env

    def save(self, wanted, contents: Sequence[Content | FetchFailure]) -> None:
        """Store a batch of one folder's contents."""
        copies = self._copies({one.remote_id: one.key for one in wanted})
        self._save_failures(
            {
                copies[one.remote_id].id: one
                for one in contents
                if isinstance(one, connectors.base.FetchFailure) and one.remote_id in copies
            }
        )
        bodies = {
            copies[one.remote_id]: body_of(one)
            for one in contents
            if isinstance(one, connectors.base.Content) and one.remote_id in copies
        }
        headers = {
            copies[one.remote_id]: one
            for one in contents
            if isinstance(one, connectors.base.Content) and one.remote_id in copies
        }
        agreeing = self._settle(bodies, headers)
        self._clear_attempts(copies.values())
        self._save_bodies(agreeing)
        self._complete_creations(agreeing, headers)

    def save_one(self, copy, content: Content) -> None:
        """Store the content of one copy ahead of its turn."""
        self._save_bodies(self._settle({copy: body_of(content)}, {copy: content}))

    def save_of(self, email, content: Content) -> None:
        """Store the content of a mail that has no copy yet."""
        email._prove(self.mailbox.id)
        self._save_bodies_of({email: body_of(content)})

    def _copies(self, keys: dict[str, int]) -> dict:
        found = self.env["crm.email.copy"].browse(keys.values()).exists()
        found.fetch(["email_id", "suspect", "received", "size", "seen"])
        found.email_id.fetch(["body_digest", "body_state", "mail_message_id", "is_bound"])
        by_id = {copy.id: copy for copy in found if copy.email_id}
        return {remote_id: by_id[key] for remote_id, key in keys.items() if key in by_id}

    def _save_failures(self, failures: dict[int, FetchFailure]) -> None:
        if not failures:
            return
        copies = self.env["crm.email.copy"].browse(failures)
        for copy in copies:
            copy.write({"state": "failed", "reason": failures[copy.id].reason})
        hopeless = copies.email_id.filtered(
            lambda email: email.body_state == "wanted" and not any(copy.state == "ok" for copy in email.copy_ids)
        )
        for email in hopeless:
            reason = next(iter(email.copy_ids.mapped("reason")))
            email.write({"body_state": "failed", "body_reason": reason})

    def _clear_attempts(self, copies: Iterable) -> None:
        self.env.cr.execute(
            SQL(
                "UPDATE crm_email_copy SET attempts = 0 WHERE id = ANY(%s)",
                [copy.id for copy in copies],
            )
        )

    # --- contradiction ------------------------------------------------------------------

    def _settle(self, bodies: dict, contents: dict) -> dict:
        return Comparison(self.mailbox, self._split).settle(bodies, contents)

    def _split(self, copy, body: Body, content: Content) -> None:
        envelope = connectors.base.Envelope(
            content.remote_id,
            content.header,
            copy.size,
            copy.received.replace(tzinfo=timezone.utc),
            copy.seen,
        )
        rows = EnvelopeRows(self.mailbox, copy.folder_id.id, copy.uidvalidity or "")
        rows.save_variant(copy, envelope, body)

    def _complete_creations(self, bodies: dict, contents: dict) -> None:
        """Tell leads made from these mails what their signatures say."""
        if not self.mailbox.rule_ids.filtered("active"):
            return
        creations = self.env["crm.email.creation"].search(
            [("email_id", "in", [copy.email_id.id for copy in bodies]), ("state", "=", "created")]
        )
        of_email = creations.grouped("email_id")
        for copy, body in bodies.items():
            for creation in of_email.get(copy.email_id, ()):
                content = contents[copy]
                header = rules.message.parse_header(content.header or head_of(content.raw or b""), copy.size or 0)
                creation._complete(rules.signature.stated(header, _without_quotes(body.text)))

    # --- bodies -------------------------------------------------------------------------

    def _save_bodies(self, bodies: dict) -> None:
        """Store what is on cards; a body fetched only to be compared is not kept."""
        self._save_bodies_of({copy.email_id: body for copy, body in bodies.items()})

    def _save_bodies_of(self, bodies: dict) -> None:
        kept = {email: body for email, body in bodies.items() if email._awaits_body()}
        if not kept:
            return
        self._save_attachments(kept)
        rows = [
            {
                "message_id": email.mail_message_id.id,
                "body": html_of(email.id, body),
                "email_id": email.id,
                "snippet": rules.message.snippet(body),
                "digest": body.digest,
                "has_attachment": any(not one.inline for one in body.attachments),
            }
            for email, body in kept.items()
        ]
        self._update(rows)
        emails = self.env["crm.email"].concat(*kept)
        emails._judge_later(emails.ids)
        emails._ask_to_compare()

    def _update(self, rows: Sequence[dict]) -> None:
        self.env.cr.execute(
            SQL(
                """
                WITH fetched AS (
                    SELECT * FROM json_to_recordset(%s) AS r(
                        message_id int, body text, email_id int, snippet text,
                        digest text, has_attachment boolean)),
                messages AS (
                    UPDATE mail_message m SET body = fetched.body
                      FROM fetched WHERE m.id = fetched.message_id)
                UPDATE crm_email e
                   SET body_state = 'stored', body_reason = NULL,
                       stored_snippet = fetched.snippet, body_digest = fetched.digest,
                       has_attachment = fetched.has_attachment
                  FROM fetched WHERE e.id = fetched.email_id
                """,
                json.dumps(rows),
            )
        )
        self.env["mail.message"].invalidate_model(["body"], flush=False)
        self.env["crm.email"].invalidate_model(flush=False)

    def _save_attachments(self, bodies: dict) -> None:
        """List the attachments; those that came with the mail are stored as well."""
        values = [
            _attachment_values(email, attachment) for email, body in bodies.items() for attachment in body.attachments
        ]
        if not values:
            return
        attachments = (
            self.env["ir.attachment"]
            .with_context(image_no_postprocess=True, attachments_mime_plainxml=True)
            .create(values)
        )
        rows = [{"message_id": attachment.res_id, "attachment_id": attachment.id} for attachment in attachments]
        insert(self.env, "message_attachment_rel", rows, SQL("ON CONFLICT DO NOTHING"))


def _attachment_values(email, attachment: Attachment) -> dict:
    """Attachments hang on the message, so that only who may read it may read them."""
    values = {
        "name": attachment.filename or email.env._("Attachment"),
        "mimetype": attachment.content_type,
        "res_model": "mail.message",
        "res_id": email.mail_message_id.id,
        "crm_email_section": attachment.section,
    }
    if attachment.content is not None:
        return {**values, "type": "binary", "raw": attachment.content}
    return {
        **values,
        "type": "url",
        "url": attachment_url(email.id, attachment.section),
        "file_size": attachment.size,
    }


def attachment_url(email_id: int, section: str) -> str:
    """Where an attachment is fetched from the mailbox when somebody opens it."""
    return f"/mail_crm_link/attachment/{email_id}/{section}"


def html_of(email_id: int, body: Body) -> str:
    """The mail's body, sanitised, with its inline images from our own addresses."""
    html = rules.message.sanitize(body.html) if body.html else rules.message.text_to_html(body.text)
    for attachment in body.attachments:
        if attachment.inline and attachment.content_id:
            url = attachment_url(email_id, attachment.section)
            html = html.replace(f"cid:{attachment.content_id}", url)
    return html


def _without_quotes(text: str) -> str:
    """The text if its signature is its writer's: right below what is new in it; else ""."""
    new = rules.plaintext.new_text(text)
    signed = text.strip().removeprefix(new).lstrip().startswith("--")
    return text if signed else ""


def head_of(raw: bytes) -> bytes:
    """The header of a whole mail."""
    return raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]


def body_of(content: Content) -> Body:
    if content.raw is not None:
        return rules.message.parse_body(content.raw)
    return rules.message.body_from_parts(content.header, content.parts)


def _seen_before(email_ids: Sequence[int], fresh: Collection[int]) -> list[int]:
    """Mails that were stored before this page, or stand in it more than once."""
    times = Counter(email_ids)
    return [id_ for id_, count in times.items() if count > 1 or id_ not in fresh]


def _without(
    left_out: Sequence[Envelope], envelopes: Sequence[Envelope], headers: Sequence[Header]
) -> tuple[list[Envelope], list[Header]]:
    """The envelopes but for those left out, and their headers."""
    ids = {one.remote_id for one in left_out}
    kept = [position for position, one in enumerate(envelopes) if one.remote_id not in ids]
    return [envelopes[position] for position in kept], [headers[position] for position in kept]


def _naive(moment: datetime) -> datetime:
    """UTC without a zone, as Odoo stores it."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None, microsecond=0)


def people_of(addresses: Iterable[Address]) -> str | None:
    return ", ".join(_person(one) for one in addresses) or None


def _person(address: Address) -> str:
    """The address for people: the name readable, not as an encoded word."""
    if not address.name:
        return address.email
    name = address.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{address.email}>'


def _participants(header: Header) -> Iterator[tuple[str, Address]]:
    if header.from_ and header.from_.email:
        yield "from", header.from_
    for kind, people in (("to", header.to), ("cc", header.cc), ("bcc", header.bcc)):
        for person in people:
            if person.email:
                yield kind, person

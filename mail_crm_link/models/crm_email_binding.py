"""Find the cards a batch of mails belongs to, and bind them.

Lookups are made once for the whole batch, `rules.matching` decides, and one statement
stores what it decided: the number of queries does not depend on the number of mails.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from odoo import api, models
from odoo.tools import SQL

from .. import rules

if TYPE_CHECKING:
    from ..rules.addresses import Address
    from ..rules.matching import Binding, Decision, Known, LeadRef, PartnerRef

LINK_COLUMN = {"crm.lead": "lead_id", "res.partner": "partner_id"}
OWN_DOMAINS_PARAMETER = "mail_crm_link.own_domains"

# Why a mail stays out of CRM also when the conversation it belongs to is bound.
NEVER_BY_CONVERSATION = ("off", "manual", "own", "blocked")


class CrmEmailBinding(models.AbstractModel):
    _name = "crm.email.binding"
    _description = "Binding of Emails to Cards"

    @api.model
    def _bind(self, email_ids: Sequence[int]) -> None:
        """Bind these e-mails, and what follows in their conversations, to their cards."""
        if not email_ids:
            return
        for (companies, owners), mails in self._load(email_ids).items():
            known = self._known(mails, companies, owners)
            decisions, blocked = _decide(mails, known)
            if known.blocked:
                self._hide_links(blocked, decisions)
            self._store(decisions)

    @api.model
    def _decide_new(self, mailbox, mails) -> dict[int, Decision]:
        """Decide about mails that are not stored yet, and that came through this mailbox.

        :param mails: see `email_rows.NewMail`
        """
        described = [_Mail.of_new(mail, mailbox) for mail in mails]
        if not described:
            return {}
        return _decide(described, self._known(described, mailbox.company_id.ids, mailbox.user_id.ids))[0]

    @api.model
    def _store_new(self, decisions: dict[int, Decision]) -> None:
        """Link mails that were stored as bound, and what follows in their conversations."""
        self._note_questions(decisions)
        bound = self._insert_links(_link_rows(decisions))
        if followers := self._follow_conversations(bound) - bound:
            self._after_binding(self.env["crm.email"].browse(followers))
        if bound:
            self._changed(self.env["crm.email"].browse(bound))

    # --- what is known ------------------------------------------------------------------

    def _load(self, email_ids: Sequence[int]) -> dict[tuple, list[_Mail]]:
        """Return the mails by companies and owners of the mailboxes they came through."""
        self.env["crm.email"].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT e.id, e.header_subject AS subject, e.conversation_id,
                       coalesce(bool_or(m.crm_link), false) AS linked,
                       coalesce(bool_or(m.crm_link AND m.link_mode = 'automatic'), false)
                           AS automatic,
                       coalesce(bool_or(m.crm_link AND m.sync_scope = 'all'), false)
                           AS all_contacts,
                       array_remove(array_agg(DISTINCT m.company_id), NULL) AS companies,
                       array_remove(array_agg(DISTINCT m.user_id), NULL) AS owners
                  FROM crm_email e
                  LEFT JOIN crm_email_mailbox_rel r ON r.email_id = e.id
                  LEFT JOIN crm_mailbox m ON m.id = r.mailbox_id
                 WHERE e.id = ANY(%s)
                 GROUP BY e.id
                """,
                list(email_ids),
            )
        )
        people = self._participants(email_ids)
        batches = defaultdict(list)
        for row in rows:
            key = (tuple(row.pop("companies")), tuple(row.pop("owners")))
            batches[key].append(_Mail(**row, people=people[row["id"]]))
        return batches

    def _participants(self, email_ids: Sequence[int]) -> dict[int, list[Address]]:
        people = defaultdict(list)
        for email_id, name, address in self.env.execute_query(
            SQL(
                "SELECT email_id, name, address FROM crm_email_participant"
                " WHERE email_id = ANY(%s) AND kind != 'bcc' ORDER BY id",
                list(email_ids),
            )
        ):
            people[email_id].append(rules.addresses.Address(name or "", address))
        return people

    def _known(self, mails: Iterable[_Mail], companies: Sequence[int], owners: Sequence[int]) -> Known:
        """Look up all that the decisions about these mails can depend on."""
        people = {person for mail in mails for person in mail.people}
        bound = self._bound({mail.conversation_id for mail in mails})
        return replace(self._known_people(people, companies, owners), bound=bound)

    @api.model
    def _known_people(self, people: Iterable[Address], companies: Sequence[int], owners: Sequence[int]) -> Known:
        """Look up what is known of these participants."""
        own = self._own_addresses()
        addresses = {person.email for person in people} - own
        keys = {key for address in addresses for key in rules.addresses.match_keys(address)}
        partners = self._partners(keys, companies)
        leads = self._leads(keys, companies)
        by_address = defaultdict(list)
        for ref in [*partners, *leads]:
            by_address[ref.address].append(ref)
        return rules.matching.Known(
            by_address={address: tuple(refs) for address, refs in by_address.items()},
            open_deals=self._open_deals(partners, companies),
            own=own,
            own_domains=self._own_domains(),
            blocked=self.env["crm.email.block"]._of(owners, companies),
        )

    @api.model
    def _own_addresses(self) -> frozenset[str]:
        """Addresses of connected mailboxes and of internal users."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT json_array_elements_text(own_addresses::json) FROM crm_mailbox
                 WHERE own_addresses IS NOT NULL AND connected_at IS NOT NULL
                 UNION
                SELECT p.email_normalized
                  FROM res_users u JOIN res_partner p ON p.id = u.partner_id
                 WHERE u.active AND u.share IS NOT TRUE AND p.email_normalized IS NOT NULL
                """
            )
        )
        return frozenset(address for (address,) in rows)

    @api.model
    def _own_domains(self) -> frozenset[str]:
        """Domains of Odoo's aliases, and those that an administrator named."""
        named = self.env["ir.config_parameter"].sudo().get_param(OWN_DOMAINS_PARAMETER, "")
        # There are as many as the company has domains. pylint: disable-next=no-search-all
        aliases = self.env["mail.alias.domain"].sudo().search([]).mapped("name")
        return frozenset(domain.strip().lower() for domain in [*named.split(","), *aliases] if domain)

    # "IN (SELECT unnest())" and not "= ANY()": the planner then looks up one key after the
    # other, and does not think of the index on company_id, which nearly all rows satisfy.

    def _partners(self, keys: set[str], companies: Sequence[int]) -> list[PartnerRef]:
        rows = self.env.execute_query(
            SQL(
                """
                SELECT p.id, coalesce(p.name, ''), p.email_normalized,
                       CASE WHEN c.id != p.id AND c.is_company AND c.active
                            THEN c.id ELSE 0 END,
                       coalesce(c.name, ''), coalesce(p.is_company, false)
                  FROM res_partner p
                  JOIN res_partner c ON c.id = coalesce(p.commercial_partner_id, p.id)
                 WHERE p.email_normalized IN (SELECT unnest(%s::text[])) AND p.active
                   AND (p.company_id IS NULL OR p.company_id = ANY(%s))
                 ORDER BY p.id
                """,
                list(keys),
                list(companies),
            )
        )
        return [rules.matching.PartnerRef(*row) for row in rows]

    def _leads(self, keys: set[str], companies: Sequence[int]) -> list[LeadRef]:
        return self._lead_refs(SQL("l.email_normalized IN (SELECT unnest(%s::text[]))", list(keys)), companies)

    def _open_deals(self, partners: Iterable[PartnerRef], companies: Sequence[int]) -> dict[int, tuple[LeadRef, ...]]:
        """Open opportunities by the contact or company they are of."""
        partner_ids = {ref.id for ref in partners} | {ref.company_id for ref in partners}
        deals = defaultdict(list)
        condition = SQL("l.partner_id IN (SELECT unnest(%s::int[])) AND l.type = 'opportunity'", list(partner_ids))
        for ref in self._lead_refs(condition, companies):
            if ref.open:
                deals[ref.partner_id].append(ref)
        return {partner_id: tuple(refs) for partner_id, refs in deals.items()}

    def _lead_refs(self, condition: SQL, companies: Sequence[int]) -> list[LeadRef]:
        rows = self.env.execute_query(
            SQL(
                """
                SELECT l.id, coalesce(l.name, ''), coalesce(l.email_normalized, ''),
                       coalesce(l.partner_id, 0), l.type = 'opportunity',
                       coalesce(s.is_won, false) IS NOT TRUE
                  FROM crm_lead l LEFT JOIN crm_stage s ON s.id = l.stage_id
                 WHERE %s AND l.active
                   AND (l.company_id IS NULL OR l.company_id = ANY(%s))
                 ORDER BY l.id
                """,
                condition,
                list(companies),
            )
        )
        return [rules.matching.LeadRef(*row) for row in rows]

    def _bound(self, conversation_ids: set[int]) -> dict[int, tuple[Binding, ...]]:
        """What the conversations are bound to, through any of their mails."""
        bound = defaultdict(list)
        for conversation_id, lead_id, partner_id, origin, reason in self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (e.conversation_id, k.lead_id, k.partner_id)
                       e.conversation_id, k.lead_id, k.partner_id, k.origin, k.reason
                  FROM crm_email e JOIN crm_email_link k ON k.email_id = e.id
                 WHERE e.conversation_id = ANY(%s) AND k.active
                 ORDER BY e.conversation_id, k.lead_id, k.partner_id,
                          k.origin = 'thread', k.id
                """,
                [id_ for id_ in conversation_ids if id_],
            )
        ):
            bound[conversation_id].append(
                rules.matching.Binding(
                    "crm.lead" if lead_id else "res.partner",
                    lead_id or partner_id,
                    origin,
                    reason,
                )
            )
        return {id_: tuple(bindings) for id_, bindings in bound.items()}

    # --- what was decided ---------------------------------------------------------------

    def _store(self, decisions: dict[int, Decision]) -> None:
        self._note_reasons(decisions)
        self._note_questions(decisions)
        rows = _link_rows(decisions)
        bound = self._insert_links(rows) | self._lift_blocked(rows)
        if bound:
            bound |= self._follow_conversations(bound)
            self._after_binding(self.env["crm.email"].browse(bound))

    def _note_questions(self, decisions: dict[int, Decision]) -> None:
        """Keep which opportunities a person has to choose between."""
        pairs = [(email_id, lead_id) for email_id, decision in decisions.items() for lead_id in decision.ambiguous]
        if not pairs:
            return
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_email_candidate_rel (email_id, lead_id)"
                " SELECT * FROM unnest(%s::int[], %s::int[]) ON CONFLICT DO NOTHING",
                *(list(column) for column in zip(*pairs, strict=True)),
            )
        )

    # --- the blocklist ------------------------------------------------------------------

    def _hide_links(self, blocked: dict[int, set], decisions: dict[int, Decision]) -> None:
        entirely = {id_ for id_, decision in decisions.items() if decision.unbound_reason == "blocked"}
        links = (
            self.env["crm.email.link"]
            .sudo()
            .search([("email_id", "in", [*blocked, *entirely]), ("origin", "!=", "manual")])
        )
        links = links.filtered(
            lambda link: link.email_id.id in entirely or link._card_key() in blocked[link.email_id.id]
        )
        if links:
            links.write({"active": False, "blocked": True})
            self._after_unbinding(links.email_id)

    def _lift_blocked(self, rows: Sequence[dict]) -> set[int]:
        """Switch links on again that no entry hides any more; return their mails."""
        if not rows:
            return set()
        lifted = self.env.execute_query(
            SQL(
                """
                UPDATE crm_email_link k SET active = true, blocked = false
                  FROM unnest(%s::int[], %s::int[], %s::int[]) AS r(email, lead, partner)
                 WHERE k.email_id = r.email AND k.blocked
                   AND (k.lead_id = r.lead OR k.partner_id = r.partner)
                RETURNING k.email_id
                """,
                *([row.get(column) for row in rows] for column in ("email_id", "lead_id", "partner_id")),
            )
        )
        return {email_id for (email_id,) in lifted}

    # --- links --------------------------------------------------------------------------

    def _note_reasons(self, decisions: dict[int, Decision]) -> None:
        reasons = {email_id: decision.unbound_reason or None for email_id, decision in decisions.items()}
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_email e SET unbound_reason = r.reason
                  FROM unnest(%s::int[], %s::text[]) AS r(id, reason)
                 WHERE e.id = r.id AND e.unbound_reason IS DISTINCT FROM r.reason
                   AND e.is_bound IS NOT TRUE
                """,
                list(reasons),
                list(reasons.values()),
            )
        )

    def _insert_links(self, rows: Sequence[dict]) -> set[int]:
        """Store links; return the mails that got one. A tombstone stays a tombstone."""
        if not rows:
            return set()
        columns = ("email_id", "lead_id", "partner_id", "origin", "reason")
        values = [[row.get(column) for row in rows] for column in columns]
        inserted = self.env.execute_query(
            SQL(
                """
                INSERT INTO crm_email_link (email_id, lead_id, partner_id, origin, reason,
                       active, create_date, write_date)
                SELECT r.*, true, %(now)s, %(now)s
                  FROM unnest(%(emails)s::int[], %(leads)s::int[], %(partners)s::int[],
                              %(origins)s::text[], %(reasons)s::text[]) AS r
                ON CONFLICT DO NOTHING
                RETURNING email_id
                """,
                now=self.env.cr.now(),
                emails=values[0],
                leads=values[1],
                partners=values[2],
                origins=values[3],
                reasons=values[4],
            )
        )
        return {email_id for (email_id,) in inserted}

    def _within_reach(self) -> SQL:
        """Mails that the user's own doing may bind: nobody opens others' mail by joining in."""
        if self.env.su:
            return SQL("true")
        return SQL(
            "other.id IN (SELECT email_id FROM crm_email_mailbox_rel WHERE mailbox_id = ANY(%s))",
            list(self.env["crm.mailbox"]._usable_ids()),
        )

    def _follow_conversations(self, email_ids: Iterable[int], within: SQL = SQL("true")) -> set[int]:  # noqa: B008
        """Bind the other mails of their conversations to the same cards.

        One table a query, joined here: where the statistics say that these tables are
        empty, as they do when they once were, PostgreSQL joins them in cubic time.

        :param within: condition on the mails that may follow
        :return: the mails that got a link
        """
        cards = self._cards_to_follow(email_ids)
        conversations = self._conversations_of(cards)
        followers = self._may_follow(set(conversations.values()), within) if cards else {}
        rows = {
            (follower, column, card_id): {
                "email_id": follower,
                column: card_id,
                "origin": "thread",
                "reason": "Mail of a bound conversation",
            }
            for email_id, keys in cards.items()
            for follower in followers.get(conversations[email_id], ())
            if follower != email_id
            for column, card_id in keys
        }
        return self._insert_links(list(rows.values()))

    def _cards_to_follow(self, email_ids: Iterable[int]) -> dict[int, set[tuple[str, int]]]:
        """The cards of each of these mails, as columns and ids."""
        cards = defaultdict(set)
        for email_id, lead_id, partner_id in self.env.execute_query(
            SQL(
                "SELECT email_id, lead_id, partner_id FROM crm_email_link"
                " WHERE email_id = ANY(%s) AND active AND origin != 'inherited'",
                list(email_ids),
            )
        ):
            cards[email_id].add(("lead_id", lead_id) if lead_id else ("partner_id", partner_id))
        return dict(cards)

    def _conversations_of(self, email_ids: Iterable[int]) -> dict[int, int]:
        return dict(
            self.env.execute_query(
                SQL("SELECT id, conversation_id FROM crm_email WHERE id = ANY(%s)", list(email_ids)),
            )
        )

    def _may_follow(self, conversation_ids: Iterable[int], within: SQL) -> dict[int, list[int]]:
        """The mails of these conversations that may be bound, by conversation."""
        followers = defaultdict(list)
        for conversation_id, email_id in self.env.execute_query(
            SQL(
                "SELECT other.conversation_id, other.id FROM crm_email other"
                " WHERE other.conversation_id = ANY(%s)"
                " AND coalesce(other.unbound_reason, '') != ALL(%s) AND %s",
                [id_ for id_ in conversation_ids if id_],
                list(NEVER_BY_CONVERSATION),
                within,
            )
        ):
            followers[conversation_id].append(email_id)
        return followers

    # --- what follows from being bound --------------------------------------------------

    @api.model
    def _after_new_card(self, emails) -> None:
        """Mails got a card by hand or by rule: their conversations follow."""
        self.env.flush_all()
        followers = self._follow_conversations(emails.ids, self._within_reach())
        self._after_binding(emails | emails.browse(followers))
        emails.sudo()._move_activities()
        (emails | emails.browse(followers)).sudo()._ask_to_process_late()

    @api.model
    def _after_binding(self, emails) -> None:
        """Give newly bound mails their message, and ask for their bodies."""
        self.env["crm.email.link"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_email e SET is_bound = true, unbound_reason = NULL,
                       body_state = CASE WHEN e.body_state = 'none' THEN 'wanted'
                                         ELSE e.body_state END
                 WHERE e.id = ANY(%(emails)s) AND e.is_bound IS NOT TRUE
                   AND EXISTS (SELECT FROM crm_email_link k
                                WHERE k.email_id = e.id AND k.active)
                """,
                emails=emails.ids,
            )
        )
        self._create_messages(emails)
        self._answer_questions(emails)
        emails.invalidate_recordset()
        self._changed(emails)

    def _answer_questions(self, emails) -> None:
        """Nobody has to choose between opportunities when one of them is bound."""
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM crm_email_candidate_rel c
                 WHERE c.email_id = ANY(%s) AND EXISTS (
                       SELECT FROM crm_email_candidate_rel one
                         JOIN crm_email_link k ON k.email_id = one.email_id
                          AND k.lead_id = one.lead_id AND k.active
                        WHERE one.email_id = c.email_id)
                """,
                emails.ids,
            )
        )

    def _create_messages(self, emails) -> None:
        """Create the messages of stored mails that have none yet."""
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT nextval('mail_message_id_seq') AS id, e.id AS email_id, e.date,
                       e.header_from AS email_from, e.header_subject AS subject,
                       (SELECT a.address FROM crm_email_participant a
                         WHERE a.email_id = e.id AND a.kind = 'from' LIMIT 1) AS address
                  FROM crm_email e
                 WHERE e.id = ANY(%s) AND e.is_bound AND e.mail_message_id IS NULL
                """,
                emails.ids,
            )
        )
        if not rows:
            return
        self._insert_messages(rows)
        self.env.cr.execute(
            SQL(
                "UPDATE crm_email e SET mail_message_id = m.id"
                " FROM unnest(%s::int[], %s::int[]) AS m(id, email_id) WHERE e.id = m.email_id",
                [row["id"] for row in rows],
                [row["email_id"] for row in rows],
            )
        )

    @api.model
    def _insert_messages(self, rows: Sequence[dict]) -> None:
        """Create the messages that chatters show, with an empty body for now.

        In SQL, a batch at a time: `mail.message.create` costs more than all the rest of a
        first synchronisation, and must notify nobody here. The RFC's Message-ID stays out:
        Odoo's gateway would take the same mail, arriving by an alias, for a duplicate.

        :param rows: of each mail the ``id`` of the message and the ``email_id``, ``date``,
            ``email_from``, ``subject``, and the ``address`` of the sender
        """
        if not rows:
            return
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO mail_message (id, model, res_id, message_type, subtype_id, date,
                       author_id, email_from, subject, body, message_id, reply_to,
                       is_internal, create_uid, create_date, write_uid, write_date)
                SELECT r.id, 'crm.email', r.email_id, 'email', %(subtype)s, r.date, author.id,
                       r.email_from, r.subject, '',
                       '<crm-email-' || r.email_id || '@' || %(uuid)s || '>', r.email_from,
                       true, 1, %(now)s, 1, %(now)s
                  FROM json_to_recordset(%(rows)s) AS r(
                       id int, email_id int, date timestamp, email_from text, subject text,
                       address text)
                  LEFT JOIN LATERAL (
                       SELECT p.id FROM res_partner p
                        WHERE p.email_normalized = r.address AND p.active
                        ORDER BY p.id LIMIT 1) author ON true
                """,
                subtype=self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_comment"),
                uuid=self.env["ir.config_parameter"].sudo().get_param("database.uuid"),
                now=self.env.cr.now(),
                rows=json.dumps(rows, default=str),
            )
        )

    @api.model
    def _after_unbinding(self, emails) -> None:
        """Mails without a card keep no content here, unless no mailbox has it any more."""
        bound = self.env["crm.email.link"].sudo().search([("email_id", "in", emails.ids)])
        loose = emails.sudo() - bound.email_id
        loose.write({"is_bound": False})
        loose._processed()
        (emails.sudo() - loose)._move_activities()
        loose.filtered("copy_ids")._drop_content()
        self._changed(emails)

    def _changed(self, emails) -> None:
        """Hook: the cards of these mails changed."""


class _Mail:
    """What deciding about one mail needs of it and of the mailboxes that have it."""

    __slots__ = ("conversation_id", "id", "mode", "people", "scope", "subject")

    def __init__(self, id, subject, conversation_id, linked, automatic, all_contacts, people):
        self.id = id
        self.subject = subject or ""
        self.conversation_id = conversation_id or 0
        self.people = people
        self.mode = "automatic" if automatic else "manual" if linked else "off"
        self.scope = "all" if all_contacts else "open_deals"

    @classmethod
    def of_new(cls, mail, mailbox) -> _Mail:
        linked = mailbox.crm_link
        header = mail.header
        return cls(
            id=mail.id,
            subject=header.subject,
            conversation_id=mail.conversation_id,
            linked=linked,
            automatic=linked and mailbox.link_mode == "automatic",
            all_contacts=linked and mailbox.sync_scope == "all",
            people=[one for one in (header.from_, *header.to, *header.cc) if one and one.email],
        )

    def decide(self, known: Known) -> Decision:
        if self.mode != "automatic":
            return rules.matching.Decision((), self.mode, ())
        return rules.matching.decide(self.people, self.subject, self.conversation_id, known, self.scope)

    def blocked_cards(self, known: Known) -> set[tuple[str, int]]:
        """Cards that this mail would be bound to for the sake of blocked addresses only."""
        blocked = [one for one in self.people if rules.addresses.is_blocked(one.email, known.blocked)]
        if self.mode != "automatic" or not blocked:
            return set()
        allowed = [one for one in self.people if one not in blocked]
        unblocked = replace(known, blocked=frozenset(), bound={})
        return self._cards_of(blocked, unblocked) - self._cards_of(allowed, unblocked)

    def _cards_of(self, people: Sequence[Address], known: Known) -> set[tuple[str, int]]:
        decision = rules.matching.decide(people, self.subject, 0, known, self.scope)
        return {(one.model, one.id) for one in decision.bindings}


def _decide(mails: Iterable[_Mail], known: Known) -> tuple[dict[int, Decision], dict[int, set]]:
    """Decide about each mail; bind no card that only a blocked address accounts for.

    :return: decisions, and cards that blocked addresses account for, both by mail
    """
    decisions = {mail.id: mail.decide(known) for mail in mails}
    blocked = {mail.id: cards for mail in mails if (cards := mail.blocked_cards(known))} if known.blocked else {}
    for email_id, cards in blocked.items():
        decision = decisions[email_id]
        bindings = tuple(one for one in decision.bindings if (one.model, one.id) not in cards)
        reason = decision.unbound_reason if bindings else "blocked"
        decisions[email_id] = replace(decision, bindings=bindings, unbound_reason=reason)
    return decisions, blocked


def _link_rows(decisions: dict[int, Decision]) -> list[dict]:
    return [
        {
            "email_id": email_id,
            LINK_COLUMN[binding.model]: binding.id,
            "origin": binding.origin,
            "reason": binding.reason,
        }
        for email_id, decision in decisions.items()
        for binding in decision.bindings
    ]

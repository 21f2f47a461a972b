"""What a mailbox makes of correspondents: three scenarios, each on or off.

The rules decide in `rules.creation`; here are the choices of the mailbox's owner, and the
records that come of them. What was made, from which mail, is kept in `crm.email.creation`.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from psycopg2 import IntegrityError
from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from .. import rules

if TYPE_CHECKING:
    from ..rules.creation import Conversation, Creation, NewMail, Scenario
    from ..rules.matching import Known

_logger = logging.getLogger(__name__)

REHEARSAL_DAYS = 30
GUARD_INDEX = "crm_email_creation_guard_uniq"
MODEL_OF_TARGET = {
    "lead": "crm.lead",
    "opportunity": "crm.lead",
    "contact": "res.partner",
    "company": "res.partner",
}
DEFAULT_TARGETS = {
    "inbound_unknown": "lead",
    "outbound_unknown": "contact",
    "inbound_known": "opportunity",
}
DEFAULT_RESPONSIBLES = {
    "inbound_unknown": "user",
    "outbound_unknown": "sender",
    "inbound_known": "contact",
}


class CrmMailboxRule(models.Model):
    _name = "crm.mailbox.rule"
    _description = "What a Mailbox Makes of Correspondents"
    _order = "mailbox_id, sequence"

    mailbox_id = fields.Many2one("crm.mailbox", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(compute="_compute_sequence", store=True)
    scenario = fields.Selection(
        [
            ("inbound_unknown", "Mail from an unknown address"),
            ("outbound_unknown", "Mail to an unknown address"),
            ("inbound_known", "Mail from a known contact"),
        ],
        required=True,
    )
    active = fields.Boolean("On", default=True)
    active_since = fields.Datetime(readonly=True, copy=False, help="Mail from before makes no records (UTC).")
    target = fields.Selection(
        [
            ("lead", "Lead"),
            ("opportunity", "Opportunity"),
            ("contact", "Contact"),
            ("company", "Company"),
        ],
        "Makes",
        required=True,
        compute="_compute_defaults",
        store=True,
        readonly=False,
        precompute=True,
    )
    source_id = fields.Many2one("utm.source", ondelete="set null")
    responsible = fields.Selection(
        [
            ("user", "Chosen user"),
            ("sender", "Who wrote the mail, or owns the mailbox"),
            ("contact", "Responsible of the known contact or company"),
        ],
        required=True,
        compute="_compute_defaults",
        store=True,
        readonly=False,
        precompute=True,
    )
    user_id = fields.Many2one(
        "res.users",
        domain=[("share", "=", False)],
        default=lambda self: self.env.uid,
        ondelete="set null",
    )
    team_id = fields.Many2one("crm.team", "Sales team", ondelete="set null")
    naming = fields.Selection(
        [
            ("auto", "People by name, deals by subject"),
            ("subject", "Always by subject"),
        ],
        required=True,
        default="auto",
    )
    skip_automatic = fields.Boolean(
        "Not for automatic mail",
        default=True,
        help="Newsletters, automatic replies, bounces and notifications make nothing.",
    )
    skip_roles = fields.Boolean(
        "Not for role addresses",
        help="Addresses of a function, like info@ or sales@, make nothing.",
    )
    skip_if_open_deal = fields.Boolean(
        "Not with an open opportunity",
        default=True,
        help="A contact with an open opportunity gets no second one.",
    )
    problem = fields.Char("Last problem", readonly=True, copy=False)
    creation_ids = fields.One2many("crm.email.creation", "rule_id", readonly=True)

    _scenario_uniq = models.UniqueIndex("(mailbox_id, scenario)", "A mailbox has each scenario once.")

    @api.depends("scenario")
    def _compute_sequence(self):
        order = list(DEFAULT_TARGETS)
        for rule in self:
            rule.sequence = order.index(rule.scenario) if rule.scenario else 0

    @api.depends("scenario")
    def _compute_defaults(self):
        for rule in self:
            rule.target = rule.target or DEFAULT_TARGETS.get(rule.scenario)
            rule.responsible = rule.responsible or DEFAULT_RESPONSIBLES.get(rule.scenario)

    @api.constrains("user_id")
    def _check_user_id(self):
        for rule in self:
            if rule.user_id.share:
                raise ValidationError(self.env._("%s cannot be responsible: not an internal user.", rule.user_id.name))

    @api.depends("scenario")
    def _compute_display_name(self):
        names = dict(self._fields["scenario"]._description_selection(self.env))
        for rule in self:
            rule.display_name = names.get(rule.scenario)

    # --- on and off ---------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        """Create rules; each mailbox has its three from the beginning, so they are reused."""
        reused = self.browse()
        fresh = []
        for vals in vals_list:
            known = self.with_context(active_test=False).search(
                [
                    ("mailbox_id", "=", vals.get("mailbox_id")),
                    ("scenario", "=", vals.get("scenario")),
                    ("active", "=", False),
                ]
            )
            if known:
                known.write({"active": True, **vals})
                reused |= known
            else:
                fresh.append(vals)
        created = super().create(fresh)
        created.filtered("active")._switched_on()
        return reused | created

    def write(self, vals):
        if not self.env.su:
            self._check_may_change(vals)
        starting = self.filtered(lambda rule: vals.get("active") and not rule.active)
        result = super().write(vals)
        starting._switched_on()
        return result

    def _check_may_change(self, vals) -> None:
        """What a scenario makes of mail, everybody sees: names, addresses, subjects.

        :raise AccessError: unless it is the owner's mailbox, or one without mail; everybody who may, switches off
        """
        self.check_access("write")
        target = self.mailbox_id.browse(vals.get("mailbox_id") or ())
        target.check_access("write")
        if vals != {"active": False}:
            (self.mailbox_id | target)._check_may_open()

    def _switched_on(self) -> None:
        """From now on: history never makes records.

        :raise ValidationError: when the owner may not create what the scenario makes
        """
        self.active_since = fields.Datetime.now()
        for rule in self:
            if not rule._owner_may_create():
                raise ValidationError(
                    self.env._(
                        "%(owner)s may not create this kind of record: %(target)s.",
                        owner=rule.mailbox_id.user_id.name,
                        target=dict(self._fields["target"]._description_selection(self.env))[rule.target],
                    )
                )

    def _owner_may_create(self) -> bool:
        owner = self.mailbox_id.user_id
        return self.env[MODEL_OF_TARGET[self.target]].with_user(owner).has_access("create")

    def _scenario(self, since: datetime | None = None) -> Scenario:
        """:param since: overrides the moment it was switched on, for a rehearsal"""
        return rules.creation.Scenario(
            self.scenario,
            self.target,
            self.naming,
            self.skip_automatic,
            self.skip_if_open_deal,
            since or _aware(self.active_since or datetime.max - timedelta(days=1)),
            self.skip_roles,
        )

    # --- what mail makes ----------------------------------------------------------------

    @api.model
    def _apply(self, mailbox, emails) -> None:
        """Create what the mailbox's scenarios make of these new mails, oldest first."""
        applying = mailbox.rule_ids.filtered(lambda rule: rule.active and rule._owner_may_create())
        if not applying or not emails or not mailbox._binds_automatically():
            return
        scenarios = [rule._scenario() for rule in applying]
        earliest = min(scenario.since for scenario in scenarios)
        emails = emails.filtered(lambda email: _aware(email.date) >= earliest)
        for email, creation in self._creations(mailbox, emails, scenarios):
            if not creation.skip_reason:
                applying._of(creation)._try_to_create_for(email, creation)

    def _try_to_create_for(self, email, creation: Creation) -> None:
        """A record that cannot be made, by whatever rule of the database, costs no mail."""
        try:
            with self.env.cr.savepoint():
                self._create_for(email, creation)
        except (UserError, IntegrityError) as error:
            if isinstance(error, UniqueViolation) and error.diag.constraint_name == GUARD_INDEX:
                # Another worker makes it at this moment: the whole step is taken again.
                raise
            _logger.info("Scenario %s made nothing of mail %s: %s", self.id, email.id, error)
            self.problem = str(error)

    def _of(self, creation: Creation):
        return self.filtered(lambda rule: rule.scenario == creation.scenario)

    def _create_anyway(self, email) -> bool:
        """Make what these scenarios make of a mail that is automatic or an older one."""
        applying = self.filtered(lambda rule: rule.active and rule._owner_may_create())
        since = _aware(datetime(1970, 1, 1))
        scenarios = [replace(rule._scenario(since), skip_automatic=False, skip_roles=False) for rule in applying]
        made = [
            creation
            for _email, creation in self._creations(applying.mailbox_id, email, scenarios)
            if not creation.skip_reason
        ]
        for creation in made:
            applying._of(creation)._create_for(email, creation)
        return bool(made)

    def _creations(self, mailbox, emails, scenarios) -> list[tuple]:
        """Return each mail with what the scenarios say to it, oldest first."""
        if not emails:
            return []
        emails = emails.sorted(lambda email: (email.date, email.id))
        known = self._known_of(mailbox, emails)
        mails = self._new_mails(emails)
        decided = rules.creation.decide_creations(mails, known, scenarios)
        return [(email, creation) for email, creations in zip(emails, decided, strict=True) for creation in creations]

    def _new_mails(self, emails) -> list[NewMail]:
        earlier = self._earlier_conversations(emails)
        mails = []
        for email in emails:
            conversation_id = email.conversation_id.id
            mails.append(
                _new_mail(email, rules.creation.Conversation(conversation_id, older=conversation_id in earlier))
            )
            earlier.add(conversation_id)
        return mails

    # --- undo ---------------------------------------------------------------------------

    def action_undo(self) -> dict:
        """Delete what these scenarios created and nobody has changed or used since.

        :return: the action that tells how many records went, and why the others stayed
        :raise AccessError: for others than the mailbox's owner and administrators
        """
        self._check_may_change({})
        created = self.creation_ids.filtered(lambda creation: creation.state == "created")
        touched = {creation: text for creation in created.sudo() if (text := creation._touched())}
        untouched = created.filtered(lambda creation: creation.sudo() not in touched)
        untouched.action_undo()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("Deleted: %(gone)s, kept: %(kept)s", gone=len(untouched), kept=len(touched)),
                "message": "\n".join(touched.values()),
                "type": "warning" if touched else "success",
                "sticky": bool(touched),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # --- rehearsal ----------------------------------------------------------------------

    def action_rehearse(self) -> dict:
        """Return the action that shows what this scenario would have made in 30 days."""
        self.ensure_one()
        rehearsal = self.env["crm.mailbox.rehearsal"].create(
            {
                "rule_id": self.id,
                "days": REHEARSAL_DAYS,
                "line_ids": [Command.create(line) for line in self._rehearse()],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("What would this have created?"),
            "res_model": rehearsal._name,
            "res_id": rehearsal.id,
            "view_mode": "form",
            "target": "new",
            "context": {"dialog_size": "extra-large"},
        }

    def _rehearse(self) -> list[dict]:
        """Return what this scenario would have made of the last days' mail, oldest first.

        :return: values of ``crm.mailbox.rehearsal.line``; nothing is written
        """
        self._check_may_change({})
        rule = self.sudo()
        since = fields.Datetime.now() - timedelta(days=REHEARSAL_DAYS)
        emails = (
            self.env["crm.email"]
            .sudo()
            .search(
                [
                    ("mailbox_ids", "in", self.mailbox_id.ids),
                    ("date", ">=", since),
                    ("direction", "=", "out" if self.scenario == "outbound_unknown" else "in"),
                ]
            )
        )
        judged = rule._creations(rule.mailbox_id, emails, [rule._scenario(_aware(since))])
        return [
            rule._rehearsal_line(email, creation) for email, creation in judged if creation.scenario == rule.scenario
        ]

    def _rehearsal_line(self, email, creation: Creation) -> dict:
        return {
            "email_id": email.id,
            "date": email.date,
            "correspondent": creation.address,
            "name": creation.name,
            "target": creation.target,
            "source_id": self.source_id.id,
            "user_id": self._responsible_for(email, creation)[0].id,
            "skipped": self._skip_sentence(email, creation),
            "chosen": not creation.skip_reason,
        }

    def _skip_sentence(self, email, creation: Creation) -> str:
        _ = self.env._
        return {
            "": "",
            "history": _("Older than the scenario"),
            "automatic": _("Automatic mail: %s", email.automatic_reason),
            "role": _("Address of a function, not of a person"),
            "conversation": _("Answer in a known conversation"),
            "open_deal": _("The contact has an open opportunity"),
            "exists": _("There is a card with this address"),
            "created_before": _("Made from an earlier mail of this sender"),
        }[creation.skip_reason]

    def _create_from(self, emails) -> None:
        """Make what this scenario makes of older mail, as a rehearsal showed."""
        self._check_may_change({})
        rule = self.sudo()
        # The mails come from a form: only those of this mailbox are this rule's matter.
        emails = emails.sudo().filtered(lambda email: rule.mailbox_id in email.mailbox_ids)
        if not rule._owner_may_create():
            raise UserError(self.env._("The owner of the mailbox may not create this kind of record."))
        scenario = rule._scenario(_aware(datetime(1970, 1, 1)))
        for email, creation in rule._creations(rule.mailbox_id, emails, [scenario]):
            if not creation.skip_reason:
                rule._create_for(email, creation)

    def _known_of(self, mailbox, emails) -> Known:
        binding = self.env["crm.email.binding"]
        people = binding._participants(emails.ids)
        return binding._known_people(
            {person for of_email in people.values() for person in of_email},
            mailbox.company_id.ids,
            mailbox.user_id.ids,
        )

    def _earlier_conversations(self, emails) -> set[int]:
        """Conversations that have mail besides these: an answer in them creates nothing."""
        groups = self.env["crm.email"]._read_group(
            [
                ("conversation_id", "in", emails.conversation_id.ids),
                ("id", "not in", emails.ids),
            ],
            ["conversation_id"],
        )
        return {conversation.id for (conversation,) in groups}

    def _create_for(self, email, creation: Creation) -> None:
        """Create the card, bind the conversation to it, and remember both."""
        card, note = self._create_card(email, creation)
        self.env["crm.email.creation"]._remember(self, email, creation, card)
        links = self.env["crm.email.link"]
        links._link_by_rule(email, card, self.env._("Rule: %s", self.display_name))
        if note:
            card.message_post(body=note, message_type="notification")

    def _create_card(self, email, creation: Creation):
        """Return the card and, where the responsible had to be replaced, a note on it."""
        user, note = self._responsible_for(email, creation)
        values = {
            **card_values(creation),
            "user_id": user.id,
            "source_id": self.source_id.id or False,
            "company_id": False,
        }
        if creation.target in ("lead", "opportunity"):
            values.update(team_id=self.team_id.id or False, company_id=self.mailbox_id.company_id.id)
        return email._create_card_from(creation.target, values), note

    def _responsible_for(self, email, creation: Creation):
        """Return who is responsible, the mailbox's owner in place of who cannot be."""
        owner = self.mailbox_id.user_id
        wanted = self._wanted_responsible(email, creation)
        if wanted and wanted.active and not wanted.share:
            return wanted, ""
        reason = self.env._("%s is archived", wanted.name) if wanted else self.env._("nobody is set")
        return owner, self.env._(
            "Made by the mailbox %(mailbox)s. Its owner is responsible, because %(reason)s.",
            mailbox=self.mailbox_id.name,
            reason=reason,
        )

    def _wanted_responsible(self, email, creation: Creation):
        if self.responsible == "user":
            return self.user_id
        if self.responsible == "contact":
            partner = self.env["res.partner"].browse(creation.partner_id)
            return partner.user_id or partner.commercial_partner_id.user_id
        return self._writer(email)

    def _writer(self, email):
        """The Odoo user who wrote a sent mail, if they use the mailbox; else its owner."""
        mailbox = self.mailbox_id
        sender = email.participant_ids.filtered(lambda one: one.kind == "from").address
        users = mailbox.reader_ids | mailbox.sender_ids
        return users.filtered(lambda user: user.email_normalized == sender)[:1] or mailbox.user_id


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc)


def _new_mail(email, conversation: Conversation) -> NewMail:
    people = {
        kind: tuple(
            rules.addresses.Address(one.name or "", one.address) for one in email.participant_ids if one.kind in kinds
        )
        for kind, kinds in (("sender", ("from",)), ("recipients", ("to", "cc")))
    }
    return rules.creation.NewMail(
        direction=email.direction,
        subject=email.header_subject or "",
        sender=people["sender"][0] if people["sender"] else None,
        recipients=people["recipients"],
        received=_aware(email.date),
        verdict=rules.automatic.Verdict(email.automatic, email.automatic_reason or ""),
        conversation=conversation,
    )


def card_values(creation: Creation) -> dict:
    """Field values of the card that is to be made."""
    if creation.target in ("contact", "company"):
        return {
            "name": creation.name,
            "email": creation.address,
            "phone": creation.phone or False,
            "is_company": creation.target == "company",
        }
    return {
        "name": creation.name,
        "type": creation.target,
        "email_from": creation.address,
        "contact_name": creation.contact_name or False,
        "partner_name": creation.company_name or False,
        "phone": creation.phone or False,
        "partner_id": creation.partner_id or False,
    }

"""What was created from mail, and how to undo it while nobody has touched it since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .. import rules
from . import reader_fields

if TYPE_CHECKING:
    from ..rules.addresses import Address
    from ..rules.creation import Creation
    from ..rules.signature import Stated

# Tables whose rows about a card come by themselves and are no use of it.
NOT_A_USE = {
    "crm_email_candidate_rel",
    "crm_email_card_change",
    "crm_email_creation",
    "crm_email_link",
    "mail_followers",
    "mail_message",
    "mail_message_res_partner_rel",
    "mail_notification",
}
# What Odoo itself writes on a card without anybody changing it.
NOT_COMPARED = {
    "create_date",
    "create_uid",
    "id",
    "activity_date_deadline",
    "date_last_stage_update",
    "date_open",
    "duration_tracking",
    "message_main_attachment_id",
    "partner_email_update",
    "write_date",
    "write_uid",
}


class CrmEmailCreation(models.Model):
    _name = "crm.email.creation"
    _description = "Record Created From Mail"
    _order = "id desc"
    _rec_name = "address"

    rule_id = fields.Many2one("crm.mailbox.rule", readonly=True, ondelete="set null")
    mailbox_id = fields.Many2one("crm.mailbox", readonly=True, index=True, ondelete="cascade")
    email_id = fields.Many2one("crm.email", readonly=True, index=True, ondelete="set null")
    address = fields.Char("Correspondent", readonly=True)
    target = fields.Selection(
        [
            ("lead", "Lead"),
            ("opportunity", "Opportunity"),
            ("contact", "Contact"),
            ("company", "Company"),
        ],
        "Kind",
        readonly=True,
    )
    lead_id = fields.Many2one("crm.lead", readonly=True, index="btree_not_null", ondelete="set null")
    partner_id = fields.Many2one("res.partner", "Contact", readonly=True, index="btree_not_null", ondelete="set null")
    card_name = fields.Char("Record", compute="_compute_card_name")
    state = fields.Selection(
        [("created", "Created"), ("undone", "Undone")],
        required=True,
        readonly=True,
        default="created",
    )
    guard = fields.Char(
        readonly=True,
        groups=fields.NO_ACCESS,
        help="What may be created once only; empty when the record is gone.",
    )
    snapshot = fields.Json(readonly=True, groups=fields.NO_ACCESS)

    # Two workers that see the same stranger at once: one of them loses, and looks again.
    _guard_uniq = models.UniqueIndex("(guard) WHERE guard IS NOT NULL")

    @api.depends("lead_id", "partner_id")
    def _compute_card_name(self):
        for creation in self:
            card = (creation.lead_id or creation.partner_id)._filtered_access("read")
            creation.card_name = card.display_name or ""

    def _card(self):
        return self.lead_id or self.partner_id

    def action_open(self) -> dict | bool:
        """Return the action that opens the record, or its mail when the record is gone."""
        self.ensure_one()
        record = self._card() or self.email_id
        return bool(record) and {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }

    # --- remember -----------------------------------------------------------------------

    def _remember(self, rule, email, creation: Creation, card) -> None:
        address = creation.address
        known = creation.scenario == "inbound_known"
        guard = f"conversation:{email.conversation_id.id}:{address}" if known else f"address:{address}"
        guard = f"{rule.mailbox_id.company_id.id}:{guard}"
        self._release(guard)
        self.sudo().create(
            {
                "rule_id": rule.id,
                "mailbox_id": rule.mailbox_id.id,
                "email_id": email.id,
                "address": address,
                "target": creation.target,
                "lead_id": card.id if card._name == "crm.lead" else False,
                "partner_id": card.id if card._name == "res.partner" else False,
                "guard": guard,
                "snapshot": _snapshot(card),
            }
        )

    def _release(self, guard: str) -> None:
        """Take the guard from a record that is not found any more: lost, archived, or corrected.

        A guard is for the race of two workers. The record another worker makes at this moment
        is not visible here; creating ours then fails, and the step is taken again.
        """
        holder = self.sudo().search([("guard", "=", guard)])
        holder.guard = False
        holder.flush_recordset(["guard"])

    def _complete(self, stated: Stated) -> None:
        """Add phone and company to a lead that nobody has touched, where it has none."""
        lead = self.lead_id
        if not lead or lead.partner_id or self.email_id.direction != "in" or self._touched():
            return
        values = {
            name: value
            for name, value in (("phone", stated.phone), ("partner_name", stated.company))
            if value and not lead[name]
        }
        if values:
            lead.write(values)
            self.snapshot = _snapshot(lead)

    @api.model
    def _forget_guards(self) -> None:
        """Where the record is gone, a new mail may create one again."""
        gone = self.sudo().search([("guard", "!=", False), ("lead_id", "=", False), ("partner_id", "=", False)])
        gone.guard = False

    # --- undo ---------------------------------------------------------------------------

    def action_undo(self) -> bool:
        """Delete the records created, all of them or, when one was touched, none.

        :raise UserError: which record was changed or used, in what, and by whom
        """
        self.check_access("read")
        created = self.sudo().filtered(lambda creation: creation.state == "created")
        touched = [text for creation in created if (text := creation._touched())]
        if touched:
            raise UserError("\n".join(touched))
        # sudo: what a mailbox created by itself, its user may take back untouched
        for creation in created:
            creation._card().unlink()
        created.write({"state": "undone", "guard": False})
        return True

    def action_undo_and_block_sender(self) -> bool:
        """Undo, and never again anything from these senders."""
        return self._undo_and_block([creation.address for creation in self])

    def action_undo_and_block_domain(self) -> bool:
        """Undo, and never again anything from the senders' domains."""
        return self._undo_and_block([rules.addresses.domain_of(creation.address) for creation in self])

    def _undo_and_block(self, entries) -> bool:
        self.action_undo()
        blocks = self.env["crm.email.block"]
        known = blocks.search([("name", "in", entries)]).mapped("name")
        blocks.create([{"name": entry} for entry in set(entries) - set(known)])
        return True

    def _touched(self) -> str:
        """Return what was changed or done with the record since, "" when nothing was."""
        card = self._card()
        if not card:
            return ""
        before = self.snapshot or {}
        changed = [name for name, value in _snapshot(card).items() if before.get(name) != value]
        if changed:
            labels = ", ".join(sorted(card._fields[name]._description_string(self.env) for name in changed))
            return self.env._(
                "%(card)s was changed by %(user)s: %(fields)s.",
                card=card.display_name,
                user=card.write_uid.name,
                fields=labels,
            )
        return self._used(card)

    def _used(self, card) -> str:
        written = card.message_ids.filtered(lambda message: message.message_type in ("comment", "email_outgoing"))[:1]
        if written:
            return self.env._(
                "%(user)s wrote on %(card)s.",
                user=written.author_id.name or written.email_from,
                card=card.display_name,
            )
        planned = card.activity_ids.filtered(lambda activity: not activity.crm_email_id)[:1]
        if planned:
            return self.env._(
                "%(user)s has an activity on %(card)s.",
                user=planned.user_id.name,
                card=card.display_name,
            )
        by_hand = self.env["crm.email.link"].search(
            [("lead_id" if card._name == "crm.lead" else "partner_id", "=", card.id), ("origin", "=", "manual")],
            limit=1,
        )
        if by_hand:
            return self.env._(
                "%(user)s linked emails to %(card)s.",
                user=by_hand.user_id.name,
                card=card.display_name,
            )
        if table := _first_use(self.env, card):
            return self.env._("%(card)s is used elsewhere (%(where)s).", card=card.display_name, where=table)
        return ""


class CrmEmail(models.Model):
    _inherit = "crm.email"

    creation_ids = reader_fields.One2many("crm.email.creation", "email_id", readonly=True)

    def action_create_anyway(self) -> bool:
        """Make what the scenarios would, had this mail not been automatic."""
        self.ensure_one()
        self._check_content_access()
        mailbox = self.env["crm.mailbox"].sudo().browse(self.env["crm.mailbox"]._usable_ids())
        mailbox = (mailbox & self.sudo().mailbox_ids)[:1]
        made = mailbox.rule_ids._create_anyway(self.sudo()) if mailbox else False
        if not made:
            raise UserError(
                self.env._(
                    "No scenario of the mailbox makes anything of this mail. Use “Create” in its CRM connections."
                )
            )
        return True

    def _correspondent_address(self) -> Address:
        """The sender of a received mail, the first recipient of a sent one."""
        kinds = ("from",) if self.direction == "in" else ("to", "cc")
        people = self.sudo().participant_ids.filtered(lambda one: one.kind in kinds)
        return rules.addresses.Address(people[:1].name or "", people[:1].address or "")

    def _card_values(self, target: str, address: Address | None = None) -> dict:
        """Values of a card made from this mail, for its correspondent."""
        address = address or self._correspondent_address()
        name = rules.creation.card_name(target, "auto", self.sudo().header_subject or "", address)
        if target in ("contact", "company"):
            return {"name": name, "email": address.email, "is_company": target == "company"}
        return {
            "name": name or self.env._("Email"),
            "type": target,
            "email_from": address.email,
            "contact_name": rules.naming.person_name(address) or False,
        }

    def _create_card(self, target: str, values: dict):
        """Create a card by hand: with the rights of the user, who is responsible for it."""
        known = self._known_partner() if target in ("lead", "opportunity") else None
        defaults = self._card_values(target)
        if known:
            defaults["partner_id"] = known.id
        return self._create_card_from(target, {**defaults, "user_id": self.env.uid, **values})

    def _known_partner(self):
        address = self._correspondent_address().email
        return self.env["res.partner"].search([("email_normalized", "=", address)], limit=1)

    def _create_card_from(self, target: str, values: dict):
        model = "crm.lead" if target in ("lead", "opportunity") else "res.partner"
        return self.env[model].with_context(mail_create_nosubscribe=True).create(values)


def _snapshot(card) -> dict:
    """Stored values of a card as JSON, to tell later whether somebody changed it."""
    left_out = NOT_COMPARED | card._written_by_mail()
    names = [
        name
        for name, field in card._fields.items()
        if field.store
        and field.type not in ("binary", "one2many", "properties", "json")
        and not (field.compute and field.readonly)
        and name not in left_out
    ]
    card.flush_recordset()
    [values] = card.sudo().with_context(bin_size=True, lang=None)._read_format(names, load=None)
    return {name: _plain(values[name]) for name in names}


def _plain(value):
    if isinstance(value, (list, tuple)):
        return sorted(value)
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _first_use(env, card) -> str:
    """Return a table with a row that refers to the card, "" when there is none."""
    for table, column in _references(env, card._table):
        query = SQL(
            "SELECT 1 FROM %s WHERE %s = %s AND %s LIMIT 1",
            SQL.identifier(table),
            SQL.identifier(column),
            card.id,
            SQL("id != %s", card.id) if table == card._table else SQL("true"),
        )
        if env.execute_query(query):
            return table
    return ""


def _references(env, table: str) -> list[tuple[str, str]]:
    """Foreign keys on a table, without those whose rows come by themselves."""
    rows = env.execute_query(
        SQL(
            """
            SELECT source.relname, a.attname
              FROM pg_constraint c
              JOIN pg_class source ON source.oid = c.conrelid
              JOIN pg_class target ON target.oid = c.confrelid
              JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
             WHERE c.contype = 'f' AND target.relname = %s
               AND source.relkind IN ('r', 'p')
            """,
            table,
        )
    )
    return [(name, column) for name, column in rows if name not in NOT_A_USE]

from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL


class CrmEmailCard(models.AbstractModel):
    """A record that mail is bound to: lead, opportunity, contact or company."""

    _name = "crm.email.card"
    _description = "Card With Emails"

    # The column of crm.email.link that points at this model.
    _crm_email_link_column: str

    # For employees: a customer who signs in reads their own contact.
    crm_email_ids = fields.Many2many(
        "crm.email",
        string="Emails",
        compute="_compute_crm_email_ids",
        groups="base.group_user",
        help="Newest first.",
    )
    crm_email_count = fields.Integer("Number of emails", compute="_compute_crm_email_count", groups="base.group_user")
    crm_email_to_process_count = fields.Integer(
        "Emails to process", compute="_compute_crm_email_count", groups="base.group_user"
    )

    # Who reads a card may know of each mail on it at least that it is there, so these read
    # the links directly; what is shown of a mail is decided by the mail.

    def _compute_crm_email_ids(self):
        by_card = defaultdict(list)
        for card_id, email_id in self._crm_email_rows(SQL("k.email_id"), SQL("ORDER BY e.date DESC, e.id DESC")):
            by_card[card_id].append(email_id)
        for card in self:
            card.crm_email_ids = by_card[card._origin.id]

    def _compute_crm_email_count(self):
        counts = {
            card_id: (count, waiting)
            for card_id, count, waiting in self._crm_email_rows(
                SQL("count(*), count(*) FILTER (WHERE e.state = 'to_process')"), SQL("GROUP BY 1")
            )
        }
        for card in self:
            count, waiting = counts.get(card._origin.id, (0, 0))
            card.crm_email_count = count
            card.crm_email_to_process_count = waiting

    def _crm_email_rows(self, columns: SQL, suffix: SQL) -> list[tuple]:
        """Select ``columns`` of the links in force (``k``) and their mails (``e``), by card."""
        self.env["crm.email.link"].flush_model()
        self.env["crm.email"].flush_model(["date", "state"])
        return self.env.execute_query(
            SQL(
                "SELECT k.%(card)s, %(columns)s FROM crm_email_link k"
                " JOIN crm_email e ON e.id = k.email_id"
                " WHERE k.%(card)s = ANY(%(ids)s) AND k.active %(suffix)s",
                card=SQL.identifier(self._crm_email_link_column),
                columns=columns,
                ids=self._origin.ids,
                suffix=suffix,
            )
        )

    def action_open_crm_emails(self) -> dict:
        """Return the action that lists the e-mails of this card."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_crm_link.crm_email_action_of_card")
        action["name"] = self.env._("Emails of %s", self.display_name)
        action["domain"] = [("link_ids", "any", [(self._crm_email_link_column, "=", self.id)])]
        action["context"] = {}
        return action

    def _written_by_mail(self) -> set[str]:
        """Names of the fields that mail writes on a card without anybody changing it."""
        return set()

    def action_undo_crm_email_creation(self) -> dict:
        """Delete this card, which mail made, while nobody has changed or used it.

        :return: the action that lists what else was made
        :raise UserError: what was changed, and by whom
        """
        self.ensure_one()
        self.crm_email_creation_ids.action_undo()
        action = self.env["ir.actions.act_window"]._for_xml_id("mail_crm_link.crm_email_creation_action")
        return {**action, "target": "main"}

    # ------------------------------------------------------------------------------------
    # Past mail follows
    # ------------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        cards = super().create(vals_list)
        cards._relink_crm_emails()
        return cards

    def write(self, vals):
        watched = self._crm_email_fields() & vals.keys()
        before = self._crm_email_state(watched)
        result = super().write(vals)
        if watched:
            after = self._crm_email_state(watched)
            self.filtered(lambda card: before[card.id] != after[card.id])._relink_crm_emails()
        if vals.keys() & {"active", "user_id"}:
            self._reassign_crm_emails()
        return result

    def _crm_email_state(self, names: set[str]) -> dict[int, tuple]:
        """What tells whether a change concerns mail: saving the same values again does not."""
        return {card.id: tuple(card._crm_email_value(name) for name in sorted(names)) for card in self.sudo()}

    def _crm_email_value(self, name: str):
        return self[name]

    def _reassign_crm_emails(self) -> None:
        """What waits on a card is its new responsible's to answer."""
        # sudo: who may reassign the card need not be able to see its mail
        activities = (
            self.env["mail.activity"]
            .sudo()
            .search(
                [
                    ("res_model", "=", self._name),
                    ("res_id", "in", self.ids),
                    ("crm_email_id", "!=", False),
                ]
            )
        )
        activities.crm_email_id._move_activities()

    def unlink(self):
        column = self._crm_email_link_column
        links = self.env["crm.email.link"].sudo().search([(column, "in", self.ids)])
        emails = links.email_id
        result = super().unlink()
        self.env["crm.email.creation"]._forget_guards()
        if emails:
            self.env["crm.email.binding"]._after_unbinding(emails)
        return result

    @api.model
    def _crm_email_fields(self) -> set[str]:
        """Fields that decide which mail is this card's."""
        raise NotImplementedError

    def _relink_crm_emails(self) -> None:
        self.env["crm.email.relink"].sudo()._enqueue(self._crm_email_addresses())

    def _crm_email_addresses(self) -> list[str]:
        """Addresses whose mail may concern these cards now."""
        raise NotImplementedError

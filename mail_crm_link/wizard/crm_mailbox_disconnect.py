from odoo import api, fields, models
from odoo.tools import SQL

# What leaves with each choice: whether it is on cards.
REMOVED = {"keep": (), "unbound": (False,), "all": (False, True)}


class CrmMailboxDisconnect(models.TransientModel):
    """Asks what becomes of the mail when a mailbox is disconnected, and says before how much it is."""

    _name = "crm.mailbox.disconnect"
    _description = "Disconnect a Mailbox"

    mailbox_id = fields.Many2one("crm.mailbox", required=True, readonly=True, ondelete="cascade")
    oauth_authority = fields.Selection(related="mailbox_id.oauth_authority")
    mail = fields.Selection(
        [
            ("keep", "Keep all that was synchronised"),
            ("unbound", "Keep what is on cards, remove the rest"),
            ("all", "Remove everything, also from cards"),
        ],
        required=True,
        default="keep",
    )
    bound_count = fields.Integer("Emails on cards", compute="_compute_counts")
    unbound_count = fields.Integer("Emails on no card", compute="_compute_counts")
    shared_count = fields.Integer("Of these, in another connected mailbox, too", compute="_compute_counts")
    created_count = fields.Integer("Records made from mail", compute="_compute_counts")
    removed_count = fields.Integer("Emails removed", compute="_compute_counts")
    removed_link_count = fields.Integer("Places on cards removed", compute="_compute_counts")
    removed_todo_count = fields.Integer("To-dos removed", compute="_compute_counts")

    @api.depends("mailbox_id", "mail")
    def _compute_counts(self):
        for dialog in self:
            dialog.mailbox_id.check_access("write")
            dialog.update(dialog._counts())

    def _counts(self) -> dict[str, int]:
        """Return figures, and nothing of the mail they are of."""
        groups = self._groups()
        leaving = [group for group in groups if group[0] in REMOVED[self.mail or "keep"] and not group[1]]
        return {
            "bound_count": sum(emails for bound, _shared, emails, *_rest in groups if bound),
            "unbound_count": sum(emails for bound, _shared, emails, *_rest in groups if not bound),
            "shared_count": sum(emails for _bound, shared, emails, *_rest in groups if shared),
            "created_count": self._created_count(),
            "removed_count": sum(group[2] for group in leaving),
            "removed_todo_count": sum(group[3] for group in leaving),
            "removed_link_count": sum(group[4] for group in leaving),
        }

    def _groups(self) -> list[tuple]:
        """Return what mail there is: on cards, in another mailbox too, e-mails, to-dos, places on cards."""
        self.env.flush_all()
        return self.env.execute_query(
            SQL(
                """
                SELECT bound, shared, count(*), count(*) FILTER (WHERE waits), sum(places)::int
                  FROM (SELECT e.is_bound IS TRUE AS bound,
                               EXISTS (SELECT FROM crm_email_mailbox_rel o
                                        WHERE o.email_id = e.id AND o.mailbox_id != r.mailbox_id) AS shared,
                               e.state = 'to_process' AS waits,
                               (SELECT count(*) FROM crm_email_link l WHERE l.email_id = e.id AND l.active) AS places
                          FROM crm_email_mailbox_rel r JOIN crm_email e ON e.id = r.email_id
                         WHERE r.mailbox_id = %s) AS mail
                 GROUP BY bound, shared
                """,
                self.mailbox_id.id,
            )
        )

    def _created_count(self) -> int:
        """Return how many cards were made from mail of the mailbox and are still there; they stay."""
        made = [("mailbox_id", "=", self.mailbox_id.id), "|", ("lead_id", "!=", False), ("partner_id", "!=", False)]
        # sudo: a number, for who may disconnect the mailbox
        return self.env["crm.email.creation"].sudo().search_count(made)

    def action_disconnect(self) -> bool:
        """:raise AccessError: when the mailbox is not the user's to disconnect"""
        self.ensure_one()
        self.mailbox_id.action_disconnect()
        if self.mail != "keep":
            self.mailbox_id._remove_synchronised(self.mail)
        return True

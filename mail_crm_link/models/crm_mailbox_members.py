"""Who reads a mailbox, and who sends from it.

A personal mailbox is its owner's alone. A shared one is also read by its members, chosen
one by one or as sales teams, and sent from by those who were given that right; neither
right includes the other.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

# What decides who reads the mail that is there already, and who writes in the owner's name.
OPENING_FIELDS = {"access", "member_ids", "sender_ids", "team_ids", "user_id", "visibility"}


class CrmMailbox(models.Model):
    _inherit = "crm.mailbox"

    member_ids = fields.Many2many("res.users", string="Members", domain=[("share", "=", False)])
    team_ids = fields.Many2many(
        "crm.team",
        string="Teams",
        help="Members of these sales teams read the mailbox, as long as they are in the team."
        " Who manages the team decides who that is.",
    )
    sender_ids = fields.Many2many(
        "res.users",
        "crm_mailbox_sender_rel",
        "mailbox_id",
        "user_id",
        "May send as",
        domain=[("share", "=", False)],
        help="Who may send from this address, besides the owner. Reading is another right.",
    )
    reader_ids = fields.Many2many(
        "res.users",
        string="Readers",
        compute="_compute_reader_ids",
        compute_sudo=True,
        search="_search_reader_ids",
        help="The owner, and of a shared mailbox its members.",
    )

    @api.depends("user_id", "access", "member_ids", "team_ids.crm_team_member_ids.user_id")
    def _compute_reader_ids(self):
        for mailbox in self:
            members = mailbox.member_ids | mailbox.team_ids.crm_team_member_ids.user_id
            mailbox.reader_ids = mailbox.user_id | members if mailbox.access == "shared" else mailbox.user_id

    @api.model
    def _search_reader_ids(self, operator, value):
        if operator != "in":
            return NotImplemented
        users = list(value)
        # Who left a team, or a team that was closed, is archived; searches for archived mailboxes find those too.
        membership = Domain("user_id", "in", users) & Domain("active", "=", True)
        of_team = Domain("active", "=", True) & Domain("crm_team_member_ids", "any!", membership)
        return Domain("user_id", "in", users) | (
            Domain("access", "=", "shared") & (Domain("member_ids", "in", users) | Domain("team_ids", "any!", of_team))
        )

    @api.model
    def _usable_ids(self) -> tuple[int, ...]:
        """Mailboxes whose mail the current user may read: own ones and shared ones.

        Administrators manage every account and read only what is theirs.
        """
        return self._ids_for(Domain("reader_ids", "in", self.env.user.ids))

    @api.model
    def _owned_ids(self) -> tuple[int, ...]:
        return self._ids_for(Domain("user_id", "=", self.env.uid))

    def _ids_for(self, domain: Domain) -> tuple[int, ...]:
        # sudo: the domain says whose they are. An archived mailbox's mail stays its readers'.
        return self.sudo().with_context(active_test=False).search(domain)._ids

    # --- sending ------------------------------------------------------------------------

    @api.model
    def _sendable_domain(self, user) -> Domain:
        """Return the mailboxes that a user may send from, reading them or not."""
        given = Domain("access", "=", "shared") & Domain("sender_ids", "in", user.ids)
        return Domain("active", "=", True) & (Domain("user_id", "=", user.id) | given)

    @api.model
    def _sendable_ids(self) -> tuple[int, ...]:
        return self._ids_for(self._sendable_domain(self.env.user))

    def _may_send_as(self, user) -> bool:
        """Whether the user may send from all of these mailboxes."""
        # sudo: who may send from a mailbox need not be able to read its settings
        return self.sudo() == self.sudo().filtered_domain(self._sendable_domain(user))

    # --- who may say so -----------------------------------------------------------------

    def write(self, vals):
        if not self.env.su and OPENING_FIELDS & vals.keys():
            self._check_may_open()
        return super().write(vals)

    def _check_may_open(self) -> None:
        """Who reads the mail that is there is for the owner to say, not for an administrator.

        Who left hands nothing over any more: then an administrator does.

        :raise AccessError: when somebody else's mail would get other readers
        """
        others = self.filtered(lambda mailbox: mailbox.user_id != self.env.user and mailbox.user_id.active)
        if others.filtered("email_count"):
            raise AccessError(self.env._("What others see of the mail of a mailbox is for its owner to say."))

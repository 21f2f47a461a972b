"""Why a 1:1 e-mail is not sent, and from where it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from odoo import api, models
from odoo.tools import SQL

from .. import rules
from .crm_email_participant import bare

# What an automatic mail may have triggered is within this time of it.
TRIGGERED_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sender:
    """In whose name and from where, or why not.

    :param mailbox: ``crm.mailbox``, empty when it goes through the company's server or not at all
    :param reason: of ``crm.email.automation``; "" when it can be sent
    """

    author: Any
    mailbox: Any
    by_server: bool = False
    reason: str = ""
    detail: str = ""


class CrmEmailAutomation(models.Model):
    _inherit = "crm.email.automation"

    # ------------------------------------------------------------------------------------
    # To whom
    # ------------------------------------------------------------------------------------

    @api.model
    def _reason_not_to_write(self, action, card, moment: datetime) -> str:
        """Return why nothing is to be sent to the record; "" if something is.

        :param moment: when it was triggered (UTC)
        """
        people = rules.composing.parse_recipients(action._crm_email_to(card))[0]
        if not card.active:
            return "archived"
        if not people:
            return "no_address"
        address = rules.addresses.normalize(people[0].email)
        reasons = {
            "own_address": self._is_own,
            "unsubscribed": self._is_unsubscribed,
            "automatic": lambda address: self._may_be_answering_a_program(address, moment),
            "answered": lambda address: self._have_talked_since(address, moment),
        }
        return next((reason for reason, holds in reasons.items() if holds(address)), "")

    def _is_own(self, address: str) -> bool:
        return address in self.env["crm.email.binding"]._own_addresses()

    def _is_unsubscribed(self, address: str) -> bool:
        listed = self.env["mail.blacklist"].search_count([("email", "=", address)], limit=1)
        return bool(listed) or self.env["crm.email.suppression"]._is_suppressed(address)

    def _may_be_answering_a_program(self, address: str, moment: datetime) -> bool:
        """Whether the last mail from there is automatic, and new enough to have been the trigger.

        Two programs that answer one another would never end (RFC 3834, 2). When a mail was stored counts: what is
        fetched late triggers late.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT e.automatic != 'none' AND e.create_date > %(since)s
                  FROM crm_email_participant p JOIN crm_email e ON e.id = p.email_id
                 WHERE p.bare = %(bare)s AND p.address = %(address)s AND p.kind = 'from' AND e.direction = 'in'
                   AND %(for_crm)s
                 ORDER BY e.date DESC, e.id DESC LIMIT 1
                """,
                since=moment - TRIGGERED_WITHIN,
                for_crm=_for_crm("e"),
                **_spellings(address),
            )
        )
        return bool(rows and rows[0][0])

    def _have_talked_since(self, address: str, moment: datetime) -> bool:
        """Whether a person wrote from there, or to there, after that moment.

        The mail that was the trigger is stored by then, whatever the mail server's clock says.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT 1 FROM crm_email_participant p JOIN crm_email e ON e.id = p.email_id
                 WHERE p.bare = %(bare)s AND p.address = %(address)s AND e.date > %(moment)s
                   AND e.create_date > %(moment)s
                   AND e.automatic = 'none' AND (p.kind = 'from') = (e.direction = 'in')
                   AND %(for_crm)s LIMIT 1
                """,
                moment=moment,
                for_crm=_for_crm("e"),
                **_spellings(address),
            )
        )
        return bool(rows)

    # ------------------------------------------------------------------------------------
    # From whom
    # ------------------------------------------------------------------------------------

    @api.model
    def _sender(self, action, author) -> Sender:
        """Return from where a mail of the action goes in that person's name.

        :param author: ``res.users``, empty where nobody is responsible
        """
        nowhere = self.env["crm.mailbox"]
        if not author:
            return Sender(author, nowhere, reason="no_owner")
        first, others = self._mailboxes_of(action, author)
        reason = first._automation_obstacle() if first else "no_mailbox"
        if not reason:
            return Sender(author, first)
        fallback = action._crm_email_fallback_of(author)
        if fallback == "own":
            working = others.filtered(lambda one: not one._automation_obstacle())
            if working:
                return Sender(author, working[0])
        if fallback == "server":
            return Sender(author, nowhere, by_server=True)
        detail = first.email if first else author.name
        return Sender(author, nowhere, reason=reason, detail=detail)

    def _mailboxes_of(self, action, author) -> tuple:
        """Return the mailbox that it should go from, and the author's others."""
        own = (
            self.env["crm.mailbox"]
            .search([("user_id", "=", author.id)])
            .sorted(lambda one: (not one.preferred, not one._is_in_service(), one.id))
        )
        if action.crm_email_sender == "mailbox":
            first = action.crm_email_mailbox_id
        else:
            first = own._preferred_of(author) or own[:1]
        return first, own - first


def _spellings(address: str) -> dict[str, str]:
    return {"address": address, "bare": bare(address)}


def _for_crm(alias: str) -> SQL:
    """Whether the mail is in a mailbox that is connected with CRM: of others the list of 1:1 e-mails tells nothing."""
    return SQL(
        "EXISTS (SELECT FROM crm_email_mailbox_rel r JOIN crm_mailbox m ON m.id = r.mailbox_id"
        " WHERE r.email_id = %s AND m.crm_link)",
        SQL.identifier(alias, "id"),
    )

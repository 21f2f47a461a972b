"""Erasing the mail of a person, and the report of it, which names nobody.

A mail goes entirely when the person wrote it, or when nobody else outside got it. What others
wrote or got as well is their mail too: the person's name and address are taken out of it.
The rest of the person's traces go with the mail: links, to-dos, what scenarios made a note of,
the blocklist, places in chatters. The mailboxes at the providers are not touched, and
`crm.email.suppression` keeps what is in them from coming back.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .. import rules
from .crm_email_participant import bare
from .email_rows import people_of

BATCH = 500
GROUP = "mail_crm_link.group_data_protection"
WRITTEN_FIELDS = ("to", "cc", "bcc")
HEADER_FIELDS = ("header_from", "header_to", "header_cc", "header_reply_to")


class CrmEmailErasure(models.Model):
    _name = "crm.email.erasure"
    _description = "Erasure of a Person's Emails"
    _order = "id desc"

    name = fields.Char(compute="_compute_name")
    user_id = fields.Many2one("res.users", "Erased by", required=True, readonly=True, ondelete="restrict")
    finished_at = fields.Datetime("Finished", readonly=True)
    state = fields.Selection(
        [("running", "In progress"), ("done", "Done")], required=True, readonly=True, default="running"
    )
    reason = fields.Char(readonly=True)
    keeps_out_later = fields.Boolean("Later mail is kept out too", readonly=True)
    # What is still to be done; forgotten with it.
    addresses = fields.Json(groups=fields.NO_ACCESS)
    partner_id = fields.Many2one("res.partner", groups=fields.NO_ACCESS, ondelete="set null")

    email_count = fields.Integer("Emails erased", readonly=True)
    redacted_count = fields.Integer("Emails of others, without the person", readonly=True)
    attachment_count = fields.Integer("Attachments", readonly=True)
    activity_count = fields.Integer("To-dos", readonly=True)
    link_count = fields.Integer("Connections with cards", readonly=True)
    note_count = fields.Integer("Notes about records made of mail", readonly=True)
    block_count = fields.Integer("Blocklist entries", readonly=True)

    @api.depends("create_date")
    def _compute_name(self):
        for erasure in self:
            erasure.name = self.env._("Erasure %s", erasure.id)

    # ------------------------------------------------------------------------------------
    # Begin
    # ------------------------------------------------------------------------------------

    @api.model
    def _check_allowed(self, partner) -> None:
        """An office of its own: it reaches into mailboxes that their owners let nobody read.

        :raise AccessError: when the user does not hold it, or may not edit the contact
        """
        if not self.env.user.has_group(GROUP):
            raise AccessError(self.env._("Erasing emails is for those who are in charge of data protection."))
        partner.check_access("write")

    @api.model
    def _begin(self, partner, reason: str, keep_out_later: bool):
        """Keep the person's mail out from now on, and erase what is here.

        :return: the report; what does not fit into a request is left to the cron
        :raise UserError: when there is no address to find mail by, or it is an own one
        """
        self._check_allowed(partner)
        # sudo: the mail need not be the user's to read, in order to be erased
        everything = self.sudo()
        addresses = everything._spellings(partner)
        everything._check_addresses(addresses)
        until = None if keep_out_later else fields.Datetime.now()
        everything.env["crm.email.suppression"]._suppress(addresses, until)
        erasure = everything.create(
            {
                "user_id": self.env.uid,
                "reason": reason,
                "keeps_out_later": keep_out_later,
                "addresses": addresses,
                "partner_id": partner.id,
            }
        )
        if erasure._erase_batch():
            self.env.ref("mail_crm_link.cron_erase").sudo()._trigger()
        return erasure.sudo(False)

    def _check_addresses(self, addresses) -> None:
        if not addresses:
            raise UserError(self.env._("This contact has no email address to find mail by."))
        own = self.env["crm.email.binding"]._own_addresses() & set(addresses)
        if own:
            raise UserError(
                self.env._(
                    "%s is the address of a mailbox or a user of yours. Disconnect the mailbox to remove its mail.",
                    ", ".join(sorted(own)),
                )
            )

    @api.model
    def _preview(self, partner) -> dict[str, int]:
        """Return what erasing would take away, by the names of the counting fields.

        :raise AccessError: when the user may not erase it
        """
        self._check_allowed(partner)
        # sudo: numbers only
        everything = self.sudo()
        addresses = everything._spellings(partner)
        whole, redacted = everything._divided(everything._naming(addresses), addresses)
        return {
            "email_count": len(whole),
            "redacted_count": len(redacted),
            "attachment_count": len(whole.mail_message_id.attachment_ids),
            "activity_count": len(whole.activity_ids),
            "link_count": len(everything._links(whole, partner)),
            "note_count": len(everything._notes(addresses)),
            "block_count": len(everything._blocks(addresses)),
        }

    # ------------------------------------------------------------------------------------
    # What is the person's
    # ------------------------------------------------------------------------------------

    def _spellings(self, partner) -> list[str]:
        """The person's addresses, and what else they are in mails: with a tag, in another case."""
        addresses = partner._crm_email_person_addresses()
        rows = self.env.execute_query(
            SQL("SELECT DISTINCT address FROM crm_email_participant WHERE bare = ANY(%s)", list(map(bare, addresses)))
        )
        return sorted({*addresses, *(address for (address,) in rows)})

    def _naming(self, addresses, limit: int | None = None):
        """Return mails that name one of the addresses."""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT email_id FROM crm_email_participant WHERE bare = ANY(%s) ORDER BY email_id LIMIT %s",
                list(map(bare, addresses)),
                limit,
            )
        )
        return self.env["crm.email"].browse(email_id for (email_id,) in rows)

    def _divided(self, emails, addresses) -> tuple:
        """Divide mails into those that are the person's alone, and those of others as well.

        The same as `crm_email_suppression.is_about_nobody_else` says of mail that comes in.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT email_id FROM crm_email_participant WHERE email_id = ANY(%(emails)s)
                 GROUP BY email_id
                HAVING bool_or(kind = 'from' AND bare = ANY(%(person)s))
                    OR bool_and(bare = ANY(%(person)s) OR address = ANY(%(own)s))
                """,
                emails=emails.ids,
                person=list(map(bare, addresses)),
                own=list(self.env["crm.email.binding"]._own_addresses()),
            )
        )
        whole = emails.browse(email_id for (email_id,) in rows)
        return whole, emails - whole

    def _links(self, emails, partner):
        links = self.env["crm.email.link"].with_context(active_test=False)
        return links.search(Domain("email_id", "in", emails.ids) | Domain("partner_id", "=", partner.id))

    def _notes(self, addresses):
        return self.env["crm.email.creation"].search([("address", "in", addresses)])

    def _blocks(self, addresses):
        return self.env["crm.email.block"].search([("name", "in", addresses)])

    # ------------------------------------------------------------------------------------
    # Erase
    # ------------------------------------------------------------------------------------

    @api.model
    def _cron_erase(self) -> None:
        """Go on with what was begun, a batch in each transaction."""
        cron = self.env["ir.cron"]
        for erasure in self.search([("state", "=", "running")], order="id"):
            while erasure._erase_batch():
                if not cron._commit_progress(remaining=1):
                    return
            if not cron._commit_progress(1):
                return

    def _erase_batch(self) -> bool:
        """Erase at most `BATCH` mails; return whether there is more."""
        emails = self._naming(self.addresses, BATCH)
        whole, redacted = self._divided(emails, self.addresses)
        self._erase_mails(whole)
        self._take_person_out(redacted)
        if len(emails) == BATCH:
            return True
        self._finish()
        return False

    def _count(self, **counts: int) -> None:
        for name, count in counts.items():
            self[name] += count

    def _erase_mails(self, emails) -> None:
        self._count(
            email_count=len(emails),
            attachment_count=len(emails.mail_message_id.attachment_ids),
            activity_count=len(emails.activity_ids),
            link_count=len(emails.with_context(active_test=False).link_ids),
        )
        keys = [rules.conversation.key_of(message_id) for message_id in emails.mapped("message_id") if message_id]
        self.env["crm.email.creation"].search([("email_id", "in", emails.ids)]).filtered(
            lambda note: note.address in self.addresses
        ).unlink()
        self._mark_copies(emails)
        emails.activity_ids.unlink()
        emails.unlink()
        self.env["crm.email.conversation.key"].search([("key", "in", keys)]).unlink()

    def _mark_copies(self, emails) -> None:
        """Keep only where the mails are on the server, so that they are not taken for missing."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE crm_email_copy SET email_id = NULL, state = 'erased', reason = NULL, seen = NULL,"
                " size = NULL, sha256 = NULL, suspect = NULL WHERE email_id = ANY(%s)",
                emails.ids,
            )
        )
        emails.invalidate_recordset(["copy_ids"])

    def _take_person_out(self, emails) -> None:
        """Take name and address of the person out of mails that are others' as well."""
        self._take_out_of_headers(emails)
        emails.participant_ids.filtered(lambda one: one.address in self.addresses).unlink()
        self._count(redacted_count=len(emails))

    def _take_out_of_headers(self, emails) -> None:
        gone = set(self.addresses)
        for email in emails:
            for name in HEADER_FIELDS:
                people = rules.addresses.parse_list(email[name] or "")
                if any(one.email in gone for one in people):
                    email[name] = people_of(one for one in people if one.email not in gone)

    def _finish(self) -> None:
        """Take away what is the person's besides mails, and forget who it was."""
        addresses, partner = self.addresses, self.partner_id
        self._unlink_from_card(partner)
        # Whom answers were to go to is no participant.
        answered = Domain.OR(Domain("header_reply_to", "ilike", address) for address in addresses)
        self._take_out_of_headers(self.env["crm.email"].search(answered))
        self._take_name_out_of_reasons(partner.name)
        self._erase_written()
        self._erase_automation(addresses, partner)
        notes, blocks = self._notes(addresses), self._blocks(addresses)
        self._count(note_count=len(notes), block_count=len(blocks))
        (notes | self._guards(addresses)).unlink()
        blocks.unlink()
        self.env["crm.email.relink"].search([("address", "in", addresses)]).unlink()
        self.env["crm.email.image.sender"].search([("address", "in", addresses)]).unlink()
        self.write({"state": "done", "finished_at": fields.Datetime.now(), "addresses": False, "partner_id": False})
        # The files of the attachments leave the disk with Odoo's own cleaning.
        self.env.ref("base.autovacuum_job")._trigger()

    def _unlink_from_card(self, partner) -> None:
        """Take the remaining mail off the contact."""
        links = self._links(self.env["crm.email"], partner)
        emails = links.email_id
        self._count(link_count=len(links))
        links.unlink()
        self.env["crm.email.binding"]._after_unbinding(emails)

    def _take_name_out_of_reasons(self, name: str) -> None:
        """Others' mail may be on a card because the person was."""
        if name:
            links = self.env["crm.email.link"].with_context(active_test=False).search([("reason", "like", name)])
            links.reason = self.env._("A person whose emails were erased")

    def _erase_written(self) -> None:
        """What people wrote to the person here and the outbox keeps for a while; drafts to others stay."""
        gone = set(self.addresses)
        named = Domain.OR(Domain(name, "ilike", address) for name in WRITTEN_FIELDS for address in self.addresses)
        for written in self.env["crm.email.composer"].search(named):
            left = {
                name: [one for one in rules.addresses.parse_list(written[name] or "") if one.email not in gone]
                for name in WRITTEN_FIELDS
            }
            # What is on its way at this moment cannot be deleted.
            if written.state != "sending" and (written.state == "sent" or not any(left.values())):
                written.unlink()
            else:
                written.write({name: people_of(people) for name, people in left.items()})

    def _erase_automation(self, addresses, partner) -> None:
        """What mail servers said of a 1:1 e-mail may name its recipient."""
        rows = self.env["crm.email.automation"]
        rows.search(Domain("partner_id", "=", partner.id)).unlink()
        rows.search(Domain.OR(Domain("detail", "ilike", address) for address in addresses)).detail = False

    def _guards(self, addresses):
        """Notes whose guard has an address in it, of mail of somebody else."""
        domains = [Domain("guard", "=like", f"%:{address}") for address in addresses]
        return self.env["crm.email.creation"].search(Domain.OR(domains))

    def action_print(self) -> dict:
        return self.env.ref("mail_crm_link.crm_email_erasure_report").report_action(self)

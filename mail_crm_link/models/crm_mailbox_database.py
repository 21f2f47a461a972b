"""Secrets belong to one database: a copy of it must not read and send in the original's name.

Odoo gives each copy another ``database.uuid``; a database that is moved to another server by
dump and restore keeps its own, and goes on.
"""

from odoo import fields, models

from ..connectors.errors import SignInNeeded


class CrmMailboxSecret(models.Model):
    _inherit = "crm.mailbox.secret"

    database_uuid = fields.Char(
        required=True,
        readonly=True,
        default=lambda self: self._database_uuid(),
        groups=fields.NO_ACCESS,
        help="The database that it was given to.",
    )

    def _database_uuid(self) -> str:
        return self.env["ir.config_parameter"].sudo().get_param("database.uuid")

    def _of_another_database(self):
        return self.filtered(lambda secret: secret.database_uuid != self._database_uuid())

    def _opened__(self) -> list:
        """:raise SignInNeeded: also when this database is a copy of the one it was given to"""
        if self._of_another_database():
            raise SignInNeeded("the secret was given to another database", cause="database_copied")
        return super()._opened__()

    def _store__(self, mailbox, kind: str, secret: str) -> None:
        if self.search([("mailbox_id", "=", mailbox.id)])._of_another_database():
            self.env["crm.email.composer"]._take_back_of_copy(mailbox)
        super()._store__(mailbox, kind, secret)


class CrmEmailComposer(models.Model):
    _inherit = "crm.email.composer"

    def _take_back_of_copy(self, mailbox) -> None:
        """What waited to be sent when the database was copied is sent by the original."""
        waiting = self.search([("mailbox_id", "=", mailbox.id), ("state", "in", ("scheduled", "sending"))])
        waiting.write({"state": "draft", "send_at": False})

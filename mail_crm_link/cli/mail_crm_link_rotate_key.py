import logging
import sys

from odoo import SUPERUSER_ID, api
from odoo.cli import Command
from odoo.modules.registry import Registry
from odoo.tools import config

_logger = logging.getLogger(__name__)


class RotateKey(Command):
    """Encrypt the passwords of all mailboxes anew, with the first key of mail_crm_link_key."""

    name = "mail_crm_link_rotate_key"

    def run(self, arguments):
        """Rotate in the databases of ``-d``; exit with 1 when some secret is left that no key opens."""
        config.parser.prog = self.prog
        config.parse_config(arguments, setup_logging=True)
        if not config["db_name"]:
            sys.exit("Name the database with -d.")
        left = [secret for database in config["db_name"] for secret in self._rotate(database)]
        sys.exit(1 if left else 0)

    def _rotate(self, database):
        with Registry(database).cursor() as cursor:
            count, left = api.Environment(cursor, SUPERUSER_ID, {})["crm.mailbox.secret"]._rotate__()
        _logger.info("%s: %d secrets are encrypted with the first key", database, count - len(left))
        if left:
            _logger.error("%s: no key opens the secrets with the ids %s", database, left)
        return left

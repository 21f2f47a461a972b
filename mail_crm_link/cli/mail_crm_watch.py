import signal
import sys
import threading

from odoo.cli import Command
from odoo.modules.registry import Registry
from odoo.tools import config


class Watch(Command):
    """Wait for new mail of all mailboxes, and have it fetched within seconds. Runs until it is stopped."""

    name = "mail_crm_watch"

    def run(self, arguments):
        """Watch the mailboxes of the databases of ``-d``."""
        config.parser.prog = self.prog
        config.parse_config(arguments, setup_logging=True)
        if not config["db_name"]:
            sys.exit("Name the database with -d.")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_signal: stop.set())
        threads = [self._watching(database, stop) for database in config["db_name"]]
        for thread in threads:
            # With a time-out, so that signals are heard.
            while thread.is_alive():
                thread.join(1)

    def _watching(self, database, stop):
        registry = Registry(database)
        # Odoo's addons can be imported only now.
        from odoo.addons.mail_crm_link.models.crm_mailbox_watch import DatabaseWatch

        thread = threading.Thread(target=DatabaseWatch(registry).run, args=(stop,), name=f"watch {database}")
        thread.start()
        return thread

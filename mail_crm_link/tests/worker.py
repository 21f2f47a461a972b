"""A process of its own that synchronises mailboxes, for tests that kill it.

Loads Odoo once, then forks a child for each line it reads: ``<mailbox id> [<poison>]``. The
child synchronises that mailbox and exits; one that meets ``poison`` in a mail dies at once,
as by a bug in a C library. On ``outbox`` it sends what is due instead, on ``automation`` what automation asked for.
"""

import os
import signal
import sys
import time

from odoo import SUPERUSER_ID, api, sql_db
from odoo.modules.registry import Registry
from odoo.tools import config


def main(rcfile: str, database: str) -> None:
    config.parse_config(["-c", rcfile, "-d", database, "--no-http"])
    registry = Registry(database)
    # A child that inherited a connection would leave its transaction open when it is killed.
    sql_db.close_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        mailbox_id, _, poison = line.strip().partition(" ")
        pid = os.fork()
        if not pid:
            if work := {"outbox": _send, "automation": _send_automated}.get(mailbox_id):
                work(registry)
            _run(registry, int(mailbox_id), poison.encode())
        print(pid, flush=True)


def _run(registry: Registry, mailbox_id: int, poison: bytes) -> None:
    if poison:
        _poison(poison)
    with registry.cursor() as cursor:
        env = api.Environment(cursor, SUPERUSER_ID, {})
        env["crm.mailbox"].browse(mailbox_id)._sync(time.monotonic() + 60)
    os._exit(0)


def _send(registry: Registry) -> None:
    with registry.cursor() as cursor:
        env = api.Environment(cursor, SUPERUSER_ID, {})
        for draft in env["crm.email.composer"]._due():
            draft._send_guarded()
    os._exit(0)


def _send_automated(registry: Registry) -> None:
    with registry.cursor() as cursor:
        api.Environment(cursor, SUPERUSER_ID, {})["crm.email.automation"]._cron_send()
    os._exit(0)


def _poison(poison: bytes) -> None:
    from odoo.addons.mail_crm_link.rules import message

    for name in ("parse_header", "parse_body"):
        parse = getattr(message, name)

        def deadly(raw, *args, parse=parse):
            if poison in raw:
                os.kill(os.getpid(), signal.SIGKILL)
            return parse(raw, *args)

        setattr(message, name, deadly)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A process of its own that copies a database, uninstalls the module from the copy, and installs it again.

Prints one line of JSON: what the copy's mailbox says about itself, what was left after uninstalling,
and which state the module has in the end.
"""

import json
import shutil
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

from odoo import SUPERUSER_ID, api, sql_db
from odoo.modules.registry import Registry
from odoo.service.db import exp_duplicate_database
from odoo.tools import SQL, config

MODULE = "mail_crm_link"
# Queries for what must not be there any more.
LEFTOVERS = (
    "SELECT tablename FROM pg_tables WHERE tablename ~ '^crm_(email|mailbox)'",
    "SELECT table_name || '.' || column_name FROM information_schema.columns"
    " WHERE column_name ~ '^(crm_(email|mailbox)|(last_)?mail_(received|sent|unanswered|bounced|turned)|kpi_mail_re)'",
    "SELECT indexname FROM pg_indexes WHERE indexname ~ 'crm_email|crm_mailbox|email_normalized_equal'",
    "SELECT 'cron ' || cron_name FROM ir_cron WHERE cron_name LIKE 'mail_crm_link%'",
    "SELECT 'data ' || name FROM ir_model_data WHERE module = 'mail_crm_link' AND name != 'module_mail_crm_link'",
    "SELECT 'parameter ' || key FROM ir_config_parameter WHERE key LIKE 'mail_crm_link%'",
    "SELECT 'message ' || id FROM mail_message WHERE model ~ '^crm\\.(email|mailbox)'",
    "SELECT 'activity ' || id FROM mail_activity WHERE summary = 'Answer email'",
    "SELECT 'attachment ' || id FROM ir_attachment WHERE res_model ~ '^crm\\.(email|mailbox)' OR url ~ 'mail_crm_link/'"
    " OR (res_model = 'mail.message' AND NOT EXISTS (SELECT FROM mail_message m WHERE m.id = res_id))",
    "SELECT 'filter ' || id FROM ir_filters WHERE model_id ~ '^crm\\.(email|mailbox)'",
    "SELECT 'action ' || id FROM ir_act_server WHERE state = 'crm_email'",
    "SELECT 'menu ' || id FROM ir_ui_menu WHERE action IS NOT NULL AND name::text ~ 'Connected Emails'",
)


def main(rcfile: str, original: str, copy: str, file: str) -> None:
    config.parse_config(["-c", rcfile, "-d", original, "--no-http"])
    # What the web server does not let strangers do, this program has to.
    config["list_db"] = True
    # Of a run that was killed.
    _drop(copy)
    exp_duplicate_database(original, copy)
    try:
        print(json.dumps(_lived_through(copy, file)), flush=True)
    finally:
        _drop(copy)


def _drop(database: str) -> None:
    """Not Odoo's own: it drops only databases that the configuration names."""
    sql_db.close_db(database)
    with closing(sql_db.db_connect("postgres").cursor()) as cursor:
        cursor._cnx.autocommit = True
        cursor.execute(SQL("DROP DATABASE IF EXISTS %s WITH (FORCE)", SQL.identifier(database)))
    shutil.rmtree(config.filestore(database), ignore_errors=True)


def _lived_through(copy: str, file: str) -> dict:
    with _environment(copy) as env:
        [mailbox] = env["crm.mailbox"].search([])
        mailbox._sync(time.monotonic() + 10)
        status = mailbox.status_message
        path = Path(config.filestore(copy), file)
        stored = path.exists()
    with _environment(copy) as env:
        _module(env).button_immediate_uninstall()
    with _environment(copy) as env:
        left = [row for query in LEFTOVERS for (row,) in _rows(env, query)]
        env["ir.attachment"]._gc_file_store_unsafe()
        _module(env).button_immediate_install()
    with _environment(copy) as env:
        state = _module(env).state, env["crm.mailbox"].search_count([])
    return {"status": status, "stored": stored, "kept": path.exists(), "left": left, "again": state}


@contextmanager
def _environment(database: str):
    """Yield an environment whose changes are durable in the end, as those of a request are."""
    with Registry(database).cursor() as cursor:
        yield api.Environment(cursor, SUPERUSER_ID, {})


def _module(env):
    return env["ir.module.module"].search([("name", "=", MODULE)])


def _rows(env, query: str) -> list:
    env.cr.execute(query)
    return env.cr.fetchall()


if __name__ == "__main__":
    main(*sys.argv[1:])

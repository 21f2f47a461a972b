"""What the figures of much mail cost: the report, the cards of teams, and the moments on the busiest cards."""

import time
from collections.abc import Callable

from odoo import api

MEASURES = ("__count", "response_hours:avg", "unanswered:sum")
GROUPS = ("user_id", "team_id", "partner_id", "stage_id")


def seconds_of(env: api.Environment, look: Callable[[], object]) -> float:
    """Seconds that it takes with nothing in the cache."""
    env.flush_all()
    env.invalidate_all()
    begun = time.perf_counter()
    look()
    return time.perf_counter() - begun


def looked_at(env: api.Environment) -> dict[str, float]:
    """Seconds of each way to look at the figures, as a user who reads the mailbox, and of the slowest group."""
    reader = env(user=env.ref("base.user_admin").id)
    reports, teams = reader["crm.email.report"], reader["crm.team"]
    by_group = [
        seconds_of(env, lambda group=group: reports._read_group([], [group, "kind"], MEASURES)) for group in GROUPS
    ]
    return {
        "report": max(by_group),
        "teams": seconds_of(env, lambda: teams.search([]).mapped("mail_waiting_count")),
    }


def brought_up_to_date(env: api.Environment, cards: int) -> float:
    """Seconds until the moments of the cards with the most mail are written."""
    rows = env["crm.email.link"]._read_group(
        [("partner_id", "!=", False)], ["partner_id"], limit=cards, order="__count desc"
    )
    busiest = env["res.partner"].browse(partner.id for (partner,) in rows)
    changes = env["crm.email.card.change"]
    changes._note_cards(busiest)
    seconds = seconds_of(env, lambda: changes._follow(busiest))
    if not all(busiest.mapped("last_mail_received_at")):
        raise RuntimeError("A card was not brought up to date")
    return seconds

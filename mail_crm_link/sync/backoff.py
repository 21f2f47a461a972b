"""When to try again after an error. The caller brings the chance, so that equal input gives equal output."""

from __future__ import annotations

from ..connectors.errors import ConnectorError, NotAllowed, SignInNeeded, Transient

FIRST = 60.0
LONGEST = 3_600.0
FATAL = 6 * 3_600.0
LONGEST_TOLD = 24 * 3_600.0
"""Quotas are counted by the day at most; a server that names another century is not believed."""
SPREAD = 0.25
"""Share by which a pause is lengthened at most, so that the mailboxes of a failed server do not return as one."""


def pause(error: ConnectorError, failures: int, chance: float) -> float | None:
    """Seconds to wait before the next attempt, or ``None`` when only a person can help.

    :param failures: attempts in a row that failed, this one included
    :param chance: evenly spread between 0 and 1
    """
    if isinstance(error, SignInNeeded | NotAllowed):
        return None
    if not isinstance(error, Transient):
        return FATAL * (1 + SPREAD * chance)
    # The exponent is bounded, since a server may be away for a year.
    doubled = min(LONGEST, FIRST * 2.0 ** min(max(failures, 1) - 1, 10))
    return max(doubled, min(error.retry_after or 0.0, LONGEST_TOLD)) * (1 + SPREAD * chance)

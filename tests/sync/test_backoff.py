"""Pauses after errors."""

from __future__ import annotations

import pytest

from mail_crm_link.connectors.errors import (
    ConnectorError,
    FolderGone,
    NotAllowed,
    ProviderBroken,
    SignInNeeded,
    Transient,
)
from mail_crm_link.sync.backoff import FATAL, LONGEST, LONGEST_TOLD, SPREAD, pause


@pytest.mark.parametrize(
    ("error", "failures", "seconds"),
    [
        (Transient("down"), 1, 60),
        (Transient("down"), 2, 120),
        (Transient("down"), 5, 960),
        (Transient("down"), 50, LONGEST),
        (Transient("down"), 10**9, LONGEST),
        (Transient("slow", retry_after=900), 1, 900),
        (Transient("slow", retry_after=7200), 3, 7200),
        (Transient("slow", retry_after=1), 3, 240),
        (Transient("slow", retry_after=float("inf")), 3, LONGEST_TOLD),
        (Transient("slow", retry_after=float("nan")), 3, 240),
        (ProviderBroken("nonsense"), 1, FATAL),
        (FolderGone("all gone"), 1, FATAL),
        (SignInNeeded("password"), 1, None),
        (NotAllowed("forbidden"), 1, None),
    ],
)
def test_pause(error: ConnectorError, failures: int, seconds: float | None) -> None:
    assert pause(error, failures, chance=0) == seconds


def test_chance_spreads_the_return() -> None:
    assert pause(Transient("down"), 1, chance=1) == pytest.approx(60 * (1 + SPREAD))

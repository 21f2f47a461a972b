"""Being told at once that there is something new (https://learn.microsoft.com/graph/api/resources/subscription)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from ..errors import MailGone
from .envelope import moment
from .session import Account, Json, Session

LIFETIME = timedelta(days=6)
"""The service keeps subscriptions to messages for at most seven days."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the service promised, until ``expires`` (UTC)."""

    remote_id: str
    expires: datetime


class Subscriptions:
    """The subscriptions of an account; a context manager."""

    def __init__(self, account: Account) -> None:
        self._session = Session(account)

    def __enter__(self) -> Subscriptions:
        self._session.open()
        return self

    def __exit__(self, *_error: object) -> None:
        self._session.close()

    def create(self, address: str, lifecycle_address: str, client_state: str) -> Subscription:
        """Have changes of all mail told to ``address``, which is asked at once whether it wants that.

        :param client_state: comes back with each notification and proves where it is from
        """
        body = {
            "changeType": "created,updated,deleted",
            "notificationUrl": address,
            "lifecycleNotificationUrl": lifecycle_address,
            "resource": f"{self._session.root}/messages".lstrip("/"),
            "expirationDateTime": _expiry(),
            "clientState": client_state,
        }
        return _subscription(self._session.post("/subscriptions", body))

    def renew(self, remote_id: str) -> Subscription | None:
        """Prolong, which also renews the permission; ``None`` when the service has forgotten it."""
        try:
            return _subscription(self._session.patch(f"/subscriptions/{remote_id}", {"expirationDateTime": _expiry()}))
        except MailGone:
            return None

    def delete(self, remote_id: str) -> None:
        """End it; one that is gone has ended."""
        try:
            self._session.delete(f"/subscriptions/{remote_id}")
        except MailGone:
            pass


def _expiry() -> str:
    return f"{datetime.now(timezone.utc) + LIFETIME:%Y-%m-%dT%H:%M:%SZ}"


def _subscription(answer: Json) -> Subscription:
    return Subscription(answer["id"], moment(answer["expirationDateTime"]))

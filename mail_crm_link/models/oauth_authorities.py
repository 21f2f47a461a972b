"""Whom the owners of mailboxes sign in at, instead of giving us their password."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import connectors

if TYPE_CHECKING:
    from ..connectors.oauth import Endpoints

PARAMETER = "mail_crm_link.%s_%s"


@dataclass(frozen=True)
class Authority:
    """:param label: its name for people
    :param endpoints: its addresses, as the system parameters say (``read`` takes name and default)
    :param parameters: what it is told besides when it asks for consent
    """

    key: str
    label: str
    endpoints: Callable[[Callable[[str, str], str]], Endpoints]
    parameters: Mapping[str, str] = field(default_factory=dict)

    def parameter(self, name: str) -> str:
        """The key of a system parameter about it."""
        return PARAMETER % (self.key, name)

    @property
    def secret_kind(self) -> str:
        return f"{self.key}_client_secret"


def _google(read: Callable[[str, str], str]) -> Endpoints:
    return connectors.oauth.Endpoints(
        read("authorize_url", connectors.oauth.GOOGLE.authorize),
        read("token_url", connectors.oauth.GOOGLE.token),
        read("revoke_url", connectors.oauth.GOOGLE.revoke),
    )


def _microsoft(read: Callable[[str, str], str]) -> Endpoints:
    return connectors.oauth.microsoft(read("authority", connectors.oauth.MICROSOFT_AUTHORITY), read("tenant", "common"))


AUTHORITIES = {
    authority.key: authority
    for authority in (
        # Google gives a refresh token only offline, and again only when asked to ask again.
        Authority("google", "Google", _google, {"access_type": "offline", "prompt": "consent"}),
        Authority("microsoft", "Microsoft", _microsoft, {"response_mode": "query"}),
    )
}

"""All that is told of a failed connection: cause and next step, where the provider helps, and the technical detail."""

import re
from dataclasses import dataclass

from ..connectors import discovery
from ..connectors.errors import ConnectorError

# Causes whose next step is done at the provider, as its help page describes.
AT_PROVIDER = {
    "account_locked",
    "app_password",
    "basic_auth_off",
    "imap_off",
    "over_quota",
    "smtp_off",
    "throttled",
    "token_refused",
    "too_many_connections",
    "web_login",
    "wrong_password",
}
MOST_DETAIL = 2000

_SECRETS = (
    re.compile(r"(?i)\b(bearer|basic|plain|xoauth2|oauthbearer|login)\s+[A-Za-z0-9+/=_.~-]{16,}"),
    re.compile(
        r"(?i)\b((?:access|refresh|id)_token|password|passwd|client_secret|secret|code)([\"']?\s*[=:]\s*[\"']?)\S+"
    ),
)


@dataclass(frozen=True)
class Explanation:
    """:param sentence: cause and next step, for people
    :param help_url: page of the provider about it; "" if none is known
    :param detail: what the server said, for technicians, without secrets
    """

    cause: str
    sentence: str
    help_url: str
    detail: str


def help_url(cause: str, host: str) -> str:
    """Return the provider's own help page about a cause, "" where none is known."""
    provider = discovery.provider_of_host(host or "")
    return provider.help_url if provider and cause in AT_PROVIDER else ""


def detail(error: ConnectorError) -> str:
    """Return what a technician wants to know."""
    return without_secrets(f"{type(error).__name__} ({error.cause})\n{error}")[:MOST_DETAIL]


def without_secrets(text: str) -> str:
    """Return a text of a server without what looks like a credential."""
    text = _SECRETS[0].sub(r"\1 ***", text)
    return _SECRETS[1].sub(r"\1\2***", text)

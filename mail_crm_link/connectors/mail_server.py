"""How an account of a mail server is reached, whatever is spoken there."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Literal

from .network import Network
from .sasl import Credentials

Security = Literal["ssl", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in where.

    :param timeout: in seconds, for the connection and for every answer
    :param ssl_context: which certificates are good; those the system trusts if left out
    """

    host: str
    port: int
    security: Security
    credentials: Credentials
    timeout: float
    network: Network = Network()
    ssl_context: ssl.SSLContext | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        return self.ssl_context or ssl.create_default_context()

"""imapclient over a connection that somebody else made."""

from __future__ import annotations

import imaplib
import socket
from collections.abc import Callable

from imapclient import IMAPClient, SocketTimeout


class _Protocol(imaplib.IMAP4):
    """imaplib's protocol on a socket that is there already; imaplib itself would resolve the host and connect."""

    def __init__(self, host: str, port: int, connected: socket.socket) -> None:
        self._connected = connected
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._connected


class Client(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """imapclient, which takes the socket from ``connect``, connected and with TLS where it has to be.

    :param encrypted: whether ``connect`` returns a socket with TLS
    :param timeout: seconds of every later operation
    """

    def __init__(
        self, host: str, port: int, connect: Callable[[], socket.socket], encrypted: bool, timeout: float
    ) -> None:
        self._connect = connect
        super().__init__(host, port, ssl=encrypted, timeout=SocketTimeout(timeout, timeout))

    def _create_IMAP4(self) -> imaplib.IMAP4:
        connected = self._connect()
        try:
            return _Protocol(self.host, self.port, connected)
        except BaseException:
            connected.close()
            raise

"""INBOX, held open by IDLE (RFC 2177), so that the server tells of new mail within a second.

::

    sign in ─► EXAMINE INBOX ─► IDLE ─► * 7 EXISTS ─► there is news
                                 ▲  │
                                 └──┘ DONE, IDLE again before the server gets tired of waiting

Once it idles, the connection is read here, line by line and without waiting: a program watches hundreds of them.
"""

from __future__ import annotations

import re
import ssl

from ..errors import Transient
from ..mail_server import Account
from ..network import broken
from .session import Session

INBOX = "INBOX"
_NEWS = re.compile(rb"\* \d+ (EXISTS|EXPUNGE|FETCH)|\* VANISHED", re.IGNORECASE)
# A wait that is not renewed ends, too, and the connection stays as if nothing was.
_END = re.compile(rb"\* BYE|W\d+ (NO|BAD)", re.IGNORECASE)
_CHUNK = 4096
_MOST_OCTETS = 256 * 1024


class Idle:
    """A signed-in connection that waits for news of INBOX.

    :raises ConnectorError: the sign-in is refused, see ``connectors.errors``; ``no_idle`` if the server knows no IDLE
    """

    def __init__(self, account: Account) -> None:
        self._host = account.host
        self._session = Session.signed_in(account)
        self._number = 0
        try:
            self._session.examine(INBOX)
            self._socket, self._line = self._session.await_news()
        except BaseException:
            self._session.drop()
            raise
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """The number of the socket, for ``selectors``."""
        return self._socket.fileno()

    def news(self) -> bool:
        """Read what the server said; whether something happened in INBOX. Never waits.

        :raises Transient: the connection is gone
        """
        lines = self._lines()
        if any(_END.match(line) for line in lines):
            raise Transient(f"{self._host} ended the wait", cause="disconnected")
        return any(_NEWS.match(line) for line in lines)

    def renew(self) -> None:
        """Begin to wait anew; servers end a wait after half an hour (RFC 2177).

        :raises Transient: the connection is gone
        """
        self._number += 1
        try:
            self._socket.sendall(b"DONE\r\nW%d IDLE\r\n" % self._number)
        except OSError as error:
            raise broken(error, self._host) from error

    def close(self) -> None:
        """End the connection without a word. Never raises."""
        self._session.drop()

    def _lines(self) -> list[bytes]:
        received = self._line + self._received()
        *lines, self._line = received.split(b"\r\n")
        if len(self._line) > _MOST_OCTETS:
            raise Transient(f"{self._host} says a line without an end", cause="disconnected")
        return lines

    def _received(self) -> bytes:
        received = b""
        while len(received) < _MOST_OCTETS:
            try:
                chunk = self._socket.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                return received
            except OSError as error:
                raise broken(error, self._host) from error
            if not chunk:
                raise Transient(f"{self._host} closed the connection", cause="disconnected")
            received += chunk
        return received

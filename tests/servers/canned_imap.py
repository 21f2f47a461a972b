"""An IMAP server that says what it is told to say: for answers no sane server gives on request."""

from __future__ import annotations

import contextlib
import re
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType

Answer = bytes | Callable[[], Iterable[bytes]]
"""What is said at once, or what makes it piece by piece, maybe without an end."""

GREETING = b"* OK [CAPABILITY IMAP4rev1] ready\r\n"
ANSWERS: Mapping[str, bytes] = {
    r"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n",
    r"LOGIN": b"{tag} OK done\r\n",
    r"LOGOUT": b"* BYE see you\r\n{tag} OK done\r\n",
    r"LIST": b'* LIST () "/" INBOX\r\n{tag} OK done\r\n',
    r"STATUS": b"* STATUS INBOX (UIDVALIDITY 7 UIDNEXT 4 MESSAGES 3 UNSEEN 0)\r\n{tag} OK done\r\n",
    r"EXAMINE": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 4] ok\r\n{tag} OK [READ-ONLY] done\r\n",
    r"UID SEARCH": b"* SEARCH 1 2 3\r\n{tag} OK done\r\n",
    r"NOOP": b"{tag} OK done\r\n",
}


class CannedImap:
    """Context manager; the first pattern that a command matches gives the answer, ``{tag}`` filled in.

    :param answers: regular expressions of commands, before those of ``ANSWERS``
    :param greeting: what the server says first; an empty one says nothing
    :param context: TLS begins with it after the answer to STARTTLS
    :ivar commands: what clients sent, without tags
    """

    def __init__(
        self,
        answers: Mapping[str, Answer] | None = None,
        greeting: Answer = GREETING,
        context: ssl.SSLContext | None = None,
    ) -> None:
        own = dict(answers or {})
        self.answers = {**own, **{pattern: answer for pattern, answer in ANSWERS.items() if pattern not in own}}
        self.greeting = greeting
        self.context = context
        self.commands: list[str] = []
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> CannedImap:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, command: str) -> Answer:
        """What to say to a command."""
        for pattern, answer in self.answers.items():
            if re.match(pattern, command):
                return answer
        return b"{tag} BAD unknown\r\n"

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        canned = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):  # clients hang up
                    self.say(canned.greeting, b"")
                    while line := self.rfile.readline():
                        self.obey(*line.strip().partition(b" ")[::2])

            def obey(self, tag: bytes, command: bytes) -> None:
                canned.commands.append(command.decode("latin-1"))
                answer = canned.answer(canned.commands[-1])
                if answer == b"HANG UP":
                    raise ConnectionAbortedError
                self.say(answer, tag)
                if b"STARTTLS" in (tag, command) and canned.context:
                    self.request = canned.context.wrap_socket(self.request, server_side=True)
                    self.setup()

            def say(self, answer: Answer, tag: bytes) -> None:
                for piece in answer() if callable(answer) else [answer]:
                    self.wfile.write(piece.replace(b"{tag}", tag))

        return Handler

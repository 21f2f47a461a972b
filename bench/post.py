"""The mail server, and accounts with so many mails."""

import itertools
from datetime import datetime, timedelta, timezone

from servers.dovecot import Dovecot

from .correspondence import Correspondence
from .runs import Server

_numbers = itertools.count(1)


class Post:
    """Accounts of a Dovecot, made once where nothing changes them.

    :param contacts: how many contacts the owner writes with
    """

    def __init__(self, dovecot: Dovecot, contacts: int) -> None:
        self._dovecot = dovecot
        self._contacts = contacts
        self._accounts: dict[int, Server] = {}

    def account(self, count: int) -> Server:
        """An account with so many mails, that nobody marks or removes."""
        if count not in self._accounts:
            self._accounts[count] = self.new_account(count)
        return self._accounts[count]

    def new_account(self, count: int) -> Server:
        """An account of one's own with so many mails."""
        server = Server(self._dovecot.host, self._dovecot.port, f"bench{next(_numbers)}", self._dovecot.password)
        self._deliver(server, Correspondence(self._contacts), count, timedelta(days=360))
        self._dovecot.doveadm("index", "-u", server.user, "*")
        return server

    def deliver_new(self, server: Server, count: int) -> None:
        """Mail that comes in now."""
        self._deliver(server, Correspondence(self._contacts, seed=20), count, timedelta(seconds=0))

    def _deliver(self, server: Server, correspondence: Correspondence, count: int, span: timedelta) -> None:
        for mail in correspondence.mails(count, datetime.now(timezone.utc), span):
            self._dovecot.deliver(server.user, [mail.raw], mail.folder, mail.received)

"""The engine on a real server, over a network that fails (promises 1, 3, 4, 7, 9, 11, 16, 17, 20)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from servers.dovecot import Account, Dovecot
from servers.fault_proxy import Action, Fault, FaultProxy

from mail_crm_link.connectors.errors import ConnectorError, Transient
from mail_crm_link.connectors.imap import IMAPConnector
from mail_crm_link.sync.engine import Engine

from .mails import mail, mails
from .memory_store import MemoryStore
from .scenes import ServerScene


class RealScene(ServerScene):
    """A user of Dovecot behind a proxy, a store, and engines that run between them."""

    def __init__(self, account: Account, proxy: FaultProxy) -> None:
        super().__init__()
        self.account = account
        self.proxy = proxy
        self.timeout = 5.0

    def connector(self) -> IMAPConnector:
        login, password = self.account.user, self.account.dovecot.password
        return IMAPConnector("127.0.0.1", self.proxy.port, "none", login, password, timeout=self.timeout)

    def fill(self, count: int, folder: str = "INBOX") -> None:
        self.account.dovecot.deliver(self.account.user, mails(count), folder)


@pytest.fixture
def scene(dovecot: Dovecot) -> Iterator[RealScene]:
    with FaultProxy(dovecot.host, dovecot.port) as proxy:
        yield RealScene(Account(dovecot), proxy)


def test_a_mailbox_is_read_and_then_left_in_peace(scene: RealScene) -> None:
    scene.fill(250)
    scene.fill(30, "Sent")
    first = scene.run()
    assert first.finished and first.envelopes == first.contents == 280
    written, octets = scene.store.transactions, scene.proxy.octets
    assert scene.run().finished
    assert scene.store.transactions == written
    assert scene.proxy.octets - octets < 3_000
    scene.check()


def test_new_mail_flags_and_removals_arrive(scene: RealScene) -> None:
    scene.fill(20)
    scene.run()
    scene.fill(3)
    scene.account.mark("7", seen=True)
    scene.account.remove("5,9")
    outcome = scene.run()
    assert outcome.envelopes == 3
    inbox = {copy.remote_id: copy.seen for copy in scene.store.in_folder("INBOX")}
    assert len(inbox) == 21 and inbox["7"] and not inbox["8"]
    scene.check()


def test_uidvalidity_that_changed_makes_nothing_new(scene: RealScene) -> None:
    """Promise 3; the new number is smaller."""
    scene.fill(50)
    scene.run()
    bodies = dict(scene.store.bodies)
    scene.account.renumber()
    outcome = scene.run()
    assert outcome.finished and outcome.contents == 0
    assert scene.store.bodies == bodies and set(scene.store.lowest_copies.values()) == {1}
    scene.check()


@pytest.mark.usefixtures("small_pages")
def test_uidvalidity_that_changes_during_a_session(scene: RealScene) -> None:
    scene.fill(450)
    connector = scene.connector()
    original = connector.envelopes
    pages = 0

    def renumber_after_the_first_page(*arguments):  # type: ignore[no-untyped-def]
        nonlocal pages
        pages += 1
        if pages == 2:
            scene.account.renumber()
            connector._session.leave()  # type: ignore[union-attr]
        return original(*arguments)

    connector.envelopes = renumber_after_the_first_page  # type: ignore[method-assign]
    Engine(connector, scene.store, lambda: 0.0).run(1.0)
    assert pages > 2
    assert scene.run().finished
    assert len({copy.uidvalidity for copy in scene.store.in_folder("INBOX")}) == 1
    assert len(scene.store.bodies) == 450
    scene.check()


def test_100_mails_moved_between_two_looks(scene: RealScene) -> None:
    """Promise 4: they move after the first folder was read and before the second is."""
    scene.fill(100, "Sent")
    scene.run()
    bodies = dict(scene.store.bodies)
    connector = scene.connector()
    original = connector.changes
    looked: list[str] = []

    def move_after_the_inbox(folder, *arguments):  # type: ignore[no-untyped-def]
        changes = original(folder, *arguments)
        if folder.role == "inbox" and not looked:
            looked.append(folder.name)
            scene.account.move("1:*", "Sent", "INBOX")
            connector._statuses.clear()
        return changes

    connector.changes = move_after_the_inbox  # type: ignore[method-assign]
    outcome = Engine(connector, scene.store, lambda: 0.0).run(1.0)
    assert outcome.finished and looked
    assert len(scene.store.in_folder("INBOX")) == 100 and not scene.store.in_folder("Sent")
    assert set(scene.store.lowest_copies.values()) == {1}
    assert scene.store.bodies == bodies
    scene.check()


def test_a_renamed_folder_is_not_downloaded_again(scene: RealScene) -> None:
    """Promise 17."""
    scene.account.create("Angebote")
    scene.fill(60, "Angebote")
    scene.run()
    scene.account.rename("Angebote", "Offers")
    octets = scene.proxy.octets
    outcome = scene.run()
    assert outcome.finished and outcome.envelopes == outcome.contents == 0
    assert scene.proxy.octets - octets < 5_000
    assert len(scene.store.in_folder("Offers")) == 60
    scene.check()


def test_a_folder_deleted_and_made_again_is_another(scene: RealScene) -> None:
    scene.account.create("Angebote")
    scene.fill(5, "Angebote")
    scene.run()
    scene.account.delete("Angebote")
    scene.account.create("Angebote")
    scene.fill(2, "Angebote")
    assert scene.run().finished
    assert len(scene.store.in_folder("Angebote")) == 2
    scene.check()


def test_a_folder_that_is_away_keeps_its_mail(scene: RealScene) -> None:
    scene.account.create("Angebote")
    scene.fill(5, "Angebote")
    scene.run()
    scene.account.delete("Angebote")
    for _run in range(2):
        assert len(scene.run().folder_errors) == 1
    assert len(scene.store.in_folder("Angebote")) == 5


# -- the network ------------------------------------------------------------------------------------------------


def _interrupted(scene: RealScene, fault: Fault) -> ConnectorError | None:
    scene.proxy.fault = fault
    error = scene.run().error
    scene.proxy.fault = None
    return error


@pytest.mark.parametrize("action", ["close", "reset"])
def test_a_connection_cut_anywhere_loses_and_doubles_nothing(scene: RealScene, action: Action) -> None:
    """Promise 9: the offset sweeps over the whole first synchronisation."""
    scene.fill(40)
    octets = _length_of_a_first_run(scene)
    broken = 0
    for after in range(1, octets, max(1, octets // 40)):
        scene.store = MemoryStore()
        error = _interrupted(scene, Fault(action, after))
        broken += isinstance(error, Transient)
        assert error is None or isinstance(error, Transient), error
        assert scene.run().finished
        assert len(scene.store.bodies) == 40, after
        scene.check()
    assert broken > 30


def _length_of_a_first_run(scene: RealScene) -> int:
    scene.run()
    return scene.proxy.octets


def test_a_connection_cut_on_the_way_to_the_server(scene: RealScene) -> None:
    scene.fill(20)
    for after in range(1, 2_000, 150):
        scene.store = MemoryStore()
        _interrupted(scene, Fault("close", after, "to_server"))
        assert scene.run().finished
        assert len(scene.store.bodies) == 20


def test_a_server_that_falls_silent_costs_the_time_out_and_nothing_else(scene: RealScene) -> None:
    scene.fill(30)
    octets = _length_of_a_first_run(scene)
    for after in range(1, octets - 1_000, octets // 8):
        scene.store = MemoryStore()
        scene.timeout = 0.3
        error = _interrupted(scene, Fault("stall", after))
        assert error is not None and error.cause == "timeout"
        scene.timeout = 5.0
        assert scene.run().finished
        assert len(scene.store.bodies) == 30
    scene.check()


def test_many_failures_in_a_row_put_no_mail_aside(scene: RealScene) -> None:
    scene.fill(40)
    octets = _length_of_a_first_run(scene)
    scene.store = MemoryStore()
    for after in range(200, octets, octets // 25):
        _interrupted(scene, Fault("reset", after))
    assert scene.run().finished
    assert len(scene.store.bodies) == 40
    scene.check()


def test_a_server_that_goes_away_and_comes_back(scene: RealScene) -> None:
    scene.fill(10)
    scene.run()
    scene.proxy.down()
    error = scene.run().error
    assert error is not None and error.cause == "refused"
    assert len(scene.store.copies) == 10
    scene.proxy.up()
    scene.fill(1)
    assert scene.run().envelopes == 1
    scene.check()


def _without_the_last(line: bytes) -> bytes:
    """SEARCH and FETCH answers without one mail each."""
    line = re.sub(rb"^(\* SEARCH .*) \d+$", rb"\1", line)
    return b"* OK nothing" if re.match(rb"\* 4 FETCH .UID \d+ INTERNALDATE", line) else line


def test_a_truncated_listing_deletes_nothing_and_is_an_error_people_see(scene: RealScene) -> None:
    """Promise 7."""
    scene.fill(10)
    scene.run()
    scene.proxy.rewrite = _without_the_last
    audit = scene.engine().audit()
    assert [line.error is not None for line in audit.folders if line.folder.role == "inbox"] == [True]
    scene.fill(3)
    assert scene.run().envelopes == 3, "what is new is listed by windows that lie above the lie"
    assert len(scene.store.copies) == 13
    scene.proxy.rewrite = None
    scene.check()


def test_latency_does_not_multiply(scene: RealScene) -> None:
    """A first run of 300 mails needs a bounded number of round trips, whatever the distance."""
    scene.fill(300)
    connector = scene.connector()
    connector.open()
    session = connector._session
    connector.close = lambda: None  # type: ignore[method-assign]
    connector.open = lambda: None  # type: ignore[method-assign]
    assert session is not None
    before = session._imap.tagnum
    assert Engine(connector, scene.store, lambda: 0.0).run(1.0).finished
    assert session._imap.tagnum - before <= 30
    session.close()


@pytest.mark.usefixtures("small_pages")
def test_mail_that_arrives_while_pages_are_fetched_comes_with_the_next_run(scene: RealScene) -> None:
    scene.fill(450)
    connector = scene.connector()
    original = connector.envelopes

    def deliver(*arguments):  # type: ignore[no-untyped-def]
        scene.account.deliver(mail())
        return original(*arguments)

    connector.envelopes = deliver  # type: ignore[method-assign]
    assert Engine(connector, scene.store, lambda: 0.0).run(1.0).finished
    assert scene.run().finished
    assert len(scene.store.in_folder("INBOX")) == 453
    scene.check()

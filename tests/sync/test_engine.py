"""What a run does, on an account that behaves."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from mail_crm_link.connectors.errors import FolderGone, ProviderBroken, SignInNeeded, Transient
from mail_crm_link.sync.engine import Engine

from .conftest import Scene
from .mails import mail, mails


def test_first_run_stores_every_mail_with_its_body(scene: Scene) -> None:
    for raw in mails(250):
        scene.account.deliver(raw)
    scene.account.deliver(mail(), "Sent")
    outcome = scene.run()
    assert outcome.finished and outcome.envelopes == outcome.contents == 251
    assert len(scene.store.in_folder("INBOX")) == 250
    assert len(scene.store.bodies) == 251


def test_nothing_new_costs_one_look_a_folder_and_writes_nothing(scene: Scene) -> None:
    scene.account.deliver(mail())
    scene.run()
    scene.account.calls.clear()
    written = scene.store.transactions
    assert scene.run().finished
    assert scene.store.transactions == written
    assert scene.account.calls == {"open": 1, "folders": 1, "changes": 2}


def test_new_mail_is_all_that_is_fetched(scene: Scene) -> None:
    for raw in mails(30):
        scene.account.deliver(raw)
    scene.run()
    scene.account.deliver(mail())
    assert scene.run().envelopes == 1
    assert len(scene.store.in_folder("INBOX")) == 31


def test_read_flags_follow(scene: Scene) -> None:
    uid = scene.account.deliver(mail())
    scene.run()
    scene.account.mark(uid, seen=True)
    scene.run()
    assert scene.store.in_folder("INBOX")[0].seen


@pytest.mark.usefixtures("small_pages")
def test_folders_fill_side_by_side_from_their_newest_mail(scene: Scene) -> None:
    for raw in mails(300):
        scene.account.deliver(raw)
        scene.account.deliver(raw + b"sent", "Sent")
    outcome = scene.run(deadline=3, ticking=True)
    assert not outcome.finished and outcome.error is None
    assert [len(scene.store.in_folder(name)) for name in ("INBOX", "Sent")] == [200, 200]
    assert min(int(copy.remote_id) for copy in scene.store.in_folder("INBOX")) == 101


@pytest.mark.usefixtures("small_pages")
def test_a_run_that_was_stopped_by_its_deadline_is_continued(scene: Scene) -> None:
    for raw in mails(500):
        scene.account.deliver(raw)
    runs = 0
    while not scene.run(deadline=5, ticking=True).finished:
        runs += 1
        assert runs < 30
    assert runs > 1
    assert len(scene.store.bodies) == 500
    assert scene.account.calls["envelopes"] == 3


def test_mail_before_the_window_is_left_out(scene: Scene) -> None:
    scene.store.since = datetime(2026, 1, 1, tzinfo=timezone.utc)
    scene.account.deliver(mail(), received=datetime(2025, 12, 31, 23, 59, tzinfo=timezone.utc))
    scene.account.deliver(mail(), received=datetime(2026, 1, 1, tzinfo=timezone.utc))
    scene.run()
    assert len(scene.store.copies) == 1


def test_one_bad_mail_costs_one_mail(scene: Scene) -> None:
    for number, raw in enumerate(mails(100)):
        scene.account.deliver(raw, fault="the server refuses it" if number == 40 else "")
    outcome = scene.run()
    assert outcome.finished and outcome.failures == 1
    assert len(scene.store.bodies) == 99
    assert [copy.reason for copy in scene.store.copies.values() if copy.reason] == ["the server refuses it"]


def test_a_folder_without_permission_costs_one_folder_and_comes_back(scene: Scene) -> None:
    scene.account.deliver(mail())
    scene.account.deliver(mail(), "Sent")
    scene.account.folders["INBOX"].denied = True
    outcome = scene.run()
    ((_key, error),) = outcome.folder_errors
    assert outcome.finished and isinstance(error, FolderGone)
    assert len(scene.store.bodies) == 1
    scene.account.folders["INBOX"].denied = False
    scene.run()
    assert len(scene.store.bodies) == 2
    assert not any(state.failed for state in scene.store.folders())


def test_a_failure_of_a_folder_is_forgotten_though_nothing_is_new_in_it(scene: Scene) -> None:
    scene.run()
    scene.account.folders["INBOX"].denied = True
    scene.run()
    assert any(state.failed for state in scene.store.folders())
    scene.account.folders["INBOX"].denied = False
    scene.run()
    assert not any(state.failed for state in scene.store.folders())


def test_nonsense_in_one_folder_leaves_the_others_a_new_connection(scene: Scene) -> None:
    scene.account.deliver(mail())
    scene.account.deliver(mail(), "Sent")
    scene.account.fail("changes", 1, ProviderBroken("nonsense"))
    outcome = scene.run()
    assert outcome.finished and len(outcome.folder_errors) == 1
    assert scene.account.calls["open"] == 2
    assert len(scene.store.in_folder("Sent")) == 1
    scene.run()
    assert len(scene.store.bodies) == 2


def test_mail_that_cannot_be_fetched_does_not_hide_mail_that_can(scene: Scene) -> None:
    scene.account.deliver(mail(), "Sent")
    for raw in mails(700):
        scene.account.deliver(raw)
    scene.run(deadline=8, ticking=True)
    scene.store.bodies.clear()
    scene.account.folders["INBOX"].denied = True
    outcome = scene.run()
    assert outcome.finished and outcome.contents == 1


def test_a_refused_sign_in_is_an_outcome_and_changes_nothing(scene: Scene) -> None:
    scene.account.deliver(mail())
    scene.run()
    before = scene.store.picture()
    scene.account.fail("open", 2, SignInNeeded("no"))
    outcome = scene.run()
    assert isinstance(outcome.error, SignInNeeded) and not outcome.finished
    assert scene.store.picture() == before


def test_an_error_never_becomes_an_empty_mailbox(scene: Scene) -> None:
    for raw in mails(3):
        scene.account.deliver(raw)
    scene.run()
    for operation in ("folders", "changes"):
        scene.account.fail(operation, scene.account.calls[operation] + 1, Transient("down"))
        assert not scene.run().finished
        assert len(scene.store.copies) == 3


class ShortRead(Engine):
    """Negative control: takes a connection that broke for a page that ended."""

    def _envelopes(self, each, page):  # type: ignore[no-untyped-def]
        try:
            return super()._envelopes(each, page)
        except Transient:
            self._connector.open()
            return []


def test_taking_a_broken_connection_for_an_end_would_lose_mail(scene: Scene) -> None:
    """Promise 9."""
    for raw in mails(10):
        scene.account.deliver(raw)
    for engine, stored in ((Engine, 10), (ShortRead, 0)):
        again = Scene(scene.account, engine=engine)
        scene.account.fail("envelopes", scene.account.calls["envelopes"] + 1, Transient("cut", cause="disconnected"))
        again.run()
        again.run()
        assert len(again.store.copies) == stored


def test_throttling_keeps_what_came_and_blames_no_mail(scene: Scene) -> None:
    """Promise 13."""
    for raw in mails(50):
        scene.account.deliver(raw)
    scene.account.fail("content", 31, Transient("slow down", cause="throttled", retry_after=120))
    outcome = scene.run()
    assert isinstance(outcome.error, Transient) and outcome.error.retry_after == 120
    assert len(scene.store.bodies) == 30
    assert {copy.attempts for copy in scene.store.copies.values()} == {0}
    assert scene.run().contents == 20


def test_throttled_pages_count_against_no_mail(scene: Scene) -> None:
    scene.account.deliver(mail())
    for call in range(1, 9):
        scene.account.fail("envelopes", call, Transient("slow down", cause="throttled"))
        scene.run()
    assert scene.store.folders()[0].attempts == 0
    assert scene.run().quarantined == 0
    assert len(scene.store.bodies) == 1


def test_a_page_that_breaks_the_connection_is_bisected_to_the_mail_that_does(scene: Scene) -> None:
    """Promise 10, on a server that hangs up over one mail."""
    for raw in mails(100):
        scene.account.deliver(raw)
    scene.engine = _with_poison("50")
    runs = scene.run_until_finished()
    reasons = {copy.remote_id: copy.reason for copy in scene.store.copies.values() if copy.reason}
    assert list(reasons) == ["50"] and runs < 15
    assert len(scene.store.bodies) == 99


def _with_poison(poison: str) -> type:
    class Poisoned(Engine):
        def _envelopes(self, each, page):  # type: ignore[no-untyped-def]
            if poison in page.added:
                raise Transient("hung up", cause="disconnected")
            return super()._envelopes(each, page)

    return Poisoned

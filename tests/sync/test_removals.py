"""Mail leaves, moves, and only seems to leave (promises 3, 4, 7, 17)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from mail_crm_link.connectors.base import Changes, Connector, Folder
from mail_crm_link.connectors.errors import CursorExpired
from mail_crm_link.connectors.scripted import ScriptedAccount, ScriptedConnector
from mail_crm_link.sync.engine import Engine

from .conftest import Scene
from .mails import mail, mails
from .memory_store import MemoryStore


@pytest.fixture(params=[True, False], ids=["told", "found out"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """An account that says which mail is gone, and one that does not."""
    made = Scene(ScriptedAccount(tells_vanished=request.param))
    made.account.create("Sent", "sent")
    return made


def filled(scene: Scene, count: int = 10) -> list[str]:
    uids = [scene.account.deliver(raw) for raw in mails(count)]
    scene.run()
    return uids


def test_what_is_gone_is_removed(scene: Scene) -> None:
    uids = filled(scene)
    scene.account.remove(uids[3])
    scene.run()
    assert uids[3] not in {copy.remote_id for copy in scene.store.copies.values()}
    assert len(scene.store.copies) == 9


def test_a_moved_mail_is_never_without_a_copy(scene: Scene) -> None:
    uids = filled(scene)
    bodies = scene.account.calls["content"]
    for uid in uids:
        scene.account.move(uid, "INBOX", "Sent")
    scene.run()
    assert len(scene.store.in_folder("Sent")) == 10 and not scene.store.in_folder("INBOX")
    assert set(scene.store.lowest_copies.values()) == {1}
    assert scene.account.calls["content"] == bodies


class BusyConnector(ScriptedConnector):
    """Moves 100 mails from one folder to another between the looks at both."""

    moves: Callable[[], None] | None = None

    def changes(self, folder: Folder, cursor: str | None, since: datetime | None, limit: int) -> Changes:
        changes = super().changes(folder, cursor, since, limit)
        moves = self.moves
        if moves is not None and folder.remote_id == "INBOX":
            self.moves = None
            moves()
        return changes


class BusyScene(Scene):
    """INBOX is looked at first, then 100 mails move from Sent into it, then Sent is looked at."""

    busy: Callable[[], None] | None = None

    def connector(self) -> Connector:
        made = BusyConnector(self.account)
        made.moves, self.busy = self.busy, None
        return made


def busy_scene(told: bool, engine: type[Engine] = Engine) -> BusyScene:
    scene = BusyScene(ScriptedAccount(told), engine=engine)
    scene.account.create("Sent", "sent")
    uids = [scene.account.deliver(raw, "Sent") for raw in mails(100)]
    scene.run()
    scene.busy = lambda: [scene.account.move(uid, "Sent", "INBOX") for uid in uids] and None
    return scene


@pytest.mark.parametrize("told", [True, False])
def test_100_mails_moved_between_two_looks_are_never_without_a_copy(told: bool) -> None:
    scene = busy_scene(told)
    scene.run()
    assert len(scene.store.in_folder("INBOX")) == 100 and not scene.store.in_folder("Sent")
    assert set(scene.store.lowest_copies.values()) == {1}


class RemovesAtOnce(Engine):
    """Negative control: removes what a folder misses without asking the others once more."""

    def _removals(self) -> None:
        self._list_doubtful()
        self._remove()


@pytest.mark.parametrize("told", [True, False])
def test_removing_before_asking_the_other_folders_again_would_lose_sight_of_moved_mail(told: bool) -> None:
    scene = busy_scene(told, RemovesAtOnce)
    scene.run()
    assert set(scene.store.lowest_copies.values()) == {0}


def test_mail_that_keeps_moving_is_left_to_the_next_run(scene: Scene) -> None:
    class Restless(ScriptedConnector):
        def changes(self, folder: Folder, *arguments: Any) -> Changes:
            changes = super().changes(folder, *arguments)
            if folder.remote_id == "INBOX" and self._account.folders["INBOX"].mails:
                self._account.move(str(max(self._account.folders["INBOX"].mails)), "INBOX", "Sent")
            return changes

    filled(scene, 20)
    Engine(Restless(scene.account), scene.store, lambda: 0).run(1)
    assert min(scene.store.lowest_copies.values()) == 1
    scene.run()
    assert len(scene.store.in_folder("INBOX")) == len(scene.account.folders["INBOX"].mails)
    assert min(scene.store.lowest_copies.values()) == 1


def test_uidvalidity_that_changes_makes_no_mail_new_and_fetches_no_body(scene: Scene) -> None:
    filled(scene, 30)
    bodies = scene.account.calls["content"]
    scene.account.renumber()
    scene.run()
    assert set(scene.store.announced.values()) == {1}
    assert set(scene.store.lowest_copies.values()) == {1}
    assert scene.account.calls["content"] == bodies
    assert {copy.uidvalidity for copy in scene.store.in_folder("INBOX")} == {
        str(scene.account.folders["INBOX"].uidvalidity)
    }
    assert len(scene.store.copies) == 30


class WithoutGenerations(MemoryStore):
    """Negative control: a store whose key leaves UIDVALIDITY out."""

    def _put_copy(self, key: int, uidvalidity: str, envelope: Any) -> None:
        super()._put_copy(key, "", envelope)

    def _is_gone(self, location: tuple[int, str, str], changes: Changes) -> bool:
        return super()._is_gone(location, replace(changes, uidvalidity=""))

    def locations(self, key: int, uidvalidity: str) -> frozenset[str]:
        return super().locations(key, "")


def test_without_uidvalidity_in_the_key_mail_would_be_taken_for_other_mail() -> None:
    scene = Scene(store=WithoutGenerations())
    uids = filled(scene, 10)
    scene.account.remove(uids[0])
    scene.run()
    scene.account.renumber()
    scene.account.deliver(mail("new"))
    scene.run()
    scene.run()
    assert len(scene.store.announced) == 10, "the new mail has an id that an old one had, and is never seen"


def test_uidvalidity_that_changes_between_the_ids_and_the_fetch(scene: Scene) -> None:
    class Renumbering(ScriptedConnector):
        def envelopes(self, folder: Folder, uidvalidity: str, remote_ids: Any) -> Any:
            if self._account.calls["envelopes"] == 0:
                self._account.renumber()
            return super().envelopes(folder, uidvalidity, remote_ids)

    for raw in mails(30):
        scene.account.deliver(raw)
    outcome = Engine(Renumbering(scene.account), scene.store, lambda: 0).run(1)
    assert outcome.finished and len(scene.store.bodies) == 30


def test_an_expired_cursor_leads_to_a_listing_by_difference(scene: Scene) -> None:
    """Promise 15 on the engine's side."""
    uids = filled(scene, 20)
    scene.account.remove(uids[2])
    scene.account.deliver(mail())
    scene.account.fail("changes", scene.account.calls["changes"] + 1, CursorExpired("history is gone"))
    fetched = scene.account.calls["content"]
    scene.run()
    assert len(scene.store.in_folder("INBOX")) == 20
    assert scene.account.calls["content"] == fetched + 1


def test_a_folder_that_is_away_for_a_while_keeps_its_mail(scene: Scene) -> None:
    filled(scene)
    away = scene.account.folders.pop("INBOX")
    outcome = scene.run()
    assert len(outcome.folder_errors) == 1
    assert len(scene.store.copies) == 10
    scene.account.folders["INBOX"] = away
    scene.account.calls.clear()
    assert scene.run().finished
    assert scene.account.calls["envelopes"] == 0 and len(scene.store.copies) == 10


def test_a_renamed_folder_keeps_its_mail_without_one_download(scene: Scene) -> None:
    scene.account.create("Kunden", "other")
    for raw in mails(20):
        scene.account.deliver(raw, "Kunden")
    scene.run()
    key = scene.store.folder_key("Kunden")
    scene.account.rename("Kunden", "Clients")
    scene.account.calls.clear()
    scene.run()
    assert scene.store.folder_key("Clients") == key
    assert scene.account.calls["envelopes"] == scene.account.calls["content"] == 0
    assert len(scene.store.in_folder("Clients")) == 20


def test_without_recognising_renames_the_folder_would_be_downloaded_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.memory_store.renamed", lambda stored, listed: {})
    scene.account.create("Kunden", "other")
    scene.account.deliver(mail(), "Kunden")
    scene.run()
    scene.account.rename("Kunden", "Clients")
    scene.account.calls.clear()
    scene.run()
    assert scene.account.calls["envelopes"] == 1


def test_a_folder_deleted_and_made_again_is_another_one(scene: Scene) -> None:
    scene.account.create("Kunden", "other")
    scene.account.deliver(mail(), "Kunden")
    scene.run()
    scene.account.create("Kunden", "other")
    raw = mail()
    scene.account.deliver(raw, "Kunden")
    scene.run()
    (copy,) = scene.store.in_folder("Kunden")
    assert scene.store.bodies[copy.mail] == raw


def test_an_unconfirmed_listing_removes_nothing() -> None:
    class Unsure(ScriptedConnector):
        def reconcile(self, folder: Folder, cursor: str | None, since: datetime | None) -> Changes:
            return Changes(super().reconcile(folder, cursor, since).uidvalidity, cursor, doubtful=True)

    scene = Scene(ScriptedAccount(tells_vanished=False))
    uids = filled(scene)
    scene.account.remove(uids[0])
    Engine(Unsure(scene.account), scene.store, lambda: 0).run(1)
    assert len(scene.store.copies) == 10
    scene.run()
    assert len(scene.store.copies) == 9


def test_believing_a_page_to_be_the_folder_would_delete_the_rest() -> None:
    """Negative control: a store that takes what a page names for all there is."""

    class Credulous(MemoryStore):
        def save_page(self, key: int, changes: Changes, envelopes: Any) -> None:
            super().save_page(key, changes, envelopes)
            self.removed(key, Changes(changes.uidvalidity, changes.cursor, present=frozenset(changes.added)))

    scene = Scene(store=Credulous())
    filled(scene)
    scene.account.deliver(mail())
    scene.run()
    assert len(scene.store.copies) == 1


def test_audit_accounts_for_every_mail_and_repairs(scene: Scene) -> None:
    """Promise 20."""
    uids = filled(scene, 20)
    lost = [location for location in scene.store.copies if location[2] in uids[:3]]
    for location in lost:
        del scene.store.copies[location]
    stray = next(iter(scene.store.copies.values()))
    scene.store.copies[stray.folder_key, stray.uidvalidity, "999"] = stray
    report = scene.audit()
    inbox = next(line for line in report.folders if line.folder.role == "inbox")
    assert (inbox.on_server, inbox.known, inbox.missing, inbox.surplus) == (20, 17, 3, 1)
    assert report.outcome.finished and report.outcome.envelopes == 3
    again = next(line for line in scene.audit().folders if line.folder.role == "inbox")
    assert (again.on_server, again.known, again.missing, again.surplus) == (20, 20, 0, 0)


def test_audit_names_the_folder_it_could_not_compare(scene: Scene) -> None:
    filled(scene)
    scene.account.folders["Sent"].denied = True
    report = scene.audit()
    assert [line.error is not None for line in report.folders] == [False, True]

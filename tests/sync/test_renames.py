"""Which folder lives on under another name."""

from __future__ import annotations

import pytest

from mail_crm_link.connectors.base import Folder
from mail_crm_link.sync.renames import renamed


def folders(*pairs: tuple[str, str]) -> list[Folder]:
    return [Folder(name, name, "other", uidvalidity=uidvalidity) for name, uidvalidity in pairs]


@pytest.mark.parametrize(
    ("stored", "listed", "found"),
    [
        pytest.param({1: ("A", "7")}, [("B", "7")], {1: "B"}, id="renamed"),
        pytest.param({1: ("A", "7")}, [("A", "7"), ("B", "8")], {}, id="another one is new"),
        pytest.param({1: ("A", "7")}, [("B", "8")], {}, id="deleted, and another made"),
        pytest.param({1: ("A", "7"), 2: ("B", "7")}, [("C", "7"), ("D", "7")], {}, id="numbers that say nothing"),
        pytest.param({1: ("A", "7")}, [("B", "7"), ("C", "7")], {}, id="two could be it"),
        pytest.param({1: ("A", "")}, [("B", "")], {}, id="no numbers"),
        pytest.param({1: ("A", "7"), 2: ("B", "8")}, [("B", "7"), ("A", "8")], {}, id="swapped names are not guessed"),
        pytest.param(
            {1: ("P/A", "7"), 2: ("P/B", "8")}, [("Q/A", "7"), ("Q/B", "8")], {1: "Q/A", 2: "Q/B"}, id="parent"
        ),
        pytest.param({1: ("A", "7")}, [], {}, id="away"),
    ],
)
def test_renamed(stored: dict[int, tuple[str, str]], listed: list[tuple[str, str]], found: dict[int, str]) -> None:
    assert {key: folder.remote_id for key, folder in renamed(stored, folders(*listed)).items()} == found

import random

import pytest

from mail_crm_link.rules.conversation import Group, join, key_of, keys
from mail_crm_link.rules.message import parse_header


def test_keys_are_own_first_then_those_referred_to() -> None:
    header = parse_header(b"Message-ID: <c@x>\nIn-Reply-To: <b@x>\nReferences: <a@x> <b@x>\n\n", 1)
    assert keys(header) == (key_of("<c@x>"), key_of("<b@x>"), key_of("<a@x>"))
    assert all(len(key) == 32 for key in keys(header))


def test_without_ids_there_are_no_keys() -> None:
    assert keys(parse_header(b"Message-ID: <>\nIn-Reply-To: your mail\n\n", 1)) == ()


@pytest.mark.parametrize(
    ("mails", "known", "expected"),
    [
        pytest.param([], {}, [], id="empty page"),
        pytest.param([()], {}, [Group((0,), frozenset(), ())], id="mail without ids"),
        pytest.param(
            ["a", "b"],
            {},
            [Group((0,), frozenset(), ("a",)), Group((1,), frozenset(), ("b",))],
            id="strangers",
        ),
        pytest.param(["b", "ab"], {}, [Group((0, 1), frozenset(), ("b", "a"))], id="answer"),
        pytest.param(
            ["b", "x", "a", "ab"],
            {},
            [Group((0, 2, 3), frozenset(), ("b", "a")), Group((1,), frozenset(), ("x",))],
            id="joined by a later mail",
        ),
        pytest.param(["ba"], {"a": 7}, [Group((0,), frozenset({7}), ("b", "a"))], id="answer to a known one"),
        pytest.param(["cab"], {"a": 7, "b": 8}, [Group((0,), frozenset({7, 8}), ("c", "a", "b"))], id="merges two"),
        pytest.param(
            ["xa", "yb"],
            {"a": 7, "b": 7},
            [Group((0, 1), frozenset({7}), ("x", "a", "y", "b"))],
            id="two answers into one known conversation",
        ),
    ],
)
def test_join(mails: list[str], known: dict[str, int], expected: list[Group]) -> None:
    assert join([tuple(mail) for mail in mails], known) == expected


def test_order_of_arrival_does_not_matter() -> None:
    mails = [(f"m{number}", f"m{number - 1}") for number in range(1, 200) if number % 50]
    shuffled = random.Random(1).sample(mails, len(mails))
    assert {frozenset(group.keys) for group in join(mails, {})} == {
        frozenset(group.keys) for group in join(shuffled, {})
    }
    assert len(join(shuffled, {})) == 4

"""The threat model names tests; a promise whose test is gone is none."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENTRY = re.compile(r"^\* ``(\S+\.py)``:(.*?)(?=^\* |^$)", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"``(test_\w+)``")


def test_the_tests_that_it_names_exist() -> None:
    text = (ROOT / "docs" / "threat-model.rst").read_text()
    found = ENTRY.findall(text)
    assert len(found) == text.count("* ``")
    for path, names in found:
        source = (ROOT / path).read_text()
        assert NAME.findall(names)
        assert not [name for name in NAME.findall(names) if f"def {name}(" not in source], path

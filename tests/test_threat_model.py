"""The threat model names tests; a promise whose test is gone is none."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULE = re.compile(r"^\* ``(\S+\.py)``:((?:\s+``\w+``,?)+)", re.MULTILINE)


def test_the_tests_that_it_names_exist() -> None:
    text = (ROOT / "docs" / "threat-model.rst").read_text()
    found = MODULE.findall(text)
    assert len(found) == text.count("* ``")
    for path, names in found:
        source = (ROOT / path).read_text()
        assert not [name for name in re.findall(r"\w+", names) if f"def {name}(" not in source], path

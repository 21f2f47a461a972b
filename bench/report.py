"""The table for people, and the same as JSON."""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from .rows import Figure, Sizes
from .runs import processor_count


def line(figure: Figure) -> str:
    """One line of the table."""
    verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
    return f"{figure.name:<52}{number(figure.value):>14}  {figure.unit:<20}{aim(figure):<8}{verdict}".rstrip()


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def aim(figure: Figure) -> str:
    if figure.at_least is not None:
        return f"≥ {figure.at_least:g}"
    return f"≤ {figure.at_most:g}" if figure.at_most is not None else ""


def write(path: Path, figures: Iterable[Figure], sizes: Sizes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(figures, sizes), indent=2) + "\n")


def document(figures: Iterable[Figure], sizes: Sizes) -> dict:
    """All that was measured, and on what."""
    return {
        "machine": {
            "processors": processor_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "sizes": asdict(sizes),
        "figures": [{**asdict(figure), "value": figure.value, "met": figure.met} for figure in figures],
    }

"""Packages whose modules come when they are first used (PEP 562).

Odoo loads all models when it starts, on servers that have no mailbox of a provider, too. So models import the packages,
and the modules in them come with the first mail.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any


def on_demand(package: str, names: Mapping[str, str] = {}) -> Callable[[str], Any]:
    """What ``__getattr__`` of a package has to be: it knows the modules of the package, and names in them.

    :param names: module of the package, by the name that comes from it; ``module.other`` where it has another there
    """

    def load(name: str) -> Any:
        if name in names:
            module, _dot, other = names[name].partition(".")
            return getattr(importlib.import_module(f".{module}", package), other or name)
        if importlib.util.find_spec(f".{name}", package):
            return importlib.import_module(f".{name}", package)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load

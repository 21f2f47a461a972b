"""Names of a package that bring their modules with them when they are first used (PEP 562).

Odoo loads all models when it starts, on servers that have no mailbox of a provider, too. So models import the packages
of the providers, and what is in them comes with the first mailbox.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def on_demand(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """What ``__getattr__`` of a package has to be.

    :param modules: module of the package, by the name that comes from it; ``module.other`` where it has another there
    """

    def load(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _dot, other = modules[name].partition(".")
        return getattr(importlib.import_module(f".{module}", package), other or name)

    return load

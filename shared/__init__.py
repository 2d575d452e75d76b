"""Twotrack from Python.

`shared.lessons()`, `shared.run(...)` and `shared.compare(...)` for the lessons,
`shared.check_pair(...)` and `shared.pair_test(...)` for models of your own. Nothing is
imported until it is asked for, so that the command line answers at once.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {"check_pair": "shared.check.api", "pair_test": "shared.check.api"}

__all__ = ["check_pair", "compare", "lessons", "pair_test", "run"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        home = _HOMES.get(name, "shared.api")
        return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module 'shared' has no attribute {name!r}")

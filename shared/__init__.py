"""Twotrack from Python: `shared.lessons()`, `shared.run(...)`, `shared.compare(...)`.

Nothing is imported until it is asked for, so that the command line answers at once.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["compare", "lessons", "run"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("shared.api"), name)
    raise AttributeError(f"module 'shared' has no attribute {name!r}")

"""In the process of a track: run its function for one difference."""

from __future__ import annotations

import importlib
from typing import Any

from shared.differences.difference import Inputs, Shown
from shared.parity.trace import Trace


def demonstrate(
    package: str, arrays: Inputs, *, group: str, slug: str, precision: str
) -> tuple[Trace, dict[str, Any]]:
    """What the framework shows by itself and with the remedy, and its settings.

    Args:
        package: the track's.
        arrays: the function's arguments.
        group: the file in `differences/` of the track.
        slug: the function in it.
        precision: "float64" or "float32".
    """
    backend = importlib.import_module(f"{package}.backend")
    backend.configure("cpu", precision, 0)
    module = importlib.import_module(f"{package}.differences.{group}")
    tensors = {name: backend.tensor(array) for name, array in arrays.items()}
    shown: Shown = getattr(module, slug)(**tensors)
    remedied = shown.default if shown.remedied is None else shown.remedied
    trace = {f"default/{k}": backend.array(v) for k, v in shown.default.items()}
    trace |= {f"remedied/{k}": backend.array(v) for k, v in remedied.items()}
    return trace, {"settings": dict(shown.settings)}

"""Reading two traces side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from shared.job import Outcome
from shared.parity.deviation import Deviation, broken, relative
from shared.parity.trace import Trace
from shared.weights import Weights

Pair = dict[str, Outcome]
"""What the tracks "tf" and "torch" found."""


def same_results(
    tf: Trace, torch: Trace, level: str, tolerance: float
) -> Iterator[Deviation]:
    """What the lesson shows; a name may carry the level it belongs to."""
    a, b = results(tf, level), results(torch, level)
    for name in merged(a, b):
        yield one(name, a.get(name), b.get(name), tolerance)


_LEVELS = ("forward", "gradient", "trajectory")


def results(trace: Trace, level: str) -> Weights:
    """The results of the lesson that belong to a level."""
    shown = keys(trace, "result")
    default = "trajectory" if keys(trace, "history") else "forward"
    found = {}
    for name, value in shown.items():
        prefix = name.partition("/")[0]
        if (prefix if prefix in _LEVELS else default) == level:
            found[name] = value
    return found


def one(
    name: str,
    tf: np.ndarray | None,
    torch: np.ndarray | None,
    tolerance: float,
    least: float = 0.0,
) -> Deviation:
    """The deviation of two tensors, either of which may be missing."""
    if tf is None or torch is None:
        return broken(f"only {'torch' if tf is None else 'tf'} has {name}", tolerance)
    return relative(name, tf, torch, tolerance, least)


def largest(tensors: Iterable[np.ndarray]) -> float:
    """The largest finite magnitude in any of the tensors; 0 if there is none."""
    finite = (np.nan_to_num(np.abs(t), posinf=0.0) for t in tensors if t.size)
    return max((float(t.max()) for t in finite), default=0.0)


def keys(trace: Trace, level: str) -> Weights:
    """The entries of one level, the level's name left off."""
    prefix = f"{level}/"
    return {
        key[len(prefix) :]: value
        for key, value in trace.items()
        if key.startswith(prefix)
    }


def merged(a: Weights, b: Weights) -> list[str]:
    """The keys of both, in the order of the first, the second's own at their place."""
    order = list(a)
    for index, key in enumerate(b):
        if key not in a:
            order.insert(min(index, len(order)), key)
    return order

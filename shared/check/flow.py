"""The steps of a model in an order that does not depend on which branch runs first."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.parity.trace import Trace

Step: TypeAlias = Mapping[str, Any]


def ordered(
    steps: Sequence[Step],
    trace: Trace,
    ranks: Mapping[int, int],
    inputs: Iterable[NDArray[Any]],
) -> list[Step]:
    """Each call after the layer from which its data come.

    Args:
        steps: as they ran.
        trace: what went in and came out of each; without it the order stays.
        ranks: where each layer that has a partner belongs, by its order.
        inputs: of the model.
    """
    if not any(key.startswith("glue/") for key in trace):
        return list(steps)
    known = {_key(array): -1 for array in inputs}
    found: list[tuple[int, Step]] = []
    for step in steps:
        rank = ranks.get(step["order"]) if step["node"] == "layer" else None
        if rank is None:
            sources = (known.get(_key(array)) for array in _arrays(trace, step, "in"))
            before = found[-1][0] if found else -1
            rank = max((r for r in sources if r is not None), default=before)
        known |= {_key(array): rank for array in _arrays(trace, step, "out")}
        found.append((rank, step))
    return [step for _, step in sorted(found, key=lambda one: one[0])]


def head(step: Step) -> str:
    """Under which its arrays are in a trace."""
    if step["node"] == "layer":
        return f"layer/{step['order']}"
    return f"glue/{step['id']}"


def _arrays(trace: Trace, step: Step, kind: str) -> Iterator[NDArray[Any]]:
    """What goes in, or comes out."""
    own = f"{head(step)}/{kind}"
    more = (f"{own}/{index}" for index in itertools.count(1))
    for key in (own, f"{own}/state", *itertools.takewhile(trace.__contains__, more)):
        if key in trace:
            yield trace[key]


def _key(array: NDArray[Any]) -> Hashable:
    """Equal for equal numbers."""
    return array.shape, hash(np.asarray(array, np.float64).tobytes())

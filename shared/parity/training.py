"""The level of the whole training: every loss, the weights on the way, the end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shared.parity import tolerances
from shared.parity.deviation import Deviation, broken, elementwise, mismatch
from shared.parity.pairs import Pair, keys, merged, one, same_results
from shared.parity.trace import Trace


def trajectory(pair: Pair, precision: str) -> Iterator[Deviation]:
    """The loss of every step; in float64 the weights on the way and the end too."""
    tf, torch = pair["tf"].trace, pair["torch"].trace
    yield from _losses(tf, torch, precision)
    if precision != "float64":
        return
    a, b = keys(tf, "snapshot"), keys(torch, "snapshot")
    for key in merged(a, b):
        step, _, name = key.partition("/")
        where = f"{name} after step {step}"
        allowed = tolerances.trajectory(int(step))
        yield one(where, a.get(key), b.get(key), allowed)
    allowed = tolerances.trajectory(len(tf["history/loss"]))
    yield one("prediction", tf["prediction"], torch["prediction"], allowed)
    yield from same_results(tf, torch, "trajectory", allowed)


def _losses(tf: Trace, torch: Trace, precision: str) -> Iterator[Deviation]:
    """The first step outside its tolerance, or the one nearest to it."""
    a, b = tf["history/loss"], torch["history/loss"]
    if precision == "float32":
        a, b = a[: tolerances.GATE_STEPS], b[: tolerances.GATE_STEPS]
    problem = mismatch(a, b)
    if problem:
        yield broken(f"loss: {problem}", tolerances.trajectory(0))
        return
    allowed = np.full(len(a), tolerances.GATE)
    if precision == "float64":
        allowed = np.array([tolerances.trajectory(t) for t in range(len(a))])
    error = elementwise(a, b)
    outside = np.flatnonzero(~(error <= allowed))
    at = int(outside[0]) if len(outside) else int((error / allowed).argmax())
    yield Deviation(float(error[at]), float(allowed[at]), f"loss at step {at}")


def parted(tf: np.ndarray, torch: np.ndarray) -> int | None:
    """The first step at which two losses differ by more than the horizon's 1e-4."""
    length = min(len(tf), len(torch))
    error = elementwise(tf[:length], torch[:length])
    outside = np.flatnonzero(~(error <= tolerances.HORIZON))
    return int(outside[0]) if len(outside) else None

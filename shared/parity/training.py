"""The level of the whole training: every loss, the weights on the way, the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from shared.parity import tolerances
from shared.parity.deviation import Deviation, broken, elementwise, mismatch
from shared.parity.pairs import Pair, keys, largest, merged, one, same_results
from shared.parity.trace import Trace


def trajectory(
    pair: Pair, precision: str, reach: int | None = None
) -> Iterator[Deviation]:
    """The loss of every step; in float64 the weights on the way and the end too.

    Args:
        pair: what both tracks found.
        precision: float32 is judged over its first steps only.
        reach: judge so many steps, and of the end only its kind; None judges all.
    """
    tf, torch = pair["tf"].trace, pair["torch"].trace
    if "history/loss" not in tf or "history/loss" not in torch:
        yield broken(f"only {'tf' if 'history/loss' in tf else 'torch'} trains")
        return
    yield from _losses(tf, torch, precision, reach)
    if precision == "float64":
        yield from _weights(tf, torch, reach)
        for found in _end(tf, torch):
            if reach is None or np.isinf(found.value):
                yield found


def _end(tf: Trace, torch: Trace) -> Iterator[Deviation]:
    allowed = tolerances.trajectory(len(tf["history/loss"]))
    if "prediction" in tf or "prediction" in torch:
        yield one("prediction", tf.get("prediction"), torch.get("prediction"), allowed)
    yield from same_results(tf, torch, "trajectory", allowed)


def _losses(
    tf: Trace, torch: Trace, precision: str, reach: int | None
) -> Iterator[Deviation]:
    """The first step outside its tolerance, or the one nearest to it."""
    a, b = tf["history/loss"][:reach], torch["history/loss"][:reach]
    problem = mismatch(a, b)
    if problem:
        yield broken(f"loss: {problem}", tolerances.trajectory(0, precision))
        return
    if precision == "float32":
        a, b = a[: tolerances.GATE_STEPS], b[: tolerances.GATE_STEPS]
    if not len(a):
        return
    error, allowed = loss_error(a, b), _allowed(len(a), precision)
    outside = np.flatnonzero(~(error <= allowed))
    at = int(outside[0]) if len(outside) else int((error / allowed).argmax())
    yield Deviation(float(error[at]), float(allowed[at]), f"loss at step {at}")


def _allowed(steps: int, precision: str) -> NDArray[np.float64]:
    return np.array([tolerances.trajectory(t, precision) for t in range(steps)])


def loss_error(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """Relative difference of every step's loss, shape (steps,).

    A loss that has fallen from J0 to J is compared with their geometric mean: it is
    made of residuals that have shrunk like sqrt(J / J0) and kept the rounding of the
    numbers that they are differences of.
    """
    first = max(float(np.abs(a[0])), np.finfo(np.float64).tiny)
    fallen = np.abs(a.astype(np.float64)) / first
    return np.asarray(elementwise(a, b) * np.sqrt(np.minimum(1.0, fallen)))


def _weights(tf: Trace, torch: Trace, reach: int | None) -> Iterator[Deviation]:
    """Each parameter at each stop, over the largest magnitude it has had so far."""
    a, b = keys(tf, "snapshot"), keys(torch, "snapshot")
    seen = {name: largest([value]) for name, value in keys(tf, "weights").items()}
    for key in merged(a, b):
        text, _, name = key.partition("/")
        step = int(text)
        if reach is not None and step > reach:
            continue
        if key in a:
            seen[name] = max(seen.get(name, 0.0), largest([a[key]]))
        tolerance = tolerances.trajectory(step)
        noise = tolerances.least_scale("float64", max(seen.values()), tolerance)
        least = max(noise, seen.get(name, 0.0))
        where = f"{name} after step {step}"
        yield one(where, a.get(key), b.get(key), tolerance, least)


def first_outside(pair: Pair, precision: str) -> int | None:
    """The first step whose losses are finite and differ by more than is allowed."""
    losses = [o.trace.get("history/loss", np.zeros(0)) for o in pair.values()]
    if mismatch(losses[0], losses[1]):
        return None
    return _leaves(losses[0], losses[1], precision, 1.0)


def reach(pair: Pair, twins: Iterable[Pair], precision: str) -> int | None:
    """How many steps can be judged: until a track leaves its own one-ulp twin.

    Args:
        pair: the two tracks.
        twins: the same runs from starts moved by one unit in the last place.
        precision: of all of them.

    Returns:
        The earliest such step; None if no twin leaves its track, or if the tracks lie
        much further apart than any twin from its own: that is no chaos, but a bug that
        sets in late.
    """
    share = tolerances.CHAOS[precision]
    losses = [
        (pair[name].trace["history/loss"], outcome.trace["history/loss"])
        for twin in twins
        for name, outcome in twin.items()
    ]
    steps = max(len(moved) for _, moved in losses)
    apart = _apart(*(o.trace["history/loss"][:steps] for o in pair.values()))
    if not apart <= tolerances.CHAOS_RATIO * max(_apart(*both) for both in losses):
        return None
    found = [_leaves(own, moved, precision, share) for own, moved in losses]
    return min((step for step in found if step is not None), default=None)


def _apart(a: NDArray, b: NDArray) -> float:
    length = min(len(a), len(b))
    return float(loss_error(a[:length], b[:length]).max())


def _leaves(a: NDArray, b: NDArray, precision: str, share: float) -> int | None:
    length = min(len(a), len(b))
    if not length:
        return None
    allowed = share * _allowed(length, precision)
    outside = np.flatnonzero(~(loss_error(a[:length], b[:length]) <= allowed))
    return int(outside[0]) if len(outside) else None


def parted(tf: NDArray, torch: NDArray) -> int | None:
    """The first step at which two losses differ by more than the horizon's 1e-4."""
    length = min(len(tf), len(torch))
    error = elementwise(tf[:length], torch[:length])
    outside = np.flatnonzero(~(error <= tolerances.HORIZON))
    return int(outside[0]) if len(outside) else None

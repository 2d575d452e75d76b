"""The levels of one step: forward, gradient, update."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shared.parity import tolerances
from shared.parity.deviation import Deviation, broken, mismatch, place, relative
from shared.parity.pairs import Pair, keys, largest, merged, one, same_results
from shared.parity.trace import Trace
from shared.weights import Weights


def forward(pair: Pair, precision: str) -> Iterator[Deviation]:
    """Every layer in order, the loss, and the prediction in evaluation mode."""
    tolerance = tolerances.FORWARD[precision]
    tf, torch = pair["tf"].trace, pair["torch"].trace
    layers_tf, layers_torch = keys(tf, "forward"), keys(torch, "forward")
    for name in merged(layers_tf, layers_torch):
        if name in layers_tf and name in layers_torch:
            yield relative(name, layers_tf[name], layers_torch[name], tolerance)
        elif not _in_the_loss(name, layers_tf, layers_torch):
            only = "tf" if name in layers_tf else "torch"
            yield broken(f"only {only} has {name}", tolerance)
    for key, name in (("loss", "loss"), ("evaluate/prediction", "prediction")):
        if key in tf or key in torch:
            yield one(name, tf.get(key), torch.get(key), tolerance)
    yield from same_results(tf, torch, "forward", tolerance)


def _in_the_loss(name: str, tf: Weights, torch: Weights) -> bool:
    """Whether this is a last activation that the other side keeps in its loss."""
    owner = tf if name in tf else torch
    return ":" in name and list(owner)[-1] == name


def gradient(pair: Pair, precision: str) -> Iterator[Deviation]:
    """Every parameter's gradient of the first batch's loss."""
    tolerance = tolerances.GRADIENT[precision]
    tf, torch = pair["tf"].trace, pair["torch"].trace
    a, b = keys(tf, "gradient"), keys(torch, "gradient")
    least = tolerances.least_scale(precision, largest(a.values()), tolerance)
    for name in merged(a, b):
        yield one(name, a.get(name), b.get(name), tolerance, least)
    yield from same_results(tf, torch, "gradient", tolerance)


def step(pair: Pair, precision: str) -> Iterator[Deviation]:
    """Weights after updates on identical gradients."""
    tf, torch = pair["tf"].trace, pair["torch"].trace
    a, b = keys(tf, "step"), keys(torch, "step")
    for key in merged(a, b):
        count, _, name = key.partition("/")
        where = f"{name} after update {count}"
        if key not in a or key not in b or mismatch(a[key], b[key]):
            yield one(where, a.get(key), b.get(key), tolerances.STEP)
        elif precision == "float64":
            error = np.abs(a[key] - b[key]) / np.maximum(1.0, np.abs(a[key]))
            yield _largest(where, error, tolerances.STEP)
        else:
            allowed = _updates_allow(name, int(count), tf)
            yield _largest(where, np.abs(a[key] - b[key]) / allowed, 1.0)


def _updates_allow(name: str, count: int, trace: Trace) -> np.ndarray:
    """float32: what the first `count` updates of a parameter may add to its error."""
    allowed = np.zeros_like(trace[f"weights/{name}"], dtype=np.float64)
    for k in range(1, count + 1):
        updates = _updates(k, trace)
        after = trace[f"step/{k}/{name}"]
        size = np.abs(after.astype(np.float64)) + np.abs(updates[name])
        ulps = np.spacing(size.astype(np.float32)).astype(np.float64)
        noise = tolerances.NOISE_ULPS * tolerances.EPS["float32"]
        allowed += tolerances.STEP_ULPS * ulps
        allowed += tolerances.STEP_OF_UPDATE * np.abs(updates[name])
        allowed += noise * largest(updates.values())
    return allowed


def _updates(count: int, trace: Trace) -> Weights:
    """What update number `count` changed in each parameter, in float64."""
    names = keys(trace, f"step/{count}")
    before = "weights" if count == 1 else f"step/{count - 1}"
    return {
        name: value.astype(np.float64) - trace[f"{before}/{name}"]
        for name, value in names.items()
    }


def _largest(where: str, error: np.ndarray, tolerance: float) -> Deviation:
    at = int(error.argmax())
    return Deviation(float(error.flat[at]), tolerance, f"{where} {place(error, at)}")

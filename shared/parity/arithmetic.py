"""The levels of one step: forward, gradient, update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from shared.parity import tolerances
from shared.parity.deviation import Deviation, broken, mismatch, place, relative
from shared.parity.pairs import Pair, keys, merged, one, same_results
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
    tolerance = tolerances.GRADIENT[precision]
    tf, torch = pair["tf"].trace, pair["torch"].trace
    a, b = keys(tf, "gradient"), keys(torch, "gradient")
    for name in merged(a, b):
        yield one(name, a.get(name), b.get(name), tolerance)
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
            before = a.get(f"{int(count) - 1}/{name}", tf.get(f"weights/{name}"))
            yield _largest(where, _step_error(a[key], b[key], before), 1.0)


def _step_error(tf: np.ndarray, torch: np.ndarray, before: Any) -> np.ndarray:
    """float32: the error over what two roundings and the update's own allow."""
    update = np.abs(tf.astype(np.float64) - before)
    ulps = tolerances.STEP_ULPS * np.spacing(np.abs(tf)).astype(np.float64)
    allowed = ulps + tolerances.STEP_OF_UPDATE * update
    return np.asarray(np.abs(tf.astype(np.float64) - torch) / allowed)


def _largest(where: str, error: np.ndarray, tolerance: float) -> Deviation:
    at = int(error.argmax())
    return Deviation(float(error.flat[at]), tolerance, f"{where} {place(error, at)}")

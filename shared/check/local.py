"""The error that each layer makes by itself, beside the one that it inherits."""

from __future__ import annotations

import numpy as np

from shared.check import arrange, steps
from shared.check.answers import Array
from shared.check.both import Both
from shared.check.result import LayerError
from shared.parity.trace import Trace


def errors(both: Both, precision: str = "float64") -> tuple[LayerError, ...]:
    """One entry a pair of layers, in Keras' order; unrepaired, in inference mode."""
    answers = both.forward(precision, record="layers")
    if answers.failed(precision):
        return ()
    given: Trace = {}
    for pair in both.pairing.pairs:
        ours, theirs = f"layer/{pair.keras.order}", f"layer/{pair.torch.order}"
        for name in ("in", "in/1", "in/2"):
            a, b = (
                t.get(f"{h}/{name}")
                for t, h in ((answers.keras, ours), (answers.torch, theirs))
            )
            if a is None or b is None:
                continue
            array = arranged(a, b, both.rows.get(pair.keras.order))
            if array is not None:
                given[f"{theirs}/{name}"] = array
    replayed, _ = both.torch.ask("replay", given, precision=precision, repairs=[])
    return tuple(
        LayerError(
            pair.keras.name,
            pair.torch.name,
            pair.keras.kind,
            _error(answers.keras, replayed, pair.keras.order, pair.torch.order, "out"),
            _error(
                answers.keras, answers.torch, pair.keras.order, pair.torch.order, "in"
            ),
            _error(
                answers.keras, answers.torch, pair.keras.order, pair.torch.order, "out"
            ),
        )
        for pair in both.pairing.pairs
    )


def arranged(keras: Array, torch: Array, rows: Array | None) -> Array | None:
    """Keras' numbers in the layout of PyTorch's; None where they do not fit.

    Args:
        keras, torch: what stands at the same place in the two.
        rows: where the next kernel's rows are in another order, that order.
    """
    if rows is not None:
        turned = np.empty_like(keras)
        turned[..., rows] = keras
        keras = turned
    return arrange.into(keras, torch)


def _error(
    keras: Trace, torch: Trace, ours: int, theirs: int, kind: str
) -> float | None:
    a = steps.recorded(keras, {"node": "layer", "order": ours}, kind)
    b = steps.recorded(torch, {"node": "layer", "order": theirs}, kind)
    return steps.error(a, b) if a and b else None

"""What two models may do differently with the same outputs."""

from __future__ import annotations

from collections.abc import Sequence

from shared.check import arrange
from shared.check.answers import Array
from shared.check.candidate import Candidate
from shared.check.settle import CLOSE


def candidates(
    keras: Sequence[Array], torch: Sequence[Array]
) -> tuple[list[Array], list[Candidate]]:
    """PyTorch's outputs in Keras' order, as far as it shows, and what differs."""
    order = _order(keras, torch)
    turned = [torch[k] for k in order]
    found = [_reordered(order)] if order != sorted(order) else []
    shapes = [
        _reshaped(a, b)
        for a, b in zip(keras, turned, strict=False)
        if arrange.fitted(a, b) is None and arrange.matched(a, b)
    ]
    return turned, [*found, *shapes[:1]]


def _order(keras: Sequence[Array], torch: Sequence[Array]) -> list[int]:
    """Which of PyTorch's outputs each of Keras' is; the others stay in order."""
    left = list(range(len(torch)))
    if len(keras) != len(torch):
        return left
    found: dict[int, int] = {}
    for number, array in enumerate(keras):
        same = next(
            (k for k in [number, *left] if k in left and _same(array, torch[k])), None
        )
        if same is not None:
            found[number] = same
            left.remove(same)
    return [found[k] if k in found else left.pop(0) for k in range(len(keras))]


def _same(keras: Array, torch: Array) -> bool:
    found = arrange.matched(keras, torch)
    return found is not None and arrange.distance(keras, found[1]) <= CLOSE


def _reordered(order: Sequence[int]) -> Candidate:
    """The same outputs, returned in another order."""
    return Candidate(
        "output_order",
        "the output",
        "the output",
        "in this order",
        f"in the order {', '.join(str(order.index(k)) for k in range(len(order)))}",
        "return them in the same order in both",
        ({"do": "reorder", "outputs": list(order)},),
    )


def _reshaped(keras: Array, torch: Array) -> Candidate:
    """Two outputs that only differ by an axis of size 1."""
    return Candidate(
        "output_shape",
        "the output",
        "the output",
        f"shape {keras.shape}",
        f"shape {torch.shape}",
        "squeeze(-1) or unsqueeze(-1) in one of the two; a loss of (N,) against (N, 1) "
        "broadcasts to N times N",
        ({"do": "reshape"},),
    )

"""Larger inputs, where the usual ones do not tell two models apart.

Numbers of size 1 seldom reach a bound, such as the 6 of a ReLU6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.check import measure
from shared.check.answers import Array
from shared.check.both import Both
from shared.check.settle import CLOSE
from shared.errors import UsageError

SIZES = (10.0, 30.0)
"""Standard deviations. Beyond them exponentials and attention leave the numbers."""


def settle(both: Both, draw: Callable[..., Sequence[Array]]) -> list[str]:
    """Keep the first larger inputs that tell apart what the usual ones do not.

    Args:
        both: the pair, with the usual inputs.
        draw: the inputs of a `size`.

    Returns:
        A note, if such inputs are kept.
    """
    usual = both.inputs
    if all(array.dtype.kind != "f" for array in usual) or _apart(both) > CLOSE:
        return []
    for size in SIZES[: 1 if both.large else None]:
        both.inputs = list(draw(size=size))
        both.forget()
        if _apart(both) > CLOSE:
            return [
                f"the inputs are drawn {size:g} times as large as usual: on the usual "
                "ones the models do not differ"
            ]
    both.inputs = usual
    both.forget()
    return []


def _apart(both: Both) -> float:
    """The error of the outputs; 0 where there are no numbers to compare."""
    try:
        for precision in ("float64", "float32"):
            answers = both.forward(precision)
            if not answers.failed(precision):
                break
    except UsageError:
        return 0.0
    facts = answers.keras_facts, answers.torch_facts
    if not all(side.get("finite", True) for side in facts):
        return 0.0
    return measure.worst_output(both, answers, CLOSE).value

"""What TensorFlow's generators are asked for, without looking at what they drew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import tensorflow as tf

Draws = list[dict[str, Any]]
"""Of each call: the distribution and its numbers, by TensorFlow's names."""

NUMBERS = {
    "uniform": ("minval", "maxval"),
    "normal": ("mean", "stddev"),
    "truncated_normal": ("mean", "stddev"),
}


@contextlib.contextmanager
def recorded() -> Iterator[Draws]:
    """Record every call of the initializers until the block ends."""
    draws: Draws = []
    with contextlib.ExitStack() as stack:
        for name in NUMBERS:
            recorder = mock.patch.object(
                tf.random, f"stateless_{name}", _recorder(name, draws)
            )
            stack.enter_context(recorder)
        yield draws


def _recorder(name: str, draws: Draws) -> Any:
    original = getattr(tf.random, f"stateless_{name}")

    def record(**asked: Any) -> tf.Tensor:
        numbers = {number: float(asked[number]) for number in NUMBERS[name]}
        draws.append({"distribution": name, **numbers})
        return original(**asked)

    return record

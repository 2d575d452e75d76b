"""Updates on given gradients, by a Keras optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def updated(
    optimizer: Any,
    start: tf.Tensor,
    gradients: tf.Tensor,
    before: Callable[[int], None] = lambda step: None,
) -> tf.Tensor:
    """One tensor after each of the updates.

    Args:
        optimizer: a new one.
        start: the tensor before the first update.
        gradients: that of every update.
        before: called before each, with its number, from 0.
    """
    weight = keras.Variable(start)
    found = []
    for step, gradient in enumerate(gradients):
        before(step)
        optimizer.apply([gradient], [weight])
        found.append(tf.identity(weight))
    return tf.stack(found)

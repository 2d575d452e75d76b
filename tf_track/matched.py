"""Matched mode: dropout masks from shared.randomness, and one optimizer rule.

The rule is Keras' own form of each optimizer; torch_track/matched.py lists what the
other side does to follow it. Here only the hyperparameters are rounded: Keras on
TensorFlow casts Python floats through float32 wherever they meet a tensor, but not
where they meet each other (1 - beta_1), so a float32 value from the start makes the
rule the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shared import randomness

Optimizer: TypeAlias = keras.optimizers.Optimizer
Draw: TypeAlias = Callable[[int, Sequence[int]], NDArray[np.bool_]]


class Clock:
    """Which step is running, and so which masks its dropout layers take.

    Attributes:
        step: the number of the step (from 0) that the masks are drawn for.
        masks: those of this step, by layer, where they were drawn before.
        draws: for each layer in matched mode, how they are drawn.
    """

    def __init__(self) -> None:
        self.step: int | tf.Tensor = 0
        self.masks: Mapping[str, tf.Tensor] = {}
        self.draws: dict[str, Draw] = {}


def dropouts(model: object) -> dict[str, keras.layers.Dropout]:
    """The dropout layers of a model by name."""
    layers = model.layers if isinstance(model, keras.Model) else []
    return {
        layer.name: layer for layer in layers if isinstance(layer, keras.layers.Dropout)
    }


def feed_masks(model: object, seed: int) -> Clock:
    """Let the model's dropout layers take their masks from shared.randomness."""
    clock = Clock()
    for name, layer in dropouts(model).items():
        layer.call = _fed(layer, name, seed, clock)
    return clock


def _fed(
    layer: keras.layers.Dropout, name: str, seed: int, clock: Clock
) -> Callable[..., tf.Tensor]:
    def draw(step: int, shape: Sequence[int]) -> NDArray[np.bool_]:
        return randomness.keep_mask(seed, name, int(step), tuple(shape), layer.rate)

    clock.draws[name] = draw

    def call(inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return inputs
        keep = clock.masks.get(name)
        if keep is None or not keep.shape.is_compatible_with(inputs.shape):
            keep = tf.numpy_function(draw, [clock.step, tf.shape(inputs)], tf.bool)
        keep = tf.cast(tf.ensure_shape(keep, inputs.shape), inputs.dtype)
        return inputs * keep / (1.0 - layer.rate)

    return call


def settings(optimizer: Optimizer | None) -> dict[str, Any]:
    """The optimizer's rule and hyperparameters under neutral names."""
    if optimizer is None:
        return {}
    config = optimizer.get_config()
    named = {"rule": type(optimizer).__name__.lower()}
    return named | {key: config[key] for key in _HYPERPARAMETERS if key in config}


_HYPERPARAMETERS = (
    "learning_rate",
    "momentum",
    "nesterov",
    "rho",
    "beta_1",
    "beta_2",
    "epsilon",
    "weight_decay",
    "initial_accumulator_value",
)


def follow_keras(optimizer: Optimizer | None) -> None:
    """Round the hyperparameters as TensorFlow will, so that both sides can."""
    if optimizer is None:
        return
    for key in _HYPERPARAMETERS:
        value = getattr(optimizer, key, None)
        if isinstance(value, float):
            setattr(optimizer, key, float(np.float32(value)))
    optimizer.learning_rate = float(np.float32(optimizer.learning_rate.numpy()))

"""Learning rates that change, in Keras."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import tensorflow as tf

from shared.differences.difference import Shown
from tf_track.differences.updates import updated

schedules = keras.optimizers.schedules


def _defaults(function: Any, *names: str) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    return {name: parameters[name].default for name in names}


def sgd_momentum_schedule(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight, with half the rate at every step."""
    optimizer = keras.optimizers.SGD(0.5, momentum=0.875)

    def halve(step: int) -> None:
        optimizer.learning_rate = 0.5 / 2**step

    return Shown({"weight": updated(optimizer, start, gradients, halve)})


def plateau_patience(losses: tf.Tensor) -> Shown:
    """The rate after each epoch of a loss that does not change."""
    plateau = keras.callbacks.ReduceLROnPlateau
    settings = _defaults(plateau, "factor", "patience", "cooldown")
    callback = plateau("loss", factor=0.5, patience=3, cooldown=2)
    return Shown({"rate": _rates(callback, losses)}, settings=settings)


def plateau_threshold(losses: tf.Tensor) -> Shown:
    """The rate after each epoch of a loss that falls slowly."""
    plateau = keras.callbacks.ReduceLROnPlateau
    settings = _defaults(plateau, "min_delta")
    callback = plateau("loss", factor=0.5, patience=3)
    return Shown({"rate": _rates(callback, losses)}, settings=settings)


def _rates(callback: Any, losses: tf.Tensor) -> list[float]:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    callback.set_model(model)
    callback.on_train_begin()
    found = []
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"loss": float(loss)})
        found.append(float(model.optimizer.learning_rate))
    return found


def cosine_decay(steps: tf.Tensor) -> Shown:
    """The rate at each step, of which eight lead down."""
    found = _every(schedules.CosineDecay(0.5, 8), steps)
    return Shown({"rate": found}, settings=_defaults(schedules.CosineDecay, "alpha"))


def step_boundaries(steps: tf.Tensor) -> Shown:
    """The rate at each step."""
    schedule = schedules.PiecewiseConstantDecay([3, 7], [0.5, 0.25, 0.125])
    return Shown({"rate": _every(schedule, steps)})


def exponential_decay(steps: tf.Tensor) -> Shown:
    """The rate at each step, a tenth of it after eight."""
    schedule = schedules.ExponentialDecay(0.5, decay_steps=8, decay_rate=0.1)
    settings = _defaults(schedules.ExponentialDecay, "staircase")
    return Shown({"rate": _every(schedule, steps)}, settings=settings)


def _every(schedule: Any, steps: tf.Tensor) -> list[float]:
    return [float(schedule(step)) for step in steps]

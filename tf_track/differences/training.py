"""Training and what is told of it, in Keras."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from shared.differences.difference import Shown
from tf_track.differences.updates import updated


class _Seen(keras.Model):  # type: ignore[misc]
    """Keeps the batches that fit hands it."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[tf.Tensor] = []
        self.compile(run_eagerly=True)

    def train_step(self, data: Any) -> dict[str, Any]:
        self.batches.append(data[0])
        return {"loss": 0.0}


def _defaults(function: Any, *names: str) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    return {name: parameters[name].default for name in names}


def loader_batch_size(x: tf.Tensor) -> Shown:
    """How many updates an epoch has, and the size of the last batch."""
    model = _Seen()
    model.fit(x, x, verbose=0)
    found = {"updates": len(model.batches), "last batch": len(model.batches[-1])}
    return Shown(found, settings=_defaults(model.fit, "batch_size"))


def loader_shuffle(x: tf.Tensor, order: tf.Tensor) -> Shown:
    """The samples as they come."""
    model, same = _Seen(), _Seen()
    model.fit(x, x, batch_size=4, verbose=0)
    mixed = tf.gather(x, order)
    same.fit(mixed, mixed, batch_size=4, shuffle=False, verbose=0)
    return Shown(
        {"samples": tf.concat(model.batches, axis=0)[:, 0]},
        {"samples": tf.concat(same.batches, axis=0)[:, 0]},
        _defaults(model.fit, "shuffle"),
    )


def epoch_loss(x: tf.Tensor, y: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The loss of an epoch that learns nothing."""
    layer = keras.layers.Dense(1, use_bias=False)
    model = keras.Sequential([keras.Input((2,)), layer])
    layer.set_weights([kernel.numpy()])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    history = model.fit(x, y, batch_size=4, verbose=0).history
    return Shown({"loss": history["loss"][0]})


def evaluation_mode(x: tf.Tensor) -> Shown:
    """The output of a layer just made."""
    return Shown({"output": keras.layers.BatchNormalization()(x)})


def gradient_accumulation(gradients: tf.Tensor) -> Shown:
    """The weight after one update with both gradients, from zero."""
    optimizer = keras.optimizers.SGD(1.0, gradient_accumulation_steps=2)
    weights = updated(optimizer, tf.zeros_like(gradients[0]), gradients)
    return Shown({"weight": weights[-1]})


def binary_accuracy_threshold(p: tf.Tensor, y: tf.Tensor) -> Shown:
    """The accuracy."""
    metric = keras.metrics.BinaryAccuracy()
    settings = _defaults(keras.metrics.BinaryAccuracy, "threshold")
    return Shown({"accuracy": float(metric(y, p))}, settings=settings)


def accuracy_of_logits(z: tf.Tensor, y: tf.Tensor) -> Shown:
    """The accuracy."""
    metrics = ("accuracy", keras.metrics.BinaryAccuracy("accuracy", threshold=0.0))
    found = []
    for metric in metrics:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Activation("linear")])
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(loss=loss, metrics=[metric])
        told = model.evaluate(z, y, verbose=0, return_dict=True)
        found.append({"accuracy": told["accuracy"]})
    return Shown(found[0], found[1])


def accuracy_of_ties(scores: tf.Tensor, y: tf.Tensor) -> Shown:
    """The accuracy."""
    metric = keras.metrics.SparseCategoricalAccuracy()
    return Shown({"accuracy": float(metric(y, scores))})


def float32_hyperparameters(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """A weight that Adam moves."""
    settings = _defaults(keras.optimizers.Adam, "beta_1", "beta_2")
    rounded = {name: float(np.float32(value)) for name, value in settings.items()}
    optimizer, same = keras.optimizers.Adam(), keras.optimizers.Adam(**rounded)
    return Shown(
        {"weight": updated(optimizer, start, gradients)},
        {"weight": updated(same, start, gradients)},
        settings,
    )


def set_floatx() -> Shown:
    """The size of a weight."""
    # As after any layer in a process that has set nothing.
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_floatx("float64")
    default = _bits()
    keras.config.set_dtype_policy("float64")
    return Shown({"bits": default}, {"bits": _bits()})


def _bits() -> int:
    layer = keras.layers.Dense(1)
    layer.build((None, 1))
    return 8 * tf.as_dtype(layer.kernel.dtype).size

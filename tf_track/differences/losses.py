"""Losses, in Keras."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import tensorflow as tf

from shared.differences.difference import Shown


def _settings(loss: Any, *names: str) -> dict[str, Any]:
    return {name: loss.get_config()[name] for name in names}


def bce_probabilities(z: tf.Tensor, y: tf.Tensor) -> Shown:
    """The loss of each sample."""
    loss = keras.losses.BinaryCrossentropy(reduction="none")
    same = keras.losses.BinaryCrossentropy(from_logits=True, reduction="none")
    # Not a Keras activation, whose output the next difference is about.
    probabilities = tf.sigmoid(z)
    settings = _settings(loss, "from_logits") | {"epsilon": keras.config.epsilon()}
    return Shown(
        {"loss": loss(y[:, None], probabilities[:, None])},
        {"loss": same(y[:, None], z[:, None])},
        settings,
    )


def bce_cached_logits(z: tf.Tensor, y: tf.Tensor) -> Shown:
    """The loss of each sample."""
    loss = keras.losses.BinaryCrossentropy(reduction="none")
    return Shown({"loss": loss(y[:, None], keras.activations.sigmoid(z[:, None]))})


def cce_probabilities(z: tf.Tensor, y: tf.Tensor) -> Shown:
    """The loss."""
    loss = keras.losses.CategoricalCrossentropy()
    same = keras.losses.CategoricalCrossentropy(from_logits=True)
    return Shown(
        {"loss": loss(y, tf.nn.softmax(z))},
        {"loss": same(y, z)},
        _settings(loss, "from_logits"),
    )


def cce_axis(z: tf.Tensor, y: tf.Tensor) -> Shown:
    """The loss of sequences."""
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return Shown({"loss": loss(y, z)}, settings=_settings(loss, "axis"))


def cce_label_smoothing(z: tf.Tensor, y: tf.Tensor) -> Shown:
    """The loss."""
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    settings = _settings(keras.losses.CategoricalCrossentropy(), "label_smoothing")
    return Shown({"loss": loss(y, z)}, settings=settings)


def bce_label_smoothing(z: tf.Tensor, y: tf.Tensor) -> Shown:
    """The loss."""
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)
    return Shown({"loss": loss(y, z)})


def class_weight(z: tf.Tensor, y: tf.Tensor, weight: tf.Tensor) -> Shown:
    """The loss, weighted as fit does."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    same = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    of_samples = tf.gather(weight, y)
    return Shown(
        {"loss": loss(y, z, sample_weight=of_samples)},
        {"loss": same(y, z, sample_weight=of_samples)},
        _settings(loss, "reduction"),
    )


def ignored_class(z: tf.Tensor, y: tf.Tensor) -> Shown:
    """The loss."""
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=-100
    )
    settings = _settings(keras.losses.SparseCategoricalCrossentropy(), "ignore_class")
    return Shown({"loss": loss(y, z)}, settings=settings)


def kl_divergence(p: tf.Tensor, q: tf.Tensor) -> Shown:
    """Of p from q."""
    return Shown({"loss": keras.losses.KLDivergence()(p, q)})


def poisson(rate: tf.Tensor, y: tf.Tensor) -> Shown:
    """The loss."""
    return Shown({"loss": keras.losses.Poisson()(y, rate)})


def mse_shapes(x: tf.Tensor) -> Shown:
    """The loss of a perfect prediction."""
    return Shown({"loss": keras.losses.MeanSquaredError()(x, x[:, None])})


def huber(x: tf.Tensor, y: tf.Tensor) -> Shown:
    """The loss."""
    delta = inspect.signature(keras.losses.Huber).parameters["delta"].default
    return Shown({"loss": keras.losses.Huber()(y, x)}, settings={"delta": delta})


def cosine_similarity(p: tf.Tensor, q: tf.Tensor) -> Shown:
    """The loss."""
    return Shown({"loss": keras.losses.CosineSimilarity()(p, q)})


def hinge(z: tf.Tensor, y: tf.Tensor) -> Shown:
    """The loss."""
    return Shown({"loss": keras.losses.Hinge()(y, z)})

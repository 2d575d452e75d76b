"""Normalizing layers, in Keras."""

from __future__ import annotations

import keras
import tensorflow as tf

from shared.differences.difference import Shown


def batch_norm_epsilon(x: tf.Tensor) -> Shown:
    """The output in training."""
    layer = keras.layers.BatchNormalization()
    return Shown(
        {"output": layer(x, training=True)}, settings={"epsilon": layer.epsilon}
    )


def batch_norm_momentum(x: tf.Tensor) -> Shown:
    """The running mean after one batch."""
    layer = keras.layers.BatchNormalization()
    layer(x, training=True)
    settings = {"momentum": layer.momentum}
    return Shown({"running mean": layer.moving_mean}, settings=settings)


def batch_norm_running_variance(x: tf.Tensor) -> Shown:
    """The running variance after one batch."""
    layer = keras.layers.BatchNormalization(momentum=0.9)
    layer(x, training=True)
    return Shown({"running variance": layer.moving_variance})


def layer_norm_epsilon(x: tf.Tensor) -> Shown:
    """The output."""
    layer = keras.layers.LayerNormalization()
    return Shown({"output": layer(x)}, settings={"epsilon": layer.epsilon})


def layer_norm_axes(x: tf.Tensor) -> Shown:
    """The output for images."""
    layer = keras.layers.LayerNormalization()
    settings = {"axis": layer.axis}
    return Shown({"output": layer(x)}, settings=settings)


def group_norm_epsilon(x: tf.Tensor) -> Shown:
    """The output for images, in 3 groups of channels."""
    layer = keras.layers.GroupNormalization(3)
    groups = keras.layers.GroupNormalization().groups
    settings = {"epsilon": layer.epsilon, "groups": groups}
    return Shown({"output": layer(x)}, settings=settings)


def rms_norm_epsilon(x: tf.Tensor) -> Shown:
    """The output."""
    layer = keras.layers.RMSNormalization()
    return Shown({"output": layer(x)}, settings={"epsilon": layer.epsilon})

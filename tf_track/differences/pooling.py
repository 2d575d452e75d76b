"""Pooling, and what comes after it, in Keras."""

from __future__ import annotations

import keras
import tensorflow as tf

from shared.differences.difference import Shown


def max_pool_same(x: tf.Tensor) -> Shown:
    """The output with a window of 3 x 5 and a stride of 2."""
    layer = keras.layers.MaxPooling2D((3, 5), strides=2, padding="same")
    return Shown({"output": layer(x)})


def max_pool_odd_size(x: tf.Tensor) -> Shown:
    """The output's size; with the remedy also the output."""
    output = keras.layers.MaxPooling2D(2, padding="same")(x)
    size = list(output.shape[1:3])
    return Shown({"size": size}, {"size": size, "output": output})


def avg_pool_same(x: tf.Tensor) -> Shown:
    """The output with a window of 3 x 5."""
    layer = keras.layers.AveragePooling2D((3, 5), strides=1, padding="same")
    return Shown({"output": layer(x)})


def avg_pool_same_strided(x: tf.Tensor) -> Shown:
    """The output with a window of 3 x 5 and a stride of 2."""
    layer = keras.layers.AveragePooling2D((3, 5), strides=2, padding="same")
    return Shown({"output": layer(x)})


def flatten_order(x: tf.Tensor) -> Shown:
    """The flat features."""
    return Shown({"features": keras.layers.Flatten()(x)})


def flatten_dense(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """What Dense makes of the flat features."""
    layer = keras.layers.Dense(6, use_bias=False)
    layer.build((None, 60))
    layer.kernel.assign(kernel)
    return Shown({"output": layer(keras.layers.Flatten()(x))})

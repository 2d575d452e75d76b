"""Convolutions, in Keras."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from shared.differences.difference import Shown
from tf_track.differences.draws import Draws, recorded


def image_layout(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The output for the same images."""
    layer = keras.layers.Conv2D(5, (3, 2), use_bias=False)
    settings = {"data_format": layer.data_format}
    return Shown({"output": _with(layer, kernel, x)}, settings=settings)


def conv_layout(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The output with the given kernel."""
    layer = keras.layers.Conv2D(5, 3, use_bias=False)
    shape = _shape(keras.layers.Conv2D(5, (3, 2)))
    settings = {"3 x 2 kernel of 4 to 5": shape}
    return Shown({"output": _with(layer, kernel, x)}, settings=settings)


def conv_initializers(x: tf.Tensor) -> Shown:
    """The largest that a weight and a bias can be."""
    layer = keras.layers.Conv2D(5, (3, 2))
    (kernel,) = _draws(layer, x)
    return Shown(
        {
            "largest weight": kernel["maxval"],
            "largest bias": tf.reduce_max(tf.abs(layer.bias)),
        },
        settings={
            "kernel": type(layer.kernel_initializer).__name__,
            "bias": type(layer.bias_initializer).__name__,
        },
    )


def depthwise_layout(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The output with the given kernel."""
    layer = keras.layers.DepthwiseConv2D((3, 2), depth_multiplier=3, use_bias=False)
    shape = _shape(keras.layers.DepthwiseConv2D((3, 2), depth_multiplier=5))
    settings = {"3 x 2 kernel of 4 to 20": shape}
    return Shown({"output": _with(layer, kernel, x)}, settings=settings)


def depthwise_initializer(x: tf.Tensor) -> Shown:
    """The largest that a weight can be."""
    layer = keras.layers.DepthwiseConv2D((3, 2), depth_multiplier=5)
    (kernel,) = _draws(layer, x)
    return Shown({"largest weight": kernel["maxval"]})


def conv_same(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The output with a kernel of 4 x 3."""
    layer = keras.layers.Conv2D(5, (4, 3), padding="same", use_bias=False)
    return Shown({"output": _with(layer, kernel, x)})


def conv_same_strided(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The output with a kernel of 3 x 5 and a stride of 2."""
    layer = keras.layers.Conv2D(5, (3, 5), strides=2, padding="same", use_bias=False)
    return Shown({"output": _with(layer, kernel, x)})


def conv_causal(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The output of every step."""
    layer = keras.layers.Conv1D(5, 3, padding="causal", use_bias=False)
    return Shown({"output": _with(layer, kernel, x)})


def conv_transpose_layout(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The output with the given kernel."""
    layer = keras.layers.Conv2DTranspose(5, 3, use_bias=False)
    shape = _shape(keras.layers.Conv2DTranspose(5, (3, 2)))
    settings = {"3 x 2 kernel of 4 to 5": shape}
    return Shown({"output": _with(layer, kernel, x)}, settings=settings)


def conv_transpose_valid(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The output's size with a stride of 3; with the remedy also the output."""
    layer = keras.layers.Conv2DTranspose(5, (2, 1), strides=3, use_bias=False)
    output = _with(layer, kernel, x)
    size = list(output.shape[1:3])
    return Shown({"size": size}, {"size": size, "output": output})


def conv_transpose_same(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The output with a kernel of 5 x 1 and a stride of 2."""
    layer = keras.layers.Conv2DTranspose(
        5, (5, 1), strides=2, padding="same", use_bias=False
    )
    return Shown({"output": _with(layer, kernel, x)})


def _with(layer: Any, kernel: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    layer.build(x.shape)
    layer.kernel.assign(kernel)
    return layer(x)


def _shape(layer: Any) -> list[int]:
    layer.build((None, 6, 8, 4))
    return list(layer.kernel.shape)


def _draws(layer: Any, x: tf.Tensor) -> Draws:
    with recorded() as draws:
        layer.build(x.shape)
    return draws

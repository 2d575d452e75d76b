"""Activations, in Keras."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from shared.differences.difference import Shown

SAME = (
    "silu",
    "elu",
    "selu",
    "mish",
    "hard_sigmoid",
    "hard_silu",
    "relu6",
    "celu",
    "log_sigmoid",
    "softsign",
    "hard_shrink",
    "soft_shrink",
    "tanh_shrink",
)


def leaky_relu_layer(x: tf.Tensor) -> Shown:
    """The output."""
    layer = keras.layers.LeakyReLU()
    settings = {"negative_slope": layer.negative_slope}
    return Shown({"output": layer(x)}, settings=settings)


def leaky_relu_function(x: tf.Tensor) -> Shown:
    """The output."""
    function = keras.activations.leaky_relu
    settings = {"negative_slope": _default(function, "negative_slope")}
    return Shown({"output": function(x)}, settings=settings)


def prelu_start(x: tf.Tensor) -> Shown:
    """The output before training."""
    layer = keras.layers.PReLU()
    settings = {"alpha": type(layer.alpha_initializer).__name__}
    return Shown({"output": layer(x)}, settings=settings)


def prelu_shared(x: tf.Tensor) -> Shown:
    """The output after one step of gradient descent from .25."""
    start = keras.initializers.Constant(0.25)
    layer = keras.layers.PReLU(start)
    same = keras.layers.PReLU(start, shared_axes=[1, 2])
    found = _after_a_step(layer, x)
    return Shown(
        {"output": found},
        {"each channel": _after_a_step(same, x), "each pixel": found},
        {"shared_axes": layer.shared_axes},
    )


def gelu(x: tf.Tensor) -> Shown:
    """The output."""
    settings = {
        "ops.gelu": _default(keras.ops.gelu, "approximate"),
        "activations.gelu": _default(keras.activations.gelu, "approximate"),
    }
    return Shown({"output": keras.ops.gelu(x)}, settings=settings)


def gelu_exact(x: tf.Tensor) -> Shown:
    """The output."""
    return Shown({"output": keras.activations.gelu(x)})


def softplus(x: tf.Tensor) -> Shown:
    """The output."""
    return Shown({"output": keras.activations.softplus(x)})


def softmax_axis(x: tf.Tensor) -> Shown:
    """The output for a batch of sequences."""
    layer = keras.layers.Softmax()
    return Shown({"output": layer(x)}, settings={"axis": layer.axis})


def same_activations(x: tf.Tensor) -> Shown:
    """The outputs."""
    settings = {"elu": _default(keras.activations.elu, "alpha")}
    outputs = {name: getattr(keras.activations, name)(x) for name in SAME}
    return Shown(outputs, settings=settings)


def _default(function: Callable[..., Any], name: str) -> Any:
    return inspect.signature(function).parameters[name].default


def _after_a_step(layer: Any, x: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    gradient = tape.gradient(loss, layer.alpha.value)
    layer.alpha.assign_sub(0.1 * gradient)
    return layer(x)

"""Recurrent layers, in Keras."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from shared.differences.difference import Shown


def _set(layer: Any, x: tf.Tensor, *weights: tf.Tensor) -> Any:
    layer.build(x.shape)
    layer.set_weights([weight.numpy() for weight in weights])
    return layer


def rnn_batch_first(
    x: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor
) -> Shown:
    """The outputs of the first unit in all steps."""
    layer = keras.layers.SimpleRNN(3, return_sequences=True)
    return Shown({"outputs": _set(layer, x, kernel, recurrent, bias)(x)[..., 0]})


def rnn_output(
    x: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor
) -> Shown:
    """How many outputs a sequence has, and the last."""
    layer = _set(keras.layers.SimpleRNN(3), x, kernel, recurrent, bias)
    output = layer(x)
    return Shown(
        {"outputs of a sequence": tf.size(output) / (len(x) * 3)},
        {"last output": output},
        {"return_sequences": layer.return_sequences},
    )


def rnn_two_biases(
    x: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor
) -> Shown:
    """The bias after ten steps of SGD that shrink the output."""
    layer = _set(keras.layers.SimpleRNN(3), x, kernel, recurrent, bias)
    for _ in range(10):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(layer(x) ** 2)
        variables = layer.trainable_weights
        gradients = tape.gradient(loss, variables)
        for weight, gradient in zip(variables, gradients, strict=True):
            weight.assign_sub(0.1 * gradient)
    return Shown({"bias": layer.trainable_weights[2], "output": layer(x)})


def lstm_gates(
    x: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor
) -> Shown:
    """The outputs of the first unit in all steps."""
    layer = keras.layers.LSTM(3, return_sequences=True)
    return Shown({"outputs": _set(layer, x, kernel, recurrent, bias)(x)[..., 0]})


def lstm_start(size: tf.Tensor) -> Shown:
    """The bound of the kernel, how far the other is from a rotation, the biases."""
    features, units = size.numpy().tolist()
    layer = keras.layers.LSTM(units)
    layer.build((None, None, features))
    kernel, recurrent, bias = layer.trainable_weights
    stretch = tf.linalg.svd(recurrent, compute_uv=False)
    biases = tf.abs(tf.reshape(bias, (4, units)))
    names = ("kernel_initializer", "recurrent_initializer", "bias_initializer")
    settings = {name: type(getattr(layer, name)).__name__ for name in names}
    return Shown(
        {
            "kernel, largest": tf.reduce_max(tf.abs(kernel)),
            "recurrent kernel, least stretch": tf.reduce_min(stretch),
            "recurrent kernel, largest stretch": tf.reduce_max(stretch),
            "bias of each gate, largest": tf.reduce_max(biases, axis=1),
        },
        settings=settings | {"unit_forget_bias": layer.unit_forget_bias},
    )


def gru_gates(
    x: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor
) -> Shown:
    """The outputs of the first unit in all steps."""
    layer = keras.layers.GRU(3, return_sequences=True)
    return Shown({"outputs": _set(layer, x, kernel, recurrent, bias)(x)[..., 0]})


def gru_reset_after(
    x: tf.Tensor, kernel: tf.Tensor, recurrent: tf.Tensor, bias: tf.Tensor
) -> Shown:
    """The last output of the form of the paper."""
    layer = keras.layers.GRU(3, reset_after=False)
    settings = {"reset_after": keras.layers.GRU(3).reset_after}
    output = _set(layer, x, kernel, recurrent, bias)(x)
    return Shown({"last output": output}, settings=settings)


def bidirectional_output(
    x: tf.Tensor,
    kernel: tf.Tensor,
    recurrent: tf.Tensor,
    bias: tf.Tensor,
    backward_kernel: tf.Tensor,
    backward_recurrent: tf.Tensor,
    backward_bias: tf.Tensor,
) -> Shown:
    """The output."""
    layer = keras.layers.Bidirectional(keras.layers.SimpleRNN(3))
    backward = (backward_kernel, backward_recurrent, backward_bias)
    output = _set(layer, x, kernel, recurrent, bias, *backward)(x)
    return Shown({"output": output}, settings={"merge_mode": layer.merge_mode})


def rnn_dropout(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """What dropout of one half lets through a layer that copies its input of ones."""
    layer = keras.layers.SimpleRNN(
        2, activation="relu", dropout=0.5, return_sequences=True
    )
    zero = tf.zeros_like(kernel)
    outputs = _set(layer, x, kernel, zero, zero[0])(x, training=True)
    return Shown(
        {
            "largest output": tf.reduce_max(outputs),
            "largest change between steps": tf.reduce_max(
                tf.abs(outputs[:, 1:] - outputs[:, :-1])
            ),
        }
    )


def rnn_padding(
    x: tf.Tensor,
    kernel: tf.Tensor,
    recurrent: tf.Tensor,
    bias: tf.Tensor,
    lengths: tf.Tensor,
) -> Shown:
    """The output for sequences of several lengths."""
    layer = _set(keras.layers.SimpleRNN(3), x, kernel, recurrent, bias)
    return Shown({"output": layer(x, mask=tf.sequence_mask(lengths))})

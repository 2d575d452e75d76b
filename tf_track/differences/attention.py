"""Attention, in Keras."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import tensorflow as tf

from shared.differences.difference import Shown


def _layer(
    query: tf.Tensor,
    value: tf.Tensor,
    kernels: tf.Tensor,
    biases: tf.Tensor,
    last_kernel: tf.Tensor,
    last_bias: tf.Tensor,
) -> Any:
    layer = keras.layers.MultiHeadAttention(2, 4)
    layer.build(query.shape, value.shape)
    pairs = [array for pair in zip(kernels, biases, strict=True) for array in pair]
    layer.set_weights([array.numpy() for array in (*pairs, last_kernel, last_bias)])
    return layer


def attention_weights(
    query: tf.Tensor,
    value: tf.Tensor,
    kernels: tf.Tensor,
    biases: tf.Tensor,
    last_kernel: tf.Tensor,
    last_bias: tf.Tensor,
) -> Shown:
    """The first feature of the output."""
    layer = _layer(query, value, kernels, biases, last_kernel, last_bias)
    return Shown({"output": layer(query, value)[..., 0]})


def attention_batch_first(
    query: tf.Tensor,
    kernels: tf.Tensor,
    biases: tf.Tensor,
    last_kernel: tf.Tensor,
    last_bias: tf.Tensor,
) -> Shown:
    """The first feature of self-attention."""
    layer = _layer(query, query, kernels, biases, last_kernel, last_bias)
    return Shown({"output": layer(query, query)[..., 0]})


def attention_mask(
    query: tf.Tensor,
    value: tf.Tensor,
    kernels: tf.Tensor,
    biases: tf.Tensor,
    last_kernel: tf.Tensor,
    last_bias: tf.Tensor,
    mask: tf.Tensor,
) -> Shown:
    """The first feature of the output."""
    layer = _layer(query, value, kernels, biases, last_kernel, last_bias)
    output = layer(query, value, attention_mask=mask[None])
    return Shown({"output": output[..., 0]})


def attention_function_mask(
    query: tf.Tensor, value: tf.Tensor, mask: tf.Tensor
) -> Shown:
    """The first feature, by batch, time, head."""
    attend = keras.ops.dot_product_attention
    output = attend(query, value, value, mask=mask[None, None])
    return Shown({"output": output[..., 0]})


def attention_all_masked(
    query: tf.Tensor,
    value: tf.Tensor,
    kernels: tf.Tensor,
    biases: tf.Tensor,
    last_kernel: tf.Tensor,
    last_bias: tf.Tensor,
    mask: tf.Tensor,
) -> Shown:
    """How many outputs are no numbers, and the first feature."""
    layer = _layer(query, value, kernels, biases, last_kernel, last_bias)
    output = layer(query, value, attention_mask=mask[None])
    missing = tf.math.count_nonzero(tf.math.is_nan(output))
    return Shown(
        {"no numbers": missing}, {"no numbers": missing, "output": output[..., 0]}
    )


def attention_key_dim(query: tf.Tensor) -> Shown:
    """The number of parameters."""
    found = []
    for size in (8, 8 // 2):
        layer = keras.layers.MultiHeadAttention(2, size)
        layer.build(query.shape, query.shape)
        found.append({"parameters": layer.count_params()})
    return Shown(*found)


def attention_scores(
    query: tf.Tensor,
    value: tf.Tensor,
    kernels: tf.Tensor,
    biases: tf.Tensor,
    last_kernel: tf.Tensor,
    last_bias: tf.Tensor,
) -> Shown:
    """How many weights a query has on a value, and those of the first query."""
    layer = _layer(query, value, kernels, biases, last_kernel, last_bias)
    _, scores = layer(query, value, return_attention_scores=True)
    option = inspect.signature(layer.call).parameters["return_attention_scores"]
    return Shown(
        {"weights a pair": tf.size(scores) / (2 * 6 * 5)},
        {"weights": scores[:, :, 0]},
        {"return_attention_scores": option.default},
    )

"""Dense, embedding and dropout layers, in Keras."""

from __future__ import annotations

import keras
import tensorflow as tf

from shared.differences.difference import Shown
from tf_track.differences.draws import recorded


def dense_layout(x: tf.Tensor, kernel: tf.Tensor) -> Shown:
    """The output with the given kernel."""
    layer = keras.layers.Dense(3, use_bias=False)
    layer.build(x.shape)
    layer.kernel.assign(kernel)
    other = keras.layers.Dense(5)
    other.build((None, 3))
    settings = {"kernel of 3 to 5": list(other.kernel.shape)}
    return Shown({"output": layer(x)}, settings=settings)


def dense_initializers(x: tf.Tensor) -> Shown:
    """The largest that a weight and a bias can be."""
    layer = keras.layers.Dense(5)
    with recorded() as draws:
        layer.build(x.shape)
    (kernel,) = draws
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


def he_normal(x: tf.Tensor) -> Shown:
    """The standard deviation of the normal that is drawn from."""
    shape = (x.shape[-1], 5)
    same = keras.initializers.VarianceScaling(2, "fan_in", "untruncated_normal")
    with recorded() as draws:
        keras.initializers.HeNormal()(shape)
        same(shape)
    by_itself, remedied = draws
    return Shown(
        {"deviation": by_itself["stddev"]},
        {"deviation": remedied["stddev"]},
        {"distribution": by_itself["distribution"]},
    )


def embedding_initializer(words: tf.Tensor) -> Shown:
    """The standard deviation of a weight."""
    layer = keras.layers.Embedding(7, 2)
    with recorded() as draws:
        layer(words)
    (table,) = draws
    return Shown(
        {"deviation": (table["maxval"] - table["minval"]) / 12**0.5},
        settings={"distribution": table["distribution"]},
    )


def embedding_mask(words: tf.Tensor, table: tf.Tensor) -> Shown:
    """The mean over each sentence."""
    layer = keras.layers.Embedding(7, 2, mask_zero=True)
    layer.build()
    layer.embeddings.assign(table)
    mean = keras.layers.GlobalAveragePooling1D()
    settings = {"mask_zero": keras.layers.Embedding(7, 2).mask_zero}
    return Shown({"mean": mean(layer(words))}, settings=settings)


def embedding_padding_row(words: tf.Tensor, table: tf.Tensor) -> Shown:
    """The gradient of the sum of squares."""
    layer = keras.layers.Embedding(7, 2, mask_zero=True)
    layer.build()
    layer.embeddings.assign(table)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(words) ** 2)
    gradient = tf.convert_to_tensor(tape.gradient(loss, layer.embeddings.value))
    return Shown({"gradient": gradient})


def dropout_scale(x: tf.Tensor) -> Shown:
    """What ones become."""
    layer = keras.layers.Dropout(0.2)
    values, _ = tf.unique(tf.reshape(layer(x, training=True), [-1]))
    return Shown(
        {"in training": tf.sort(values), "in evaluation": layer(x, training=False)}
    )


def dropout_mask(x: tf.Tensor, kept: tf.Tensor) -> Shown:
    """The output in training."""
    layer = keras.layers.Dropout(0.3, seed=0)
    same = x * tf.cast(kept, x.dtype) / (1 - 0.3)
    return Shown({"output": layer(x, training=True)}, {"output": same})

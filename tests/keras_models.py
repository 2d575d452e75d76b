"""Keras models of every make, small, for the probes of the check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Before Keras: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend  # noqa: F401

# isort: split
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

Built = tuple[keras.Model, list[NDArray[Any]]]


def _image() -> keras.Model:
    """Augmentation, preprocessing, fused activations, pooling, dropout."""
    x = given = keras.Input((8, 10, 3))
    x = layers.RandomFlip(seed=1)(layers.Rescaling(0.5, 0.125)(x))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    side = layers.SeparableConv2D(4, 3, padding="same", activation="gelu")(x)
    x = layers.Add()([x, side]) * 2.0
    x = layers.AveragePooling2D(2, padding="same")(x)
    x = layers.Dropout(0.3, seed=2)(layers.Flatten()(x))
    x = layers.Dense(5, activation="softmax", name="head")(x)
    return keras.Model(given, x)


def _sequential() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((7, 4)),
            layers.GaussianNoise(0.1, seed=1),
            layers.Conv1D(6, 3, padding="causal", activation="tanh"),
            layers.LayerNormalization(),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ]
    )


def _lazy() -> keras.Model:
    """Built by a call, not by an Input."""
    model = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(2)])
    model(np.zeros((2, 5), np.float32))
    return model


class Residual(layers.Layer):
    """Layers in a layer, one of them called twice."""

    def __init__(self) -> None:
        super().__init__(name="residual")
        self.inner = layers.Dense(6, activation="elu", name="inner")
        self.norm = layers.BatchNormalization(name="norm")
        self.drop = layers.Dropout(0.4, seed=3)
        self.scale = self.add_weight(shape=(6,), initializer="ones", name="scale")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        x = self.inner(self.norm(self.inner(x))) * self.scale + x
        return self.drop(x)


class Subclassed(keras.Model):
    """Functions of TensorFlow and of Keras, operators, constants, lists of layers."""

    def __init__(self) -> None:
        super().__init__(name="subclassed")
        self.token = self.add_weight(shape=(1, 1, 6), name="token")
        self.blocks = [Residual(), layers.Dense(6)]
        self.own = keras.config.floatx()
        self.shift = tf.constant([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], self.own)
        self.act = keras.activations.get("silu")

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = tf.concat([x, tf.repeat(self.token, tf.shape(x)[0], axis=0)], axis=1)
        for block in self.blocks:
            x = block(x, training=training) if block is self.blocks[0] else block(x)
        x = self.act(x + self.shift) + tf.cast(x > 0, self.own)
        return keras.ops.mean(tf.nn.relu(x[:, -2:]), axis=1) - tf.zeros((6,), self.own)


def _subclassed() -> keras.Model:
    model = Subclassed()
    model(np.zeros((2, 4, 6), np.float32))
    return model


def _recurrent() -> keras.Model:
    x = given = keras.Input((6,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(x)
    x = layers.LSTM(5, return_sequences=True, dropout=0.2, recurrent_dropout=0.1)(x)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True), name="both")(x)
    cells = [layers.LSTMCell(4), layers.GRUCell(3, reset_after=False)]
    x = layers.RNN(cells, name="stack")(x)
    return keras.Model(given, layers.Dense(2, "sigmoid")(x))


def _attention() -> keras.Model:
    x = given = keras.Input((None, 8))
    attend = layers.MultiHeadAttention(2, 4, dropout=0.3, name="attend")
    x = x + attend(x, x, use_causal_mask=True)
    x = layers.TimeDistributed(layers.Dense(4, activation="relu"))(x)
    return keras.Model(given, layers.GroupNormalization(2)(x))


def _nested() -> keras.Model:
    """Models in a model, one of them called twice; inputs and outputs by name."""
    one = given = keras.Input((5,), name="inner_input")
    one = layers.BatchNormalization()(layers.Dense(4)(one))
    tower = keras.Model(given, keras.ops.relu(one), name="tower")
    head = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3), layers.PReLU()], name="head"
    )
    inputs = {"b": keras.Input((5,), name="b"), "a": keras.Input((5,), name="a")}
    left, right = tower(inputs["a"]), tower(inputs["b"])
    joint = layers.Concatenate()([left, right])
    return keras.Model(inputs, {"z": head(left - right), "y": layers.Dense(2)(joint)})


MODELS: dict[str, tuple[Callable[[], keras.Model], list[tuple[int, ...]]]] = {
    "image": (_image, [(3, 8, 10, 3)]),
    "sequential": (_sequential, [(3, 7, 4)]),
    "lazy": (_lazy, [(3, 5)]),
    "subclassed": (_subclassed, [(3, 4, 6)]),
    "recurrent": (_recurrent, [(3, 6)]),
    "attention": (_attention, [(3, 5, 8)]),
    "nested": (_nested, [(3, 5), (3, 5)]),
}
"""Functions that build, with the shapes of a batch."""


def built(name: str, seed: int = 0) -> Built:
    """A model with weights as after some training, and a batch for it."""
    build, shapes = MODELS[name]
    # Layers are numbered from the start.
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    model = build()
    generator = np.random.default_rng(seed)
    for variable in model.weights:
        value = 0.5 * generator.standard_normal(variable.shape)
        if variable.name.endswith("variance"):
            value = generator.uniform(0.5, 1.5, variable.shape)
        variable.assign(value)
    if name == "recurrent":
        tokens = generator.integers(1, 9, shapes[0]).astype(np.int32)
        tokens[0, -2:] = 0
        return model, [tokens]
    return model, [generator.standard_normal(shape) for shape in shapes]

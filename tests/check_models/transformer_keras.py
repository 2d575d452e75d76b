"""A small transformer encoder that classifies sentences; token 0 is padding."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


class Block(layers.Layer):
    """Attention, then two dense layers, each beside a shortcut."""

    def __init__(self, size: int, heads: int, inner: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(heads, size // heads, name="mha")
        self.norm_1 = layers.LayerNormalization(epsilon=1e-5, name="norm_1")
        self.dense_1 = layers.Dense(inner, activation="relu", name="dense_1")
        self.dense_2 = layers.Dense(size, name="dense_2")
        self.norm_2 = layers.LayerNormalization(epsilon=1e-5, name="norm_2")

    def call(self, x: Any, keep: Any) -> Any:
        x = self.norm_1(x + self.attention(x, x, attention_mask=keep))
        return self.norm_2(x + self.dense_2(self.dense_1(x)))


class Encoder(keras.Model):
    """Takes sentences of 9 tokens below 23."""

    def __init__(self) -> None:
        super().__init__(name="encoder")
        self.embedding = layers.Embedding(23, 8, name="embedding")
        self.position = self.add_weight(shape=(9, 8), name="position")
        self.block = Block(8, 2, 20, name="block")
        self.head = layers.Dense(4, name="head")

    def call(self, tokens: Any) -> Any:
        keep = ops.not_equal(tokens, 0)[:, None, :]
        x = self.embedding(tokens) + self.position
        x = self.block(x, keep)
        return self.head(ops.mean(x, axis=1))


def build_keras() -> keras.Model:
    model = Encoder()
    model(ops.ones((1, 9), dtype="int32"))
    return model

"""A classifier of series: a causal convolution, then a GRU."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


class Classifier(keras.Model):
    """Takes series of 7 steps of 4 numbers."""

    def __init__(self) -> None:
        super().__init__(name="classifier")
        self.conv = layers.Conv1D(
            6, 3, padding="causal", dilation_rate=2, activation="relu", name="conv"
        )
        self.gru = layers.GRU(7, name="gru")
        self.norm = layers.LayerNormalization(epsilon=1e-5, name="norm")
        self.logits = layers.Dense(3, name="logits")

    def call(self, x: Any) -> Any:
        x = self.conv(x)
        x = self.gru(x)
        return self.logits(self.norm(x))


def build_keras() -> keras.Model:
    model = Classifier()
    model(keras.ops.zeros((1, 7, 4)))
    return model

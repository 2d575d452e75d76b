"""A bidirectional LSTM that answers yes or no."""

from __future__ import annotations

import keras
from keras import layers


def build_keras() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((4, 5)),
            layers.Bidirectional(
                layers.LSTM(6, return_sequences=True), name="bidirectional_1"
            ),
            layers.Bidirectional(layers.LSTM(4), name="bidirectional_2"),
            layers.Dense(6, activation="relu", name="hidden"),
            layers.Dense(1, name="logit"),
        ]
    )

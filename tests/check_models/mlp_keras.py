"""A multilayer perceptron."""

from __future__ import annotations

import keras
from keras import layers


def build_keras() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(12, activation="relu", name="hidden"),
            layers.Dense(12, activation="tanh", name="square"),
            layers.Dropout(0.25, name="dropout"),
            layers.Dense(3, name="logits"),
        ]
    )

"""Convolutions and pools, with padding="same" throughout."""

from __future__ import annotations

import keras
from keras import layers


def build_keras() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((11, 14, 3)),
            layers.Conv2D(
                6, 3, strides=2, padding="same", activation="relu", name="conv_1"
            ),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv_2"),
            layers.MaxPooling2D(2, padding="same", name="max_pool"),
            layers.AveragePooling2D(3, strides=1, padding="same", name="smooth"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="relu", name="hidden"),
            layers.Dense(5, name="logits"),
        ]
    )

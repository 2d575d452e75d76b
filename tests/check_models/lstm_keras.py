"""A classifier of sentences: two LSTMs, one on the other."""

from __future__ import annotations

import keras
from keras import layers


def build_keras() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(20, 6, name="embedding"),
            layers.LSTM(8, return_sequences=True, name="lstm_1"),
            layers.LSTM(8, name="lstm_2"),
            layers.Dropout(0.5, name="dropout"),
            layers.Dense(5, activation="relu", name="hidden"),
            layers.Dense(4, activation="softmax", name="classes"),
        ]
    )

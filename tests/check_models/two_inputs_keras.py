"""Two inputs, an image and a row of a table; two outputs by name."""

from __future__ import annotations

import keras
from keras import layers


def build_keras() -> keras.Model:
    image = keras.Input((6, 7, 2), name="image")
    x = layers.Conv2D(5, (2, 3), activation="relu", name="conv")(image)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(6, name="image_features")(x)
    table = keras.Input((4,), name="table")
    y = layers.Rescaling(0.5, offset=-1.0, name="rescaling")(table)
    y = layers.Dense(6, activation="softplus", name="table_features")(y)
    y = layers.RMSNormalization(name="rms_norm")(y)
    both = layers.Concatenate(name="both")([x, y])
    shared = layers.Dense(9, activation="tanh", name="shared")(both)
    outputs = {
        "kind": layers.Dense(3, activation="softmax", name="kind")(shared),
        "price": layers.Dense(1, name="price")(shared),
    }
    return keras.Model([image, table], outputs, name="two_inputs")

"""An autoencoder of images, with transposed convolutions."""

from __future__ import annotations

import keras
from keras import layers


def build_keras() -> keras.Model:
    encoder = keras.Sequential(
        [
            keras.Input((16, 24, 2)),
            layers.Conv2D(
                4, 4, strides=2, padding="same", activation="relu", name="encode_1"
            ),
            layers.Conv2D(
                6, 3, strides=2, padding="same", activation="silu", name="encode_2"
            ),
            layers.MaxPooling2D(2, name="pool"),
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            keras.Input((2, 3, 6)),
            layers.UpSampling2D(2, name="upsample"),
            layers.Conv2DTranspose(5, 4, strides=2, padding="same", name="decode_1"),
            layers.PReLU(shared_axes=[1, 2], name="prelu"),
            layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="decode_2"),
            layers.Activation("elu", name="elu"),
            layers.Conv2D(2, 3, padding="same", activation="sigmoid", name="pixels"),
        ],
        name="decoder",
    )
    image = keras.Input((16, 24, 2), name="image")
    return keras.Model(image, decoder(encoder(image)), name="autoencoder")

"""Depthwise and pointwise convolutions, in the manner of MobileNet."""

from __future__ import annotations

import keras
from keras import layers


def build_keras() -> keras.Model:
    image = x = keras.Input((16, 18, 4), name="image")
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = layers.BatchNormalization(momentum=0.9, name="bn")(x)
    x = layers.ReLU(max_value=6.0, name="relu6")(x)
    x = layers.Conv2D(8, 1, name="pointwise")(x)
    x = layers.GroupNormalization(4, epsilon=1e-5, name="group_norm")(x)
    x = layers.Activation("hard_silu", name="hard_silu")(x)
    x = layers.SeparableConv2D(6, (3, 2), depth_multiplier=2, name="separable")(x)
    x = layers.LeakyReLU(negative_slope=0.25, name="leaky")(x)
    x = layers.Conv2D(10, 3, groups=2, dilation_rate=2, name="grouped")(x)
    x = layers.ELU(name="elu")(x)
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = layers.GlobalMaxPooling2D(name="global_pool")(x)
    x = layers.Dense(7, name="logits")(x)
    return keras.Model(image, x, name="separable_net")

"""What counts as one step of a forward pass, whatever it calls in turn."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tf_track.check.functions import keras_kind
from tf_track.layouts import LAYOUTS

FUSED = (
    layers.Dense,
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
)
"""Layers whose activation counts as a step of its own."""


def is_closed(layer: layers.Layer) -> bool:
    """Whether it is Keras' own, and holds none of the layers that are steps."""
    if keras_kind(layer) is None or isinstance(layer, (keras.Model, layers.Lambda)):
        return False
    if isinstance(layer, layers.Activation) and not is_library(layer.activation):
        return False
    inner = layer._flatten_layers(include_self=False)
    return not any(kind in LAYOUTS for one in inner for kind in type(one).__mro__)


def is_library(function: Any) -> bool:
    """Whether an activation is Keras' or TensorFlow's own."""
    function = getattr(function, "func", function)
    kind = function if isinstance(function, FunctionType) else type(function)
    return kind.__module__.startswith(("keras.", "tensorflow."))


def is_same(op: str, given: tf.Tensor, found: tf.Tensor) -> bool:
    """Whether a call has changed nothing."""
    if op == "cast":
        return given.dtype.is_floating
    return op in ("flatten", "reshape", "slice") and given.shape == found.shape

"""What TensorFlow lacks on a CPU, or only has in float32, made of what it has."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend import tensorflow
from keras.src.backend.tensorflow import nn

from shared.check import resizing
from tf_track.check.rules import each
from tf_track.check.swap import Change

_conv = nn.conv
_resize = tf.image.resize
_leaky_relu = tf.nn.leaky_relu
_to = tensorflow.cast


def _by_groups(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """A convolution, its groups apart: on a CPU TensorFlow has no gradient of several.

    Keras compiles them for that reason, and here nothing is compiled.
    """
    layout = data_format or keras.config.image_data_format()
    axis = -1 if layout == "channels_last" else 1
    groups = inputs.shape[axis] // kernel.shape[-2]
    more = strides, padding, layout, dilation_rate
    if groups == 1:
        return _conv(inputs, kernel, *more)
    pairs = zip(
        tf.split(inputs, groups, axis), tf.split(kernel, groups, -1), strict=True
    )
    return tf.concat([_conv(x, k, *more) for x, k in pairs], axis)


def _in_two(pool: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """A pooling of volumes in float64: of planes, and then across them."""

    def pooled(x: tf.Tensor, size: Any, stride: Any, pad: str, *more: Any) -> tf.Tensor:
        if len(x.shape) != 5 or x.dtype != tf.float64:
            return pool(x, size, stride, pad, *more)
        size, stride = each(size, 3), each(stride, 3)
        count, depth, height, width, channels = x.shape
        planes = tf.reshape(x, (count * depth, height, width, channels))
        planes = pool(planes, size[1:], stride[1:], pad)
        height, width = planes.shape[1:3]
        lines = tf.reshape(planes, (count, depth, height * width, channels))
        lines = pool(lines, (size[0], 1), (stride[0], 1), pad)
        return tf.reshape(lines, (count, -1, height, width, channels))

    return pooled


def _resized(
    images: Any, size: Sequence[int], method: Any = "bilinear", **more: Any
) -> tf.Tensor:
    """Linear and cubic in float64, where TensorFlow has float32; else as it does it."""
    wide = tf.is_tensor(images) and images.dtype == tf.float64
    if not wide or method == "nearest":
        return _resize(images, size, method, **more)
    if method not in _WEIGHTS:
        narrow = tf.cast(images, tf.float32)
        return tf.cast(_resize(narrow, size, method, **more), tf.float64)
    weights = _WEIGHTS[method]
    if more.get("antialias"):
        weights = functools.partial(resizing.antialiased, method=method)
    rows, columns = (
        weights(int(n), int(m)) for n, m in zip(images.shape[-3:-1], size, strict=True)
    )
    return tf.einsum("ih,...hwc,jw->...ijc", rows, images, columns)


_WEIGHTS: Mapping[Any, Callable[..., resizing.Weights]] = {
    "bilinear": resizing.bilinear,
    "bicubic": resizing.bicubic,
}


def _leaky(features: Any, alpha: Any = 0.2, name: str | None = None) -> tf.Tensor:
    """In float64 with the slope that was asked for, not its float32."""
    x = tf.convert_to_tensor(features)
    if x.dtype != tf.float64:
        return _leaky_relu(features, alpha, name)
    return tf.where(x > 0, x, tf.constant(float(alpha), x.dtype) * x)


def _cast(x: Any, dtype: Any) -> Any:
    """A number that Keras turns into float64, without a float32 between."""
    wide = isinstance(x, float) and dtype == "float64"
    return tf.constant(x, tf.float64) if wide else _to(x, dtype)


CHANGES: Sequence[Change] = (
    (nn, "conv", _by_groups),
    (tf.nn, "max_pool", _in_two(tf.nn.max_pool)),
    (tf.nn, "avg_pool", _in_two(tf.nn.avg_pool)),
    (tf.image, "resize", _resized),
    (tf.nn, "leaky_relu", _leaky),
    (tensorflow, "cast", _cast),
)
"""By these."""

"""Functions of Keras and TensorFlow, replaced wherever the user's code finds them."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from shared.check.user_code import is_users
from tf_track.check.swap import Change

Layer: TypeAlias = keras.layers.Layer

_LIBRARIES = (
    keras.activations,
    keras.ops,
    keras.ops.image,
    keras.ops.nn,
    keras.ops.numpy,
    keras.random,
    tf,
    tf.image,
    tf.linalg,
    tf.math,
    tf.nn,
    tf.random,
)

_NO_STEP = {
    "associative_scan",
    "cond",
    "custom_gradient",
    "deserialize",
    "fori_loop",
    "get",
    "is_tensor",
    "jvp",
    "map",
    "scan",
    "serialize",
    "switch",
    "vectorize",
    "vectorized_map",
    "while_loop",
}
"""Functions of Keras that compute nothing, or call others of the user's."""

_TENSORFLOW = {
    tf: "abs add cast clip_by_value concat divide einsum exp expand_dims gather matmul "
    "maximum minimum multiply negative pad pow reduce_max reduce_mean reduce_min "
    "reduce_sum repeat reshape sigmoid slice split sqrt square squeeze stack subtract "
    "tanh tile transpose unstack where",
    tf.image: "resize",
    tf.math: "log reduce_std reduce_variance rsqrt",
    tf.nn: "avg_pool avg_pool1d avg_pool2d avg_pool3d batch_normalization bias_add "
    "conv1d conv2d conv2d_transpose depth_to_space depthwise_conv2d dropout elu gelu "
    "l2_normalize leaky_relu local_response_normalization log_softmax max_pool "
    "max_pool1d max_pool2d max_pool3d relu relu6 selu sigmoid silu softmax softplus "
    "softsign tanh",
    tf.random: "normal truncated_normal uniform",
}
"""The functions of TensorFlow that count as steps."""

_OPERATORS = {
    "__add__": "add",
    "__radd__": "add",
    "__sub__": "subtract",
    "__rsub__": "subtract",
    "__mul__": "multiply",
    "__rmul__": "multiply",
    "__truediv__": "divide",
    "__rtruediv__": "divide",
    "__matmul__": "matmul",
    "__rmatmul__": "matmul",
    "__pow__": "power",
    "__neg__": "negative",
    "__getitem__": "slice",
}

Wrap: TypeAlias = Callable[[Any, str], Any]
"""Makes another function of a function and its public name."""


def traced(layers: Sequence[Layer], wrap: Wrap) -> Iterator[Change]:
    """Functions that compute, and operators, wrapped wherever the user has them."""
    found: dict[int, Any] = {}
    for library in _LIBRARIES:
        ours = library.__name__.startswith("keras")
        named = vars(library) if ours else _TENSORFLOW.get(library, "").split()
        for name in named:
            function = getattr(library, name)
            if isinstance(function, FunctionType) and name not in _NO_STEP:
                found.setdefault(id(function), wrap(function, name))
    yield from replaced(owners(layers), found)
    for kind in (tf.Tensor, keras.Variable):
        for method, name in _OPERATORS.items():
            yield kind, method, wrap(getattr(kind, method), name)


def replaced(owners: Iterable[Any], instead: Mapping[int, Any]) -> Iterator[Change]:
    """Other functions wherever the owners have them as attributes.

    Args:
        owners: modules and objects.
        instead: what stands in, by the id of the original.
    """
    for owner in owners:
        for name, value in list(vars(owner).items()):
            if id(value) in instead:
                yield owner, name, instead[id(value)]


def owners(layers: Sequence[Layer]) -> list[Any]:
    """Where a model's code finds functions: the libraries, its modules, its layers."""
    found: list[Any] = list(_LIBRARIES)
    for layer in layers:
        if is_own(layer):
            found += [layer, sys.modules.get(type(layer).__module__)]
        for name in ("function", "activation"):
            function = getattr(layer, name, None)
            if isinstance(function, FunctionType) and not _is_library(function):
                found.append(sys.modules.get(function.__module__))
    return list({id(owner): owner for owner in found if owner is not None}.values())


def is_own(value: object) -> bool:
    """Whether its class is the user's, not Keras'."""
    return not _is_library(type(value))


def _is_library(value: FunctionType | type) -> bool:
    return value.__module__.partition(".")[0] in ("keras", "tensorflow")


def keras_kind(layer: Layer) -> type | None:
    """The layer of Keras' own that it is, or is a kind of; None for the user's."""
    kind = next(k for k in type(layer).__mro__ if k.__module__.startswith("keras."))
    return None if kind in (keras.layers.Layer, keras.Model) else kind


def user_frame() -> str:
    """Where the user's code has called, as "file.py:7"; empty where Keras' has."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_PASSED):
        frame = frame.f_back
    path = frame.f_code.co_filename
    if not is_users(path):
        return ""
    return f"{os.path.basename(path)}:{frame.f_lineno}"


_PASSED = ("tf_track.", "tensorflow.python.autograph.")
"""Modules that call on behalf of others; of a compiled function it is AutoGraph."""


def widened(precision: str) -> dict[int, Any]:
    """What the user's code makes float32 with, but in `precision`, by the originals."""
    makers = (
        *(keras.ops.cast, keras.ops.convert_to_tensor, keras.ops.full),
        *(keras.ops.ones, keras.ops.zeros),
        *(tf.cast, tf.constant, tf.convert_to_tensor, tf.eye, tf.fill, tf.linspace),
        *(tf.one_hot, tf.ones, tf.range, tf.zeros),
        *(tf.random.normal, tf.random.truncated_normal, tf.random.uniform),
    )
    return {id(make): _widened(make, precision) for make in makers}


def _widened(make: Any, precision: str) -> Any:
    signature = inspect.signature(make)

    @functools.wraps(make)
    def wide(*args: Any, **named: Any) -> Any:
        made = make(*args, **named)
        if getattr(made, "dtype", None) != tf.float32 or not user_frame():
            return made
        if "dtype" not in signature.parameters:
            return tf.cast(made, precision)
        given = signature.bind(*args, **named)
        given.arguments["dtype"] = precision
        return make(*given.args, **given.kwargs)

    return wide

"""A built model in another precision, in place, and without touching what it holds.

Every variable, policy and constant tensor is exchanged for one in the precision; the
model's own are put back afterwards, the very same objects.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state

from tf_track.check import kernels
from tf_track.check.inputs import graph
from tf_track.check.swap import Change, swapped

Layer: TypeAlias = keras.layers.Layer

_GENERATOR = "global_seed_generator"
"""Keras' name for what draws where no seed is given; it is made when first needed."""


@contextlib.contextmanager
def environment(precision: str) -> Iterator[None]:
    """The precision by default, on the CPU, nothing compiled, until the block ends.

    Generators of random numbers are left as they were, but TensorFlow's own.
    """
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    eager = tf.config.functions_run_eagerly()
    drawn = random.getstate(), np.random.get_state()
    generator = global_state.get_global_attribute(_GENERATOR)
    try:
        global_state.set_global_attribute(_GENERATOR, None)
        keras.config.set_floatx(precision)
        keras.config.set_dtype_policy(precision)
        # What the user has compiled would read the variables that it was traced with.
        tf.config.run_functions_eagerly(True)
        with tf.device("CPU:0"), swapped(kernels.CHANGES):
            yield
    finally:
        global_state.set_global_attribute(_GENERATOR, generator)
        tf.config.run_functions_eagerly(eager)
        keras.config.set_dtype_policy(policy)
        keras.config.set_floatx(floatx)
        random.setstate(drawn[0])
        np.random.set_state(drawn[1])


def recast(
    layers: Iterable[Layer], precision: str, start: Mapping[int, Any]
) -> Iterator[Change]:
    """Everything of the layers in that precision, the variables as copies.

    Args:
        layers: all layers of a model, itself included.
        precision: "float32" or "float64".
        start: other values than the variables have, by the variables' ids.
    """
    policy = keras.DTypePolicy(precision)
    seen: set[int] = set()
    for layer in layers:
        for variable in _variables(layer):
            if id(variable) not in seen:
                seen.add(id(variable))
                yield from _variable(variable, precision, start)
        own = layer._dtype_policy
        if "float" in own.compute_dtype and own.quantization_mode is None:
            yield layer, "_dtype_policy", policy
        yield layer, "_losses", []
        yield layer, "_loss_ids", set()
        yield from _constants(layer, precision)
        yield from _symbols(layer, precision)


def _variables(layer: Layer) -> Iterator[keras.Variable]:
    """The layer's variables, also the states that a recurrent one keeps."""
    yield from layer.variables
    for value in vars(layer).values():
        if isinstance(value, (list, tuple)):
            yield from (one for one in value if isinstance(one, keras.Variable))


def _variable(
    variable: keras.Variable, precision: str, start: Mapping[int, Any]
) -> Iterator[Change]:
    kept = variable._value
    dtype = precision if kept.dtype.is_floating else kept.dtype.name
    value = tf.cast(start.get(id(variable), kept), dtype)
    yield variable, "_value", tf.Variable(value, trainable=kept.trainable)
    yield variable, "_dtype", dtype


def _constants(layer: Layer, precision: str) -> Iterator[Change]:
    """Tensors, and variables that are not Keras', among the layer's attributes."""
    for name, value in list(vars(layer).items()):
        if isinstance(value, tf.Variable):
            dtype = precision if value.dtype.is_floating else value.dtype
            copy = tf.Variable(tf.cast(value, dtype), trainable=value.trainable)
            yield layer, name, copy
        elif isinstance(value, tf.Tensor) and value.dtype.is_floating:
            yield layer, name, tf.cast(value, precision)


def _symbols(layer: Layer, precision: str) -> Iterator[Change]:
    """Inputs, to whose dtype a model casts, and the casts in a functional model."""
    if isinstance(layer, keras.layers.InputLayer) and "float" in layer.dtype:
        yield layer, "_dtype", precision
    found = graph(layer)
    if found is None:
        return
    for tensor in found.inputs:
        if "float" in tensor.dtype:
            yield tensor, "_dtype", precision
    for operation in found.operations:
        if (
            isinstance(operation, keras.layers.Layer)
            or getattr(operation, "dtype", "") != "float32"
        ):
            continue
        yield operation, "dtype", precision

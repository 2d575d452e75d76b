"""Layers that draw: dropout, noise and augmentation, which a check holds still.

Their rates are compared as settings.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from tf_track.check.functions import keras_kind
from tf_track.check.swap import Change

Layer: TypeAlias = keras.layers.Layer

_RATES = ("dropout", "recurrent_dropout")


def silenced(layers: Iterable[Layer]) -> Iterator[Change]:
    """Let every layer of Keras' own behave as if it did not draw."""
    for layer in layers:
        if _has_rates(layer):
            yield from ((layer, rate, 0.0) for rate in _RATES if rate in vars(layer))
        elif draws(layer):
            yield layer, "call", _inferring(layer)


def silent_functions() -> dict[int, Any]:
    """What stands in for functions that drop or add noise, by the originals' ids."""

    def drop(x: Any, *_: Any, **__: Any) -> tf.Tensor:
        return tf.convert_to_tensor(x)

    drops = (keras.random.dropout, tf.nn.dropout)
    noises = (
        keras.random.normal,
        keras.random.truncated_normal,
        tf.random.normal,
        tf.random.truncated_normal,
        tf.random.stateless_normal,
    )
    found = {id(one): functools.wraps(one)(drop) for one in drops}
    return found | {id(one): _mean(one) for one in noises}


def _mean(draw: Any) -> Any:
    """What a function draws around, in the shape of what it draws."""
    signature = inspect.signature(draw)

    @functools.wraps(draw)
    def still(*args: Any, **named: Any) -> tf.Tensor:
        given = signature.bind(*args, **named)
        given.apply_defaults()
        dtype = given.arguments["dtype"] or keras.config.floatx()
        mean = tf.cast(given.arguments["mean"], dtype)
        return tf.broadcast_to(mean, given.arguments["shape"])

    return still


def draws(layer: Layer) -> bool:
    """Whether it is a layer of Keras' own that changes its input at random."""
    return bool(
        layer._seed_generators
        and keras_kind(layer)
        and layer._call_has_training_arg
        and not _has_rates(layer)
    )


def is_random(layer: Layer) -> bool:
    """Whether it, or a layer in it, changes something at random."""
    return any(
        any(getattr(one, rate, 0) for rate in _RATES) if _has_rates(one) else draws(one)
        for one in layer._flatten_layers()
    )


def _has_rates(layer: Layer) -> bool:
    """Whether it draws masks for a part of what it computes."""
    kinds = (keras.layers.Attention, keras.layers.AdditiveAttention)
    return hasattr(layer, "get_dropout_mask") or isinstance(layer, kinds)


def _inferring(layer: Layer) -> Any:
    call = layer.call

    @functools.wraps(call)
    def quiet(*inputs: Any, training: Any = None, **named: Any) -> Any:
        return call(*inputs, training=False, **named)

    return quiet

"""The optimizer that a check trains with: always a new one, never the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras
from keras import optimizers

from shared.check.user_code import guarded, load_object
from shared.errors import UsageError
from shared.lesson import nearest
from tf_track import backend

Optimizer: TypeAlias = optimizers.Optimizer

COMMON: Mapping[str, Callable[[float], Optimizer]] = {
    "sgd": optimizers.SGD,
    "momentum": lambda rate: optimizers.SGD(rate, momentum=0.9),
    "adam": optimizers.Adam,
    "adamw": optimizers.AdamW,
    "rmsprop": optimizers.RMSprop,
    "adagrad": optimizers.Adagrad,
    "adadelta": optimizers.Adadelta,
    "adamax": optimizers.Adamax,
    "nadam": optimizers.Nadam,
}
"""Keras' optimizers by the names that both tracks know."""

_HYPERPARAMETERS = (
    "beta_1",
    "beta_2",
    "epsilon",
    "momentum",
    "nesterov",
    "rho",
    "weight_decay",
    "initial_accumulator_value",
    "amsgrad",
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "centered",
)


def make(asked: Any) -> Optimizer:
    """A new optimizer in the precision that is set.

    Args:
        asked: a common name, with ":" and a learning rate or without, "file.py:name"
            of an optimizer or of a function that makes one, or an optimizer.

    Raises:
        UsageError: there is no such optimizer, or the user's code fails.
    """
    if isinstance(asked, str):
        name, _, rest = asked.partition(":")
        if name in COMMON:
            return COMMON[name](_rate(asked, rest) if rest else 0.001)
        if not rest:
            raise UsageError(f"there is no optimizer {asked!r}{nearest(asked, COMMON)}")
        path, _, name = asked.rpartition(":")
        found = load_object(asked)
        if callable(found):
            found = guarded(path, found)
        if not isinstance(found, optimizers.Optimizer):
            raise UsageError(
                f"{name} in {path} is no Keras optimizer, and makes none: it is "
                f"{type(found).__name__}"
            )
        return guarded(path, lambda: _copied(found))
    if not isinstance(asked, optimizers.Optimizer):
        raise UsageError(f"{type(asked).__name__} is no Keras optimizer")
    return guarded(type(asked).__name__, lambda: _copied(asked))


def settings(optimizer: Optimizer) -> dict[str, Any]:
    """The rule, and the hyperparameters that it has, by neutral names."""
    config = optimizer.get_config()
    return {
        "rule": type(optimizer).__name__.lower(),
        "learning_rate": _literal(optimizer.learning_rate),
        "schedule": not isinstance(optimizer._learning_rate, keras.Variable),
        "decoupled": True,
        **{key: config[key] for key in _HYPERPARAMETERS if key in config},
    }


def _rate(asked: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"{text!r} in {asked!r} is no learning rate, such as in adam:0.01"
        ) from None


def _copied(optimizer: Optimizer) -> Optimizer:
    config = optimizer.get_config()
    if "learning_rate" in config:
        rate = optimizer._learning_rate
        held = isinstance(rate, keras.Variable)
        config["learning_rate"] = _literal(rate) if held else rate
    copy: Optimizer = type(optimizer).from_config(config)
    for name in ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern"):
        if hasattr(optimizer, name):
            setattr(copy, name, getattr(optimizer, name))
    return copy


def _literal(rate: Any) -> float:
    """The number as it was written: 0.001, not the float32 that is nearest to it."""
    return float(str(backend.array(rate)))

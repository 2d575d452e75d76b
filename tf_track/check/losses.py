"""What is minimized: a common loss, the user's own, or a weighted sum of outputs."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import keras
import tensorflow as tf
from keras import losses

from shared.check.user_code import guarded, load_object
from shared.errors import UsageError
from shared.lesson import nearest
from tf_track.check import loss_settings
from tf_track.check.functions import replaced
from tf_track.check.swap import Change, swapped

Loss: TypeAlias = Callable[..., Any]

NAMED: Mapping[str, Callable[[], losses.Loss]] = {
    "mse": losses.MeanSquaredError,
    "mae": losses.MeanAbsoluteError,
    "huber": losses.Huber,
    "bce": losses.BinaryCrossentropy,
    "bce_logits": lambda: losses.BinaryCrossentropy(from_logits=True),
    "cross_entropy": lambda: losses.SparseCategoricalCrossentropy(from_logits=True),
    "cross_entropy_probs": losses.SparseCategoricalCrossentropy,
    "kld": losses.KLDivergence,
    "poisson": losses.Poisson,
    "hinge": losses.Hinge,
}
"""Keras' losses by the names that both tracks know."""


class Objective:
    """A loss of the outputs, as one number.

    Attributes:
        settings: what the first call asked of Keras, by neutral name.
        is_loss: whether there is a loss, and not only a weighted sum.
    """

    def __init__(self, given: Any, precision: str) -> None:
        """Take a loss.

        Args:
            given: a common name, "file.py:name", a Keras loss, a function of target and
                output, or None for a sum of the outputs weighted with cotangents.
            precision: that the loss is computed in.

        Raises:
            UsageError: there is no such loss, or its file is bad.
        """
        self._path = given.rpartition(":")[0] if isinstance(given, str) else ""
        self._loss = _found(given)
        self._precision = precision
        self.settings: dict[str, Any] = {}
        self.is_loss = self._loss is not None

    @property
    def facts(self) -> dict[str, Any]:
        """Plain values."""
        return {"loss_settings": self.settings} if self.is_loss else {}

    def __call__(self, outputs: Any, given: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The loss of a batch, the sum over all outputs that have a target.

        Args:
            outputs: the model's.
            given: "target/0" and so on, or "cotangent/0" and so on.

        Raises:
            UsageError: the loss fails.
        """
        flat = [x for x in keras.tree.flatten(outputs) if x is not None]
        if self._loss is None:
            return _weighted(flat, given)
        pairs = [
            (given[f"target/{k}"], x)
            for k, x in enumerate(flat)
            if f"target/{k}" in given
        ]
        return tf.add_n([self._of(*pair) for pair in pairs])

    def _of(self, target: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        loss = self._loss
        assert loss is not None
        seen: list[dict[str, Any]] = []
        with (
            warnings.catch_warnings(record=True) as told,
            swapped(_watched(loss, self._precision, seen)),
        ):
            warnings.simplefilter("always")
            path = self._path or "the Keras loss"
            value = guarded(path, lambda: tf.convert_to_tensor(loss(target, output)))
        self.settings = self.settings or {
            **(seen[0] if seen else loss_settings.of(loss)),
            "output_shape": list(output.shape),
            "target_shape": list(target.shape),
            "warnings": [str(one.message) for one in told],
        }
        # As `fit` does: without a reduction the gradient is that of the sum.
        is_keras = isinstance(loss, losses.Loss)
        total = tf.reduce_sum(value) if is_keras else tf.reduce_mean(value)
        return tf.cast(total, self._precision)


def _watched(
    loss: Loss, precision: str, seen: list[dict[str, Any]]
) -> Iterator[Change]:
    """Keras' losses, in that precision; what they are set to goes to `seen`."""
    original = losses.Loss.__call__

    def call(self: losses.Loss, *args: Any, **named: Any) -> Any:
        seen.append(loss_settings.of(self))
        with swapped([(self, "_dtype", precision)]):
            return original(self, *args, **named)

    yield losses.Loss, "__call__", call
    owners = losses, sys.modules.get(getattr(loss, "__module__", ""))
    functions = {
        id(function): _noting(function, seen)
        for name, function in vars(losses).items()
        if name in loss_settings.FUNCTIONS
    }
    yield from replaced([one for one in owners if one is not None], functions)


def _noting(function: Loss, seen: list[dict[str, Any]]) -> Loss:
    signature = inspect.signature(function)

    def noting(*args: Any, **named: Any) -> Any:
        bound = signature.bind(*args, **named)
        bound.apply_defaults()
        seen.append(loss_settings.told(function.__name__, bound.arguments))
        return function(*args, **named)

    return noting


def _found(loss: Any) -> Loss | None:
    if isinstance(loss, str):
        path, _, _ = loss.rpartition(":")
        if not path:
            return _named(loss)
        loss = load_object(loss)
        if isinstance(loss, type) or (callable(loss) and not _needed(loss)):
            loss = guarded(path, loss)
    if loss is None or callable(loss):
        return loss
    raise UsageError(
        f"the Keras loss is {type(loss).__name__}: give a Keras loss, a function of "
        "target and output, or a common name"
    )


def _named(name: str) -> Loss:
    if name not in NAMED:
        hint = nearest(name, NAMED)
        known = ", ".join(NAMED)
        raise UsageError(f"there is no loss {name!r}{hint}; known are {known}")
    return NAMED[name]()


def _needed(function: Loss) -> int:
    """How many arguments it must be given."""
    parameters = inspect.signature(function).parameters.values()
    return sum(p.default is p.empty for p in parameters)


def _weighted(outputs: list[tf.Tensor], given: Mapping[str, tf.Tensor]) -> tf.Tensor:
    terms = [
        tf.reduce_sum(x * tf.cast(given[f"cotangent/{k}"], x.dtype))
        for k, x in enumerate(outputs)
        if f"cotangent/{k}" in given
    ]
    return tf.add_n(terms)

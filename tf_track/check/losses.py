"""What is minimized: a common loss, the user's own, or a weighted sum of outputs."""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from shared.check.user_code import guarded, load_object
from shared.errors import UsageError
from shared.lesson import nearest
from tf_track.check.swap import swapped

Loss: TypeAlias = Callable[..., Any]

COMMON: Mapping[str, Callable[[], keras.losses.Loss]] = {
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
    "bce": keras.losses.BinaryCrossentropy,
    "bce_logits": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
    "cross_entropy": lambda: keras.losses.SparseCategoricalCrossentropy(
        from_logits=True
    ),
    "cross_entropy_probs": keras.losses.SparseCategoricalCrossentropy,
    "kld": keras.losses.KLDivergence,
    "poisson": keras.losses.Poisson,
    "hinge": keras.losses.Hinge,
}
"""Keras' losses by the names that both tracks know."""


class Objective:
    """A loss of the outputs, as one number.

    Attributes:
        facts: under "loss_settings" what the loss is, and what it was given last.
    """

    def __init__(self, loss: Any, precision: str) -> None:
        """Take a loss.

        Args:
            loss: a common name, "file.py:name", a Keras loss, a function of target and
                output, or None for a sum of the outputs weighted with a cotangent.
            precision: that the loss is computed in.

        Raises:
            UsageError: there is no such loss, or its file is bad.
        """
        self._loss = _found(loss)
        self._source = loss.rpartition(":")[0] if isinstance(loss, str) else ""
        self._precision = precision
        self._settings = settings(self._loss)

    @property
    def facts(self) -> dict[str, Any]:
        return {} if self._loss is None else {"loss_settings": self._settings}

    def __call__(self, outputs: Any, given: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The loss of a batch, the sum over the outputs where there are several.

        Args:
            outputs: the model's.
            given: "target/0" and so on, or "cotangent/0" and so on.

        Raises:
            UsageError: the loss fails.
        """
        flat = [x for x in keras.tree.flatten(outputs) if x is not None]
        if self._loss is None:
            return _weighted(flat, given)
        pairs = [(given[f"target/{k}"], x) for k, x in enumerate(flat)]
        self._settings["target_shape"] = _one([list(t.shape) for t, _ in pairs])
        self._settings["output_shape"] = _one([list(x.shape) for _, x in pairs])
        with warnings.catch_warnings(record=True) as told, self._in_precision():
            warnings.simplefilter("always")
            total = tf.add_n([self._of(*pair) for pair in pairs])
        texts = [*self._settings["warnings"], *(str(w.message) for w in told)]
        self._settings["warnings"] = list(dict.fromkeys(texts))
        return total

    def _of(self, target: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        loss = self._loss
        assert loss is not None
        name = self._source or type(loss).__name__
        value = tf.convert_to_tensor(guarded(name, lambda: loss(target, output)))
        if isinstance(loss, keras.losses.Loss):
            # As `fit` does: without a reduction the gradient is that of the sum.
            return tf.reduce_sum(value)
        return tf.reduce_mean(value)

    @contextlib.contextmanager
    def _in_precision(self) -> Iterator[None]:
        own = isinstance(self._loss, keras.losses.Loss)
        with swapped([(self._loss, "_dtype", self._precision)] if own else []):
            yield


def settings(loss: Loss | None) -> dict[str, Any]:
    """What a loss is set to, by neutral names; None where it has no such setting."""
    if loss is None:
        return {}
    config = _config(loss)
    named = loss if inspect.isfunction(loss) else type(loss)
    return {
        "type": named.__name__,
        "reduction": config.get("reduction", "mean"),
        "from_logits": config.get("from_logits"),
        "label_smoothing": config.get("label_smoothing"),
        "ignore": config.get("ignore_class"),
        "delta": config.get("delta"),
        "log_input": False if named.__name__.lower() == "poisson" else None,
        "weight": False,
        "warnings": [],
    }


def _config(loss: Loss) -> dict[str, Any]:
    if isinstance(loss, keras.losses.Loss):
        own = {**vars(loss), **getattr(loss, "_fn_kwargs", {})}
        return own | {"reduction": loss.reduction}
    try:
        parameters = inspect.signature(loss).parameters.items()
    except (TypeError, ValueError):
        return {}
    return {n: p.default for n, p in parameters if p.default is not p.empty}


def _found(loss: Any) -> Loss | None:
    if isinstance(loss, str):
        if ":" not in loss:
            if loss not in COMMON:
                raise UsageError(f"there is no loss {loss!r}{nearest(loss, COMMON)}")
            return COMMON[loss]()
        path, _, name = loss.rpartition(":")
        found = load_object(loss)
        if isinstance(found, type):
            found = guarded(path, found)
        if not callable(found):
            raise UsageError(
                f"{name} in {path} is no loss: name a Keras loss, or a function of "
                "target and output"
            )
        return found
    if loss is None or callable(loss):
        return loss
    raise UsageError(
        f"{type(loss).__name__} is no loss: give a Keras loss, or a function of target "
        "and output"
    )


def _weighted(outputs: list[tf.Tensor], given: Mapping[str, tf.Tensor]) -> tf.Tensor:
    terms = [
        tf.reduce_sum(x * tf.cast(given[f"cotangent/{k}"], x.dtype))
        for k, x in enumerate(outputs)
        if x.dtype.is_floating
    ]
    return tf.add_n(terms)


def _one(shapes: list[Any]) -> Any:
    """The only shape, or all of them."""
    return shapes[0] if len(shapes) == 1 else shapes

"""What Keras' losses are set to, by neutral names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from keras import losses

from tf_track.check.calls import snake

FUNCTIONS = {
    "binary_crossentropy": "bce",
    "categorical_crossentropy": "cross_entropy",
    "hinge": "hinge",
    "huber": "huber",
    "kl_divergence": "kld",
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "poisson": "poisson",
    "sparse_categorical_crossentropy": "cross_entropy",
}
"""The functions of `keras.losses` that have a neutral name."""

_REDUCTIONS = {"sum_over_batch_size": "mean", None: "none"}


def of(loss: Callable[..., Any]) -> dict[str, Any]:
    """The settings of a Keras loss, or the name of another function.

    Returns:
        "type", "reduction", "from_logits", "label_smoothing", "ignore", "delta",
        "log_input" and "weight"; None where there is no such setting.
    """
    if not isinstance(loss, losses.Loss):
        name = getattr(loss, "__name__", type(loss).__name__)
        if getattr(losses, name, None) is not loss:
            return {"type": name}
        parameters = inspect.signature(loss).parameters.values()
        return told(name, {p.name: p.default for p in parameters})
    own = {**vars(loss), **getattr(loss, "_fn_kwargs", {})}
    return told(snake(type(loss).__name__), own)


def told(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a loss of that name in snake case."""
    kind = FUNCTIONS.get(name, name)
    reduction = options.get("reduction", "sum_over_batch_size")
    smoothed = 0.0 if kind in ("bce", "cross_entropy") else None
    return {
        "type": kind,
        "reduction": _REDUCTIONS.get(reduction, reduction),
        "from_logits": options.get("from_logits"),
        "label_smoothing": options.get("label_smoothing", smoothed),
        "ignore": options.get("ignore_class"),
        "delta": options.get("delta"),
        "log_input": False if kind == "poisson" else None,
        "weight": False,
    }

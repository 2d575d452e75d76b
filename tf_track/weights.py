"""Parameters in and out of Keras, in the layout that both tracks share.

Neutral layout: names `layer/kernel` and `layer/bias`; a dense kernel is (in, out),
which is how Keras keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import keras
import tensorflow as tf
from numpy.typing import NDArray

from shared.weights import Weights, check_fit
from tf_track import backend

Variable: TypeAlias = keras.Variable | tf.Variable
Model: TypeAlias = keras.Model | Mapping[str, Variable]


def named(model: Model) -> dict[str, Variable]:
    """The model's own variables by neutral name; raw variables name themselves."""
    if isinstance(model, Mapping):
        return dict(model)
    return {
        f"{layer.name}/{variable.name}": variable
        for layer in model.layers
        for variable in layer.trainable_variables
    }


def is_parameters_only(model: Model) -> bool:
    """Whether no statistics or random generators belong to the model."""
    return isinstance(model, Mapping) or len(model.variables) == len(named(model))


def neutral(model: Model, name: str, value: tf.Tensor) -> NDArray:
    """A tensor shaped like parameter `name` (a gradient, say) in neutral layout."""
    return backend.array(value)


def export(model: Model) -> Weights:
    """Every parameter as a NumPy array in neutral layout."""
    return {name: neutral(model, name, v) for name, v in named(model).items()}


def load(model: Model, values: Weights) -> None:
    """Put arrays in neutral layout into the model.

    Raises:
        UsageError: a name or a shape does not fit; nothing is loaded then.
    """
    variables = named(model)
    check_fit({name: v.shape for name, v in variables.items()}, values)
    for name, variable in variables.items():
        variable.assign(native(model, name, values[name]))


def native(model: Model, name: str, value: NDArray) -> tf.Tensor:
    """An array in neutral layout as a tensor shaped like parameter `name`."""
    return backend.tensor(value)

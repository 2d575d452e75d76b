"""Parameters in and out of Keras, in the layout that both tracks share.

Neutral layout: names such as `layer/kernel` and `layer/bias`, each array as Keras keeps
it: a dense kernel is (in, out). `layouts` tells the layers that take another shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import keras
import tensorflow as tf
from numpy.typing import NDArray

from shared.weights import Weights, check_fit
from tf_track import backend
from tf_track.layout_kinds import Part
from tf_track.layouts import parts

Variable: TypeAlias = keras.Variable | tf.Variable
Model: TypeAlias = keras.Model | Mapping[str, Variable]


def named(model: Model) -> dict[str, Variable]:
    """The model's own parameters by neutral name; raw variables name themselves.

    Raises:
        UsageError: a layer that has weights and no neutral layout.
    """
    if isinstance(model, Mapping):
        return dict(model)
    return {
        f"{part.name}/{name}": variable
        for part in parts(model)
        for name, variable in part.variables.items()
        if variable.trainable
    }


def is_parameters_only(model: Model) -> bool:
    """Whether no statistics or random generators belong to the model."""
    return isinstance(model, Mapping) or len(model.variables) == len(named(model))


def neutral(model: Model, name: str, value: tf.Tensor | tf.IndexedSlices) -> NDArray:
    """A tensor shaped like parameter `name` (a gradient, say) in neutral layout."""
    # The gradient of an embedding tells only the rows that were looked up.
    array = backend.array(tf.convert_to_tensor(value))
    if isinstance(model, Mapping):
        return array
    part, own = _owner(model, name)
    return part.to_neutral(own, array)


def export(model: Model) -> Weights:
    """Every parameter and running statistic as a NumPy array in neutral layout."""
    if isinstance(model, Mapping):
        return {name: backend.array(variable) for name, variable in model.items()}
    return {
        f"{part.name}/{name}": array
        for part in parts(model)
        for name, array in part.export().items()
    }


def load(model: Model, values: Weights) -> None:
    """Put arrays in neutral layout into the model.

    Raises:
        UsageError: a name or a shape does not fit; nothing is loaded then.
    """
    if isinstance(model, Mapping):
        check_fit({name: v.shape for name, v in model.items()}, values)
        for name, variable in model.items():
            variable.assign(backend.tensor(values[name]))
        return
    found = parts(model)
    shapes = {f"{p.name}/{n}": s for p in found for n, s in p.shapes().items()}
    check_fit(shapes, values)
    for part in found:
        part.load({name: values[f"{part.name}/{name}"] for name in part.variables})


def native(model: Model, name: str, value: NDArray) -> tf.Tensor:
    """An array in neutral layout as a tensor shaped like parameter `name`."""
    if isinstance(model, Mapping):
        return backend.tensor(value)
    part, own = _owner(model, name)
    return backend.tensor(part.to_native(own, value))


def _owner(model: keras.Model, name: str) -> tuple[Part, str]:
    """The part with the parameter of that neutral name, and its name in the part."""
    for part in parts(model):
        for own in part.variables:
            if f"{part.name}/{own}" == name:
                return part, own
    raise KeyError(name)

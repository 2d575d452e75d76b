"""How a Keras model is called: the shapes it is fed with, and what it makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


def graph(layer: keras.layers.Layer) -> Any:
    """The functional model that it is, or is made of; None for another layer."""
    if isinstance(layer, keras.Sequential):
        layer = layer._functional
    return layer if hasattr(layer, "_inputs_struct") else None


def pack(
    model: keras.Model, flat: Sequence[Any], structure: Any = None
) -> tuple[Any, ...]:
    """Flat inputs as the arguments that the model takes.

    Args:
        model: the model.
        flat: the inputs in order.
        structure: what the model's first argument is like, where it does not tell.
    """
    structures = (structure,) if structure is not None else structure_of(model)
    if len(keras.tree.flatten(structures)) != len(flat):
        return tuple(flat)
    packed: tuple[Any, ...] = keras.tree.pack_sequence_as(structures, list(flat))
    return packed


def structure_of(model: keras.Model) -> tuple[Any, ...]:
    """The model's arguments, a number in the place of each tensor."""
    found = graph(model)
    if found is not None:
        return (keras.tree.map_structure(lambda _: 0, found._inputs_struct),)
    shapes = tuple((model._build_shapes_dict or {}).values())
    return tuple(keras.tree.map_shape_structure(lambda _: 0, s) for s in shapes)


def describe(subject: Any) -> list[dict[str, Any]]:
    """Name, shape without the batch, and dtype of each input, as far as known."""
    found = graph(subject.model)
    if found is not None:
        return [
            {
                "name": tensor.name,
                "shape": list(tensor.shape[1:]),
                "dtype": tensor.dtype,
                "below": None,
            }
            for tensor in found.inputs
        ]
    return []

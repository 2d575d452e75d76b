"""How a Keras model is called: its arguments, and the shapes it was built for."""

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
    structures = _structures(model) if structure is None else (structure,)
    if len(keras.tree.flatten(structures)) != len(flat):
        return tuple(flat)
    packed: tuple[Any, ...] = keras.tree.pack_sequence_as(structures, list(flat))
    return packed


def known(model: keras.Model) -> list[dict[str, Any]]:
    """Name, shape without the batch, and dtype of each input, as far as known.

    Under "exact" whether the model takes no other shape; one that was built by calling
    it may.
    """
    found = graph(model)
    if found is not None:
        return [
            {
                "name": tensor.name,
                "shape": list(tensor.shape[1:]),
                "dtype": tensor.dtype,
                "exact": True,
            }
            for tensor in found.inputs
        ]
    shapes = _shapes(model)
    leaves = keras.tree.flatten(_structures(model))
    found = []
    for k, name in enumerate(_names(model, shapes)):
        shape = leaves[k].shape[1:] if k < len(leaves) else None
        found.append({"name": name, "shape": shape, "dtype": "float32", "exact": False})
    return found


class _Leaf:
    """A shape that counts as one thing."""

    def __init__(self, shape: Sequence[int | None]) -> None:
        self.shape = list(shape)


def _shapes(model: keras.Model) -> tuple[Any, ...]:
    """The arguments that the model was built for, a shape for each tensor."""
    return tuple((model._build_shapes_dict or {}).values())


def _structures(model: keras.Model) -> tuple[Any, ...]:
    """The model's arguments, something in the place of each tensor."""
    found = graph(model)
    if found is not None:
        return (found._inputs_struct,)
    return tuple(keras.tree.map_shape_structure(_Leaf, x) for x in _shapes(model))


def _names(model: keras.Model, shapes: tuple[Any, ...]) -> list[str]:
    """Of a model's inputs: its parameters, or what is in the only one of them."""
    parameters = model._call_signature.parameters.values()
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty
        and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) != 1 or not shapes:
        return needed
    structure = keras.tree.map_shape_structure(_Leaf, shapes[0])
    paths = [path for path, _ in keras.tree.flatten_with_path(structure)]
    return [".".join(map(str, path)) or needed[0] for path in paths]

"""The layers of a Keras model that hold weights, with their neutral names and shapes.

The neutral layout is Keras' own; `layout_kinds` tells the few layers that take another
shape. `parts` walks through a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import keras
from keras import layers

from shared.check.pairing import Layer
from shared.errors import UsageError
from tf_track import layout_kinds as kinds
from tf_track.layout_kinds import Find, Part

LAYOUTS: Mapping[type[layers.Layer], Find] = {
    layers.Dense: kinds.plain("dense", "kernel", "bias"),
    layers.Conv1D: kinds.convolution("conv1d"),
    layers.Conv2D: kinds.convolution("conv2d"),
    layers.Conv3D: kinds.convolution("conv3d"),
    layers.DepthwiseConv1D: kinds.depthwise("conv1d"),
    layers.DepthwiseConv2D: kinds.depthwise("conv2d"),
    layers.SeparableConv1D: kinds.separable("conv1d"),
    layers.SeparableConv2D: kinds.separable("conv2d"),
    layers.Conv1DTranspose: kinds.plain("conv1d_transpose", "kernel", "bias"),
    layers.Conv2DTranspose: kinds.plain("conv2d_transpose", "kernel", "bias"),
    layers.Conv3DTranspose: kinds.plain("conv3d_transpose", "kernel", "bias"),
    layers.Embedding: kinds.plain("embedding", "embeddings"),
    layers.BatchNormalization: kinds.plain(
        "batch_norm", "gamma", "beta", "moving_mean", "moving_variance"
    ),
    layers.LayerNormalization: kinds.plain("layer_norm", "gamma", "beta"),
    layers.GroupNormalization: kinds.plain("group_norm", "gamma", "beta"),
    layers.PReLU: kinds.prelu,
    layers.MultiHeadAttention: kinds.attention,
    layers.Bidirectional: kinds.bidirectional,
    layers.RNN: kinds.recurrent,
    layers.SimpleRNNCell: kinds.cell,
    layers.LSTMCell: kinds.cell,
    layers.GRUCell: kinds.cell,
}
"""By type of layer."""

# Keras 3.8 does not have it yet.
if hasattr(layers, "RMSNormalization"):
    LAYOUTS = {**LAYOUTS, layers.RMSNormalization: kinds.plain("rms_norm", "scale")}


def is_model(value: object) -> bool:
    """Whether it is a Keras model."""
    return isinstance(value, keras.Model)


def parts(model: keras.Model) -> list[Part]:
    """Everything in the model that holds weights, in the order of its layers.

    Raises:
        UsageError: a layer that has weights and no neutral layout, or is not built.
    """
    found = list(_walk("", model, set()))
    if not model.built:
        raise _unbuilt(model.name, model)
    return found


def describe(model: keras.Model) -> list[Layer]:
    """The parts as they are paired.

    Raises:
        UsageError: as `parts` does.
    """
    return [
        Layer(part.name, part.kind, part.shapes(), order)
        for order, part in enumerate(parts(model))
    ]


def _walk(path: str, layer: layers.Layer, seen: set[int]) -> Iterator[Part]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    known = (LAYOUTS[kind] for kind in type(layer).__mro__ if kind in LAYOUTS)
    find = next(known, None)
    name = path or layer.name
    if find is not None:
        if not layer.built:
            raise _unbuilt(name, layer)
        if layer.weights:
            yield from find(name, layer)
        return
    inner = _children(layer)
    theirs = {id(variable) for child in inner for variable in child.weights}
    if any(id(variable) not in theirs for variable in layer.weights):
        raise UsageError(
            f"{name}: no neutral layout for {type(layer).__name__}; keep its weights "
            "in layers of Keras' own, or add it to tf_track/layouts.py"
        )
    taken: dict[str, int] = {}
    for child in inner:
        # Layers of one name, which a subclassed model may have.
        count = taken[child.name] = taken.get(child.name, 0) + 1
        own = child.name if count == 1 else f"{child.name}#{count}"
        yield from _walk(f"{path}/{own}" if path else own, child, seen)


def _children(layer: layers.Layer) -> list[layers.Layer]:
    if isinstance(layer, keras.Model):
        return list(layer.layers)
    return list(layer._flatten_layers(include_self=False, recursive=False))


def _unbuilt(name: str, layer: layers.Layer) -> UsageError:
    return UsageError(
        f"{name}: {type(layer).__name__} has no shapes yet; call the model on a batch "
        "where you build it"
    )

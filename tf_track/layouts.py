"""The layers of a Keras model that hold weights, with their neutral names and shapes.

The neutral layout is Keras' own; `layout_kinds` tells the few layers that take another
shape. `parts` walks through a model.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import keras
from keras import layers

from shared.check.pairing import Layer
from shared.errors import UsageError
from tf_track import layout_kinds as kinds
from tf_track.layout_kinds import Find, Part, numbered

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


@dataclasses.dataclass(frozen=True)
class Visit:
    """A layer that is met on the way through a model.

    Attributes:
        name: its path.
        layer: the layer.
        known: whether the parts say all of it, so that its inner layers are not met.
        parts: what it holds itself.
    """

    name: str
    layer: layers.Layer
    known: bool
    parts: list[Part]


def parts(model: keras.Model, *, raw: bool = False) -> list[Part]:
    """Everything in the model that holds weights, in the order of its layers.

    Args:
        model: the model.
        raw: take floating-point weights without a neutral layout too, each as a part of
            kind "raw" with the one name "value", as it is.

    Raises:
        UsageError: a layer that is not built, or, unless `raw`, that has weights and no
            neutral layout.
    """
    return [part for visit in walk(model, raw=raw) for part in visit.parts]


def describe(model: keras.Model, *, raw: bool = False) -> list[Layer]:
    """The parts as they are paired.

    Raises:
        UsageError: as `parts` does.
    """
    return [
        Layer(part.name, part.kind, part.shapes(), order)
        for order, part in enumerate(parts(model, raw=raw))
    ]


def walk(model: keras.Model, *, raw: bool = False) -> list[Visit]:
    """The model and its layers, in order; what is inside a known layer is left out.

    Raises:
        UsageError: as `parts` does.
    """
    found = list(_walk("", model, raw, set()))
    if not model.built:
        raise _unbuilt(model.name, model)
    return found


def _walk(path: str, layer: layers.Layer, raw: bool, seen: set[int]) -> Iterator[Visit]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    name = path or layer.name
    own = _known(name, layer, raw)
    if own is not None:
        yield Visit(name, layer, True, own)
        return
    inner = _children(layer)
    left = _left(layer, (v for child in inner for v in child.weights))
    if left and not raw:
        raise UsageError(
            f"{name}: no neutral layout for {type(layer).__name__}; keep its weights "
            "in layers of Keras' own, or add it to tf_track/layouts.py"
        )
    yield Visit(name, layer, False, list(kinds.raw(path, layer, left)))
    taken: Counter[str] = Counter()
    for child in inner:
        # Layers of one name, which a subclassed model may have.
        own_name = numbered(child.name, taken)
        yield from _walk(f"{path}/{own_name}" if path else own_name, child, raw, seen)


def _known(name: str, layer: layers.Layer, raw: bool) -> list[Part] | None:
    """The parts of a layer that has a neutral layout; None if it has none."""
    known = (LAYOUTS[kind] for kind in type(layer).__mro__ if kind in LAYOUTS)
    find = next(known, None)
    if find is None:
        return None
    if not layer.built:
        raise _unbuilt(name, layer)
    if not layer.weights:
        return []
    try:
        found = [dataclasses.replace(p, layer=layer) for p in find(name, layer)]
    except UsageError:
        if raw:
            return None
        raise
    left = _left(layer, (v for part in found for v in part.variables.values()))
    if left and not raw:
        raise UsageError(
            f"{name}: no neutral layout for {min(v.name for v in left)!r} of "
            f"{type(layer).__name__}; build it without"
        )
    return found + list(kinds.raw(name, layer, left))


def _left(layer: layers.Layer, taken: Iterable[keras.Variable]) -> list[keras.Variable]:
    """The layer's weights that are not among those taken."""
    known = {id(variable) for variable in taken}
    return [variable for variable in layer.weights if id(variable) not in known]


def _children(layer: layers.Layer) -> list[layers.Layer]:
    if isinstance(layer, keras.Model):
        return list(layer.layers)
    return list(layer._flatten_layers(include_self=False, recursive=False))


def _unbuilt(name: str, layer: layers.Layer) -> UsageError:
    return UsageError(
        f"{name}: {type(layer).__name__} has no shapes yet; call the model on a batch "
        "where you build it"
    )

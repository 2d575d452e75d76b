"""The kinds of Keras layers that hold weights, and the variables of each by name.

The neutral layout is Keras' own, so nothing is ever turned. Some layers only take
another shape, or count as two, so that they have a counterpart in PyTorch:

  * a separable convolution is a depthwise one and then one of size 1;
  * a convolution with a group for each of several channels is a depthwise one, and a
    depthwise one of a single channel is a plain one;
  * PReLU's alpha loses the axes that it shares.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

import keras
from numpy.typing import NDArray

from shared.check.pairing import Shape
from shared.errors import UsageError
from shared.weights import Weights
from tf_track import backend

Layer: TypeAlias = keras.layers.Layer


@dataclasses.dataclass(frozen=True)
class Part:
    """What corresponds to one layer in PyTorch.

    Attributes:
        name: the layer's path in the model.
        kind: the neutral name of its kind.
        variables: its variables by neutral name.
        reshaped: the neutral shapes that are not Keras' own.
        layer: whose call uses them.
    """

    name: str
    kind: str
    variables: Mapping[str, keras.Variable]
    reshaped: Mapping[str, Shape] = dataclasses.field(default_factory=dict)
    layer: Layer | None = None

    def shapes(self) -> dict[str, Shape]:
        """The neutral shapes by neutral name."""
        own = {name: tuple(v.shape) for name, v in self.variables.items()}
        return own | dict(self.reshaped)

    def to_neutral(self, name: str, value: NDArray) -> NDArray:
        """An array shaped like the variable, in the neutral layout."""
        return value.reshape(self.reshaped.get(name, value.shape))

    def to_native(self, name: str, value: NDArray) -> NDArray:
        """An array in the neutral layout, shaped like the variable."""
        return value.reshape(tuple(self.variables[name].shape))

    def export(self) -> Weights:
        """Its arrays by neutral name, in the neutral layout."""
        return {
            name: self.to_neutral(name, backend.array(variable))
            for name, variable in self.variables.items()
        }

    def load(self, weights: Weights) -> None:
        """Put arrays by neutral name, of the neutral shapes, into the layer."""
        for name, variable in self.variables.items():
            if name in weights:
                variable.assign(self.to_native(name, weights[name]))


Find: TypeAlias = Callable[[str, Layer], Iterator[Part]]


def plain(kind: str, *names: str) -> Find:
    """A layer whose variables have these names, in the neutral layout as they are."""

    def find(name: str, layer: Layer) -> Iterator[Part]:
        yield Part(name, kind, variables(layer, names))

    return find


def convolution(kind: str) -> Find:
    """A kernel (*window, in / groups, out), with or without a bias."""

    def find(name: str, layer: Layer) -> Iterator[Part]:
        own = variables(layer, ("kernel", "bias"))
        *window, inside, outside = own["kernel"].shape
        channels = inside * layer.groups
        if layer.groups == channels > 1:
            shape = (*window, channels, outside // channels)
            yield Part(name, f"depthwise_{kind}", own, {"kernel": shape})
        else:
            yield Part(name, kind, own)

    return find


def depthwise(kind: str) -> Find:
    """A kernel (*window, channels, multiplier), with or without a bias."""

    def find(name: str, layer: Layer) -> Iterator[Part]:
        own = variables(layer, ("kernel", "bias"))
        yield Part(name, _depthwise(kind, own), own)

    return find


def separable(kind: str) -> Find:
    """The depthwise step, then the one of size 1 with the bias."""

    def find(name: str, layer: Layer) -> Iterator[Part]:
        names = ("depthwise_kernel", "pointwise_kernel", "bias")
        own = variables(layer, names)
        first = {"kernel": own.pop("depthwise_kernel")}
        second = {"kernel": own.pop("pointwise_kernel"), **own}
        yield Part(f"{name}/depthwise", _depthwise(kind, first), first)
        yield Part(f"{name}/pointwise", kind, second)

    return find


def _depthwise(kind: str, own: Mapping[str, keras.Variable]) -> str:
    channels = own["kernel"].shape[-2]
    return f"depthwise_{kind}" if channels > 1 else kind


def prelu(name: str, layer: Layer) -> Iterator[Part]:
    """The slopes: (channels,) or (1,) where all other axes are shared."""
    own = variables(layer, ("alpha",))
    shape = tuple(own["alpha"].shape)
    shared = all(size == 1 for size in shape[:-1])
    yield Part(name, "prelu", own, {"alpha": shape[-1:]} if shared else {})


def cell(name: str, layer: Layer) -> Iterator[Part]:
    """A recurrent cell: kernel (in, gates * u), recurrent kernel (u, gates * u)."""
    own = variables(layer, ("kernel", "recurrent_kernel", "bias"))
    yield Part(name, cell_kind(name, layer), own)


def cell_kind(name: str, layer: Layer) -> str:
    """The kind of a cell.

    Raises:
        UsageError: it is none of the three that PyTorch has too.
    """
    for kind, known in CELLS.items():
        if isinstance(layer, known):
            before = kind == "gru" and not layer.reset_after
            return "gru_reset_before" if before else kind
    raise UsageError(f"{name}: no neutral layout for {type(layer).__name__}")


def recurrent(name: str, layer: Layer) -> Iterator[Part]:
    """A layer is what its cell is; of stacked cells each counts as a layer."""
    if isinstance(layer.cell, keras.layers.StackedRNNCells):
        for one in layer.cell.cells:
            yield from cell(f"{name}/{one.name}", one)
    else:
        yield from cell(name, layer.cell)


def bidirectional(name: str, layer: Layer) -> Iterator[Part]:
    """Both directions, each under its own name."""
    sides = {"forward": layer.forward_layer, "backward": layer.backward_layer}
    own: dict[str, keras.Variable] = {}
    kinds = []
    for side, inner in sides.items():
        (part,) = recurrent(f"{name}/{side}", inner)
        kinds.append(part.kind)
        own |= {f"{side}/{key}": variable for key, variable in part.variables.items()}
    if len(set(kinds)) > 1:
        raise UsageError(f"{name}: its two directions are {' and '.join(kinds)}")
    yield Part(name, f"bidirectional_{kinds[0]}", own)


def attention(name: str, layer: Layer) -> Iterator[Part]:
    """Four projections: (in, heads, d) three times, then (heads, d, out)."""
    own = {
        f"{inner.name}/{variable.name}": variable
        for inner in layer._flatten_layers(include_self=False)
        for variable in inner.weights
    }
    yield Part(name, "multi_head_attention", own)


def raw(path: str, layer: Layer, own: Iterable[keras.Variable]) -> Iterator[Part]:
    """Weights without a neutral layout, each for itself; counters are left out.

    Args:
        path: the layer's; empty for the model itself.
        layer: the layer.
        own: its variables.
    """
    taken: Counter[str] = Counter()
    for variable in own:
        if "float" in variable.dtype:
            name = numbered(variable.name, taken)
            full = f"{path}/{name}" if path else name
            yield Part(full, "raw", {"value": variable}, layer=layer)


def numbered(name: str, taken: Counter[str]) -> str:
    """The name, with its number where it is not the first of that name."""
    taken[name] += 1
    return name if taken[name] == 1 else f"{name}#{taken[name]}"


def variables(layer: Layer, names: tuple[str, ...]) -> dict[str, keras.Variable]:
    """The layer's variables of these names, in their order."""
    own = {variable.name: variable for variable in layer.weights}
    return {key: own[key] for key in names if key in own}


CELLS = {
    "simple_rnn": keras.layers.SimpleRNNCell,
    "lstm": keras.layers.LSTMCell,
    "gru": keras.layers.GRUCell,
}

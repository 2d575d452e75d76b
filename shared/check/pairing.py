"""Which layer of a Keras model and which of a PyTorch model are the same one.

Both are described in the neutral layout, so that equal layers have equal kinds, names
of parameters and shapes. Where several are equal, it is the names that decide if every
one has its namesake, and if not the order in which they are given.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from shared.errors import UsageError
from shared.lesson import nearest

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer that holds weights, as either track describes it.

    Attributes:
        name: its path in the model.
        kind: the neutral name of what it is, such as "conv2d".
        parameters: neutral shapes by neutral name, running statistics included.
        order: its place in the model.
    """

    name: str
    kind: str
    parameters: Mapping[str, Shape]
    order: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        shapes = {name: list(shape) for name, shape in self.parameters.items()}
        return dataclasses.asdict(self) | {"parameters": shapes}

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> Layer:
        """The layer that `to_json` was called on."""
        shapes = {n: tuple(shape) for n, shape in plain["parameters"].items()}
        return Layer(**{**plain, "parameters": shapes})


@dataclasses.dataclass(frozen=True)
class Pair:
    """A layer of each model that are taken for the same.

    Attributes:
        keras, torch: the layers.
        by: what decided: "shape", where no other was like them, "name", "order" or
            "map", the user's word.
    """

    keras: Layer
    torch: Layer
    by: str

    @property
    def ambiguous(self) -> bool:
        """Whether nothing but the order tells it from its neighbours."""
        return self.by == "order"

    @property
    def of_two_kinds(self) -> bool:
        """Whether they only share their kernels."""
        return self.keras.kind != self.torch.kind

    @property
    def square(self) -> bool:
        """Whether the shape would not show a transposed kernel."""
        kernel = self.keras.parameters.get("kernel", ())
        plain = self.keras.kind == "dense" or self.keras.kind.startswith("conv")
        return plain and len(kernel) > 1 and kernel[-1] == kernel[-2] > 1

    @property
    def lone(self) -> dict[str, list[str]]:
        """Biases that one of the two lacks, by the track that has them."""
        keras, torch = self.keras.parameters, self.torch.parameters
        return {
            "tf": [name for name in keras if name not in torch],
            "torch": [name for name in torch if name not in keras],
        }


@dataclasses.dataclass(frozen=True)
class Pairing:
    """All pairs in Keras' order, and the layers that found none, with the reason."""

    pairs: tuple[Pair, ...]
    keras: Mapping[str, str]
    torch: Mapping[str, str]

    @property
    def complete(self) -> bool:
        return not (self.keras or self.torch)


def pair(
    keras: Sequence[Layer],
    torch: Sequence[Layer],
    mapping: Mapping[str, str],
    akin: bool = False,
) -> Pairing:
    """Pair the layers of two models.

    Args:
        keras: those of the Keras model, in order.
        torch: those of the PyTorch model, in order.
        mapping: names of Keras layers to names of PyTorch layers, from the user.
        akin: also pair layers of two kinds that compute with the same kernels.

    Raises:
        UsageError: the mapping names a layer that is not there, names one twice, or
            joins layers of different kinds or shapes.
    """
    found = _mapped(keras, torch, mapping)
    passes = [(_whole, True), (_core, True), (_core, False)]
    for alike, even in [*passes, (_akin, False)] if akin else passes:
        left = _left(keras, torch, found)
        for ours, theirs in _groups(*left, alike):
            if len(ours) == len(theirs) or not even:
                found += _within(ours, theirs)
    found.sort(key=lambda p: p.keras.order)
    ours, theirs = _left(keras, torch, found)
    return Pairing(
        tuple(found),
        {layer.name: _why(layer, theirs, "PyTorch") for layer in ours},
        {layer.name: _why(layer, ours, "Keras") for layer in theirs},
    )


def _whole(layer: Layer) -> Hashable:
    return (layer.kind, frozenset(layer.parameters.items()))


def _core(layer: Layer) -> Hashable:
    """A layer may lack a bias, which then is zero."""
    return (layer.kind, frozenset(_without_biases(layer).items()))


def _akin(layer: Layer) -> Hashable:
    """A GRU that resets before the product has the kernels of one that does after.

    And a convolution of one pixel those of a dense layer.
    """
    kind, shapes = layer.kind.replace("gru_reset_before", "gru"), _without_biases(layer)
    kernel = shapes.get("kernel", ())
    if kind in ("conv1d", "conv2d", "conv3d") and set(kernel[:-2]) == {1}:
        kind, shapes = "dense", {"kernel": kernel[-2:]}
    return (kind, frozenset(shapes.items()))


def _without_biases(layer: Layer) -> dict[str, Shape]:
    return {
        name: shape
        for name, shape in layer.parameters.items()
        if name.split("/")[-1] != "bias"
    }


def _mapped(
    keras: Sequence[Layer], torch: Sequence[Layer], mapping: Mapping[str, str]
) -> list[Pair]:
    ours, theirs = ({layer.name: layer for layer in side} for side in (keras, torch))
    found = []
    for here, there in mapping.items():
        for name, known, model in ((here, ours, "Keras"), (there, theirs, "PyTorch")):
            if name not in known:
                raise UsageError(
                    f"--map: the {model} model has no layer {name!r} with weights"
                    f"{nearest(name, known)}; it has {', '.join(known) or 'none'}"
                )
        if _core(ours[here]) != _core(theirs[there]):
            raise UsageError(
                f"--map: {here} is {told(ours[here])}, {there} {told(theirs[there])}"
            )
        found.append(Pair(ours[here], theirs[there], "map"))
    twice = _repeated(mapping.values())
    if twice:
        raise UsageError(f"--map: {twice!r} is named twice")
    return found


def _repeated(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _left(
    keras: Sequence[Layer], torch: Sequence[Layer], pairs: Sequence[Pair]
) -> tuple[list[Layer], list[Layer]]:
    ours = {p.keras.name for p in pairs}
    theirs = {p.torch.name for p in pairs}
    return (
        [layer for layer in keras if layer.name not in ours],
        [layer for layer in torch if layer.name not in theirs],
    )


def _groups(
    keras: Sequence[Layer], torch: Sequence[Layer], alike: Callable[[Layer], Hashable]
) -> Iterable[tuple[list[Layer], list[Layer]]]:
    """Layers that could be each other's, of both models."""
    for key in dict.fromkeys(map(alike, keras)):
        ours, theirs = ([x for x in side if alike(x) == key] for side in (keras, torch))
        if theirs:
            yield ours, theirs


def _within(keras: list[Layer], torch: list[Layer]) -> list[Pair]:
    """Pairs in a group: the only one, else all by name, else all by order."""
    if len(keras) == len(torch) == 1:
        return [Pair(keras[0], torch[0], "shape")]
    for naming in (_full_name, _last_name):
        found = _namesakes(keras, torch, naming)
        # All or none: dense, dense_1 in Keras and dense1, dense2 in PyTorch share a
        # name by accident.
        if len(found) == max(len(keras), len(torch)):
            return [Pair(a, b, "name") for a, b in found]
    return [Pair(a, b, "order") for a, b in zip(keras, torch, strict=False)]


def _namesakes(
    keras: Sequence[Layer], torch: Sequence[Layer], naming: Callable[[Layer], str]
) -> list[tuple[Layer, Layer]]:
    """Layers with the same name, which no other of the group has."""
    ours, theirs = ([naming(layer) for layer in side] for side in (keras, torch))
    return [
        (keras[ours.index(name)], torch[theirs.index(name)])
        for name in ours
        if name and ours.count(name) == theirs.count(name) == 1
    ]


def _full_name(layer: Layer) -> str:
    return re.sub("[^a-z0-9]", "", layer.name.lower())


def _last_name(layer: Layer) -> str:
    return re.sub("[^a-z0-9]", "", re.split("[/.]", layer.name)[-1].lower())


def told(layer: Layer) -> str:
    """What a layer is, in a few words."""
    shapes = (f"{name} {shape}" for name, shape in layer.parameters.items())
    return f"{layer.kind} with {', '.join(shapes)}"


def _why(layer: Layer, others: Sequence[Layer], model: str) -> str:
    """Why a layer has no partner, and which comes nearest."""
    same = [other for other in others if other.kind == layer.kind]
    if not same:
        return f"{told(layer)}; {model} has no {layer.kind} left"
    return f"{told(layer)}; {model}'s {same[0].name} has {told(same[0])}"

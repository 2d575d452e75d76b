"""Parameters in and out of PyTorch, in the layout that both tracks share.

Neutral layout: names such as `layer/kernel` and `layer/bias`, each array as Keras keeps
it: a dense kernel is (in, out). `layouts` tells how every kind of layer is turned.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from numpy.typing import NDArray
from torch import nn

from shared.errors import UsageError
from shared.weights import Weights, check_fit
from torch_track import backend
from torch_track.layouts import Part, parts

Model = nn.Module | Mapping[str, torch.Tensor]


def named(model: Model) -> dict[str, torch.Tensor]:
    """The model's own parameters by neutral name; raw tensors name themselves.

    The bias that PyTorch's recurrent layers have and Keras' have not is left out.

    Raises:
        UsageError: a layer that has parameters and no neutral layout, or one that
            packs several neutral arrays into a parameter; `export` unpacks them.
    """
    if isinstance(model, Mapping):
        return dict(model)
    found: dict[str, torch.Tensor] = {}
    for part in parts(model):
        for own, tensor in part.tensors().items():
            if own in part.layout.packed:
                raise UsageError(
                    f"{part.name}: {own} is not one parameter in the neutral layout"
                )
            if isinstance(tensor, nn.Parameter) and own in part.layout.names:
                found[f"{part.name}/{part.layout.names[own]}"] = tensor
    return found


def is_parameters_only(model: Model) -> bool:
    """Whether no buffers, such as running statistics, belong to the model."""
    return isinstance(model, Mapping) or not any(True for _ in model.buffers())


def neutral(model: Model, name: str, value: torch.Tensor) -> NDArray:
    """A tensor shaped like parameter `name` (a gradient, say) in neutral layout."""
    array = backend.array(value)
    if isinstance(model, Mapping):
        return array
    part, own = _owner(model, name)
    turned = part.layout.to_neutral(part.module, {own: array})
    return turned[part.layout.names[own]].copy(order="C")


def export(model: Model) -> Weights:
    """Every parameter and running statistic as a NumPy array in neutral layout."""
    if isinstance(model, Mapping):
        return {name: backend.array(tensor) for name, tensor in model.items()}
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
        check_fit({name: tuple(t.shape) for name, t in model.items()}, values)
        with torch.no_grad():
            for name, tensor in model.items():
                tensor.copy_(backend.tensor(values[name]))
        return
    found = parts(model)
    shapes = {f"{p.name}/{n}": s for p in found for n, s in p.shapes().items()}
    check_fit(shapes, values)
    for part in found:
        part.load({name: values[f"{part.name}/{name}"] for name in part.shapes()})


def native(model: Model, name: str, value: NDArray) -> torch.Tensor:
    """An array in neutral layout as a tensor shaped like parameter `name`."""
    if isinstance(model, Mapping):
        return backend.tensor(value)
    part, own = _owner(model, name)
    turned = part.layout.to_native(part.module, {part.layout.names[own]: value})
    # Contiguous: fused optimizers pair gradient and weight by their place in memory.
    return backend.tensor(turned[own]).contiguous()


def _owner(model: nn.Module, name: str) -> tuple[Part, str]:
    """The part with the parameter of that neutral name, and the layout's name of it."""
    for part in parts(model):
        for own, neutral_name in part.layout.names.items():
            if own in part.keys and f"{part.name}/{neutral_name}" == name:
                return part, own
    raise KeyError(name)

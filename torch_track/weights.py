"""Parameters in and out of PyTorch, in the layout that both tracks share.

Neutral layout: names `layer/kernel` and `layer/bias`; a dense kernel is (in, out).
`nn.Linear` keeps its weight as (out, in), so its kernel is transposed on the way.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from numpy.typing import NDArray
from torch import nn

from shared.errors import UsageError
from shared.weights import Weights, check_fit
from torch_track import backend

Model = nn.Module | Mapping[str, torch.Tensor]


def named(model: Model) -> dict[str, torch.Tensor]:
    """The model's own tensors by neutral name; raw tensors name themselves.

    Raises:
        UsageError: a layer that has parameters and no neutral layout yet.
    """
    if isinstance(model, Mapping):
        return dict(model)
    found: dict[str, torch.Tensor] = {}
    for path, layer in model.named_modules():
        own = dict(layer.named_parameters(recurse=False))
        if own and not isinstance(layer, nn.Linear):
            raise UsageError(
                f"{path}: no neutral layout for {type(layer).__name__}; "
                "add it to torch_track/weights.py"
            )
        for name, parameter in own.items():
            found[f"{path}/{_NEUTRAL[name]}"] = parameter
    return found


_NEUTRAL = {"weight": "kernel", "bias": "bias"}


def is_parameters_only(model: Model) -> bool:
    """Whether no buffers, such as running statistics, belong to the model."""
    return isinstance(model, Mapping) or not any(True for _ in model.buffers())


def neutral(model: Model, name: str, value: torch.Tensor) -> NDArray:
    """A tensor shaped like parameter `name` (a gradient, say) in neutral layout."""
    array = backend.array(value)
    return array.T.copy() if _transposed(model, name) else array


def export(model: Model) -> Weights:
    """Every parameter as a NumPy array in neutral layout."""
    return {name: neutral(model, name, p) for name, p in named(model).items()}


def load(model: Model, values: Weights) -> None:
    """Put arrays in neutral layout into the model.

    Raises:
        UsageError: a name or a shape does not fit; nothing is loaded then.
    """
    parameters = named(model)
    turned = (name for name in parameters if _transposed(model, name))
    shapes = {name: tuple(p.shape) for name, p in parameters.items()}
    shapes |= {name: shapes[name][::-1] for name in turned}
    check_fit(shapes, values)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(native(model, name, values[name]))


def native(model: Model, name: str, value: NDArray) -> torch.Tensor:
    """An array in neutral layout as a tensor shaped like parameter `name`."""
    # Contiguous: fused optimizers pair gradient and weight by their place in memory.
    turned = value.T if _transposed(model, name) else value
    return backend.tensor(turned).contiguous()


def _transposed(model: Model, name: str) -> bool:
    return isinstance(model, nn.Module) and name.endswith("/kernel")

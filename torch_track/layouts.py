"""The layers of a PyTorch model that hold weights, each with its neutral layout.

Neutral is Keras' layout with Keras' names: `kernel`, `bias`, `recurrent_kernel`,
`gamma`, `moving_mean` and so on. `parts` walks through a model; a Part converts its
arrays both ways.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from shared.check.pairing import Layer
from shared.errors import UsageError
from shared.weights import Weights
from torch_track import backend
from torch_track import layout_kinds as kinds
from torch_track import layout_packed as packed
from torch_track.layout_kinds import Layout

LAYOUTS: Mapping[type[nn.Module], Layout] = {
    nn.Linear: kinds.turned("dense"),
    nn.Conv1d: kinds.turned("conv1d"),
    nn.Conv2d: kinds.turned("conv2d"),
    nn.Conv3d: kinds.turned("conv3d"),
    nn.ConvTranspose1d: kinds.turned("conv1d_transpose"),
    nn.ConvTranspose2d: kinds.turned("conv2d_transpose"),
    nn.ConvTranspose3d: kinds.turned("conv3d_transpose"),
    nn.Embedding: kinds.renamed("embedding", {"weight": "embeddings"}),
    nn.BatchNorm1d: kinds.batch_norm(),
    nn.BatchNorm2d: kinds.batch_norm(),
    nn.BatchNorm3d: kinds.batch_norm(),
    nn.SyncBatchNorm: kinds.batch_norm(),
    nn.LayerNorm: kinds.scaled("layer_norm"),
    nn.GroupNorm: kinds.scaled("group_norm"),
    nn.RMSNorm: kinds.renamed("rms_norm", {"weight": "scale"}),
    nn.PReLU: kinds.renamed("prelu", {"weight": "alpha"}),
    nn.MultiheadAttention: packed.attention(),
    nn.RNN: packed.one_bias("simple_rnn"),
    nn.LSTM: packed.one_bias("lstm"),
    nn.GRU: packed.gru(),
    nn.RNNCell: packed.one_bias("simple_rnn"),
    nn.LSTMCell: packed.one_bias("lstm"),
    nn.GRUCell: packed.gru(),
}
"""By type of module; of these, depthwise and bidirectional layers make their own."""


@dataclasses.dataclass(frozen=True)
class Part:
    """What corresponds to one layer of Keras: a module, or one layer of a stacked RNN.

    Attributes:
        name: the module's path; `path.l1` for the second layer of a stacked RNN.
        layout: of its kind.
        module: the module.
        keys: the layout's names of its tensors, with their paths in the module.
    """

    name: str
    layout: Layout
    module: nn.Module
    keys: Mapping[str, str]

    def tensors(self) -> dict[str, torch.Tensor]:
        """The module's own tensors by the layout's names."""
        own = _tensors(self.module)
        return {name: own[key] for name, key in self.keys.items()}

    def arrays(self) -> Weights:
        """The same as NumPy arrays."""
        return {name: backend.array(t) for name, t in self.tensors().items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The neutral shapes by neutral name."""
        empty: Weights = {
            name: np.zeros(t.shape, np.int8) for name, t in self.tensors().items()
        }
        neutral = self.layout.to_neutral(self.module, empty)
        return {name: array.shape for name, array in neutral.items()}

    def export(self) -> Weights:
        """Its arrays by neutral name, in the neutral layout."""
        neutral = self.layout.to_neutral(self.module, self.arrays())
        return {name: array.copy(order="C") for name, array in neutral.items()}

    @property
    def merged(self) -> bool:
        """Whether two biases become one: the same but for the rounding of the sum."""
        own = self.arrays()
        return any(own[n].tobytes().strip(b"\0") for n in self.layout.zero if n in own)

    def load(self, weights: Weights) -> None:
        """Put arrays by neutral name, of the neutral shapes, into the module."""
        own = self.tensors()
        with torch.no_grad():
            for name, array in self.layout.to_native(self.module, weights).items():
                if name in own:
                    own[name].copy_(torch.tensor(array))


def is_model(value: object) -> bool:
    """Whether it is a PyTorch module."""
    return isinstance(value, nn.Module)


def parts(model: nn.Module, raw: bool = False) -> list[Part]:
    """Everything in the model that holds weights, in the order of its state_dict.

    Args:
        model: the module.
        raw: parameters without a neutral layout become parts of kind "raw", each under
            its path, in place of an error.

    Raises:
        UsageError: a layer that has parameters and no neutral layout, or none yet.
    """
    found: list[Part] = []
    for path, module in _layers("", model, set()):
        name = path or type(module).__name__
        _check_built(name, module)
        try:
            found += _parts(name, module)
        except _NoLayoutError as error:
            if not raw:
                raise
            found += _raw(path, module, error.names)
    return found


def describe(model: nn.Module, raw: bool = False) -> list[Layer]:
    """The parts as they are paired.

    Raises:
        UsageError: as `parts` does.
    """
    return [
        Layer(part.name, part.layout.kind, part.shapes(), order)
        for order, part in enumerate(parts(model, raw))
    ]


class _NoLayoutError(UsageError):
    """Parameters that have no neutral layout, by their names in their module."""

    def __init__(self, message: str, names: Sequence[str]) -> None:
        super().__init__(message)
        self.names = names


def _layers(
    path: str, module: nn.Module, seen: set[int]
) -> Iterator[tuple[str, nn.Module]]:
    """Every module but those inside of a known layer, once."""
    if id(module) in seen:
        return
    seen.add(id(module))
    yield path, module
    if not isinstance(module, tuple(LAYOUTS)):
        for child, inner in module.named_children():
            yield from _layers(f"{path}.{child}" if path else child, inner, seen)


def _raw(path: str, module: nn.Module, names: Sequence[str]) -> Iterator[Part]:
    """One part for each parameter, after the known part of the module if any."""
    left = {key: key for key in _own(module) if key not in names}
    layout = _layout(path, module) if left else None
    if layout is not None:
        yield Part(path or type(module).__name__, layout, module, left)
    for key in names:
        whole = f"{path}.{key}" if path else key
        yield Part(whole, kinds.RAW, module, {"value": key})


def _check_built(name: str, module: nn.Module) -> None:
    if any(is_lazy(p) for p in module.parameters(recurse=False)):
        raise UsageError(
            f"{name}: {type(module).__name__} has no shapes yet; run a batch through "
            "the model where you build it"
        )
    if is_parametrized(module):
        raise UsageError(
            f"{name}: its parameters are computed from others (a parametrization); "
            "call torch.nn.utils.parametrize.remove_parametrizations first"
        )


def _layout(name: str, module: nn.Module) -> Layout | None:
    known = (LAYOUTS[kind] for kind in type(module).__mro__ if kind in LAYOUTS)
    layout = next(known, None)
    groups, channels = (
        getattr(module, field, 1) for field in ("groups", "in_channels")
    )
    if layout is None or groups == 1:
        return layout
    if isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
        raise _NoLayoutError(
            f"{name}: Keras has no transposed convolution with groups", [*_own(module)]
        )
    if groups == channels:
        return kinds.depthwise(layout.kind, channels)
    return layout


def _parts(name: str, module: nn.Module) -> list[Part]:
    layout = _layout(name, module)
    if layout is None:
        unknown = [key for key, _ in module.named_parameters(recurse=False)]
        if unknown:
            raise _NoLayoutError(
                f"{name}: no neutral layout for {type(module).__name__}; keep its "
                "parameters in layers of PyTorch's own, or add it to "
                "torch_track/layouts.py",
                unknown,
            )
        return []
    if isinstance(module, nn.RNNBase):
        return list(_levels(name, module, layout))
    own = _own(module)
    unknown = sorted(own.keys() - layout.known)
    if unknown:
        raise _NoLayoutError(
            f"{name}: no neutral layout for {unknown[0]!r} of {type(module).__name__}; "
            "build it without",
            unknown,
        )
    return [Part(name, layout, module, own)] if own else []


def _own(module: nn.Module) -> dict[str, str]:
    """The names of a layer's tensors; Keras does not count batches."""
    return {key: key for key in _tensors(module) if key != "num_batches_tracked"}


def _levels(name: str, module: nn.RNNBase, layout: Layout) -> Iterator[Part]:
    """The layers of a stacked RNN, one after the other as Keras has them."""
    if module.proj_size:
        raise _NoLayoutError(
            f"{name}: Keras has no LSTM with proj_size", [*_own(module)]
        )
    sides = (
        {"forward/": "", "backward/": "_reverse"} if module.bidirectional else {"": ""}
    )
    if module.bidirectional:
        layout = packed.bidirectional(layout)
    names = ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if module.bias else ()))
    for level in range(module.num_layers):
        keys = {
            side + own: f"{own}_l{level}{suffix}"
            for side, suffix in sides.items()
            for own in names
        }
        path = name if module.num_layers == 1 else f"{name}.l{level}"
        yield Part(path, layout, module, keys)


def _tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and persistent buffers, by their names in the state_dict."""
    return dict(module.state_dict(keep_vars=True))

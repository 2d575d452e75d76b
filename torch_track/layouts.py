"""The layers of a PyTorch model that hold weights, each with its neutral layout.

Neutral is Keras' layout with Keras' names: `kernel`, `bias`, `recurrent_kernel`,
`gamma`, `moving_mean` and so on. `parts` walks through a model; a Part converts its
arrays both ways.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

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


def parts(model: nn.Module) -> list[Part]:
    """Everything in the model that holds weights, in the order of its state_dict.

    Raises:
        UsageError: a layer that has parameters and no neutral layout, or none yet.
    """
    return list(_walk("", model, set()))


def describe(model: nn.Module) -> list[Layer]:
    """The parts as they are paired.

    Raises:
        UsageError: as `parts` does.
    """
    return [
        Layer(part.name, part.layout.kind, part.shapes(), order)
        for order, part in enumerate(parts(model))
    ]


def _walk(path: str, module: nn.Module, seen: set[int]) -> Iterator[Part]:
    if id(module) in seen:
        return
    seen.add(id(module))
    name = path or type(module).__name__
    _check_built(name, module)
    layout = _layout(name, module)
    if layout is not None:
        yield from _parts(name, module, layout)
        return
    if any(True for _ in module.parameters(recurse=False)):
        raise UsageError(
            f"{name}: no neutral layout for {type(module).__name__}; keep its "
            "parameters in layers of PyTorch's own, or add it to torch_track/layouts.py"
        )
    for child, inner in module.named_children():
        yield from _walk(f"{path}.{child}" if path else child, inner, seen)


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
        raise UsageError(f"{name}: Keras has no transposed convolution with groups")
    if groups == channels:
        return kinds.depthwise(layout.kind, channels)
    return layout


def _parts(name: str, module: nn.Module, layout: Layout) -> Iterator[Part]:
    if isinstance(module, nn.RNNBase):
        yield from _levels(name, module, layout)
        return
    own = {key: key for key in _tensors(module) if key != "num_batches_tracked"}
    unknown = sorted(own.keys() - layout.known)
    if unknown:
        raise UsageError(
            f"{name}: no neutral layout for {unknown[0]!r} of {type(module).__name__}; "
            "build it without"
        )
    if own:
        yield Part(name, layout, module, own)


def _levels(name: str, module: nn.RNNBase, layout: Layout) -> Iterator[Part]:
    """The layers of a stacked RNN, one after the other as Keras has them."""
    if module.proj_size:
        raise UsageError(f"{name}: Keras has no LSTM with proj_size")
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

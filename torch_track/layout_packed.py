"""Layers that pack several arrays into one tensor: recurrent ones, and attention.

Exact both ways, but for the two biases of an RNN or LSTM. Keras has one, so `bias_ih`
carries it all and `bias_hh` is zero. The other way is exact too where `bias_hh` is
zero; elsewhere the one bias is their sum, rounded once (`Part.merged` says so). A GRU
keeps both biases in either framework. A gradient of Keras' one bias is that of
`bias_ih` alone: leave `bias_hh` out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import nn

from shared.weights import Weights
from torch_track.layout_kinds import Layout, Turn

_KERNELS = {"weight_ih": "kernel", "weight_hh": "recurrent_kernel"}


def one_bias(kind: str) -> Layout:
    """SimpleRNN and LSTM: gates stand in the same order in both frameworks."""

    def neutral(module: nn.Module, own: Weights) -> Weights:
        found = {new: own[old].T for old, new in _KERNELS.items() if old in own}
        if "bias_ih" in own:
            first = own["bias_ih"]
            second = own.get("bias_hh", np.zeros_like(first))
            # Not the sum throughout: -0.0 + 0.0 is 0.0.
            found["bias"] = np.where(second == 0, first, first + second)
        return found

    def native(module: nn.Module, weights: Weights) -> Weights:
        found = {o: weights[n].T for o, n in _KERNELS.items() if n in weights}
        if "bias" in weights:
            found["bias_ih"] = weights["bias"]
            found["bias_hh"] = np.zeros_like(weights["bias"])
        return found

    names = _KERNELS | {"bias_ih": "bias"}
    return Layout(kind, neutral, native, names, zero=("bias_hh",))


def _swapped(array: NDArray) -> NDArray:
    """The gates r, z, n along the first axis as z, r, n, or the other way."""
    r, z, n = np.split(array, 3)
    return np.concatenate([z, r, n])


def gru() -> Layout:
    """GRU with reset_after: the first two gates change places; the bias is (2, 3u)."""

    def neutral(module: nn.Module, own: Weights) -> Weights:
        found = {
            new: _swapped(own[old]).T for old, new in _KERNELS.items() if old in own
        }
        if "bias_ih" in own and "bias_hh" in own:
            both = [_swapped(own[name]) for name in ("bias_ih", "bias_hh")]
            found["bias"] = np.stack(both)
        return found

    def native(module: nn.Module, weights: Weights) -> Weights:
        found = {o: _swapped(weights[n].T) for o, n in _KERNELS.items() if n in weights}
        if "bias" in weights:
            found["bias_ih"], found["bias_hh"] = map(_swapped, weights["bias"])
        return found

    return Layout("gru", neutral, native, _KERNELS, packed=("bias_ih", "bias_hh"))


def bidirectional(cell: Layout) -> Layout:
    """The two directions of a layer, each under its own name."""

    def each(turn: Turn) -> Turn:
        def both(module: nn.Module, arrays: Weights) -> Weights:
            found: Weights = {}
            for side in ("forward/", "backward/"):
                own = {
                    name.removeprefix(side): array
                    for name, array in arrays.items()
                    if name.startswith(side)
                }
                found |= {side + n: a for n, a in turn(module, own).items()}
            return found

        return both

    sides = ("forward/", "backward/")
    return Layout(
        f"bidirectional_{cell.kind}",
        each(cell.to_neutral),
        each(cell.to_native),
        {side + old: side + new for side in sides for old, new in cell.names.items()},
        packed=tuple(side + name for side in sides for name in cell.packed),
        zero=tuple(side + name for side in sides for name in cell.zero),
    )


_PROJECTIONS = ("query", "key", "value")
_APART = ("q_proj_weight", "k_proj_weight", "v_proj_weight")


def attention() -> Layout:
    """MultiheadAttention: E = heads * d numbers in and out, each head with its own d.

    `in_proj_weight` (3E, E), or one (E, in) for each of query, key and value, is
    (in, heads, d) in Keras; `out_proj.weight` (E, E) is (heads, d, E).
    """
    names = dict(zip(_APART, (f"{name}/kernel" for name in _PROJECTIONS), strict=True))
    names |= {"out_proj.weight": "attention_output/kernel"}
    names |= {"out_proj.bias": "attention_output/bias"}
    packed = ("in_proj_weight", "in_proj_bias")
    kind = "multi_head_attention"
    return Layout(kind, _attention_to_neutral, _attention_to_native, names, packed)


def _attention_to_neutral(module: nn.Module, own: Weights) -> Weights:
    heads = module.num_heads
    assert isinstance(heads, int)
    found: Weights = {}
    for name, weight in _parted(own, "in_proj_weight", _APART).items():
        found[f"{name}/kernel"] = weight.T.reshape(weight.shape[1], heads, -1)
    for name, bias in _parted(own, "in_proj_bias", ()).items():
        found[f"{name}/bias"] = bias.reshape(heads, -1)
    if "out_proj.weight" in own:
        kernel = own["out_proj.weight"].T
        found["attention_output/kernel"] = kernel.reshape(heads, -1, kernel.shape[1])
    if "out_proj.bias" in own:
        found["attention_output/bias"] = own["out_proj.bias"]
    return found


def _parted(own: Weights, packed: str, apart: tuple[str, ...]) -> Weights:
    """The arrays of query, key and value, from one tensor or from three."""
    if packed in own:
        return dict(zip(_PROJECTIONS, np.split(own[packed], 3), strict=True))
    apart_of = zip(_PROJECTIONS, apart, strict=False)
    return {name: own[key] for name, key in apart_of if key in own}


def _attention_to_native(module: nn.Module, weights: Weights) -> Weights:
    found: Weights = {}
    kernels = {
        key: weights[f"{name}/kernel"]
        for name, key in zip(_PROJECTIONS, _APART, strict=True)
        if f"{name}/kernel" in weights
    }
    flat = {key: a.reshape(a.shape[0], -1).T for key, a in kernels.items()}
    if module.in_proj_weight is None:
        found |= flat
    elif len(flat) == 3:
        found["in_proj_weight"] = np.concatenate(list(flat.values()))
    biases = [weights.get(f"{name}/bias") for name in _PROJECTIONS]
    given = [bias.reshape(-1) for bias in biases if bias is not None]
    if len(given) == 3:
        found["in_proj_bias"] = np.concatenate(given)
    if "attention_output/kernel" in weights:
        kernel = weights["attention_output/kernel"]
        found["out_proj.weight"] = kernel.reshape(-1, kernel.shape[-1]).T
    if "attention_output/bias" in weights:
        found["out_proj.bias"] = weights["attention_output/bias"]
    return found

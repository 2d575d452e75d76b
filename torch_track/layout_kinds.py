"""A small pair of functions per kind of layer: from PyTorch's layout, and back.

The functions take any part of a layer's arrays, so that they serve one gradient too.
They only move numbers, so both ways are exact.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TypeAlias

from numpy.typing import NDArray
from torch import nn

from shared.weights import Weights

Turn: TypeAlias = Callable[[nn.Module, Weights], Weights]
One: TypeAlias = Callable[[NDArray], NDArray]


@dataclasses.dataclass(frozen=True)
class Layout:
    """How one kind of layer keeps its weights.

    Attributes:
        kind: the neutral name of the kind.
        to_neutral: arrays by PyTorch's names to arrays by neutral names.
        to_native: the way back.
        names: the tensors that are one neutral array each, with its name.
        packed: tensors that hold several neutral arrays, or a part of one.
        zero: tensors that Keras has none for: zero after the way back.
    """

    kind: str
    to_neutral: Turn
    to_native: Turn
    names: Mapping[str, str]
    packed: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()

    @property
    def known(self) -> set[str]:
        """The names of all tensors that such a layer may have."""
        return {*self.names, *self.packed, *self.zero}


def renamed(
    kind: str,
    names: Mapping[str, str],
    to_neutral: One | None = None,
    to_native: One | None = None,
) -> Layout:
    """A kind whose tensors are one neutral array each; `weight` may be turned."""

    def neutral(module: nn.Module, own: Weights) -> Weights:
        return {
            names[name]: to_neutral(array) if to_neutral and name == "weight" else array
            for name, array in own.items()
        }

    def native(module: nn.Module, weights: Weights) -> Weights:
        own = {
            name: weights[given] for name, given in names.items() if given in weights
        }
        return {
            name: to_native(array) if to_native and name == "weight" else array
            for name, array in own.items()
        }

    return Layout(kind, neutral, native, names)


def kernel_to_neutral(weight: NDArray) -> NDArray:
    """(out, in, *window) to (*window, in, out).

    A transposed convolution is (in, out, *window) here and (*window, out, in) there, so
    the same serves it.
    """
    return weight.transpose(*range(2, weight.ndim), 1, 0)


def kernel_to_native(kernel: NDArray) -> NDArray:
    """(*window, in, out) to (out, in, *window)."""
    last = kernel.ndim - 1
    return kernel.transpose(last, last - 1, *range(last - 1))


def turned(kind: str) -> Layout:
    """Dense layers and convolutions."""
    names = {"weight": "kernel", "bias": "bias"}
    return renamed(kind, names, kernel_to_neutral, kernel_to_native)


def depthwise(kind: str, channels: int) -> Layout:
    """A convolution with a group for each channel, as Keras' depthwise layers keep it.

    (channels * multiplier, 1, *window) is (*window, channels, multiplier) there.
    """

    def neutral(weight: NDArray) -> NDArray:
        parted = weight.reshape(channels, -1, *weight.shape[2:])
        return parted.transpose(*range(2, parted.ndim), 0, 1)

    def native(kernel: NDArray) -> NDArray:
        last = kernel.ndim - 1
        whole = kernel.transpose(last - 1, last, *range(last - 1))
        return whole.reshape(-1, 1, *kernel.shape[:-2])

    names = {"weight": "kernel", "bias": "bias"}
    return renamed(f"depthwise_{kind}", names, neutral, native)


def batch_norm() -> Layout:
    """Scale and shift, and the running statistics."""
    names = {"weight": "gamma", "bias": "beta"}
    statistics = {"running_mean": "moving_mean", "running_var": "moving_variance"}
    return renamed("batch_norm", names | statistics)


def scaled(kind: str) -> Layout:
    """Layers that normalize without statistics."""
    return renamed(kind, {"weight": "gamma", "bias": "beta"})


RAW = renamed("raw", {"value": "value"})
"""A parameter of the user's own, as it is."""

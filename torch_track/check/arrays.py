"""Tensors as NumPy arrays, and arrays as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.weak import WeakTensorKeyDictionary

from torch_track import backend


def as_array(tensor: torch.Tensor) -> NDArray[Any]:
    """The same numbers; small floats, which NumPy lacks, in float32."""
    if tensor.is_floating_point() and tensor.dtype.itemsize < 4:
        tensor = tensor.float()
    return backend.array(tensor.resolve_conj())


def as_tensor(array: NDArray[Any]) -> torch.Tensor:
    """A tensor that owns its memory, contiguous.

    Floats take the default dtype; integers are int64, as PyTorch indexes with.
    """
    tensor = torch.tensor(np.array(array, order="C"))
    if tensor.is_floating_point():
        return tensor.to(torch.get_default_dtype())
    return tensor if tensor.dtype == torch.bool else tensor.long()


class Arrays:
    """Arrays of tensors, of which one that comes by unchanged is copied once."""

    def __init__(self) -> None:
        self._known: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    def of(self, tensor: torch.Tensor) -> NDArray[Any]:
        """The tensor as it is now."""
        if tensor.is_inference():
            return as_array(tensor)
        version, array = self._known.get(tensor, (None, None))
        if version != tensor._version or array is None:
            array = as_array(tensor)
            self._known[tensor] = tensor._version, array
        return array

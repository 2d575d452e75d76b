"""What a training step remembers in Python from one call to the next.

A recording repeats what a step does to tensors. A counter, a growing list or a schedule
that it keeps besides would stand still, so it must be found out.
"""

from __future__ import annotations

import io
import pickle
import random
import types
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch

from torch_track.record import Unrecordable

_ONE_OF_A_KIND = (
    torch.Tensor,
    np.ndarray,
    type,
    types.ModuleType,
    types.BuiltinFunctionType,
)

_OPAQUE = (
    pickle.PicklingError,
    AttributeError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What pickle raises on meeting what it cannot write down."""


class Remembered:
    """All that a step reaches in Python, as it is now.

    That is what its closure, its object and the names in its module hold, and Python's
    and NumPy's random generators. Two of these are equal if nothing changed in between.
    Of a tensor or an array they note which one it is, not what it contains.

    Args:
        step: a function or a method.
        but: objects to leave out.

    Raises:
        Unrecordable: the step holds something that cannot be looked into.
    """

    def __init__(self, step: Callable[..., Any], but: Collection[object]) -> None:
        file = io.BytesIO()
        pickler = _Pickler(file, but, getattr(step, "__module__", ""))
        generators = pickle.dumps((random.getstate(), np.random.get_state()))
        try:
            pickler.dump((step, generators))
        except _OPAQUE:
            raise Unrecordable("it holds what cannot be looked into") from None
        self._found = file.getvalue()
        # As long as these are kept, no other object takes their identity.
        self._kept = pickler.kept

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remembered) and self._found == other._found

    __hash__ = None  # type: ignore[assignment]


class _Pickler(pickle.Pickler):
    """Writes down contents; of some objects, and of those left out, the identity."""

    def __init__(self, file: io.BytesIO, but: Collection[object], module: str) -> None:
        super().__init__(file)
        self.kept: list[object] = []
        self._but = {id(value) for value in but}
        self._module = module

    def persistent_id(self, value: Any) -> int | None:
        if not isinstance(value, _ONE_OF_A_KIND) and id(value) not in self._but:
            return None
        self.kept.append(value)
        return id(value)

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, types.FunctionType):
            return NotImplemented
        held = [cell.cell_contents for cell in value.__closure__ or ()]
        if value.__module__ == self._module:
            names = value.__globals__
            held += [names[n] for n in value.__code__.co_names if n in names]
        return tuple, ((value.__qualname__, *held),)

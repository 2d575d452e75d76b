"""What PyTorch's generators are asked for, without looking at what they drew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import torch

Draws = list[dict[str, Any]]
"""Of each call: the distribution and its numbers, by PyTorch's names."""

NUMBERS = {"uniform": ("from", "to"), "normal": ("mean", "std")}


@contextlib.contextmanager
def recorded() -> Iterator[Draws]:
    """Record every call of the initializers until the block ends."""
    draws: Draws = []
    with contextlib.ExitStack() as stack:
        for name in NUMBERS:
            recorder = _recorder(name, draws)
            stack.enter_context(mock.patch.object(torch.Tensor, f"{name}_", recorder))
        yield draws


def _recorder(name: str, draws: Draws) -> Any:
    original = getattr(torch.Tensor, f"{name}_")

    def record(tensor: torch.Tensor, *asked: float, **options: Any) -> torch.Tensor:
        numbers = dict(zip(NUMBERS[name], asked, strict=True))
        draws.append({"distribution": name, **numbers})
        return original(tensor, *asked, **options)

    return record

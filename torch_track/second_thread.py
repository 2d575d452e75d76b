"""A thread for a part of the loop's work.

It stays as long as it is needed: to start one takes little, but in a new one every
library makes room anew for what it computes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch


class SecondThread:
    """Another thread, that treats denormal numbers as the one that asks it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    def begin(self, do: Callable[[], None]) -> Future[None]:
        """Begin to do this."""
        return self._pool.submit(_alike, _flushes_denormals(), do)


def _alike(flush: bool, do: Callable[[], None]) -> None:
    torch.set_flush_denormal(flush)
    do()


def _flushes_denormals() -> bool:
    """Whether this thread takes numbers that small for zero."""
    denormal = torch.tensor(1e-40, dtype=torch.float32, device="cpu")
    return not denormal.mul(1).item()

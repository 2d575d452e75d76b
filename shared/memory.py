"""Memory that is free, but not yet the system's."""

from __future__ import annotations

import contextlib
import ctypes


def give_back() -> None:
    """Hand back what glibc keeps of arrays that are gone (malloc_trim(3)), if it is it.

    A few gigabytes are kept otherwise, by a process that had large arrays once.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)

"""Of some ways to do the same, the one that takes the least time.

Which one that is may change while they run: two threads that wait for each other lose
more than one thread does, where another program wants a core as well.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from torch_track.script import Run, of_steps

AT_ONCE = 256
"""So many steps are timed together."""

TRIED = 32
"""And so many by a way that is tried, as it may be much slower."""

PAUSE = 1024
"""After so many steps one that was slower is tried again, at first."""


class Fastest:
    """Runs a program's steps in one of several ways, all of which give the same bits.

    Each is tried; then the fastest goes on. One that was slower is tried again after a
    while, which is twice as long each time that it is slower still.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = [*runs]
        self._seconds = [math.inf for _ in runs]
        self._pause = [PAUSE for _ in runs]
        self._due = [0 for _ in runs]
        self._done = 0

    def __call__(self, count: int, *given: Any) -> None:
        """Run so many steps, given what a program's `run` is given."""
        begin = 0
        while begin < count:
            number = self._next()
            most = AT_ONCE if number == self._fastest() else TRIED
            end = min(begin + most, count)
            some = of_steps(given, begin, end)
            start = time.perf_counter()
            self.runs[number](end - begin, *some)
            self._note(number, end - begin, time.perf_counter() - start)
            begin = end

    def _next(self) -> int:
        """One that is to be tried, or else the fastest."""
        due = (n for n, step in enumerate(self._due) if step <= self._done)
        return next(due, self._fastest())

    def _fastest(self) -> int:
        return min(range(len(self.runs)), key=self._seconds.__getitem__)

    def _note(self, number: int, steps: int, seconds: float) -> None:
        self._done += steps
        self._seconds[number] = seconds / steps
        slower = number != self._fastest()
        self._pause[number] = self._pause[number] * 2 if slower else PAUSE
        self._due[number] = self._done + self._pause[number]

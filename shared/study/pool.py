"""Single-thread processes on this machine, as many at once as the user allows."""

from __future__ import annotations

import contextlib
import importlib
import queue
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence

from shared.errors import MissingError
from shared.runner import TrackProcess
from shared.study.result import WORK, Result, measure
from shared.study.units import Unit


class Hand:
    """One process, of one track at a time, that trains unit after unit.

    A process that is ready for another seed of the same study keeps what its engine
    compiled or recorded. The two frameworks never meet in one process.
    """

    def __init__(self) -> None:
        self.track = ""
        self._process: TrackProcess | None = None
        self._stack = contextlib.ExitStack()
        self._killed = False
        self._lock = threading.Lock()

    def train(self, unit: Unit) -> Result:
        """Train one unit, in a new process if there is none of its track.

        Raises:
            UsageError, MissingError: as the track says, or its process stopped.
        """
        begun = time.perf_counter()
        fresh = self._process is None or self.track != unit.track
        try:
            outcome = self._at(unit.track).run(unit.job)
        except BaseException:
            self.close()
            raise
        work = sum(outcome.seconds.get(k, 0.0) for k in WORK)
        start = time.perf_counter() - begun - work if fresh else 0.0
        return measure(unit, outcome, start)

    def _at(self, track: str) -> TrackProcess:
        if self._process is not None and self.track == track:
            return self._process
        self.close()
        with self._lock:
            if self._killed:
                raise MissingError("stopped")
            self._process = self._stack.enter_context(TrackProcess(track))
            self.track = track
        return self._process

    def kill(self) -> None:
        """End for good, from any thread: a training that is under way fails."""
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End the process, between two trainings."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
            self._process = None
            self._stack.close()


class _Bench:
    """The units that wait, and who works at what."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self.finished: queue.Queue[Result | BaseException] = queue.Queue()
        self._waiting: dict[str, deque[Unit]] = defaultdict(deque)
        for unit in units:
            self._waiting[unit.track].append(unit)
        self._hands: Counter[str] = Counter()
        self._unit_seconds: dict[str, float] = {}
        self._start_seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def work(self, hand: Hand) -> None:
        """Train with this hand until nothing is left that is worth its while."""
        try:
            while track := self._choose():
                while unit := self._next(track):
                    result = hand.train(unit)
                    self._learn(result)
                    self.finished.put(result)
        except BaseException as error:  # whoever waits raises it
            self.stop()
            self.finished.put(error)
        finally:
            hand.close()

    def stop(self) -> None:
        """Let nobody begin anything more."""
        with self._lock:
            self._waiting.clear()

    def _choose(self) -> str | None:
        """The track that a free hand should turn to; None if it should rest.

        Nobody's track first, then the one with the most left to do: but to start
        another process must pay.
        """
        with self._lock:
            tracks = [track for track, units in self._waiting.items() if units]
            tracks.sort(key=lambda t: (self._hands[t] > 0, -self._left(t)))
            for track in tracks:
                worth = self._left(track) > self._start_seconds.get(track, 0.0)
                if worth or not self._hands[track]:
                    self._hands[track] += 1
                    return track
        return None

    def _left(self, track: str) -> float:
        """Seconds until those at work on the track will have done what waits."""
        each = self._unit_seconds.get(track, 1e9)  # unknown: it may be long
        return len(self._waiting[track]) * each / max(self._hands[track], 1)

    def _next(self, track: str) -> Unit | None:
        with self._lock:
            if self._waiting[track]:
                return self._waiting[track].popleft()
            self._hands[track] -= 1
        return None

    def _learn(self, result: Result) -> None:
        """Note what a start and a training cost; the first compiles and tells less."""
        seconds = dict(result.seconds)
        start = seconds.pop("start")
        with self._lock:
            if start:
                self._start_seconds[result.track] = start
            self._unit_seconds[result.track] = sum(seconds.values())


def run(units: Sequence[Unit], jobs: int, keep: Callable[[Result], None]) -> None:
    """Train the units in so many processes at once.

    Args:
        units: what to train.
        jobs: processes.
        keep: called with every result as it comes, in this thread.

    Raises:
        UsageError, MissingError: what stopped one of the processes.
    """
    bench = _Bench(units)
    hands = [Hand() for _ in range(min(jobs, len(units)))]
    workers = [threading.Thread(target=bench.work, args=(hand,)) for hand in hands]
    try:
        for worker in workers:
            worker.start()
        # What judges the trainings loads while their processes start.
        importlib.import_module("sklearn.metrics")
        for _ in units:
            found = bench.finished.get()
            if isinstance(found, BaseException):
                raise found
            keep(found)
    finally:
        bench.stop()
        for hand in hands:
            hand.kill()
        for worker in filter(threading.Thread.is_alive, workers):
            worker.join()
        while not bench.finished.empty():
            found = bench.finished.get()
            if isinstance(found, Result):
                keep(found)

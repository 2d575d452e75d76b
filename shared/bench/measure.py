"""One lesson in one track, in every way, interleaved in one run."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.bench import floor
from shared.bench.ways import FREE, IDIOM, Way, ways
from shared.job import Job, Outcome
from shared.lesson import Lesson
from shared.parity import tolerances
from shared.runner import TrackProcess
from shared.study import pool
from shared.study import units as study_units
from shared.study.result import Result

LONGEST = 30.0
"""Seconds: a training that takes longer is cut, and its time scaled up."""

CUT_STEPS = 300
WARM_UP_STEPS = 50
STEADY = 1.3
"""Largest over smallest time of a way; beyond, more rounds are run, up to as many."""

SAME_STEPS, SAME = tolerances.GATE_STEPS, tolerances.GATE
"""The first losses of two ways may differ by so much, as two tracks may in float32."""

Tell = Callable[[str], None]


@dataclasses.dataclass
class Measured:
    """What one way took.

    Attributes:
        way: the way.
        steps: that were run in each repetition.
        seconds: of every repetition, scaled to the whole training.
        compile_seconds: the part that was tracing, compiling or recording.
        peak_memory: bytes, of the process; None where unknown.
        notes: what the engine had to tell.
        loss: of every step; of every epoch, where it comes from `fit`.
    """

    way: Way
    steps: int
    seconds: list[float] = dataclasses.field(default_factory=list)
    compile_seconds: list[float] = dataclasses.field(default_factory=list)
    peak_memory: int | None = None
    notes: list[str] = dataclasses.field(default_factory=list)
    loss: NDArray[Any] = dataclasses.field(default_factory=lambda: np.zeros(0))

    @property
    def steady(self) -> bool:
        return max(self.seconds) <= STEADY * min(self.seconds)


@dataclasses.dataclass(frozen=True)
class Study:
    """Many seeds by `twotrack study`.

    Attributes:
        seeds: how many.
        processes: at once.
        seconds: wall time, the start of the processes apart.
        start: seconds that the slowest of them took to start.
    """

    seeds: int
    processes: int
    seconds: float
    start: float


@dataclasses.dataclass
class Found:
    """One lesson in one track.

    Attributes:
        track: "tf" or "torch".
        steps: of the whole training.
        measured: every way, the engine last.
        floors: seconds by kind of work, of every round.
        environment: versions and device.
        study: many seeds, if asked for.
    """

    track: str
    steps: int
    measured: list[Measured]
    floors: list[dict[str, float]]
    environment: dict[str, str]
    study: Study | None = None

    @property
    def engine(self) -> Measured:
        return self.measured[-1]

    @property
    def free(self) -> Measured:
        """The engine with the threads that a tutorial leaves its framework."""
        found = (m for m in self.measured if m.way.name == FREE)
        return next(found, self.engine)

    def ratio(self, other: Measured) -> list[float]:
        """How many times as long the other way took, round by round.

        The tutorial's way is held against the engine that is as free.
        """
        engine = self.free if other.way.name == IDIOM else self.engine
        pairs = zip(other.seconds, engine.seconds, strict=True)
        return [theirs / ours for theirs, ours in pairs]

    def over_floor(self) -> list[float]:
        """How many times the floor's time the engine took, round by round."""
        pairs = zip(self.engine.seconds, self.floors, strict=True)
        return [ours / sum(least.values()) for ours, least in pairs]

    def apart(self, other: Measured) -> float | None:
        """By how much the first losses of another way differ; None: no such losses.

        A loop written by hand has the engine's start, order and masks. `fit` draws
        another order and tells only the mean loss of an epoch.
        """
        a, b = other.loss, self.engine.loss
        if a.ndim != 1 or not _alike(other, self.engine):
            return None
        count = min(len(a), len(b), SAME_STEPS)
        scale = np.abs(b[:count]) + np.finfo(b.dtype).tiny
        found = np.abs(a[:count] - b[:count]) / scale
        return float(found.max()) if np.isfinite(found).all() else float("inf")


def _alike(other: Measured, engine: Measured) -> bool:
    """Whether both tell the loss of every step."""
    return len(other.loss) == other.steps and len(engine.loss) == engine.steps


def bench(lesson: Lesson, track: str, job: Job, rounds: int, tell: Tell) -> Found:
    """Run the lesson in every way of the track, in turn, so many times.

    Args:
        lesson, track: what to run, and where.
        job: the training; its engine and threads are set here.
        rounds: repetitions of every way; up to twice as many where times are unsteady.
        tell: called with what is being done.

    Raises:
        UsageError, MissingError: what the track says.
    """
    with contextlib.ExitStack() as stack:
        runners, whole = _prepared(stack, track, job, tell)
        found = Found(track, whole, [r.measured for r in runners], [], {})
        data = lesson.data(lesson.config_type(**job.fields), job.data)
        for done in range(2 * rounds):
            if done >= rounds and all(m.steady for m in found.measured):
                break
            more = "" if done < rounds else ", for the times are unsteady"
            tell(f"{job.lesson} {track} round {done + 1}{more}")
            for runner in runners:
                outcome = runner.run(whole)
            found.environment = outcome.environment
            found.floors.append(floor.seconds(outcome, data.x_train, whole))
    return found


class _Runner:
    """One way in a process of its own, which is warm when the rounds begin."""

    def __init__(self, process: TrackProcess, way: Way, job: Job) -> None:
        self.process = process
        self.job = dataclasses.replace(job, engine=way.engine, threads=way.threads)
        self.measured = Measured(way, 0)

    def warm_up(self, steps: int) -> Outcome:
        return self.process.run(dataclasses.replace(self.job, limit=steps))

    def cut(self, tried: Outcome, whole: int, epoch: int) -> None:
        """Choose how many steps a repetition has, from what the warm-up took."""
        count = min(len(tried.trace["history/loss"]) * _per_loss(tried), whole)
        pace = (tried.seconds["train"] - tried.seconds["compile"]) / count
        steps = whole
        if pace * whole > LONGEST:
            wished = max(CUT_STEPS, int(LONGEST / 4 / pace))
            steps = min(-(-wished // epoch) * epoch, whole)
        self.measured.steps = steps

    def run(self, whole: int) -> Outcome:
        kept = self.measured
        outcome = self.process.run(dataclasses.replace(self.job, limit=kept.steps))
        compiling = outcome.seconds["compile"]
        stepping = outcome.seconds["train"] - compiling
        kept.seconds.append(compiling + stepping * whole / kept.steps)
        kept.compile_seconds.append(compiling)
        kept.peak_memory, kept.notes = outcome.peak_memory, outcome.notes
        kept.loss = outcome.trace["history/loss"]
        return outcome


def _per_loss(outcome: Outcome) -> int:
    """Steps for each loss of a history: `fit` tells one an epoch."""
    settings = outcome.settings
    size = min(settings["batch_size"], settings["samples"])
    per_epoch = -(-settings["samples"] // size)
    return per_epoch if outcome.steps_per_epoch == 1 else 1


def _prepared(
    stack: contextlib.ExitStack, track: str, job: Job, tell: Tell
) -> tuple[list[_Runner], int]:
    """The warm processes, the engine's last, and the steps of the whole training.

    An engine chooses its loop by the number of steps, so it warms up on all of them.
    """

    def started(way: Way) -> _Runner:
        tell(f"{job.lesson} {track} warm-up: {way.label}")
        return _Runner(stack.enter_context(TrackProcess(track)), way, job)

    engine = started(next(w for w in ways(True, None) if w.key == f"{track} engine"))
    tried = engine.process.run(engine.job)
    settings = tried.settings
    whole = len(tried.trace["history/loss"])
    batched = settings["batch_size"] < settings["samples"]
    engine.measured.steps = whole
    runners = []
    for way in ways(batched, settings["optimizer"].get("rule")):
        if way.track != track or way == engine.measured.way:
            continue
        runners.append(runner := started(way))
        if way.engine == engine.job.engine:
            runner.warm_up(whole)
            runner.measured.steps = whole
            continue
        steps = min(tried.steps_per_epoch if batched else WARM_UP_STEPS, whole)
        runner.cut(runner.warm_up(steps), whole, tried.steps_per_epoch)
    return [*runners, engine], whole


def study(lesson: Lesson, track: str, job: Job, seeds: int, jobs: int) -> Study:
    """Time a study of the same training in so many processes."""
    options = study_units.Options(
        seeds=seeds,
        precision=job.precision,
        device=job.device,
        data=job.data,
        settings=job.fields,
    )
    chosen = [u for u in study_units.plan(lesson, options) if u.track == track]
    results: list[Result] = []
    begun = time.perf_counter()
    pool.run(chosen, jobs, results.append)
    wall = time.perf_counter() - begun
    start = max(result.seconds["start"] for result in results)
    count = sum(result.seconds["start"] > 0 for result in results)
    return Study(seeds, count, wall - start, start)


def spread(values: Sequence[float]) -> Mapping[str, float]:
    """Median, smallest and largest."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
    }

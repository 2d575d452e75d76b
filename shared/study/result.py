"""What is kept of one training, and the file that keeps it."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from shared import lesson as lessons
from shared.errors import UsageError
from shared.job import Outcome
from shared.parity import compare
from shared.study.units import Unit, digest, loaded

WORK = ("build", "train", "evaluate")
"""What a training consists of, once its process has started."""


@dataclasses.dataclass(frozen=True)
class Result:
    """One finished training, in plain values.

    Attributes:
        unit: the identity of the unit.
        lesson, variant, track, seed, fields, init, precision, engine: what was run.
        made_with: versions and digests of code and data.
        environment: versions and device, as the track itself told.
        metrics: the lesson's metrics; None where not finite.
        solved: the answer of a lesson with a yes or no; None for any other.
        loss: the last loss; None where not finite.
        diverged: whether the loss or the prediction left the finite numbers.
        trained: digest of the trained parameters.
        seconds: "start" (of the process, where this was its first training), "build",
            "train" and "evaluate".
        notes: what the engine had to tell.
    """

    unit: str
    lesson: str
    variant: str
    track: str
    seed: int
    fields: dict[str, Any]
    init: str
    precision: str
    engine: str
    made_with: dict[str, str]
    environment: dict[str, str]
    metrics: dict[str, float | None]
    solved: bool | None
    loss: float | None
    diverged: bool
    trained: str
    seconds: dict[str, float]
    notes: list[str]

    @property
    def value(self) -> float | None:
        """What the study judges: solved or not, else the metric that counts."""
        if self.solved is not None:
            return float(self.solved)
        return next(iter(self.metrics.values()))


@dataclasses.dataclass(frozen=True)
class Track:
    """One track's trainings, in the order of the seeds."""

    results: Sequence[Result]

    @property
    def diverged(self) -> list[int]:
        """The seeds that left the finite numbers."""
        return [result.seed for result in self.results if result.diverged]

    @property
    def values(self) -> list[float]:
        """Of the seeds that stayed finite; of a yes or no, of all."""
        return [r.value for r in self.results if r.value is not None]


def measure(unit: Unit, outcome: Outcome, start: float = 0.0) -> Result:
    """What to keep of an outcome; `start` is what its process took to be ready."""
    job = unit.job
    lesson, data = lessons.find(job.lesson), loaded(job)[0]
    metrics = compare.score(lesson, data, outcome)
    diverged = compare.diverged_at(outcome) is not None or not all(
        map(math.isfinite, metrics.values())
    )
    solved = lesson.optional("solved")
    seconds = {k: outcome.seconds.get(k, 0.0) for k in WORK}
    weights = outcome.weights()
    answer = None
    if solved is not None:
        answer = not diverged and bool(solved(data, outcome.trace["prediction"]))
    return Result(
        unit=unit.identity,
        lesson=job.lesson,
        variant=unit.variant,
        track=unit.track,
        seed=job.seed,
        fields=job.fields,
        init=job.init,
        precision=job.precision,
        engine=job.engine,
        made_with=dict(unit.made_with),
        environment=outcome.environment,
        metrics={name: _finite(value) for name, value in metrics.items()},
        solved=answer,
        loss=_finite(outcome.trace["history/loss"][-1]),
        diverged=diverged,
        trained=digest(weights[name] for name in sorted(weights)),
        seconds={"start": start, **seconds},
        notes=outcome.notes,
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


class Journal:
    """The finished trainings of a folder, one JSON object a line, in `study.jsonl`.

    Use it in a `with` statement: within, no other study writes to the folder. Every
    line is on the disk before the next training is waited for.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "study.jsonl"
        self.results: dict[str, Result] = {}
        self._lock = folder / "study.lock"

    def __enter__(self) -> Journal:
        self._guard = self._lock.open("a")
        try:
            _lock(self._guard)
        except OSError:
            self._guard.close()
            raise UsageError(
                f"another study is writing to {self.path.parent}: let it end, or name "
                "another --out"
            ) from None
        try:
            self._read()
            self._file = self.path.open("ab", buffering=0)
        except BaseException:
            self._guard.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._guard.close()

    def append(self, result: Result) -> None:
        """Keep a result, whatever happens afterwards.

        Raises:
            UsageError: the disk is full, or gone.
        """
        line = json.dumps(dataclasses.asdict(result), allow_nan=False) + "\n"
        rest = memoryview(line.encode())
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UsageError(f"cannot write {self.path}: {error.strerror}") from None
        self.results[result.unit] = result

    def _read(self) -> None:
        """Read what is there; a last line that was cut off while written is dropped."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                result = Result(**json.loads(line))
            except (ValueError, TypeError):
                raise UsageError(
                    f"{self.path}, line {number}, is not a training of a study: "
                    "remove it, or name another --out"
                ) from None
            self.results[result.unit] = result
        if len(whole) < len(content):
            os.truncate(self.path, len(whole))


def _lock(file: IO[str]) -> None:
    """Lock the file until it is closed, however this process ends.

    Raises:
        OSError: another process holds it.
    """
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

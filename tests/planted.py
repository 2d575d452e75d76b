"""Planted bugs: small mistakes in the tracks' source, and the processes that run them.

Each track runs in one long-lived process. For a bug, the track's modules are imported
anew there with its text in place of the file's, and put back afterwards; what the other
track finds, and what both find without a bug, is computed once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.abc
import importlib.machinery
import importlib.util
import json
import linecache
import multiprocessing
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from shared import lesson as lessons
from shared.errors import TwotrackError
from shared.job import Job, Outcome
from shared.parity.compare import Options, Progress, compare
from shared.results import Level

PACKAGES = {"tf": "tf_track", "torch": "torch_track"}

ROOT = Path(__file__).parents[1]


@dataclasses.dataclass(frozen=True)
class Edit:
    """One place of a track's source, such as "tf_track/engine.py", made wrong."""

    file: str
    old: str
    new: str

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").replace("/", ".")

    def apply(self, source: str) -> str:
        """The source with the mistake; its place must be found exactly once."""
        found = source.count(self.old)
        if found != 1:
            raise LookupError(f"{self.file}: found {found} times: {self.old!r}")
        return source.replace(self.old, self.new)


Edits = tuple[Edit, ...]


@dataclasses.dataclass(frozen=True)
class Bug:
    """A mistake, and where the comparison must say that it lies.

    Attributes:
        name: what is wrong, in words.
        edits: the mistake; in both tracks, only what stands outside them can tell.
        lesson, fields, limit: the run that shows it.
        level: the first level that must fail.
        where: a part of the place that this level must name.
        precisions: what is run; the last is the one whose level must fail.
    """

    name: str
    edits: Edits
    lesson: str
    level: str
    where: str
    fields: Mapping[str, Any]
    limit: int | None
    precisions: tuple[str, ...] = ("float64",)

    @property
    def run(self) -> str:
        """The comparison that it belongs to, the same for all bugs planted there."""
        return json.dumps([self.lesson, dict(self.fields), self.limit, self.precisions])

    def of(self, track: str) -> Edits:
        package = PACKAGES[track]
        return tuple(e for e in self.edits if e.file.startswith(f"{package}/"))


RUNS: dict[str, tuple[dict[str, Any], int | None]] = {
    "logic_gates": ({}, None),
    "activations": ({}, None),
    "autograd": ({}, None),
    "forward_pass": ({}, None),
    "delta_rule": ({"bias_gradient": "right", "epochs": 3}, None),
    "perceptron_iris": ({}, None),
    "linear_regression": ({"form": "raw", "epochs": 3}, None),
    "logistic_gates": ({"gate": "and"}, 3),
    "logistic_regression": ({"form": "raw", "epochs": 3}, None),
    "softmax_regression": ({}, 3),
    "xor_perceptron": ({}, 3),
    "xor_mlp": ({}, 4),
    "xor_deep": ({"hidden_1": 8, "hidden_2": 4, "hidden_3": 4}, 3),
    "xor_backprop": ({"derivatives": "right", "epochs": 3}, None),
    "nn_regression": ({}, 3),
    "data_loader": ({}, 3),
    "optimizers": ({"rule": "adam", "hidden": 8, "valley_steps": 5}, 3),
    "mnist_mlp": ({"hidden": 20}, 6),
}
"""For each lesson the fields and the limit that most of its bugs are shown at."""


def bug(
    track: str,
    name: str,
    lesson: str,
    level: str,
    where: str,
    old: str,
    new: str,
    *,
    file: str = "",
    more: tuple[tuple[str, str], ...] = (),
    precisions: tuple[str, ...] = ("float64",),
    limit: int | str | None = "",
    **fields: Any,
) -> Bug:
    """A mistake in one track, `both` for the same text in both; RUNS tells the run.

    Args:
        track: "tf", "torch" or "both".
        name, lesson, level, where, precisions, limit: as in Bug.
        old, new: the text and what stands in its place.
        file: the module, such as "engine"; by default the lesson.
        more: further (old, new) in the same file.
        fields: of the lesson's Config, besides those of RUNS.
    """
    path = f"{file}.py" if file else f"lessons/{lesson}.py"
    tracks = tuple(PACKAGES) if track == "both" else (track,)
    edits = tuple(
        Edit(f"{PACKAGES[name]}/{path}", a, b)
        for name in tracks
        for a, b in ((old, new), *more)
    )
    usual, steps = RUNS[lesson]
    if not isinstance(limit, str):
        steps = limit
    full = f"{track}: {lesson}: {name}"
    return Bug(full, edits, lesson, level, where, usual | fields, steps, precisions)


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the edited modules before Python's own finders do."""

    def __init__(self, edits: Edits) -> None:
        self.edits = edits

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if all(edit.module != name for edit in self.edits):
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        assert found and found.origin
        return importlib.util.spec_from_file_location(name, found.origin, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        file = str(module.__file__)
        source = Path(file).read_text(encoding="utf-8")
        for edit in self.edits:
            if edit.module == module.__name__:
                source = edit.apply(source)
        # AutoGraph compiles a function once more, from the lines it finds for it.
        name = f"{file} with a bug"
        lines = source.splitlines(keepends=True)
        linecache.cache[name] = (len(source), None, lines, name)
        exec(compile(source, name, "exec"), module.__dict__)


@contextlib.contextmanager
def planted(package: str, edits: Edits) -> Iterator[None]:
    """Import the package anew, with the edits, while the block runs."""
    whole = {n: sys.modules.pop(n) for n in list(sys.modules) if _of(package, n)}
    finder = Planted(edits)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [n for n in sys.modules if _of(package, n)]:
            del sys.modules[name]
        sys.modules.update(whole)


def _of(package: str, name: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def perform(package: str, job: Job, edits: Edits) -> Outcome:
    """Run a job in this process, with the mistakes in its track."""
    from shared import worker

    try:
        if not edits:
            return worker.perform(package, job)
        with planted(package, edits):
            return worker.perform(package, job)
    except TwotrackError:
        raise
    except Exception as error:
        # A framework's own error may not travel between processes.
        raise RuntimeError(f"{type(error).__name__}: {error}") from None


class Tracks:
    """Both tracks' processes; use it in a `with` statement."""

    def __init__(self, folder: Path) -> None:
        self._mnist = _few_digits(folder)
        self._lock = threading.Lock()
        self._found: dict[tuple[str, Edits, str], Future[Outcome]] = {}

    def __enter__(self) -> Tracks:
        spawn = multiprocessing.get_context("spawn")
        self._pools = {name: ProcessPoolExecutor(1, spawn) for name in PACKAGES}
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)

    def outcome(self, track: str, job: Job, edits: Edits) -> Outcome:
        """What the track finds, or has found before; one twin stands for all."""
        job = dataclasses.replace(job, twin=min(job.twin, 1))
        key = track, edits, json.dumps(dataclasses.asdict(job))
        with self._lock:
            if key not in self._found:
                pool, package = self._pools[track], PACKAGES[track]
                self._found[key] = pool.submit(perform, package, job, edits)
        return self._found[key].result()

    def failures(self, bug: Bug, clean: bool = False) -> list[Level]:
        """The levels that fail, in the ladder's order; none is what a clean run has."""
        processes: dict[str, Any] = {
            name: _Track(self, name, () if clean else bug.of(name)) for name in PACKAGES
        }
        options = Options(
            precisions=bug.precisions,
            device="cpu",
            data=self._mnist if bug.lesson == "mnist_mlp" else None,
            limit=bug.limit,
            settings=bug.fields,
        )
        found = compare(lessons.find(bug.lesson), processes, options)
        return [level for level in found.levels if level.verdict == "fail"]


class _Track:
    """One track as `compare` knows it, with its share of a bug."""

    def __init__(self, tracks: Tracks, name: str, edits: Edits) -> None:
        self.tracks, self.name, self.edits = tracks, name, edits

    def run(self, job: Job, progress: Progress | None = None) -> Outcome:
        return self.tracks.outcome(self.name, job, self.edits)


def _few_digits(folder: Path) -> str:
    """100 training images, which leave a part batch last, and 200 test images."""
    from shared.datasets import mnist

    images, path = mnist(), folder / "digits.npz"
    np.savez(
        path,
        x_train=images.x_train[:100],
        y_train=images.y_train[:100],
        x_test=images.x_test[:200],
        y_test=images.y_test[:200],
    )
    return str(path)

"""One lesson in one track, under one job: built, examined, trained, evaluated."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import lesson as lessons
from shared import randomness
from shared.cores import cores
from shared.job import Job, Outcome
from shared.parity.trace import Trace
from shared.parity.training import parted
from shared.plane import plane
from shared.session import History, Session
from shared.weights import MisfitError, Weights, read_weights

Progress = Callable[[int, int, float], None]


class Run:
    """One lesson in one track, under one job.

    Args:
        package: the track's.
        job: what to run.
        progress: is told how it goes.
        functions: has build, train, predict and results, as far as there are any; None
            takes the lesson's own module.
    """

    def __init__(
        self,
        package: str,
        job: Job,
        progress: Progress | None,
        functions: Any = None,
    ) -> None:
        self.job = job
        self.progress = progress
        self.seconds: dict[str, float] = {}
        self.model: Any = None
        self.lesson = lessons.find(job.lesson)
        self.cfg = self.lesson.config_type(**job.fields)
        self.kept = _keep(package, self.lesson, self.cfg, job)
        self.data = self.kept.data
        self.track = importlib.import_module(package).NAME
        with self._timed("import"):
            self.backend = importlib.import_module(f"{package}.backend")
            self.weights = importlib.import_module(f"{package}.weights")
            self.module = functions
            if functions is None:
                lesson = f"{package}.lessons.{job.lesson}"
                self.module = importlib.import_module(lesson)
        _first_import.setdefault(package, self.seconds["import"])
        self.seconds["import"] = _first_import[package]
        # To seed TensorFlow makes it forget its kernels, each of which it then finds
        # again; a model that is kept takes part in nothing that is drawn.
        if self.kept.model is None:
            self.backend.configure(job.device, job.precision, job.seed, job.threads)

    def outcome(self) -> Outcome:
        """Build, look closely, train, evaluate.

        Raises:
            UsageError: the weights to evaluate do not fit, or the data is unusable.
        """
        trace: Trace = {}
        session = self._session()
        try:
            with self._timed("build"):
                self.model = model = self._start()
        except MisfitError:
            if not self.job.ladder:
                raise
            return self._misfit(session)
        if model is not None:
            trace |= _keyed("weights", self.weights.export(model))
        if self.job.ladder and model is not None:
            session.settings |= self._examine(trace)
        history = None
        if hasattr(self.module, "train") and not self.job.weights:
            with self._timed("train"), session.active():
                history = self.module.train(model, self.data, self.cfg)
            self.seconds["compile"] = session.compile_seconds
            trace |= _trained(history)
            if not (self.job.twin or self.job.reuse):
                _own_losses[self._identity()] = history.loss
            trace |= _keyed("trained", self.weights.export(model))
            if self._only_the_start_differs(model, session):
                self.kept.model = model
        with self._timed("evaluate"):
            trace |= self._evaluate(model, history)
        return self._found(trace, session, history)

    def _misfit(self, session: Session) -> Outcome:
        """Only the parameters, for the ladder to name those that are wrong."""
        model = self.module.build(self.cfg)
        return self._found(_keyed("weights", self.weights.export(model)), session)

    def _found(
        self, trace: Trace, session: Session, history: History | None = None
    ) -> Outcome:
        return Outcome(
            trace=trace,
            settings=session.settings,
            notes=session.notes,
            parameters=sum(trace[k].size for k in trace if k.startswith("weights/")),
            steps_per_epoch=history.steps_per_epoch if history else 0,
            environment=self.backend.environment(),
            seconds=self.seconds,
            peak_memory=_peak_memory(),
        )

    def _session(self, examine: bool = False) -> Session:
        return Session(
            matched=self.job.matched,
            seed=self.job.seed,
            limit=self.job.limit,
            examine=examine,
            keep_snapshots=self.job.ladder,
            progress=self.progress,
            engine=self.job.engine,
            free_core=not self.job.reuse and cores() >= 2 * self.job.processes,
            reuse=self.kept.loops if self.job.reuse else None,
            reuse_key=self.kept.key,
            halt=self._parted if self.job.twin else None,
        )

    def _only_the_start_differs(self, model: Any, session: Session) -> bool:
        """Whether the next seed may train this model from another start.

        To build one moves on the random generators, and a Keras model takes longer to
        build than to train for some thousand steps.
        """
        draws = any(session.settings.get(key, True) for key in ("shuffle", "dropout"))
        matched = self.job.init == "matched" and self.lesson.optional("start")
        whole = self.weights.is_parameters_only(model)
        return bool(self.job.reuse and matched and whole and not draws)

    def _identity(self) -> str:
        """What a run and its one-ulp twins have in common."""
        job = self.job
        return repr((self.track, job.lesson, job.fields, job.precision, job.seed))

    def _parted(self, losses: NDArray[Any]) -> bool:
        """Whether a twin has left the run of this process that it is a twin of."""
        own = _own_losses.get(self._identity())
        return own is not None and parted(own, losses) is not None

    def _start(self) -> Any:
        """A fresh model at the job's start; None for a lesson without one."""
        if not hasattr(self.module, "build"):
            return None
        model = self.kept.model or self.module.build(self.cfg)
        start = self.lesson.optional("start")
        if self.job.weights:
            self.weights.load(model, read_weights(self.job.weights))
        elif start is not None and (self.job.matched or self.job.init == "matched"):
            seed = self.job.seed
            if not self.job.matched:
                seed = randomness.apart(seed, self.track)
            values = start(self.cfg, seed)
            self.weights.load(model, _twin(values, self.job))
        return model

    def _examine(self, trace: Trace) -> dict[str, Any]:
        """Evaluation mode twice, then the first step under the lens."""
        model = self._start()
        if self.data is not None and hasattr(self.module, "predict"):
            few = self.backend.tensor(self.data.x_test[:100])
            for key in ("evaluate/prediction", "evaluate/repeat"):
                trace[key] = self.backend.array(self.module.predict(model, few))
        if not hasattr(self.module, "train"):
            return {}
        session = self._session(examine=True)
        with session.active():
            self.module.train(model, self.data, self.cfg)
        trace |= session.observed
        return session.settings

    def _evaluate(self, model: Any, history: History | None) -> Trace:
        trace: Trace = {}
        if model is not None and self.data is not None:
            trace["prediction"] = self._predict(model, self.data.x_test)
            if self.job.grid and plane(self.data.x_train) is not None:
                trace["grid"] = self._predict(model, plane(self.data.x_train))
        if hasattr(self.module, "train"):
            if history is None or not hasattr(self.module, "results"):
                return trace
            shown = self.module.results(model, history, self.data)
        else:
            shown = self.module.results(self.cfg, self.data)
        return trace | _keyed("result", {k: _array(self, v) for k, v in shown.items()})

    def _predict(self, model: Any, x: NDArray | None) -> NDArray[Any]:
        output = self.module.predict(model, self.backend.tensor(x))
        return np.asarray(self.backend.array(output))

    def _timed(self, name: str) -> _Timer:
        return _Timer(self.seconds, name)


_own_losses: dict[str, NDArray[Any]] = {}
"""Of the last run of each kind, so that a twin can end once it has left it."""

_first_import: dict[str, float] = {}
"""Seconds by package: the next lesson finds the framework loaded."""


class _Timer:
    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self.seconds, self.name = seconds, name

    def __enter__(self) -> None:
        self.start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds[self.name] = time.perf_counter() - self.start


@dataclasses.dataclass
class Kept:
    """What a process keeps from one seed to the next.

    Attributes:
        key: everything but the seed that the work depends on.
        data: the lesson's data.
        loops: what the engine compiled or recorded.
        model: the model, where it may be trained again.
    """

    key: str
    data: Any
    loops: dict[Any, Any]
    model: Any = None


_kept: Kept | None = None


def _keep(package: str, lesson: lessons.Lesson, cfg: Any, job: Job) -> Kept:
    """What the same job with another seed left, where both ask to reuse; or new."""
    global _kept
    unseeded = dataclasses.asdict(dataclasses.replace(job, seed=0))
    key = json.dumps([package, unseeded], sort_keys=True)
    if _kept is not None and _kept.key == key:
        return _kept
    new = Kept(key, lesson.data(cfg, job.data), {})
    # Another job configures the process in its own way, and so ends what was kept.
    _kept = new if job.reuse else None
    return new


def _array(run: Run, value: Any) -> NDArray[Any]:
    return np.asarray(run.backend.array(value))


def _keyed(level: str, arrays: Weights) -> Trace:
    return {f"{level}/{name}": value for name, value in arrays.items()}


def _trained(history: History) -> Trace:
    trace = {"history/loss": history.loss, "history/batch": history.batch}
    for step, weights in history.snapshots.items():
        trace |= _keyed(f"snapshot/{step}", weights)
    return trace


def _twin(values: Weights, job: Job) -> Weights:
    """The start with every parameter moved up or down by one unit in the last place."""
    if not job.twin:
        return values
    random = np.random.default_rng([job.seed, job.twin])
    dtype = np.dtype(job.precision)
    return {
        name: np.nextafter(
            value.astype(dtype),
            np.where(random.random(value.shape) < 0.5, -np.inf, np.inf).astype(dtype),
        )
        for name, value in values.items()
    }


def _peak_memory() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

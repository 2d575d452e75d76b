"""The process of one track: reads jobs, runs them, writes what they found.

    python -m shared.worker tf_track

reads one job a line on standard input, as JSON with the path of an .npz to write, or
the name of a function to call in its stead, and answers with events, one JSON object
a line. Only this track's framework is imported. `perform` does the same for a caller in
the same process.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import lesson as lessons
from shared import memory, randomness
from shared.errors import OUT_OF_MEMORY, MissingError, TwotrackError, no_memory
from shared.job import Job, Outcome
from shared.parity.trace import Trace
from shared.parity.training import parted
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
            free_core=not self.job.reuse,
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


def plane(x: NDArray[Any], points: int = 121) -> NDArray[np.float64] | None:
    """A grid over two features, shape (points^2, 2); None for any other data."""
    if x.ndim != 2 or x.shape[1] != 2:
        return None
    margin = 0.25 * (x.max(axis=0) - x.min(axis=0))
    low, high = x.min(axis=0) - margin, x.max(axis=0) + margin
    axes = [np.linspace(low[i], high[i], points) for i in range(2)]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)


def _peak_memory() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def track(package: str) -> ModuleType:
    """The track's package, checked to have its framework.

    Raises:
        MissingError: the framework is not installed.
    """
    found = importlib.import_module(package)
    for name in found.REQUIRES:
        if importlib.util.find_spec(name) is None:
            raise MissingError(
                f"{found.FRAMEWORK} is not installed, so the {found.NAME} track "
                f"cannot run: {found.INSTALL}"
            )
    return found


def perform(package: str, job: Job, progress: Progress | None = None) -> Outcome:
    """Run one job in this process.

    Raises:
        TwotrackError: bad input, or something is missing.
    """
    track(package)
    try:
        return Run(package, job, progress).outcome()
    except Exception as error:
        if no_memory(error):
            raise MissingError(OUT_OF_MEMORY) from None
        raise


def _called(package: str, request: dict[str, Any]) -> tuple[Trace, dict[str, Any]]:
    """What a function of ours finds in this track: arrays, and facts fit for JSON."""
    module, _, name = request["call"].partition(":")
    with np.load(request["arrays"], allow_pickle=False) as arrays:
        given = dict(arrays)
    function = getattr(importlib.import_module(module), name)
    found: tuple[Trace, dict[str, Any]] = function(
        package, given, **request["arguments"]
    )
    return found


def main(package: str) -> None:
    """Serve jobs until standard input ends, as it does when the parent is gone."""
    # Ctrl-C reaches the parent too, and it is the parent that ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints goes to standard error; the events have their own.
    events = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(0)

    def emit(**event: Any) -> None:
        events.write(json.dumps(event) + "\n")

    threading.Thread(target=read, daemon=True).start()
    while True:
        request = json.loads(lines.get())
        _serve(package, request, emit)
        if "call" in request:
            memory.give_back()


def _serve(package: str, request: dict[str, Any], emit: Callable[..., None]) -> None:
    """Answer one request; nothing of it stays in memory."""
    try:
        if "call" in request:
            trace, facts = _called(package, request)
        else:
            job = Job(**request["job"])
            # In a study it is the finished training that tells how it goes.
            tell = None if job.reuse else lambda *p: emit(progress=p)
            outcome = perform(package, job, tell)
            trace, facts = outcome.trace, outcome.facts()
        np.savez(request["out"], **trace)  # type: ignore[arg-type]
        emit(done=facts)
    except TwotrackError as error:
        emit(error=str(error), exit_code=error.exit_code)
    except Exception as error:
        print(traceback.format_exc(), file=sys.stderr)
        emit(error=f"{type(error).__name__}: {error}", exit_code=3, crash=True)


if __name__ == "__main__":
    main(sys.argv[1])

"""What a notebook's cells call: a lesson that runs here, in the kernel itself."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from numpy.typing import NDArray

from shared import lesson as lessons
from shared import plots, terminal
from shared.commands import run_report
from shared.errors import Diverged
from shared.job import Job, Outcome
from shared.lesson import Lesson
from shared.parity import compare
from shared.run import Run
from shared.runner import package

COLUMNS = 88
"""As wide as a hosted service shows without a scroll bar."""


@dataclasses.dataclass(frozen=True, repr=False)
class Found:
    """What came out of a run.

    Attributes:
        name: what was run.
        precision: in which.
        model: as trained; None for a lesson without one.
        data: what it saw: arrays x_train, y_train, x_test, y_test.
        outcome: everything else, as arrays by name.
        metrics: the score on the test data.
    """

    name: str
    precision: str
    model: Any
    data: Any
    outcome: Outcome
    metrics: dict[str, float]

    @property
    def loss(self) -> NDArray[Any] | None:
        """Of every step, shape (steps,); None where nothing is trained."""
        return self.outcome.trace.get("history/loss")

    @property
    def prediction(self) -> NDArray[Any] | None:
        """For the test data; None where nothing is predicted."""
        return self.outcome.trace.get("prediction")

    @property
    def results(self) -> dict[str, NDArray[Any]]:
        """What the lesson shows besides, by name."""
        trace = self.outcome.trace
        return {
            key.removeprefix("result/"): value
            for key, value in trace.items()
            if key.startswith("result/")
        }

    def __repr__(self) -> str:
        told = [f"{name} {value:.6g}" for name, value in self.metrics.items()]
        return f"<{self.name}: {', '.join(told) or ', '.join(self.results)}>"


@dataclasses.dataclass(frozen=True)
class LessonHere:
    """A lesson in one track, in this process; `begin` makes one."""

    lesson: Lesson
    track: str
    device: str
    precision: str
    seed: int

    def tensor(self, array: NDArray[Any]) -> Any:
        """The array as the framework's tensor, in the precision of the notebook."""
        return self._backend().tensor(array)

    def run(
        self,
        cfg: Any,
        *,
        variant: str = "",
        matched: bool = True,
        build: Callable[..., Any] | None = None,
        train: Callable[..., Any] | None = None,
        predict: Callable[..., Any] | None = None,
        results: Callable[..., Any] | None = None,
    ) -> Found:
        """Run the lesson with these functions, and show what came out.

        Args:
            cfg: the lesson's Config.
            variant: which of the lesson's variants that is; "" if it has none.
            matched: start, batch order and masks as both tracks get them in a
                comparison; else the framework's own.
            build, train, predict, results: as the lesson has them.

        Raises:
            UsageError: a setting out of range, or a model of another shape than the
                matched start.
            Diverged: the loss left the finite numbers.
        """
        job = self._job(cfg, matched)
        given = {
            "build": build,
            "train": train,
            "predict": predict,
            "results": results,
        }
        functions = SimpleNamespace(**{k: f for k, f in given.items() if f is not None})
        run = Run(package(self.track), job, _Progress(), functions)
        outcome = run.outcome()
        step = compare.diverged_at(outcome)
        if step is not None:
            told = compare.divergence(self.lesson.slug, cfg, str(step))
            raise Diverged(told, step)
        report = run_report(self.lesson, self.track, variant, job, outcome, run.data)
        self._show(report, outcome, run.data)
        subject = self.lesson.title.partition(":")[0]
        name = ", ".join(filter(None, (subject, variant)))
        metrics = report["metrics"]
        return Found(name, self.precision, run.model, run.data, outcome, metrics)

    def _job(self, cfg: Any, matched: bool) -> Job:
        fields = dataclasses.asdict(cfg)
        pairs = [f"{name}={value}" for name, value in fields.items()]
        return Job(
            lesson=self.lesson.slug,
            fields=lessons.parse_settings(self.lesson, pairs),
            matched=matched,
            precision=self.precision,
            seed=self.seed,
            device=self.device,
            grid=True,
        )

    def _show(self, report: dict[str, Any], outcome: Outcome, data: Any) -> None:
        from IPython.display import display

        with terminal.out:  # in one piece, not line by line
            terminal.show_run(self.lesson, report, first=False)
        for name, svg in plots.draw(outcome, self.lesson, data).items():
            picture = {"image/svg+xml": svg.decode(), "text/plain": f"<{name}>"}
            display(picture, raw=True)

    def _backend(self) -> Any:
        return importlib.import_module(f"{package(self.track)}.backend")


class _Progress:
    """One line under the cell, rewritten after every epoch."""

    def __init__(self) -> None:
        self.line: Any = None

    def __call__(self, epoch: int, epochs: int, loss: float) -> None:
        from IPython.display import display

        told = {"text/plain": f"epoch {epoch:,} of {epochs:,}, loss {loss:.6g}"}
        if self.line is None:
            self.line = display(told, raw=True, display_id=True)
        else:
            self.line.update(told, raw=True)


def begin(
    lesson: str,
    track: str,
    *,
    device: str = "auto",
    precision: str | None = None,
    seed: int = 0,
) -> LessonHere:
    """Load the track's framework and set it up for the lesson.

    Args:
        lesson: its name.
        track: "tf" or "torch".
        device: "auto" takes a GPU where there is one; or "cpu", "gpu".
        precision: "float32" or "float64"; None takes that of the notes.
        seed: of start, batch order and dropout masks.

    Raises:
        UsageError: there is no such lesson or track.
        MissingError: the framework or the device is not there.
    """
    found = lessons.find(lesson)
    chosen = precision or found.published_precision
    here = LessonHere(found, track, device, chosen, seed)
    here._backend().configure(device, chosen, seed)
    terminal.out.width = COLUMNS
    return here

"""What a person reads of a study: the verdict first, then the numbers."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich import box
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.lesson import Lesson
from shared.study.result import Result
from shared.study.sentence import DIFFERENT, EQUIVALENT
from shared.study.shares import Share
from shared.study.statistics import ALPHA, ENOUGH_POWER, MOST_SEEDS
from shared.study.units import TRACKS
from shared.study.verdict import Finding
from shared.terminal import SYMBOL, err, out

_SYMBOLS = {EQUIVALENT: SYMBOL["pass"], DIFFERENT: SYMBOL["fail"]}
_OPEN = "[yellow]?[/]"
_LINES = 20


def show_finding(lesson: Lesson, finding: Finding) -> None:
    """One variant: verdict, table, difference, power."""
    name = " ".join(filter(None, (lesson.slug, finding.variant)))
    out.print(f"\n[bold]{name}[/], {finding.seeds} seeds in each track")
    symbol = _SYMBOLS.get(finding.verdict, _OPEN)
    out.print(f"{symbol} {escape(finding.sentence)}")
    if finding.difference is None or finding.power is None:
        return
    out.print(_table(finding))
    metric, difference = finding.metric, finding.difference
    first, second = TRACKS
    out.print(
        f"{second} - {first}: {metric.signed(difference.difference)}, 90 % interval "
        f"{metric.span(difference.interval(2 * ALPHA))}; margin {metric.allowed}, "
        f"{_whose(finding, lesson)}."
    )
    out.print(_power(finding))


def _whose(finding: Finding, lesson: Lesson) -> str:
    metric = finding.metric
    if metric.margin_from == "the lesson":
        return "fixed in the lesson"
    return f"yours (--margin; the lesson's: {metric.of(lesson.margin)})"


def _table(finding: Finding) -> Table:
    metric = finding.metric
    columns = ["n", "mean", "sd", "min", "max"]
    if metric.yes_no:
        columns = ["n", "solved", "share", "95 % interval"]
    lost = any(track.diverged for track in finding.tracks.values())
    if lost:
        columns.append("diverged")
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("track")
    for column in columns:
        table.add_column(column, justify="right")
    for name, summary in finding.summary.items():
        if isinstance(summary, Share):
            low, high = (metric.value(end) for end in summary.interval(ALPHA))
            cells = [
                str(summary.count),
                metric.value(summary.share),
                f"{low} to {high}",
            ]
        else:
            found = (summary.mean, summary.sd, summary.low, summary.high)
            cells = [metric.value(value) for value in found]
        if lost:
            cells.append(str(len(finding.tracks[name].diverged)))
        table.add_row(name, str(summary.n), *cells)
    return table


def _power(finding: Finding) -> str:
    enough = f"more than {MOST_SEEDS:,}"
    if finding.enough is not None:
        enough = f"{finding.enough:,}"
    return (
        f"Power: if the tracks were equal, {finding.seeds:,} seeds would show it with "
        f"probability {finding.power:.2f}; for {ENOUGH_POWER} it takes {enough}."
    )


def times(seconds: Mapping[str, Any]) -> str:
    """What the trainings took, and apart from it the start of their processes."""
    told = []
    for track in TRACKS:
        spent = seconds[track]
        count = spent["processes"]
        told.append(
            f"{track} {spent['work']:.1f} s, and {spent['start']:.1f} s to start "
            f"{count} process{'es' * (count != 1)}"
        )
    return f"Time in all: {'; '.join(told)}."


@contextlib.contextmanager
def progress(
    name: str, done: int, total: int, quiet: bool
) -> Iterator[Callable[[Result], None]]:
    """A bar on a terminal, some lines elsewhere; both on standard error."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task(name, total=total, completed=done, last="")
            yield lambda result: bar.update(task, advance=1, last=_told(result))
    else:
        yield _Lines(name, done, total).tell


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total} {task.fields[last]}"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


class _Lines:
    """A line whenever another twentieth is done."""

    def __init__(self, name: str, done: int, total: int) -> None:
        self.name, self.done, self.total = name, done, total

    def tell(self, result: Result) -> None:
        before, self.done = self.done, self.done + 1
        if self.done * _LINES // self.total > before * _LINES // self.total:
            err.print(f"{self.name} {self.done}/{self.total} {_told(result)}")


def _told(result: Result) -> str:
    value = "diverged" if result.diverged else f"{result.value:.6g}"
    variant = f" {result.variant}" if result.variant else ""
    return f"{result.track}{variant} seed {result.seed}: {value}"

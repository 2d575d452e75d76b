"""What a person reads: tables and progress, at 80 columns too.

rich honours NO_COLOR and leaves colour out where the output is not a terminal.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from shared import wording
from shared.lesson import Lesson
from shared.results import Comparison, Figure, Level
from shared.wording import LEVELS

SYMBOL = {
    "pass": "[green]✓[/]",
    "fail": "[bold red]✗[/]",
    "not applicable": "[dim]–[/]",
}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Whoever read our output has left: go on for the files and the exit code."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


out = _Console(highlight=False, soft_wrap=False)
err = _Console(stderr=True, highlight=False)


def show_lesson(lesson: Lesson, fields: list[dict[str, Any]]) -> None:
    """The spec's own words, then its settings and where its figures come from."""
    out.print(f"[bold]{lesson.slug}[/]")
    out.print(escape(flowed((lesson.spec.__doc__ or "").strip(), out.width)))
    if fields:
        table = _table("setting", "default", "what it is", title="Settings (--set)")
        for field in fields:
            table.add_row(field["name"], str(field["default"]), field["doc"])
        out.print()
        out.print(table)
    variants = [name for name in lesson.variants if name]
    if variants:
        out.print(f"Variants, run one after the other: {', '.join(variants)}")
    out.print(f"\nRun it: twotrack run {lesson.slug} --track tf   (or torch)")


def flowed(text: str, width: int) -> str:
    """The text's paragraphs and bullets filled to the width, formulas as they stand."""
    blocks = []
    for block in text.split("\n\n"):
        if block.startswith("    "):
            lines = [_hung(line, width) for line in block.splitlines()]
        else:
            lines = [_filled(item, width) for item in re.split(r"\n(?=  \* )", block)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _hung(line: str, width: int) -> str:
    """A formula; of one too long, the rest under what stands after its last gap."""
    gaps = [gap.end() for gap in re.finditer("  +", line)]
    indent = " " * min(gaps[-1] if gaps else 4, width * 3 // 4)
    return textwrap.fill(line, width, subsequent_indent=indent)


def _filled(item: str, width: int) -> str:
    bullet = "  * " if item.startswith("  * ") else ""
    hanging = " " * len(bullet)
    words = " ".join(item.removeprefix(bullet).split())
    return textwrap.fill(words, width, initial_indent=bullet, subsequent_indent=hanging)


def _table(*columns: str, title: str = "") -> Table:
    table = Table(
        box=box.SIMPLE, title=title or None, title_justify="left", pad_edge=False
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def show_run(lesson: Lesson, report: dict[str, Any], first: bool) -> None:
    """One run: what it was, the score, the notes' figures, what the lesson shows.

    Args:
        lesson: what was run.
        report: what it found, for one variant.
        first: begin with the lesson's title; later variants do without.
    """
    if first:
        out.print(
            f"[bold]{lesson.slug}[/] in the {report['track']} track, "
            f"{report['precision']} on {escape(report['environment']['device'])}"
        )
        out.print(escape(lesson.title))
    name = [f"[bold]{report['variant']}[/]"] if report["variant"] else []
    did = [_did(report)] if report["parameters"] else []
    if name or did:
        out.print("\n" + ": ".join(name + did))
    for note in report["notes"]:
        out.print(escape(note))
    for metric, value in report["metrics"].items():
        out.print(f"{metric} {value:.6g}")
    if report["published"]:
        table = _table("figure", "in the notes", "here", "", title="As printed")
        for figure in report["published"]:
            _add_figure(table, figure, [figure["obtained"]], figure["agrees"])
        out.print(table)
    shown = _untold(lesson, report)
    if shown:
        table = _table("result", "value")
        for key, value in shown.items():
            table.add_row(key, wording.number(value))
        out.print(table)
    if report.get("files"):
        files = [Path(file) for file in report["files"]]
        names = ", ".join(file.name for file in files)
        out.print(escape(f"Saved in {files[0].parent}: {names}"), soft_wrap=True)


def _untold(lesson: Lesson, report: dict[str, Any]) -> dict[str, Any]:
    """The results that neither a plot nor the table of printed figures shows."""
    told = {f.quantity for f in lesson.published if f.variant == report["variant"]}
    return {
        key: value
        for key, value in report["results"].items()
        if not wording.is_drawn(key)
        and not (report["published"] and told & {key, f"result/{key}"})
    }


def _did(report: dict[str, Any]) -> str:
    size = f"{report['parameters']:,} parameters"
    if report["weights"]:
        return escape(f"{size} from {report['weights']}, not trained")
    loss = report["history"].get("loss")
    if loss is None:
        return size
    time = wording.duration(report["seconds"]["train"])
    return f"{size}, {wording.steps(len(loss))} in {time}; last loss {loss[-1]:.6g}"


def _add_figure(
    table: Table, figure: dict[str, Any], obtained: list[Any], agrees: bool
) -> None:
    symbol = SYMBOL["pass" if agrees else "fail"]
    values = [
        wording.number(value) if value is not None else "absent" for value in obtained
    ]
    printed = wording.number(np.asarray(figure["printed"]))
    names = table.columns[0]
    width = min(len(figure["name"]), out.width // 3)
    names.min_width = max(names.min_width or 0, width)
    table.add_row(escape(figure["name"]), printed, *values, symbol)


def show_comparison(comparison: Comparison) -> None:
    """Verdict first, then every level, the notes' figures and the horizon."""
    out.print(f"\n[bold]{comparison.lesson}[/]\n{escape(comparison.title)}")
    if comparison.mode == "native":
        out.print(wording.NATIVE)
        out.print(_scores(comparison))
        return
    symbol = SYMBOL["pass" if comparison.passed else "fail"]
    out.print(f"{symbol} {escape(wording.sentence(comparison))}")
    out.print(_levels(comparison))
    if comparison.published:
        table = _table("figure", "in the notes", "tf", "torch", "")
        for figure in comparison.published:
            name = f"{figure.variant} {figure.name}".strip()
            _add_figure(
                table, {**vars(figure), "name": name}, _both(figure), figure.passed
            )
        out.print(table)
    for line in wording.horizons(comparison.horizons):
        out.print(line)


def _both(figure: Figure) -> list[Any]:
    return [figure.tf, figure.torch]


def _scores(comparison: Comparison) -> Table:
    table = _table("track", "score", "training")
    for name, track in comparison.tracks.items():
        for variant, part in track.get("variants", {"": track}).items():
            score = ", ".join(f"{k} {v:.6g}" for k, v in part["metrics"].items())
            time = wording.duration(part["seconds"].get("train", 0.0))
            table.add_row(f"{name} {variant}".strip(), score, time)
    return table


def _levels(comparison: Comparison) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("", width=1)
    table.add_column("level")
    table.add_column("in")
    table.add_column("worst", justify="right")
    table.add_column("allowed", justify="right")
    table.add_column("where", overflow="fold")
    for level in wording.rows(comparison):
        symbol, precision = SYMBOL[level.verdict], level.precision
        if level.value is None:
            table.add_row(symbol, level.level, "", "", "", escape(level.where))
            continue
        table.add_row(
            symbol,
            level.level,
            precision.replace("float", "f"),
            wording.short(level.value),
            wording.short(level.tolerance or 0.0),
            escape(wording.place(level)),
        )
    return table


def show_summary(comparisons: list[Comparison], file: Path) -> None:
    """All lessons against all levels, and where the comparison was written."""
    if len(comparisons) > 1 and comparisons[0].mode == "matched":
        table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("lesson", no_wrap=True)
        for short in LEVELS.values():
            table.add_column(short, justify="center", no_wrap=True)
        for comparison in comparisons:
            cells = [SYMBOL[wording.overall(found)] for found in _by_level(comparison)]
            table.add_row(comparison.lesson, *cells)
        out.print(table)
    agree = sum(comparison.passed for comparison in comparisons)
    symbol = SYMBOL["pass" if agree == len(comparisons) else "fail"]
    if comparisons[0].mode == "matched" and len(comparisons) > 1:
        out.print(f"{symbol} {agree} of {len(comparisons)} lessons agree.", end=" ")
    out.print(f"Written: {escape(str(file))}", soft_wrap=True)


def show_logdir(folder: str) -> None:
    """How to look at what was written for TensorBoard."""
    out.print(
        f"Curves: tensorboard --logdir {escape(shlex.quote(folder))}", soft_wrap=True
    )


def _by_level(comparison: Comparison) -> Iterator[list[Level]]:
    for name in LEVELS:
        yield [level for level in comparison.levels if level.level == name]


def show_machine(found: dict[str, Any]) -> None:
    """Versions, devices, data."""
    table = _table("what", "found")
    table.add_row("python", found["python"])
    for name, version in found["packages"].items():
        table.add_row(name, version)
    out.print(table)
    for name, part in [*found["tracks"].items(), ("mnist", found["mnist"])]:
        if not part["works"]:
            out.print(
                f"{SYMBOL['fail']} {name}: {escape(part['problem'])}", soft_wrap=True
            )
        elif name == "mnist":
            out.print(f"{SYMBOL['pass']} mnist: {part['images']:,} images")
        else:
            out.print(f"{SYMBOL['pass']} {name} track trains on {part['device']}")


@contextlib.contextmanager
def progress(name: str, quiet: bool) -> Iterator[Callable[[int, int, float], None]]:
    """A bar on a terminal, a line an epoch elsewhere; both on standard error."""
    if quiet or not sys.stderr.isatty():

        def line(epoch: int, epochs: int, loss: float) -> None:
            if not quiet:
                told = f"{name}  epoch {_epochs(epoch, epochs, loss)}"
                err.print(told, markup=False, soft_wrap=True)

        yield line
        return
    with _bar() as bar:
        task = bar.add_task(name, total=None, told="starting")

        def tell(epoch: int, epochs: int, loss: float) -> None:
            told = _epochs(epoch, epochs, loss)
            bar.update(task, total=epochs, completed=epoch, told=told)

        yield tell


def _epochs(epoch: int, epochs: int, loss: float) -> str:
    return f"{epoch:,}/{epochs:,}  loss {loss:.6g}"


def _bar() -> Progress:
    """Bars of one line each, with room at 80 columns for the terminal's own ^C."""
    return Progress(
        TextColumn("{task.description}", table_column=_clipped()),
        BarColumn(bar_width=12 if err.width < 100 else 24),
        TextColumn("{task.fields[told]}", table_column=_clipped()),
        TimeElapsedColumn(table_column=_clipped()),
        console=err,
        transient=True,
    )


def _clipped() -> Column:
    return Column(no_wrap=True, overflow="ellipsis")


@contextlib.contextmanager
def stages(
    tracks: Iterable[str], quiet: bool
) -> Iterator[Callable[[str, str, int, int, float], None]]:
    """Progress of a comparison: a bar a track, or a line whenever a stage begins."""
    if quiet or not sys.stderr.isatty():
        seen: set[str] = set()

        def line(what: str, track: str, epoch: int, epochs: int, loss: float) -> None:
            if not quiet and what not in seen:
                seen.add(what)
                err.print(f"{what} ...", markup=False, soft_wrap=True)

        yield line
        return
    with _bar() as bar:
        tasks = {t: bar.add_task(t, total=None, told="starting") for t in tracks}

        def tell(what: str, track: str, epoch: int, epochs: int, loss: float) -> None:
            bar.update(
                tasks[track],
                description=f"{track}  {what}",
                total=epochs,
                completed=epoch,
                told=_epochs(epoch, epochs, loss),
            )

        yield tell

"""What a person reads of a check: the verdict, the levels, the causes, the layers."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from shared import wording
from shared.check.result import LEVELS, VISIBLE, Cause, Check, LayerError, Level

Row: TypeAlias = tuple[str, ...]

SYMBOLS = {"pass": "[green]✓[/]", "fail": "[bold red]✗[/]", "n/a": "[dim]–[/]"}

SHOWN = 24
"""Of more layers than this, only those that depart are listed."""


def show(check: Check, console: Console) -> None:
    """Everything, the verdict first."""
    for part in _parts(check, console.width):
        console.print(part)


def text(check: Check, width: int = 80) -> str:
    """The same as plain text."""
    console = Console(file=io.StringIO(), width=width, highlight=False, no_color=True)
    show(check, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().rstrip() + "\n"


def verdict(check: Check) -> str:
    """One sentence."""
    if check.passed:
        harmless = [one for one in check.causes if one.harmless]
        more = " up to what float32 can show" if harmless else ""
        return f"The two models agree on every level{more}."
    groups = grouped(check.causes)
    count = "one cause" if len(groups) == 1 else f"{len(groups)} causes"
    if check.unexplained:
        known = f"; {count} found, the rest unexplained" if groups else ", unexplained"
        return f"The two models differ: {check.unexplained}{_broken(check)}{known}."
    if not groups:
        return f"The two models differ: {check.first}."
    told = (f"{g[0].id.replace('_', ' ')} at {_places_of(g)}" for g in groups)
    return f"The two models differ, for {count}: {'; '.join(told)}."


def _broken(check: Check) -> str:
    """', nan in PyTorch' where a number is none."""
    for one in check.levels:
        found = re.search(r"(nan|-?inf) in (Keras|PyTorch)", one.where)
        if one.verdict == "fail" and found:
            return f", {found.group()}"
    return ""


def grouped(causes: Sequence[Cause]) -> list[list[Cause]]:
    """The same difference at several layers is one for the reader."""

    def kind(one: Cause) -> tuple[str, ...]:
        return one.id, one.keras, one.torch, one.remedy, one.behind

    kinds = dict.fromkeys(map(kind, causes))
    return [[one for one in causes if kind(one) == known] for known in kinds]


def _places_of(alike: Sequence[Cause]) -> str:
    return wording.listed([one.place or one.torch_place for one in alike])


def _parts(check: Check, width: int) -> Iterator[RenderableType]:
    symbol = SYMBOLS["pass" if check.passed else "fail"]
    yield Text.from_markup(f"{symbol} [bold]{escape(verdict(check))}[/]")
    yield _levels(check.levels)
    yield from _places(check.levels, width)
    for number, alike in enumerate(grouped(check.causes), 1):
        yield Text.from_markup(_cause(number, alike, width))
    if check.smallest:
        yield Text.from_markup(_smallest(check, width))
    layers = _departing(check.layers)
    if layers:
        yield _layers(layers)
    yield from _pairs(check, width)


def _table(*columns: str) -> Table:
    found = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        name = column in _NAMES
        found.add_column(
            column,
            overflow="fold",
            no_wrap=not name,
            justify="right" if column in _NUMBERS else "left",
        )
    return found


_NAMES = ("Keras", "PyTorch")
_NUMBERS = ("error", "allowed", "noise", "local", "inherited", "propagated", "repaired")


def _levels(levels: Iterable[Level]) -> Table:
    found = _table("", "level", "in", "error", "allowed", "noise", "repaired")
    for one in levels:
        measured = one.verdict != "n/a" and bool(one.precision)
        found.add_row(
            SYMBOLS[one.verdict],
            one.level,
            one.precision,
            size(one.value) if measured else "",
            size(one.allowed) if measured else "",
            size(one.floor) if measured and one.floor else "",
            "" if one.repaired is None else size(one.repaired),
        )
    return found


def _places(levels: Iterable[Level], width: int) -> Iterator[RenderableType]:
    """Where each level fails, in the first precision; why another has no verdict."""
    told: dict[str, str] = {}
    for one in levels:
        text = one.reason or one.where
        if one.verdict != "pass" and text and one.level not in told:
            told[one.level] = f"{one.level}: {text}"
    for line in told.values():
        yield Text(textwrap.fill(line, width - 1, subsequent_indent="  "))
    if told:
        yield Text("")


def size(value: float | None) -> str:
    """'6.0e-16', '0', 'none' where it was not measured."""
    if value is None:
        return "–"
    if value == float("inf"):
        return "no number"
    return f"{value:.1e}" if value else "0"


def _both(alike: Sequence[Cause]) -> str:
    """'norm (PyTorch: features.1)'."""
    if len(alike) > 1:
        return _places_of(alike)
    ours, theirs = alike[0].place, alike[0].torch_place
    if theirs in ("", ours):
        return ours
    return f"{ours} (PyTorch: {theirs})" if ours else f"PyTorch: {theirs}"


def _cause(number: int, alike: Sequence[Cause], width: int) -> str:
    cause = alike[0]
    head = f"{number}. {cause.id}"
    level = cause.levels[0] if cause.levels else "difference"
    least = min(one.share for one in alike)
    whose = "its step's own" if cause.behind else "the"
    told = f": {percent(least)} of {whose} error in {level}"
    share = "" if level == "spec" else told
    share += " [dim](harmless)[/]" if cause.harmless else ""
    lines = [f"[bold]{escape(head)}[/] [dim]at[/] {escape(_both(alike))}{share}"]
    for name, told in (
        ("Keras", cause.keras),
        ("PyTorch", cause.torch),
        ("remedy", cause.remedy),
        ("proven", _PROVEN.format(cause.behind) if cause.behind else ""),
    ):
        label = f"   {name:8}"
        lines += [
            escape(line)
            for line in textwrap.wrap(
                told,
                max(width - 1, 40),
                initial_indent=label,
                subsequent_indent=" " * len(label),
            )
        ]
    return "\n".join(lines) + "\n"


_PROVEN = "on this step by itself, with Keras' values in PyTorch's model at: {}"


def percent(share: float) -> str:
    """'all', '37 %'; never rounded up to all."""
    return "all" if share > 0.999 else f"{int(100 * share)} %"


def _smallest(check: Check, width: int) -> str:
    assert check.smallest is not None
    one = check.smallest
    values = ", ".join(
        f"{place}: {value:.6g}"
        for place, value in zip(one["places"][:3], one["values"][:3], strict=True)
    )
    more = " ..." if one["nonzero"] > 3 else ""
    told = (
        f"Smallest input found that shows it: shape {tuple(one['shape'])}, "
        f"{one['nonzero']} numbers other than zero ({values}{more}), error "
        f"{size(one['error'])}."
    )
    return escape(textwrap.fill(told, width - 1)) + "\n"


def _departing(layers: Sequence[LayerError]) -> list[LayerError]:
    """Those that depart, and as many others as a page has room for; none if none do."""
    apart = [
        one
        for one in layers
        if any(e is not None and not e <= VISIBLE for e in (one.local, one.propagated))
    ]
    if not apart:
        return []
    return list(layers) if len(layers) <= SHOWN else apart[:SHOWN]


def _layers(layers: Sequence[LayerError]) -> Table:
    found = _table("", "Keras", "PyTorch", "local", "inherited", "propagated")
    for one in layers:
        bad = one.local is not None and not one.local <= VISIBLE
        found.add_row(
            SYMBOLS["fail"] if bad else " ",
            escape(one.keras),
            escape(one.torch),
            size(one.local),
            size(one.inherited),
            size(one.propagated),
        )
    return found


def _pairs(check: Check, width: int) -> Iterator[RenderableType]:
    doubts = () if check.passed else check.doubts
    if check.passed and len(check.pairs) > SHOWN:
        yield Text(f"{len(check.pairs)} pairs of layers; --json has them all")
    elif not _departing(check.layers) or len(check.layers) > SHOWN:
        found = _table("Keras", "PyTorch", "kind", "shape", "paired by")
        for one in check.pairs[:SHOWN]:
            shape: list[int] = next(iter(one["parameters"].values()), [])
            row = one["keras"], one["torch"], one["kind"]
            found.add_row(*map(escape, row), "x".join(map(str, shape)), one["by"])
        yield found
        if len(check.pairs) > SHOWN:
            yield Text(f"and {len(check.pairs) - SHOWN} more; --json has them all")
    for line in (*doubts, *check.notes):
        yield Text(textwrap.fill(line, width - 1, subsequent_indent="  "))


def levels_told() -> str:
    """What each level compares, for the help."""
    return "\n".join(f"{name}: {told}" for name, told in LEVELS.items())

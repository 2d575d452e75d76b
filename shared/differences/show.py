"""What a person reads of the differences: a table of all, or one with its numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich import box
from rich.markup import escape
from rich.table import Table

from shared.differences.judge import Demonstration
from shared.terminal import SYMBOL, out
from shared.wording import number

NAMES = {"tf": "Keras", "torch": "PyTorch"}

LARGE = 12
"""Of an output of more numbers, one row is shown."""


def symbol(found: Demonstration) -> str:
    """Whether all is as it is known to be."""
    return SYMBOL["fail" if found.surprises else "pass"]


def show_all(found: Mapping[str, Sequence[Demonstration]]) -> None:
    """A line a difference: how far apart by default, and with the remedy."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("")
    table.add_column("difference", overflow="fold", no_wrap=True)
    table.add_column("what")
    table.add_column("apart", justify="right", no_wrap=True)
    table.add_column("remedied", justify="right", no_wrap=True)
    for group, rows in found.items():
        table.add_row("", f"[bold]{group}[/]")
        for row in rows:
            table.add_row(
                symbol(row),
                escape(row.difference.slug),
                escape(row.difference.title),
                _size(row.default.value),
                _size(row.residual.value),
            )
    out.print(table)
    out.print("Relative to the largest number. For remedies: twotrack differences NAME")
    for rows in found.values():
        for row in rows:
            show_surprises(row)


def show_one(found: Demonstration) -> None:
    """One difference: what each does, the numbers, the remedy, what it leaves."""
    row = found.difference
    out.print(f"[bold]{escape(row.slug)}[/]\n{escape(row.title)}\n")
    for track, says in (("tf", row.keras), ("torch", row.torch)):
        out.print(escape(_filled(f"{NAMES[track]}: {says}.")))
        for name, value in found.settings[track].items():
            out.print(escape(f"  {name} = {value}"))
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in ("output", "", "Keras", "PyTorch"):
        table.add_column(column, overflow="fold")
    for key in found.shown["tf"]:
        state, _, name = key.partition("/")
        if state == "default" or row.least:
            at = _where(found, name)
            told = (_told(found.shown[track].get(key), at) for track in NAMES)
            table.add_row(escape(f"{name} {[*at] if at else ''}".strip()), state, *told)
    out.print(table)
    out.print(f"Apart: {_size(found.default.value)} of the largest number.")
    out.print(escape(_filled(f"Remedy: {row.remedy}.")))
    out.print(f"{symbol(found)} It leaves {_size(found.residual.value)}.")
    if row.source:
        out.print(escape(f"See {row.source}"), soft_wrap=True)
    show_surprises(found)


def show_surprises(found: Demonstration) -> None:
    """What is not as it is known to be."""
    for surprise in found.surprises:
        line = f"{found.difference.slug}: {surprise}"
        out.print(f"{SYMBOL['fail']} {escape(_filled(line))}")


def _where(found: Demonstration, name: str) -> tuple[int, ...]:
    """Of a large output, the row where the two are furthest apart by default."""
    for state in ("default", "remedied"):
        pair = [found.shown[track].get(f"{state}/{name}") for track in NAMES]
        tf, torch = (np.asarray(array, dtype=np.float64) for array in pair)
        if tf.shape == torch.shape and tf.size > LARGE:
            at = np.unravel_index(np.abs(tf - torch).argmax(), tf.shape)
            return tuple(int(i) for i in at[:-1])
    return ()


def _told(array: Any, at: tuple[int, ...]) -> str:
    return "missing" if array is None else number(array[at])


def _size(value: float) -> str:
    return f"{value:.1e}" if value else "0"


def _filled(text: str) -> str:
    return textwrap.fill(text, out.width, subsequent_indent="  ")

"""The two sources of a lesson side by side in the terminal."""

from __future__ import annotations

from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from shared.terminal import out
from shared.twins import Row, Section

PANE = 72
"""Columns of a lesson's lines; two panes and what lies between must fit."""

NAMES = {"tf": "Keras", "torch": "PyTorch"}
MARK = "bold underline"


def show(slug: str, sections: list[Section]) -> None:
    """In two panes where the terminal is wide enough, else one below the other.

    Tokens that differ are underlined. Narrow, a line of both tracks is shown once, and
    the track is named before a line of its own.
    """
    out.print(f"[bold]{slug}[/]: Keras and PyTorch, section by section")
    wide = out.width >= 2 * PANE + 3
    for section in sections:
        out.print(Rule(section.heading or "What is learned here", align="left"))
        out.print(_panes(section) if wide else _stacked(section))


def _panes(section: Section) -> Table:
    table = Table.grid(padding=(0, 1))
    for _ in NAMES:
        table.add_column(width=PANE, no_wrap=True)
    for row in section.rows:
        table.add_row(_line(row, "tf"), _line(row, "torch"))
    return table


def _stacked(section: Section) -> Text:
    lines = []
    for row in section.rows:
        if row.same:
            lines.append(Text.assemble(" " * 8, _line(row, "tf")))
            continue
        for track, name in NAMES.items():
            if getattr(row, track) is not None:
                label = Text(f"{name:<8}", style="dim")
                lines.append(Text.assemble(label, _line(row, track)))
    return Text("\n").join(lines)


def _line(row: Row, track: str) -> Text:
    """One line, highlighted as Python, with what differs marked."""
    line: str | None = getattr(row, track)
    if line is None:
        return Text("")
    text = _PYTHON.highlight(line)
    text.rstrip()
    for start, end in row.marked.get(track, ()):
        text.stylize(MARK, start, end)
    return text


_PYTHON = Syntax("", "python", theme="ansi_dark", background_color="default")

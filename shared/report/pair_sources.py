"""The two files of a user's own pair, with the causes beside the lines they are in.

Where a layer is made is not known to a model. A file that names it on one line only is
taken at its word; of a call the line is known.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from shared.report.sources import highlighted

WHOLE = 240
"""A longer file is shown around the causes only."""

AROUND = 8
"""Lines above and below a cause."""


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a file; its number is 0 where lines are left out.

    Attributes:
        number: from 1.
        html: the line, highlighted.
        causes: the numbers of the causes that are there.
    """

    number: int
    html: Markup | str = ""
    causes: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class File:
    """One side's file, or what there is to see of it."""

    framework: str
    name: str
    lines: list[Line]


def files(
    report: Mapping[str, Any], causes: Sequence[Mapping[str, Sequence[str]]]
) -> list[File]:
    """Both files; none where one of them is not known.

    Args:
        report: of the check; "sources" holds by framework the text of its file, "keras"
            and "torch" the file's name and the model's.
        causes: in their order, each with the places in either model.
    """
    texts = report.get("sources") or {}
    found = []
    for framework, key, places in (
        ("Keras", "keras", "places"),
        ("PyTorch", "torch", "torch_places"),
    ):
        text = str(texts.get(key) or "")
        if not text.strip():
            return []
        name = Path(str(report.get(key) or "").rpartition(":")[0]).name
        text = text.replace("\r\n", "\n")
        lines = text.split("\n")
        at: dict[int, list[int]] = {}
        for number, cause in enumerate(causes, 1):
            for line in {_line(lines, name, place) for place in cause[places]} - {0}:
                at.setdefault(line, []).append(number)
        found.append(File(framework, name, list(_shown(text, at))))
    return found


def _line(lines: Sequence[str], name: str, place: str) -> int:
    """The number of the line that makes or calls what is at the place; else 0."""
    called = re.fullmatch(r"(.+):(\d+)", place)
    if called:
        number = int(called[2])
        return number if called[1] == name and number <= len(lines) else 0
    last = re.escape(place.rpartition(".")[2])
    if not last or last.isdigit():
        return 0
    made = re.compile(rf"""(["']){last}\1|\bself\.{last}\s*(:[^=]+)?=|\b{last}=""")
    found = [number for number, line in enumerate(lines, 1) if made.search(line)]
    return found[0] if len(found) == 1 else 0


def _shown(text: str, at: Mapping[int, Iterable[int]]) -> Iterable[Line]:
    every = highlighted(text)
    last = 0
    for number, html in enumerate(every, 1):
        near = any(abs(number - line) <= AROUND for line in at)
        if near or len(every) <= WHOLE:
            if number != last + 1:
                yield Line(0)
            last = number
            yield Line(number, html, tuple(at.get(number, ())))
    if last < len(every):
        yield Line(0)

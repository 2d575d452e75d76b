"""The two sources of a lesson, aligned section by section and line by line."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.runner import packages

HEADING = "# %%"


@dataclasses.dataclass(frozen=True)
class Row:
    """Two lines side by side; None where the other track has no counterpart.

    Attributes:
        tf, torch: the lines.
        marked: what differs in each, as spans of columns (start, end), by track.
    """

    tf: str | None
    torch: str | None
    marked: dict[str, list[tuple[int, int]]]

    @property
    def same(self) -> bool:
        return self.tf == self.torch


@dataclasses.dataclass(frozen=True)
class Section:
    """What stands under one heading in both sources.

    Attributes:
        heading: its words; "" for the docstring at the top.
        rows: the lines, aligned.
    """

    heading: str
    rows: list[Row]


def source(track: str, slug: str) -> Path:
    """Where the lesson's file of that track lies."""
    package = importlib.import_module(packages()[track])
    return Path(str(package.__file__)).parent / "lessons" / f"{slug}.py"


def align(tf: str, torch: str) -> list[Section]:
    """Both sources under their headings, which are the same in both tracks."""
    left, right = sections(tf), sections(torch)
    headings = list(dict.fromkeys([*left, *right]))
    return [
        Section(h, list(_rows(left.get(h, []), right.get(h, [])))) for h in headings
    ]


def sections(text: str) -> dict[str, list[str]]:
    """The lines under each heading of a source; under "" those before the first."""
    found: dict[str, list[str]] = {"": []}
    for line in text.splitlines():
        if line.startswith(HEADING):
            found[line.removeprefix(HEADING).strip()] = []
        else:
            found[list(found)[-1]].append(line)
    return {heading: _trimmed(lines) for heading, lines in found.items()}


def _trimmed(lines: list[str]) -> list[str]:
    """Without the blank lines at both ends."""
    return "\n".join(lines).strip("\n").split("\n")


def _rows(tf: Sequence[str], torch: Sequence[str]) -> Iterator[Row]:
    """The lines in order; of a changed block, those that resemble side by side."""
    matcher = difflib.SequenceMatcher(None, tf, torch, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            for line in tf[a:b]:
                yield Row(line, line, {})
        else:
            yield from _changed(tf[a:b], torch[c:d])


def _changed(tf: Sequence[str], torch: Sequence[str]) -> Iterator[Row]:
    """Pair the lines so that as much as possible resembles, in order."""
    if not tf or not torch:
        for line in tf:
            yield _row(line, None)
        for line in torch:
            yield _row(None, line)
        return
    likeness, i, j = max(
        (_likeness(one, other), -i, -j)
        for i, one in enumerate(tf)
        for j, other in enumerate(torch)
    )
    if likeness < 0.5:
        for k in range(max(len(tf), len(torch))):
            yield _row(
                tf[k] if k < len(tf) else None,
                torch[k] if k < len(torch) else None,
            )
        return
    yield from _changed(tf[:-i] if i else [], torch[:-j] if j else [])
    yield _row(tf[-i], torch[-j])
    yield from _changed(tf[1 - i :], torch[1 - j :])


def _likeness(one: str, other: str) -> float:
    """From 0 to 1; more for two layers of one name. Blank lines resemble nothing."""
    if not one.strip() or not other.strip() or "keras.Input(" in one:
        return 0.0
    named = re.search(r'\bname="(\w+)"', one), re.match(r"\s*(\w+)=nn\.", other)
    if all(named) and named[0][1] == named[1][1]:  # type: ignore[index]
        return 2.0
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def _row(tf: str | None, torch: str | None) -> Row:
    if tf is None or torch is None:
        alone = {"tf": tf, "torch": torch}
        spans = {track: [(0, len(line))] for track, line in alone.items() if line}
        return Row(tf, torch, spans)
    left, right = _tokens(tf), _tokens(torch)
    matcher = difflib.SequenceMatcher(
        None, [word for _, word in left], [word for _, word in right], autojunk=False
    )
    marked: dict[str, list[tuple[int, int]]] = {"tf": [], "torch": []}
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            marked["tf"] += [(start, start + len(word)) for start, word in left[a:b]]
            marked["torch"] += [(start, start + len(w)) for start, w in right[c:d]]
    return Row(tf, torch, marked)


def _tokens(line: str) -> list[tuple[int, str]]:
    """Words, numbers and signs, each with its column."""
    return [(found.start(), found[0]) for found in re.finditer(r"\w+|[^\w\s]", line)]

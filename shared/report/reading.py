"""Comparisons as they lie on the disk: of this version or an older one."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from shared import lesson as lessons
from shared.errors import UsageError
from shared.lesson import Lesson
from shared.report import record, studies
from shared.report.record import Record
from shared.results import COMPARISON, SCHEMA, Comparison, Figure, Horizon, Level
from shared.study.verdict import Finding

TRACKS = ("tf", "torch")


@dataclasses.dataclass
class Entry:
    """One lesson's comparison, and what the pages have to say of how it was found.

    Attributes:
        comparison: what was found.
        record: the arrays for pictures; empty if there are none.
        folder: where it was read from.
        lesson: the spec; None for a lesson that this version does not have.
        studies: what studies of it found, a variant each.
        problems: what is missing or does not fit, a line each.
    """

    comparison: Comparison
    record: Record
    folder: Path
    lesson: Lesson | None = None
    studies: list[Finding] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """The tracks that the comparison says nothing of."""
        return [track for track in TRACKS if not self.comparison.tracks.get(track)]

    def parts(self, track: str) -> dict[str, dict[str, Any]]:
        """What is told of the track, by variant."""
        whole = self.comparison.tracks.get(track) or {}
        parts: dict[str, dict[str, Any]] = whole.get("variants") or {"": whole}
        return parts

    @property
    def variants(self) -> list[str]:
        """Their names, in order; one empty name where the lesson has none."""
        named = [name for track in TRACKS for name in self.parts(track) if name]
        return list(dict.fromkeys(named)) or [""]


def read(folder: Path) -> list[Entry]:
    """Every comparison in the folder, or in folders right under it.

    Lessons come in the order of the curriculum, unknown ones last; of several
    comparisons of one lesson the latest counts.

    Raises:
        UsageError: there is none, or a file is not a comparison.
    """
    files = [folder / COMPARISON, *sorted(folder.glob(f"*/{COMPARISON}"))]
    entries: dict[str, Entry] = {}
    for file in filter(Path.is_file, files):
        for entry in _entries(file):
            name = entry.comparison.lesson
            if name not in entries or entries[name].comparison.date < _date(entry):
                entries[name] = entry
    if not entries:
        raise UsageError(
            f"there is no {COMPARISON} in {folder}: `twotrack compare LESSON --out "
            f"{folder}` writes one"
        )
    order = {slug: place for place, slug in enumerate(lessons.slugs())}
    return sorted(
        entries.values(), key=lambda e: order.get(e.comparison.lesson, len(order))
    )


def _date(entry: Entry) -> str:
    return entry.comparison.date


def _entries(file: Path) -> Iterator[Entry]:
    try:
        whole = json.loads(file.read_text(encoding="utf-8"))
        plain = list(whole["lessons"])
        found = [_comparison(one) for one in plain]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{file} is not what `twotrack compare` writes: compare again, or name "
            "another --from"
        ) from None
    for comparison, one in zip(found, plain, strict=True):
        yield _entry(file, comparison, one.get("schema", SCHEMA))


def _entry(file: Path, comparison: Comparison, schema: Any) -> Entry:
    entry = Entry(comparison, Record(), file.parent)
    if schema != SCHEMA:
        entry.problems.append(
            f"{file.name} is of schema {schema}, this version reads {SCHEMA}: what it "
            "does not know is left out."
        )
    if comparison.lesson in lessons.slugs():
        entry.lesson = lessons.find(comparison.lesson)
    else:
        entry.problems.append(
            "This version has no such lesson: sources, mathematics and pictures are "
            "left out."
        )
    if entry.lesson is not None:
        arrays = record.path(file.parent, comparison.lesson)
        try:
            entry.record = record.load(arrays, comparison)
        except UsageError as error:
            entry.problems.append(f"Pictures are left out: {error}.")
        try:
            entry.studies = studies.findings(file.parent, entry.lesson)
        except UsageError as error:
            entry.problems.append(f"The study is left out: {error}.")
    return entry


def _comparison(plain: Mapping[str, Any]) -> Comparison:
    """A comparison of what is there; what an older version did not write is empty."""
    values = _filled(Comparison, plain)
    values["levels"] = [Level(**_filled(Level, v)) for v in values["levels"]]
    values["published"] = [Figure(**_filled(Figure, v)) for v in values["published"]]
    values["horizons"] = [Horizon(**_filled(Horizon, v)) for v in values["horizons"]]
    for level in values["levels"]:
        _numbers(level, "value", "tolerance")
    return Comparison(**values)


def _filled(kind: type, plain: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a dataclass, of another type or missing ones made empty."""
    hints = typing.get_type_hints(kind)
    values = {}
    for field in dataclasses.fields(kind):
        wanted = typing.get_origin(hints[field.name]) or hints[field.name]
        value = plain.get(field.name)
        if wanted in (str, int, dict, list) and not isinstance(value, wanted):
            value = wanted()
        values[field.name] = value
    return values


def _numbers(level: Level, *names: str) -> None:
    """JSON lacks infinity and NaN, so they are written as words."""
    for name in names:
        value = getattr(level, name)
        with contextlib.suppress(TypeError, ValueError):
            object.__setattr__(level, name, None if value is None else float(value))


def chosen(entries: Iterable[Entry], names: Iterable[str], folder: Path) -> list[Entry]:
    """The entries of these lessons; of no names, all of them.

    Raises:
        UsageError: a lesson is not among them, or there is no such lesson.
    """
    found = {entry.comparison.lesson: entry for entry in entries}
    for name in names:
        if name not in found:
            lessons.find(name)
            raise UsageError(
                f"{folder} has no comparison of {name}: `twotrack compare {name} --out "
                f"{folder}` writes one"
            )
    return [entry for name, entry in found.items() if not names or name in set(names)]

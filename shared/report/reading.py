"""Comparisons as they lie on the disk: of this version or an older one."""

from __future__ import annotations

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


@dataclasses.dataclass(frozen=True)
class Part:
    """What a comparison tells of one variant in one track."""

    parameters: int
    metrics: dict[str, float]
    seconds: dict[str, float]
    history: dict[str, list[float]]
    peak_memory_bytes: float | None


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

    def parts(self, track: str) -> dict[str, Part]:
        """What is told of the track, by variant; nothing if it was not run."""
        whole = self.comparison.tracks.get(track)
        if not whole:
            return {}
        variants = _typed(whole.get("variants"), dict[str, dict[str, Any]])
        parts = variants or {"": whole}
        return {name: Part(**_fields(Part, part)) for name, part in parts.items()}

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
        plain = _with_numbers(list(whole["lessons"]))
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


def _comparison(plain: Any) -> Comparison:
    """A comparison of what is there; what is missing or of another type is empty."""
    values = _fields(Comparison, plain)
    for name, kind in (("levels", Level), ("published", Figure), ("horizons", Horizon)):
        values[name] = [kind(**_fields(kind, one)) for one in plain.get(name) or ()]
    return Comparison(**values)


def _fields(kind: type, plain: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a dataclass, each of its type."""
    hints = typing.get_type_hints(kind)
    return {
        field.name: _typed(plain.get(field.name), hints[field.name])
        for field in dataclasses.fields(kind)
    }


def _typed(value: Any, hint: Any) -> Any:
    """The value if it is of that type, else an empty one."""
    if _fits(value, hint):
        return value
    empty: Any = typing.get_origin(hint) or hint
    return empty() if empty in (str, int, bool, list, dict) else None


def _fits(value: Any, hint: Any) -> bool:
    kind, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if kind is list:
        return isinstance(value, list) and all(_fits(v, inner[0]) for v in value)
    if kind is dict:
        fits = isinstance(value, dict)
        return fits and all(_fits(v, inner[1]) for v in value.values())
    if inner:  # X | None
        return any(_fits(value, one) for one in inner)
    if hint is float:
        return isinstance(value, (int, float))
    return isinstance(value, hint)


def _with_numbers(value: Any) -> Any:
    """JSON lacks infinity and NaN, so results.to_text writes them as words."""
    if isinstance(value, dict):
        return {key: _with_numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_numbers(one) for one in value]
    return float(value) if value in ("inf", "-inf", "nan") else value


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

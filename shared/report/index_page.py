"""The page of all lessons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from shared import lesson as lessons
from shared import wording
from shared.report import tables, verdicts
from shared.report.names import names, speaker
from shared.report.reading import Entry
from shared.report.render import render
from shared.report.verdicts import FRAMEWORKS
from shared.results import Comparison, Level


def files(entries: Iterable[Entry]) -> list[str]:
    """The names of the lessons' pages; none leads out of the folder or comes twice."""
    found = ["index"]
    for entry in entries:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", entry.comparison.lesson) or "lesson"
        while name in found:
            name += "_"
        found.append(name)
    return [f"{name}.html" for name in found[1:]]


def day(date: str) -> str:
    """An ISO date and time, to the minute."""
    return date[:16].replace("T", " ") + " UTC" if date else ""


def environment(found: Comparison) -> list[tuple[str, str]]:
    """Versions, devices and machine, by name."""
    values = []
    for name, value in found.environment.items():
        if isinstance(value, dict):
            tracks = {FRAMEWORKS.get(k, k): v for k, v in value.items()}
            value = ", ".join(f"{k}: {v}" for k, v in tracks.items())
        values.append((name, str(value)))
    return values


def index(entries: Sequence[Entry], lang: str) -> str:
    """The page of all lessons."""
    environments: dict[str, list[tuple[str, str]]] = {}
    rows, letters = [], []
    for entry in entries:
        own = environment(entry.comparison)
        same = [k for k, known in environments.items() if known == own]
        letter = same[0] if same else chr(ord("A") + len(environments) % 26)
        environments[letter] = own
        letters.append(letter)
    problems = []
    if len(environments) > 1:
        problems.append(
            "These comparisons were made with different versions or on different "
            "machines; the last column tells with which."
        )
    for entry, letter, file in zip(entries, letters, files(entries), strict=True):
        rows.append(_row(entry, lang) | {"made_with": letter, "file": file})
    compared = {entry.comparison.lesson for entry in entries}
    dates = sorted({day(e.comparison.date) for e in entries if e.comparison.date})
    dated = [("date", _from_to(dates[0], dates[-1]))] if dates else []
    return render(
        "index.html",
        say=speaker(lang),
        verdict=verdicts.of_all(entries, problems),
        level_names=list(wording.LEVELS),
        rows=rows,
        mixed=len(environments) > 1,
        absent=[slug for slug in lessons.slugs() if slug not in compared],
        environments=[(k, [*dated, *v]) for k, v in environments.items()],
    )


def _from_to(first: str, last: str) -> str:
    """'2026-01-31 09:10 to 09:12 UTC'; of different days, both in full."""
    if first == last:
        return first
    same = first[:10] == last[:10]
    return f"{first.removesuffix(' UTC')} to {last[11:] if same else last}"


def _score(entry: Entry, track: str) -> str:
    what, value = tables.score(entry, track)
    return value if what in ("accuracy", "") else f"{what} {value}"


def _row(entry: Entry, lang: str) -> dict[str, Any]:
    found = entry.comparison
    levels: dict[str, list[Level]] = {name: [] for name in wording.LEVELS}
    for level in found.levels:
        levels.setdefault(level.level, []).append(level)
    figures = [
        (f"{name} {what}", read(entry, track))
        for what, read in (("score", _score), ("training", tables.training_time))
        for track, name in FRAMEWORKS.items()
    ]
    return {
        "slug": found.lesson,
        "names": names(found, lang),
        "verdict": verdicts.of_lesson(entry),
        "levels": [(n, verdicts.of_level(levels[n])) for n in wording.LEVELS],
        "figures": figures,
    }

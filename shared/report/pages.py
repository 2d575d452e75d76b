"""The index and the page of a lesson."""

from __future__ import annotations

import dataclasses
import itertools
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from shared import lesson as lessons
from shared import wording
from shared.report import charts, mathematics, sources, tables, verdicts
from shared.report.names import names, speaker
from shared.report.reading import Entry
from shared.report.render import render
from shared.report.verdicts import FRAMEWORKS
from shared.results import Comparison, Level

HEADINGS = {
    "mathematics": "The mathematics",
    "sources": "The two sources",
    "loss": "Loss while training",
    "pictures": "The lesson's picture",
    "disagreement": "Where the tracks disagree",
    "confusion": "Which class is taken for which",
    "computed": "What the lesson computes",
    "ladder": "The ladder",
    "published": "Published and obtained",
    "study": "Many seeds",
    "time": "Time and memory",
    "run": "Run this comparison",
}


ABOUT = {
    "spec": "names, shapes and types of the parameters; the settings",
    "weights": "the start, into each model and out again",
    "mode": "evaluation repeats itself; dropout drops at its rate",
    "forward": "every layer's output on the first batch, and the loss",
    "gradient": "every parameter's gradient",
    "step": "the weights after updates on identical gradients",
    "trajectory": "the loss of every step of the whole training",
    "reference": "a third opinion, in plain NumPy",
    "published": "the figures that the lecture notes print",
    "accuracy": "the trained models on the test data",
}
"""What each level compares."""


@dataclasses.dataclass(frozen=True)
class Link:
    """Another lesson's page."""

    slug: str
    file: str


def files(entries: Iterable[Entry]) -> list[str]:
    """The names of the lessons' pages; none leads out of the folder or comes twice."""
    found = ["index"]
    for entry in entries:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", entry.comparison.lesson) or "lesson"
        while name in found:
            name += "_"
        found.append(name)
    return [f"{name}.html" for name in found[1:]]


def pages(entries: Sequence[Entry], lang: str) -> Iterator[tuple[str, str]]:
    """Every page's name and content, the index first."""
    named = zip(entries, files(entries), strict=True)
    links = [Link(entry.comparison.lesson, file) for entry, file in named]
    yield "index.html", index(entries, lang)
    around: list[Link | None] = [None, *links, None]
    for place, entry in enumerate(entries):
        neighbours = around[place], around[place + 2]
        yield links[place].file, lesson_page(entry, lang, *neighbours)


def lesson_page(
    entry: Entry, lang: str, before: Link | None = None, after: Link | None = None
) -> str:
    """The page of one lesson.

    Args:
        entry: its comparison.
        lang: of its title and the headings, "en" or "ko".
        before, after: the lessons next to it.
    """
    found = entry.comparison
    known = entry.lesson is not None
    shown = {
        "words": list(mathematics.words(entry.lesson)) if entry.lesson else [],
        "sections": sources.sections(found.lesson) if known else [],
        "losses": list(charts.losses(entry)),
        "pictures": list(charts.pictures(entry)),
        "disagreement": tables.disagreement(entry),
        "confusions": tables.confusions(entry),
        "computed": list(tables.computed(entry)),
        "levels": _levels(wording.rows(found)),
        "published": tables.published(entry),
        "studies": list(charts.studies(entry)),
    }
    # The last two are there on every page.
    present = [*map(bool, shown.values()), True, True]
    ids = zip(HEADINGS.items(), present, strict=True)
    variants = len(entry.variants) > 1
    return render(
        "lesson.html",
        say=speaker(lang),
        names=names(found, lang),
        slug=found.lesson,
        before=before,
        after=after,
        verdict=verdicts.of_lesson(entry),
        facts=list(_facts(entry)),
        headings=[item for item, there in ids if there],
        frameworks=FRAMEWORKS,
        every=_levels(found.levels) if variants else [],
        horizons=list(wording.horizons(found.horizons)),
        measured=list(tables.measured(entry)),
        precision=found.precision.split("+")[-1] or "an unknown precision",
        commands=list(_commands(entry)),
        environment=_environment(found),
        date=day(found.date),
        **shown,
    )


def _levels(levels: Iterable[Level]) -> list[dict[str, Any]]:
    """The rows of the ladder, in words; a level is named before its first row."""
    rows: list[dict[str, Any]] = []
    for name, group in itertools.groupby(levels, key=lambda level: level.level):
        found = [_level(level) for level in group]
        rows += found
        found[0] |= {"span": len(found), "about": ABOUT.get(name, "")}
    return rows


def _level(level: Level) -> dict[str, Any]:
    measured = level.value is not None
    return {
        "level": level.level,
        "span": 0,
        "verdict": level.verdict,
        "precision": level.precision,
        "worst": wording.short(level.value or 0.0) if measured else "",
        "allowed": wording.short(level.tolerance or 0.0) if measured else "",
        "where": wording.place(level) if measured else level.where,
    }


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    found = entry.comparison
    for track, name in FRAMEWORKS.items():
        value = "not run" if track in entry.missing else tables.score(entry, track)
        if value:
            yield f"{name} score", value
    for track, name in FRAMEWORKS.items():
        time = tables.training_time(entry, track)
        if time:
            yield f"{name} training", time
    yield "precision", found.precision.replace("+", ", ") or "unknown"
    yield "seed", str(found.seed)
    yield "mode", found.mode or "unknown"
    yield "date", day(found.date) or "unknown"


def day(date: str) -> str:
    """An ISO date and time, to the minute."""
    return date[:16].replace("T", " ") + " UTC" if date else ""


def _commands(entry: Entry) -> Iterator[str]:
    found = entry.comparison
    versions = [
        f"{name}=={str(found.environment[name]).partition('+')[0]}"
        for name in ("tensorflow", "keras", "torch", "numpy")
        if name in found.environment
    ]
    if versions:
        yield f"pip install {shlex.join(versions)}"
    options = [f"--seed={found.seed}"] if found.seed else []
    if found.mode == "native":
        options.append("--mode=native")
    elif found.precision and "+" not in found.precision:
        options.append(f"--precision={found.precision}")
    options += [f"--set={name}={value}" for name, value in found.settings.items()]
    options += [f"--data={found.data}"] if found.data else []
    options += ["--smoke"] if found.limit is not None else []
    yield shlex.join(["twotrack", "compare", found.lesson, *options])
    yield "twotrack report --from twotrack-out --open"
    if entry.lesson is not None:
        yield f"twotrack diff {found.lesson}"
        yield f"twotrack run {found.lesson} --track tf    # or torch"


def _environment(found: Comparison) -> list[tuple[str, str]]:
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
        environment = _environment(entry.comparison)
        same = [k for k, known in environments.items() if known == environment]
        letter = same[0] if same else chr(ord("A") + len(environments) % 26)
        environments[letter] = environment
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
    dated = [("date", " to ".join(dates[:1] + dates[1:][-1:]))] if dates else []
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


def _row(entry: Entry, lang: str) -> dict[str, Any]:
    found = entry.comparison
    levels: dict[str, list[Level]] = {name: [] for name in wording.LEVELS}
    for level in found.levels:
        levels.setdefault(level.level, []).append(level)
    figures = [
        (f"{name} {what}", read(entry, track))
        for what, read in (("score", tables.score), ("time", tables.training_time))
        for track, name in FRAMEWORKS.items()
    ]
    return {
        "slug": found.lesson,
        "names": names(found, lang),
        "verdict": verdicts.of_lesson(entry),
        "levels": [(n, verdicts.of_level(levels[n])) for n in wording.LEVELS],
        "figures": figures,
    }

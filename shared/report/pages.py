"""The index and the page of a lesson."""

from __future__ import annotations

import dataclasses
import itertools
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from shared import wording
from shared.report import charts, classes, mathematics, sources, tables, verdicts
from shared.report.index_page import day, environment, files, index
from shared.report.names import Name, names, speaker
from shared.report.reading import Entry
from shared.report.render import render
from shared.report.verdicts import FRAMEWORKS, named
from shared.results import Level

HEADINGS = {
    "mathematics": "The mathematics",
    "settings": "The settings",
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
    "mode": "evaluation repeats itself; dropout, if any, drops at its rate",
    "forward": "every layer's output on the first batch, and the loss",
    "gradient": "every gradient",
    "step": "the weights after updates on identical gradients",
    "trajectory": "the loss of every step, and the weights on the way",
    "reference": "a third opinion, in plain NumPy",
    "published": "the figures that the lecture notes print",
    "accuracy": "the scores of the trained models",
}
"""What each level compares."""


@dataclasses.dataclass(frozen=True)
class Link:
    """Another lesson's page."""

    name: Name
    file: str


def pages(entries: Sequence[Entry], lang: str) -> Iterator[tuple[str, str]]:
    """Every page's name and content, the index first."""
    links = [
        Link(names(entry.comparison, lang)[0], file)
        for entry, file in zip(entries, files(entries), strict=True)
    ]
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
        "settings": tables.settings(entry),
        "sections": sources.sections(found.lesson) if known else [],
        "losses": list(charts.losses(entry)),
        "pictures": list(charts.pictures(entry)),
        "disagreement": classes.disagreement(entry),
        "confusions": classes.confusions(entry),
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
        horizons=[
            named(told)
            for told in (
                *wording.reaches(found.levels),
                *wording.horizons(found.horizons),
            )
        ],
        measured=tables.measured(entry),
        precision=found.precision.split("+")[-1] or "an unknown precision",
        commands=list(_commands(entry)),
        environment=environment(found),
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
        "where": named(wording.place(level) if measured else level.where),
    }


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    found = entry.comparison
    several = ", all variants" if len(entry.variants) > 1 else ""
    for track, name in FRAMEWORKS.items():
        what, value = tables.score(entry, track)
        if track in entry.missing:
            yield name, "not run"
        elif value:
            yield f"{name} {what}{several}", value
    for track, name in FRAMEWORKS.items():
        time = tables.training_time(entry, track)
        if time:
            yield f"{name} training{several}", time
    yield "precision", found.precision.replace("+", ", ") or "unknown"
    yield "seed", str(found.seed)
    yield "mode", found.mode or "unknown"
    yield "date", day(found.date) or "unknown"


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

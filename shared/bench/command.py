"""What `twotrack bench` does, once its options are read."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from shared import lesson as lessons
from shared import results
from shared.bench import show
from shared.bench.measure import Found, Measured, Tell, bench, spread, study
from shared.bench.ways import TRACKS
from shared.cores import cores
from shared.errors import MissingError, UsageError
from shared.job import Job
from shared.lesson import Lesson
from shared.runner import package
from shared.terminal import err


def bench_lessons(
    slugs: tuple[str, ...],
    *,
    track: str | None,
    rounds: int,
    seeds: int | None,
    jobs: int | None,
    settings: tuple[str, ...],
    device: str,
    into: str | None,
    as_json: bool,
) -> bool:
    """Time the lessons and show the ratios; True if all ways compute the same.

    Raises:
        UsageError, MissingError: bad input, or something is missing.
    """
    chosen = [lessons.find(slug) for slug in slugs] or _trained()
    jobs_by_lesson = [_job(lesson, settings, device) for lesson in chosen]
    tracks = [track] if track else _installed()
    for name in tracks:
        package(name)
    if into is not None:
        show.around(Path(into))
    rows: list[tuple[str, Found]] = []
    with _telling(quiet=as_json) as tell:
        for lesson, job in zip(chosen, jobs_by_lesson, strict=True):
            for name in tracks:
                found = bench(lesson, name, job, rounds, tell)
                if seeds:
                    tell(f"{lesson.slug} {name} study of {seeds} seeds")
                    found.study = study(lesson, name, job, seeds, jobs or cores())
                rows.append((lesson.slug, found))
                if not as_json:
                    show.show(lesson.slug, found)
    if into is not None:
        show.put_into(Path(into), show.markdown(rows))
    passed = all(show.same(found) for _, found in rows)
    if as_json:
        report = {
            "schema": results.SCHEMA,
            "passed": passed,
            "cores": cores(),
            "lessons": [_plain(slug, found) for slug, found in rows],
        }
        click.echo(results.to_text(report))
    return passed


def _trained() -> list[Lesson]:
    every = [lessons.find(slug) for slug in lessons.slugs()]
    return [lesson for lesson in every if lesson.optional("score")]


def _job(lesson: Lesson, settings: tuple[str, ...], device: str) -> Job:
    """The lesson's first variant, in native mode.

    Raises:
        UsageError: the lesson trains nothing.
    """
    if lesson.optional("score") is None:
        raise UsageError(
            f"{lesson.slug} trains nothing, so there is no loop to time: name a lesson "
            "that trains"
        )
    configs = lesson.configs(lessons.parse_settings(lesson, settings))
    return Job(
        lesson=lesson.slug,
        fields=dataclasses.asdict(next(iter(configs.values()))),
        matched=False,
        precision=lesson.published_precision,
        device=device,
        init="matched",
    )


def _installed() -> list[str]:
    """The tracks whose framework is there; what is missing is said."""
    found = []
    for name in TRACKS:
        try:
            package(name)
        except MissingError as error:
            err.print(str(error), markup=False, soft_wrap=True)
            continue
        found.append(name)
    if not found:
        raise MissingError("neither framework is installed")
    return found


@contextlib.contextmanager
def _telling(quiet: bool) -> Iterator[Tell]:
    """What is being timed: on one line of a terminal, a line each elsewhere."""
    if quiet:
        yield lambda what: None
    elif sys.stderr.isatty():
        with err.status("starting") as status:
            yield status.update
    else:
        yield lambda what: err.print(what, markup=False, soft_wrap=True)


def _plain(slug: str, found: Found) -> dict[str, Any]:
    over = found.over_floor()
    return {
        "lesson": slug,
        "track": found.track,
        "steps": found.steps,
        "environment": found.environment,
        "ways": [_way(found, measured) for measured in found.measured],
        "floor": {
            "seconds": spread([sum(kinds.values()) for kinds in found.floors]),
            "kinds": found.floors,
        },
        "engine_over_floor": spread(over),
        "study": None if found.study is None else dataclasses.asdict(found.study),
    }


def _way(found: Found, measured: Measured) -> dict[str, Any]:
    return {
        **dataclasses.asdict(measured.way),
        "steps": measured.steps,
        "seconds": {**spread(measured.seconds), "all": measured.seconds},
        "compile_seconds": spread(measured.compile_seconds),
        "peak_memory_bytes": measured.peak_memory,
        "engine_is_faster": spread(found.ratio(measured)),
        "first_losses_apart": found.apart(measured),
        "notes": measured.notes,
    }

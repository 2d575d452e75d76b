"""What `twotrack study` does, once its options are read."""

from __future__ import annotations

import platform
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from shared import lesson as lessons
from shared import results as files
from shared.cores import cores
from shared.lesson import Lesson
from shared.plots.study import strip
from shared.study import cluster, pool, show
from shared.study.result import Journal, Result
from shared.study.sentence import DIFFERENT, EQUIVALENT
from shared.study.units import TRACKS, Options, Unit, plan
from shared.study.verdict import Finding, judge
from shared.terminal import err, out

POINTS = 100

EXIT_EQUIVALENT, EXIT_DIFFERENT, EXIT_UNDECIDED = 0, 1, 4


def study_lesson(
    slug: str,
    *,
    seeds: int,
    margin: float | None,
    init: str,
    jobs: int | None,
    folder: str | None,
    scheduler: str | None,
    settings: tuple[str, ...],
    own: Mapping[str, tuple[str, ...]],
    precision: str | None,
    device: str,
    engine: str,
    data: str | None,
    as_json: bool,
) -> int:
    """Train every seed that is not yet finished, judge, show; returns the exit code.

    Raises:
        UsageError, MissingError: bad input, or something is missing.
    """
    lesson = lessons.find(slug)
    options = Options(
        seeds=seeds,
        margin=None if margin is None else margin / POINTS,
        init=init,
        precision=precision,
        device=device,
        data=None if data is None else str(Path(data).absolute()),
        engine=engine,
        settings=lessons.parse_settings(lesson, settings),
        own={name: lessons.parse_settings(lesson, own[name]) for name in TRACKS},
    )
    units = plan(lesson, options)
    into = files.folder(folder or Path("twotrack-out", "study", slug))
    begun = time.perf_counter()
    with Journal(into) as journal:
        missing = [unit for unit in units if unit.identity not in journal.results]
        _train(slug, units, missing, journal, scheduler, jobs or cores(), as_json)
        results = [journal.results[unit.identity] for unit in units]
    seconds = {"wall": time.perf_counter() - begun, "trained_now": len(missing)}
    findings = [
        judge(lesson, v, [r for r in results if r.variant == v], options.margin)
        for v in dict.fromkeys(result.variant for result in results)
    ]
    report = _report(lesson, options, findings, results, seconds)
    report["files"] = [str(into / "study.json")]
    for finding in findings:
        path = into / f"{'-'.join(filter(None, ('study', finding.variant)))}.svg"
        files.write(path, strip(finding, lesson))
        report["files"].append(str(path))
    text = files.to_text(report)
    files.write(into / "study.json", text.encode())
    if as_json:
        click.echo(text)
    else:
        _show(lesson, findings, report)
    return _exit_code(findings)


def _train(
    slug: str,
    units: Sequence[Unit],
    missing: Sequence[Unit],
    journal: Journal,
    scheduler: str | None,
    jobs: int,
    quiet: bool,
) -> None:
    """Train what is missing; each result is on the disk before it is told."""
    done = len(units) - len(missing)
    if done and not quiet:
        err.print(f"{done} of {len(units)} trainings are there already.")
    if not missing:
        return
    try:
        with show.progress(f"study {slug}", done, len(units), quiet) as tell:

            def keep(result: Result) -> None:
                journal.append(result)
                tell(result)

            if scheduler is None:
                pool.run(missing, jobs, keep)
            else:
                cluster.run(missing, scheduler, keep)
    except KeyboardInterrupt:
        kept = sum(unit.identity in journal.results for unit in units)
        err.print(
            f"{kept} of {len(units)} trainings are kept in {journal.path}; the same "
            "command goes on from there.",
            soft_wrap=True,
        )
        raise


def _report(
    lesson: Lesson,
    options: Options,
    findings: Sequence[Finding],
    results: Sequence[Result],
    seconds: dict[str, Any],
) -> dict[str, Any]:
    """Everything, as plain values."""
    environment: dict[str, Any] = {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "device": {},
    }
    for track in TRACKS:
        own = [result for result in results if result.track == track]
        environment |= own[0].made_with
        del environment["code"], environment["data"]
        devices = sorted({result.environment["device"] for result in own})
        environment["device"][track] = ", ".join(devices)
        seconds[track] = {
            "start": sum(result.seconds["start"] for result in own),
            "processes": sum(result.seconds["start"] > 0 for result in own),
            "work": sum(sum(result.seconds.values()) for result in own)
            - sum(result.seconds["start"] for result in own),
        }
    return {
        "schema": files.SCHEMA,
        "lesson": lesson.slug,
        "title": lesson.title,
        "verdict": _worst(findings),
        "seeds": options.seeds,
        "init": options.init,
        "precision": results[0].precision,
        "settings": {**lesson.study, **options.settings},
        "own_settings": dict(options.own),
        "again": _again(lesson, options),
        "environment": environment,
        "seconds": seconds,
        "notes": sorted({note for result in results for note in result.notes}),
        "variants": [finding.to_json() for finding in findings],
    }


def _again(lesson: Lesson, options: Options) -> str:
    """The command that trains one of the seeds alone, with the very same numbers."""
    command = (
        f"twotrack run {lesson.slug} --track tf --mode native --init {options.init}"
    )
    given = {**lesson.study, **options.settings, **options.own.get("tf", {})}
    command += "".join(f" --set {name}={value}" for name, value in given.items())
    plain = Options(options.seeds)
    for name in ("precision", "device", "engine", "data"):
        value = getattr(options, name)
        if value != getattr(plain, name):
            command += f" --{name} {shlex.quote(value)}"
    return f"{command} --seed 0"


def _show(
    lesson: Lesson, findings: Sequence[Finding], report: Mapping[str, Any]
) -> None:
    for finding in findings:
        show.show_finding(lesson, finding)
    for note in report["notes"]:
        out.print(note, markup=False)
    out.print(f"\n{show.times(report['seconds'])}")
    out.print(f"One seed alone: {report['again']}", soft_wrap=True, markup=False)
    out.print(f"Saved: {', '.join(report['files'])}", soft_wrap=True, markup=False)


def _worst(findings: Sequence[Finding]) -> str:
    """The verdict of all variants together: the first difference, the first doubt."""
    verdicts = [finding.verdict for finding in findings]
    if DIFFERENT in verdicts:
        return DIFFERENT
    return next((v for v in verdicts if v != EQUIVALENT), EQUIVALENT)


def _exit_code(findings: Sequence[Finding]) -> int:
    known = {EQUIVALENT: EXIT_EQUIVALENT, DIFFERENT: EXIT_DIFFERENT}
    return known.get(_worst(findings), EXIT_UNDECIDED)

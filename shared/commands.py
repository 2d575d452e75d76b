"""What each command does, once its options are read."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from shared import lesson as lessons
from shared import logs, results, terminal
from shared.errors import Diverged, TwotrackError, UsageError
from shared.job import Job, Outcome
from shared.lesson import PRECISIONS, Lesson
from shared.parity import compare, published
from shared.report import record
from shared.results import Comparison
from shared.runner import TrackProcess, package, packages
from shared.weights import read_weights
from shared.worker import perform

SMOKE_STEPS = 1


def show_lesson(slug: str, as_json: bool) -> None:
    """One lesson: its mathematics, its settings, its published figures."""
    lesson = lessons.find(slug)
    fields = [
        {"name": f.name, "default": f.default, "doc": f.metadata["doc"]}
        for f in dataclasses.fields(lesson.config_type)
    ]
    if as_json:
        described = {
            "lesson": slug,
            "title": lesson.title,
            "text": lesson.spec.__doc__,
            "settings": fields,
            "variants": list(filter(None, lesson.variants)),
        }
        click.echo(results.to_text(described))
    else:
        terminal.show_lesson(lesson, fields)


def show_sources(slug: str) -> None:
    """The two sources of a lesson, side by side."""
    from shared import show_twins, twins

    lessons.find(slug)
    texts = [twins.source(t, slug).read_text(encoding="utf-8") for t in ("tf", "torch")]
    show_twins.show(slug, twins.align(*texts))


def run_lesson(
    slug: str,
    track: str,
    *,
    here: bool,
    precision: str | None,
    out: str | None,
    plots: str,
    weights: str | None,
    engine: str,
    threads: int,
    init: str | None,
    device: str,
    seed: int,
    settings: tuple[str, ...],
    mode: str,
    data: str | None,
    smoke: bool,
    logdir: str | None,
    as_json: bool,
) -> None:
    """Train a lesson in one track (`here`: in this process) and show what came out."""
    if init is not None and mode == "matched":
        raise UsageError("--init is for --mode native: matched mode has one start")
    lesson = lessons.find(slug)
    configs = lesson.configs(lessons.parse_settings(lesson, settings))
    data = _absolute(data)
    datasets = {v: lesson.data(cfg, data) for v, cfg in configs.items()}
    name = package(track)
    weights = _checked_weights(lesson, weights)
    folder = None if out is None else results.folder(out)
    runs = None if logdir is None else logs.folder(logdir)
    reports: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        process = None if here else stack.enter_context(TrackProcess(track))
        for variant, cfg in configs.items():
            job = Job(
                lesson=slug,
                fields=dataclasses.asdict(cfg),
                matched=mode == "matched",
                precision=precision or lesson.published_precision,
                seed=seed,
                device=device,
                data=data,
                limit=SMOKE_STEPS if smoke else None,
                weights=weights,
                init=init or "native",
                engine=engine,
                threads=threads,
                grid=folder is not None,
            )
            with terminal.progress(f"{slug} {variant}".strip(), quiet=as_json) as tell:
                if process is None:
                    outcome = perform(name, job, tell)
                else:
                    outcome = process.run(job, tell)
            step = compare.diverged_at(outcome)
            if step is not None:
                raise Diverged(compare.divergence(slug, cfg, str(step)), step)
            report = run_report(lesson, track, variant, job, outcome, datasets[variant])
            if folder is not None:
                into = results.folder(folder / variant)
                report["files"] = _save(
                    report, outcome, lesson, datasets[variant], into, plots
                )
            if not as_json:
                terminal.show_run(lesson, report, first=not reports)
            reports.append(report)
    if runs is not None:
        logs.write(runs, slug, track, {r["variant"]: r for r in reports})
        if not as_json:
            terminal.show_logdir(str(runs))
    if as_json:
        click.echo(results.to_text({"schema": results.SCHEMA, "runs": reports}))


def _checked_weights(lesson: Lesson, path: str | None) -> str | None:
    """The absolute path of weights that can be read, before any process is started."""
    if path is not None:
        if lesson.optional("start") is None:
            raise UsageError(f"{lesson.slug} has no weights: leave out --weights")
        read_weights(path)
    return _absolute(path)


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).absolute())


def run_report(
    lesson: Lesson, track: str, variant: str, job: Job, outcome: Outcome, data: Any
) -> dict[str, Any]:
    """What a run has to say, as plain values and small arrays."""
    trace = outcome.trace
    plain = lesson.configs({}).get(variant)
    figures = []
    comparable = job.matched and job.limit is None and job.weights is None
    comparable = comparable and job.precision == lesson.published_precision
    if comparable and plain is not None and dataclasses.asdict(plain) == job.fields:
        pair = {"tf": outcome, "torch": outcome}
        figures = [
            {"name": f.name, "printed": f.printed, "obtained": f.tf, "agrees": f.passed}
            for f in published.figures(lesson.published, pair, variant)
        ]
    return {
        "lesson": lesson.slug,
        "title": lesson.title,
        "track": track,
        "variant": variant,
        "mode": "matched" if job.matched else "native",
        "init": "matched" if job.matched else job.init,
        "precision": job.precision,
        "seed": job.seed,
        "threads": job.threads,
        "settings": job.fields,
        "weights": job.weights,
        "parameters": outcome.parameters,
        "metrics": compare.score(lesson, data, outcome),
        "history": {"loss": trace["history/loss"]} if "history/loss" in trace else {},
        "results": {
            key.removeprefix("result/"): value
            for key, value in trace.items()
            if key.startswith("result/")
        },
        "published": figures,
        "notes": outcome.notes,
        "seconds": outcome.seconds,
        "peak_memory_bytes": outcome.peak_memory,
        "environment": outcome.environment,
    }


def _save(
    report: dict[str, Any],
    outcome: Outcome,
    lesson: Lesson,
    data: Any,
    folder: Path,
    plots: str,
) -> list[str]:
    """Write run.json, the weights and the plots; return their paths."""
    from safetensors.numpy import save

    from shared import plots as drawing

    files = [folder / "run.json"]
    results.write(files[0], results.to_text(report).encode())
    trained = outcome.weights()
    if trained:
        files.append(folder / "weights.safetensors")
        results.write(files[-1], save(trained, {"lesson": lesson.slug}))
    if plots != "none":
        files += drawing.save(outcome, lesson, data, folder, plots)
    return [str(file) for file in files]


def compare_lessons(
    slugs: tuple[str, ...], *, out: str, verbose: bool, as_json: bool, **options: Any
) -> bool:
    """Compare lessons in both tracks; True if they agree on every level.

    Args:
        slugs: which lessons.
        out: the folder to write into.
        verbose: show every level of every lesson.
        as_json: write JSON, and nothing else, to standard output.
        options: the others of `compared`.
    """
    many = len(slugs) > 3

    def show(found: Comparison) -> None:
        if not as_json and (verbose or not many or not found.passed):
            terminal.show_comparison(found)

    found = compared(slugs, out, show, quiet=as_json, **options)
    file = Path(out, results.COMPARISON)
    if as_json:
        click.echo(file.read_text(encoding="utf-8"))
    else:
        terminal.show_summary(found, file)
        if options.get("logdir") is not None:
            terminal.show_logdir(options["logdir"])
    return all(comparison.passed for comparison in found)


def compared(
    slugs: tuple[str, ...],
    out: str,
    show: Callable[[Comparison], None],
    *,
    quiet: bool,
    precision: str = "both",
    device: str = "auto",
    seed: int = 0,
    settings: tuple[str, ...] = (),
    mode: str = "matched",
    data: str | None = None,
    smoke: bool = False,
    logdir: str | None = None,
) -> list[Comparison]:
    """Compare lessons, show each as soon as it is done, and save what was found.

    Raises:
        UsageError, MissingError: bad input, or something is missing; then no file is
            written.
    """
    chosen = [lessons.find(slug) for slug in slugs]
    parsed = [lessons.parse_settings(lesson, settings) for lesson in chosen]
    for lesson, given in zip(chosen, parsed, strict=True):
        for cfg in lesson.configs(given).values():
            lesson.data(cfg, data)
    folder = results.folder(out)
    runs = None if logdir is None else logs.folder(logdir)
    found, kept = [], []
    with contextlib.ExitStack() as stack:
        pair = {n: stack.enter_context(TrackProcess(n)) for n in ("tf", "torch")}
        for lesson, given in zip(chosen, parsed, strict=True):
            options = compare.Options(
                matched=mode == "matched",
                precisions=PRECISIONS if precision == "both" else (precision,),
                seed=seed,
                device=device,
                data=_absolute(data),
                limit=SMOKE_STEPS if smoke else None,
                settings=given,
            )
            kept.append(record.Record())
            with terminal.stages(pair, quiet=quiet) as tell:
                one = compare.compare(lesson, pair, options, tell, kept[-1].keep)
            found.append(one)
            if runs is not None:
                logs.write_comparison(runs, one)
            show(one)
    results.folder(folder / record.FOLDER)
    for one, arrays in zip(found, kept, strict=True):
        results.write(record.path(folder, one.lesson), arrays.to_bytes(one))
    whole = {
        "schema": results.SCHEMA,
        "passed": all(c.passed for c in found),
        "lessons": [c.to_json() for c in found],
    }
    results.write(folder / results.COMPARISON, results.to_text(whole).encode())
    return found


def examine_machine(as_json: bool) -> bool:
    """Check each track by one real step, and the data; True if nothing is missing."""
    tracks: dict[str, dict[str, Any]] = {}
    for name in packages():
        try:
            with TrackProcess(name) as process:
                outcome = process.run(Job("xor_perceptron", limit=SMOKE_STEPS))
            tracks[name] = {"works": True, **outcome.environment}
        except TwotrackError as error:
            tracks[name] = {"works": False, "problem": str(error)}
    try:
        images = lessons.find("mnist_mlp").spec.mnist()
        data: dict[str, Any] = {
            "works": True,
            "images": len(images.x_train) + len(images.x_test),
        }
    except TwotrackError as error:
        data = {"works": False, "problem": str(error)}
    found = {
        "python": sys.version.split()[0],
        "packages": dict(versions()),
        "tracks": tracks,
        "mnist": data,
    }
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        terminal.show_machine(found)
    return all(part["works"] for part in (*tracks.values(), data))


def versions() -> Iterator[tuple[str, str]]:
    """Of this package and of what it stands on."""
    names = ("twotrack", "numpy", "scikit-learn", "tensorflow", "keras", "torch")
    for name in names:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            yield name, "not installed"

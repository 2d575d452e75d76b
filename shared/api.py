"""The commands as functions, for notebooks and tests."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

from shared import lesson as specs
from shared.job import Job, Outcome
from shared.parity.compare import Options
from shared.parity.compare import compare as compare_pair
from shared.results import Comparison
from shared.runner import TrackProcess


def lessons() -> dict[str, str]:
    """Every lesson's name and title, in the order of the curriculum."""
    return specs.titles()


def run(
    lesson: str,
    track: str,
    *,
    seed: int = 0,
    precision: str = "float32",
    matched: bool = True,
    device: str = "auto",
    data: str | None = None,
    **settings: Any,
) -> dict[str, Outcome]:
    """Train a lesson in one track, in a process of its own.

    Args:
        lesson: its name.
        track: "tf" or "torch".
        seed: of start, batch order and dropout masks.
        precision: "float32" or "float64".
        matched: both tracks draw alike; else the framework's own way.
        device: "auto", "cpu" or "gpu".
        data: a file or folder in place of MNIST.
        settings: fields of the lesson's Config.

    Returns:
        What came out of each variant of the lesson; the key is "" if it has none.

    Raises:
        UsageError: an unknown lesson, track or setting, or bad data.
        MissingError: the framework or the device is not there.
    """
    found = specs.find(lesson)
    outcomes = {}
    with TrackProcess(track) as process:
        for variant, cfg in found.configs(_checked(found, settings)).items():
            job = Job(
                lesson=lesson,
                fields=dataclasses.asdict(cfg),
                matched=matched,
                precision=precision,
                seed=seed,
                device=device,
                data=data,
            )
            outcomes[variant] = process.run(job)
    return outcomes


def compare(
    lesson: str,
    *,
    seed: int = 0,
    matched: bool = True,
    device: str = "auto",
    data: str | None = None,
    **settings: Any,
) -> Comparison:
    """Run a lesson in both tracks and climb the ladder; `run` tells the arguments."""
    found = specs.find(lesson)
    options = Options(
        matched=matched,
        seed=seed,
        device=device,
        data=data,
        settings=_checked(found, settings),
    )
    with contextlib.ExitStack() as stack:
        pair = {n: stack.enter_context(TrackProcess(n)) for n in ("tf", "torch")}
        return compare_pair(found, pair, options)


def _checked(lesson: specs.Lesson, settings: dict[str, Any]) -> dict[str, Any]:
    pairs = [f"{name}={value}" for name, value in settings.items()]
    return specs.parse_settings(lesson, pairs)

"""The tables of a lesson page, as rows of plain values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from shared import wording
from shared.report.reading import TRACKS, Entry, Part
from shared.report.verdicts import named

PERCENT = ("accuracy", "solved")
NAMES = {"r2": "R²", "mse": "mean squared error"}
TIMES = {
    "import": "import",
    "build": "build",
    "train": "train",
    "compile": "prepare (within train)",
    "evaluate": "evaluate",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A number of both tracks.

    Attributes:
        name: what it is.
        tf, torch: the number; "" where there is none.
        told: how they compare.
        passed: the verdict; None where there is none.
        printed: what the notes have.
    """

    name: str
    tf: str
    torch: str
    told: str = ""
    passed: bool | None = None
    printed: str = ""


def metric(name: str, value: float) -> str:
    """A metric's number as a reader wants it."""
    if name == "solved" and value in (0, 1):
        return "yes" if value else "no"
    if name == "r2":
        return f"{value:.6g}"
    if name in PERCENT:
        return f"{100 * value:.4g}\N{NO-BREAK SPACE}%"
    return f"{value:.4g}"


def score(entry: Entry, track: str) -> tuple[str, str]:
    """The metric that counts, and its value, of all variants from least to largest."""
    found: dict[float, str] = {}
    name = ""
    for part in entry.parts(track).values():
        for name, value in list(part.metrics.items())[:1]:
            found[value] = metric(name, value)
    ends = [found[value] for value in sorted(found)]
    text = " to ".join(ends[:1] + ends[1:][-1:])
    text = text.replace("\N{NO-BREAK SPACE}% to", " to")
    return NAMES.get(name, name), text


def training_time(entry: Entry, track: str) -> str:
    """Of all variants together; "" where nothing was trained."""
    parts = entry.parts(track).values()
    times = [part.seconds["train"] for part in parts if "train" in part.seconds]
    return wording.duration(sum(times)) if times else ""


@dataclasses.dataclass(frozen=True)
class Setting:
    """A field of a lesson's Config: its value, or the variants'; its meaning."""

    name: str
    value: str
    meaning: str


def settings(entry: Entry) -> list[Setting]:
    """Those that the lesson was compared with; none where it has changed since."""
    if entry.lesson is None:
        return []
    try:
        configs = entry.lesson.configs(entry.comparison.settings).values()
    except (TypeError, ValueError):
        return []
    return [
        Setting(
            field.name,
            ", ".join(dict.fromkeys(str(getattr(c, field.name)) for c in configs)),
            str(field.metadata["doc"]),
        )
        for field in dataclasses.fields(entry.lesson.config_type)
    ]


@dataclasses.dataclass(frozen=True)
class Measured:
    """Scores, times and memory.

    Attributes:
        names: of what was measured.
        variants: the rows by name, of each variant.
        loading: what it took to import the frameworks, once a process.
    """

    names: list[str]
    variants: dict[str, dict[str, Row]]
    loading: Row | None


def measured(entry: Entry) -> Measured:
    """Scores, times and memory of each variant; of several only what may differ."""
    variants: dict[str, dict[str, Row]] = {}
    for variant in entry.variants:
        parts = {t: entry.parts(t).get(variant) for t in TRACKS}
        told = {t: _measured(part) if part else {} for t, part in parts.items()}
        names = dict.fromkeys(name for one in told.values() for name in one)
        variants[variant] = {
            n: Row(n, told["tf"].get(n, ""), told["torch"].get(n, "")) for n in names
        }
    variants = {variant: rows for variant, rows in variants.items() if rows}
    loading = [rows.pop("import", None) for rows in variants.values()]
    for rows in variants.values() if len(variants) > 1 else ():
        rows.pop("parameters", None)
        rows.pop("build", None)
    every = dict.fromkeys(name for rows in variants.values() for name in rows)
    return Measured([*every], variants, next(iter(loading), None))


def _measured(part: Part) -> dict[str, str]:
    found = {"parameters": f"{part.parameters:,}"} if part.parameters else {}
    found |= {NAMES.get(n, n): metric(n, value) for n, value in part.metrics.items()}
    for name, told in TIMES.items():
        # Without parameters nothing is built.
        if name in part.seconds and (name != "build" or part.parameters):
            found[told] = wording.duration(part.seconds[name])
    if part.peak_memory_bytes is not None:
        found["peak memory"] = f"{part.peak_memory_bytes / 1e6:,.0f} MB"
    return found


def published(entry: Entry) -> list[Row]:
    """The figures that the notes print beside what the tracks obtained."""
    return [
        Row(
            name=named(f"{figure.variant} {figure.name}".strip()),
            tf=_value(figure.tf),
            torch=_value(figure.torch),
            passed=bool(figure.passed),
            printed=_value(figure.printed, 10),
        )
        for figure in entry.comparison.published
    ]


def computed(entry: Entry) -> Iterator[tuple[str, list[Row]]]:
    """What a lesson computes and no picture shows, by variant; once if all agree."""
    found = dict(_computed(entry))
    rows = [*found.values()]
    if rows and len(rows) == len(entry.variants) and rows.count(rows[0]) == len(rows):
        found = {"": rows[0]}
    yield from found.items()


def _computed(entry: Entry) -> Iterator[tuple[str, list[Row]]]:
    for variant in entry.variants:
        traces = {t: entry.record.last(variant, t) for t in TRACKS}
        names = dict.fromkeys(
            key.removeprefix("result/")
            for trace in traces.values()
            for key in trace
            if key.startswith("result/")
        )
        shown = [n for n in names if not wording.is_drawn(n) and n != "misclassified"]
        rows = [_result(name, *traces.values()) for name in shown]
        if rows:
            yield variant, rows


def _result(name: str, tf: Mapping[str, Any], torch: Mapping[str, Any]) -> Row:
    a, b = tf.get(f"result/{name}"), torch.get(f"result/{name}")
    told = "only one track has it"
    if a is not None and b is not None:
        told = "other shapes"
        if a.shape == b.shape:
            error = np.abs(a.astype(np.float64) - b.astype(np.float64))
            worst = float(np.nan_to_num(error, nan=np.inf).max(initial=0.0))
            told = "equal" if worst == 0 else f"{worst:.1e}"
    return Row(name, _value(a), _value(b), told)


def _value(value: Any, figures: int = 6) -> str:
    """A number or an array of them, of so many figures; anything else as it is."""
    if value is None:
        return ""
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        return str(value)
    return wording.number(array.reshape(()) if array.size == 1 else array, figures)

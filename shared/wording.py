"""What a comparison's findings are in words, for a terminal and for a page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from shared.results import Comparison, Horizon, Level

LEVELS = {
    "spec": "spec",
    "weights": "wght",
    "mode": "mode",
    "forward": "forw",
    "gradient": "grad",
    "step": "step",
    "trajectory": "traj",
    "reference": "ref",
    "published": "publ",
    "accuracy": "acc",
}
"""The levels in order, each with the short name of a column."""

NATIVE = (
    "Native mode: each framework's own start and order. "
    "One seed judges nothing; `twotrack study` takes many."
)


def sentence(comparison: Comparison) -> str:
    """The verdict."""
    if comparison.mode == "native":
        return NATIVE
    failed = [level for level in comparison.levels if level.verdict == "fail"]
    if not failed:
        count = sum(level.verdict == "pass" for level in comparison.levels)
        return f"The tracks agree on all {count} checks."
    first = failed[0]
    precision = f" in {first.precision}" if first.precision else ""
    return (
        f"The tracks disagree, first at the level {first.level}{precision}: "
        f"{where(first)}"
    )


def rows(comparison: Comparison) -> Iterator[Level]:
    """One row a level and precision: the decisive one of the lesson's variants.

    A level that nowhere applies has a single row, with the reasons.
    """
    for name in LEVELS:
        found = [level for level in comparison.levels if level.level == name]
        if found and all(level.value is None for level in found):
            reasons = "; ".join(sorted({level.where for level in found}))
            yield Level(name, "", None, None, found[0].verdict, reasons)
            continue
        for precision in dict.fromkeys(level.precision for level in found):
            level = decisive([one for one in found if one.precision == precision])
            if level.value is not None:
                yield level


def decisive(levels: list[Level]) -> Level:
    """The first that fails, else the one nearest to its tolerance."""
    failed = [level for level in levels if level.verdict == "fail"]
    measured = [level for level in levels if level.value is not None]
    if failed or not measured:
        return (failed or levels)[0]
    return max(measured, key=lambda r: (r.value or 0.0) / (r.tolerance or 1.0))


def overall(levels: list[Level]) -> str:
    """The verdict of one level in all variants and precisions."""
    verdicts = {level.verdict for level in levels}
    return next((v for v in ("fail", "pass") if v in verdicts), "not applicable")


_PLACED = ("weights", "forward", "gradient", "step", "trajectory", "reference")
_SAME = dict.fromkeys(_PLACED, "all the same, bit for bit")
_SAME |= {"mode": "each track's evaluation repeats itself"}


def place(level: Level) -> str:
    """Where the worst difference is; the other levels tell what they have counted."""
    same = level.value == 0 and level.level in _SAME and not reach(level)
    return _SAME[level.level] if same else where(level)


def where(level: Level) -> str:
    """The level's place, with its variant."""
    return f"{level.variant}: {level.where}" if level.variant else level.where


def short(value: float) -> str:
    """A difference, or what is allowed of it."""
    whole = math.isfinite(value) and value == int(min(value, 1e9))
    return f"{value:g}" if whole else f"{value:.1e}"


def reach(level: Level) -> str:
    """'judged to step 24, where ...', of a training that is chaotic from there on."""
    _, judged, rest = level.where.partition("judged to step")
    return judged + rest


def judged_to(level: Level) -> int | None:
    """The last step of a chaotic training that is judged; None where all are."""
    found = re.search(r"judged to step (\d+)", level.where)
    return int(found[1]) if found else None


def reaches(levels: Iterable[Level]) -> Iterator[str]:
    """Where trainings are judged to a step only, a line each."""
    for level in levels:
        if level.level == "trajectory" and reach(level):
            name = f"{level.variant}: " if level.variant else ""
            yield f"{name}{level.precision} is {reach(level)}."


def horizons(found: list[Horizon]) -> Iterator[str]:
    """How long the float32 losses stay together, a line a variant, or one for all."""
    stayed = [horizon for horizon in found if horizon.parted is None]
    if stayed and len(stayed) == len(found):
        count = steps(max(horizon.steps for horizon in stayed))
        several = "both" if len(stayed) == 2 else f"all {len(stayed)}"
        all_of_them = f"{several} variants, up to" if len(stayed) > 1 else "all"
        yield f"float32 losses stay within 1e-4 for {all_of_them} {count}."
        return
    yield from map(_horizon, found)


def _horizon(horizon: Horizon) -> str:
    name = f"{horizon.variant}: " if horizon.variant else ""
    if horizon.parted is None:
        return f"{name}float32 losses stay within 1e-4 for all {steps(horizon.steps)}."
    told = []
    for track, steps_of_twins in horizon.twins.items():
        own = [step for step in steps_of_twins if step is not None]
        near = f" from step {min(own):,} on" if own else ""
        told.append(f"{len(own)} of {len(steps_of_twins)} in {track}{near}")
    return (
        f"{name}float32 losses part by 1e-4 at step {horizon.parted:,} of "
        f"{horizon.steps:,}. So do, within {steps(horizon.twin_steps)}, twins whose "
        f"start is moved by one unit in the last place: {', '.join(told)}."
    )


def steps(count: int) -> str:
    """So many steps."""
    return f"{count:,} steps" if count != 1 else "1 step"


def duration(seconds: float) -> str:
    """A time as a reader wants it, of two figures."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    milliseconds = float(f"{1e3 * seconds:.2g}")
    figures = f".{max(0, 1 - math.floor(math.log10(milliseconds)))}f" if seconds else ""
    return f"{milliseconds:{figures}} ms" if seconds else "0"


def number(value: Any, figures: int = 6) -> str:
    """An array as a reader wants it: few figures, on one line where it fits."""
    array = np.asarray(value)
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
    if array.ndim and array.size == max(array.shape):
        array = array.ravel()
    text = np.array2string(
        array,
        threshold=16,
        edgeitems=4,
        max_line_width=200,
        formatter={"float_kind": lambda x: f"{x:.{figures}g}"},
    )
    return " ".join(text.replace("\n", " ").split())


def listed(names: Sequence[str]) -> str:
    """'norm', 'norm and norm_1', 'norm and 52 more'."""
    if len(names) > 2:
        return f"{names[0]} and {len(names) - 1} more"
    return " and ".join(names)


def is_drawn(result: str) -> bool:
    """Whether a result of that name is a curve or a path, for plots."""
    return result.startswith(("curve/", "path/")) or "/curve/" in result

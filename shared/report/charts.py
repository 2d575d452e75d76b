"""The figures of a lesson page: losses, the lesson's own pictures, its study."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from shared import plots, wording
from shared.job import Outcome
from shared.parity.trace import Trace
from shared.plots.losses import apart, bin_width, both_losses
from shared.plots.study import strip_figure
from shared.plots.style import RED, Scene, styled
from shared.report.reading import TRACKS, Entry
from shared.report.svg import inline
from shared.report.verdicts import FRAMEWORKS, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = {
    "decision_regions": ("grid",),
    "misclassifications": ("result/misclassified",),
    "curves": ("result/curve/",),
    "paths": ("result/path/",),
}
"""The plots that show a lesson's own subject, each with the arrays that it draws."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """One or two charts side by side.

    Attributes:
        title: what they show.
        variant: the lesson's variant; "" where there is none or all are in it.
        charts: by framework; under "" one that shows both.
        told: what else there is to say.
    """

    title: str
    variant: str
    charts: dict[str, Markup]
    told: str = ""


def losses(entry: Entry) -> Iterator[Picture]:
    """The loss curves of every variant that was trained, and their difference."""
    for number, variant in enumerate(entry.variants):
        found = _losses(entry, variant)
        per_epoch = entry.record.facts.get(variant, {}).get("steps_per_epoch", 1)
        with styled():
            judged = {
                level.precision: step
                for level in entry.comparison.levels
                if level.level == "trajectory" and level.variant == variant
                if (step := wording.judged_to(level)) is not None
            }
            drawn = both_losses(found, "", per_epoch, judged)
            if drawn is None:
                continue
            title, _ = _stripped(drawn)
            told = " ".join(_told_of(found))
            chart = inline(drawn, f"{title} {variant}".strip(), told, f"l{number}")
        yield Picture(title, variant, {"": chart}, told)


def _losses(entry: Entry, variant: str) -> dict[str, Trace]:
    """By precision and track; without arrays, the one that comparison.json tells."""
    precisions = entry.record.precisions(variant)
    if precisions:
        return {
            p: {
                track: loss
                for track in TRACKS
                if (loss := entry.record.trace(variant, p, track).get("history/loss"))
                is not None
            }
            for p in precisions
        }
    told = {t: part for t in TRACKS if (part := entry.parts(t).get(variant))}
    history = {
        track: np.asarray(part.history["loss"], np.float64)
        for track, part in told.items()
        if part.history.get("loss")
    }
    return {entry.comparison.precision.split("+")[-1] or "float32": history}


def _figure(loss: float) -> str:
    return f"{loss:,.0f}" if 1e4 <= abs(loss) < 1e9 else f"{loss:.4g}"


def _told_of(found: dict[str, Trace]) -> Iterator[str]:
    ends = {
        FRAMEWORKS[track]: f"from {_figure(loss[0])} to {_figure(loss[-1])} in "
        f"{wording.steps(len(loss))}."
        for track, loss in list(found.values())[-1].items()
    }
    if len(ends) == len(TRACKS) and len(set(ends.values())) == 1:
        ends = {"Both": next(iter(ends.values()))}
    yield from (f"{name}: {told}" for name, told in ends.items())
    width = max(map(bin_width, list(found.values())[-1].values()), default=1)
    if width > 1:
        yield (
            f"Each point stands for {width} steps: above their mean, with the range "
            "behind it, below the largest difference."
        )
    for precision, runs in found.items():
        if len(runs) == len(TRACKS):
            worst = float(apart(runs).max(initial=0.0))
            differ = f"differ by up to {worst:.1e}" if worst else "are equal throughout"
            yield f"In {precision} the losses {differ}."


def pictures(entry: Entry) -> Iterator[Picture]:
    """What the lesson shows, drawn for each track."""
    if entry.lesson is None:
        return
    for number, (plot, variants) in enumerate(
        itertools.product(PICTURES, _groups(entry))
    ):
        traces = {t: _merged(entry, variants, t) for t in TRACKS}
        variant = variants[0] if len(variants) == 1 else ""
        charts, title, note = {}, "", ""
        for track, name in FRAMEWORKS.items():
            key = f"p{number}-{track}"
            found = _picture(entry, plot, variant, traces[track], name, key)
            if found is not None:
                charts[name], title, note = found
        if charts:
            told = _apart(traces, PICTURES[plot]) + _parted(entry, variants)
            yield Picture(title, variant, charts, f"{note} {told}".strip())


def _groups(entry: Entry) -> list[list[str]]:
    """The variants, each by itself; as one where each has drawn a path of its own."""
    traces = [_merged(entry, [variant], "tf") for variant in entry.variants]
    paths = [{k for k in trace if k.startswith("result/path/")} for trace in traces]
    if all(paths) and len(set().union(*paths)) == sum(map(len, paths)):
        return [entry.variants]
    return [[variant] for variant in entry.variants]


def _merged(entry: Entry, variants: list[str], track: str) -> Trace:
    merged: Trace = {}
    for variant in variants:
        merged |= entry.record.last(variant, track)
    return merged


def _picture(
    entry: Entry, plot: str, variant: str, trace: Trace, name: str, key: str
) -> tuple[Markup, str, str] | None:
    """The chart of one track, its title, and what must not be missed."""
    assert entry.lesson is not None
    outcome = Outcome(trace, {}, 0, 1, {}, {}, None)
    scene = Scene(outcome, entry.lesson, entry.record.dataset(variant))
    with styled():
        drawn = plots.PLOTS[plot](scene)
        if drawn is None:
            return None
        title, note = _stripped(drawn)
        subject = f"{scene.caption} {variant}".strip()
        label = f"{title}, {name}"
        return inline(drawn, label, f"{subject}. {note}".strip(), key), title, note


def _stripped(drawn: Figure) -> tuple[str, str]:
    """Take the title and what else stands above off a figure; returns title and note.

    On a page they are text of the page, and the figure may be narrower: its letters are
    then larger.
    """
    texts = [(text.get_text(), text.get_color()) for text in drawn.texts]
    strip = 0.41 + 0.2 * (len(texts) - 1)
    for text in list(drawn.texts):
        text.remove()
    layout: Any = drawn.get_layout_engine()
    layout.set(rect=(0, 0, 0.99, 1))
    width, height = drawn.get_size_inches()
    drawn.set_size_inches(0.85 * width, 0.85 * (height - strip))
    notes = [words for words, colour in texts if colour == RED]
    return texts[0][0], " ".join(notes)


def _apart(traces: dict[str, Trace], prefixes: tuple[str, ...]) -> str:
    """How far apart the numbers are that two pictures show."""
    tf, torch = traces.values()
    worst = 0.0
    for key in [k for k in tf if k.startswith(prefixes)]:
        if key not in torch or torch[key].shape != tf[key].shape:
            return "The two pictures do not show the same."
        difference = np.abs(tf[key].astype(np.float64) - torch[key])
        worst = max(worst, float(np.nan_to_num(difference, nan=np.inf).max(initial=0)))
    if not any(key.startswith(prefixes) for key in torch):
        return ""
    if worst == 0:
        return "The numbers shown are the same in both."
    return f"The numbers shown differ by {worst:.1e} at most."


def _parted(entry: Entry, variants: list[str]) -> str:
    """That the pictures are of trainings which have parted before their end."""
    for horizon in entry.comparison.horizons:
        if horizon.variant in variants and horizon.parted is not None:
            return f" The losses had parted by 1e-4 at step {horizon.parted:,}."
    return ""


def studies(entry: Entry) -> Iterator[Picture]:
    """The strip plot of every study."""
    for number, finding in enumerate(entry.studies):
        assert entry.lesson is not None
        with styled():
            drawn = strip_figure(finding, entry.lesson)
            title, note = _stripped(drawn)
            chart = inline(drawn, title, finding.sentence, f"s{number}")
        own = ", ".join(f"{k}={v}" for k, v in entry.lesson.study.items())
        own = f"Each seed has its own start: {own}." if own else ""
        told = " ".join(filter(None, (named(finding.sentence), own, note)))
        yield Picture(title, finding.variant, {"": chart}, told)

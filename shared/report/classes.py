"""Which classes the trained models tell apart, and where the tracks disagree."""

from __future__ import annotations

import base64
import dataclasses
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.report.reading import TRACKS, Entry
from shared.report.record import disagreements


@dataclasses.dataclass(frozen=True)
class Confusion:
    """Which class is taken for which.

    Attributes:
        classes: their names.
        counts: true classes by predicted ones.
        wrong: how many samples are taken for another class.
    """

    classes: list[str]
    counts: list[list[int]]
    wrong: int

    def share(self, row: int, column: int) -> str:
        """Of a count's colour, from 0 to 1: of its class; if wrong, of the largest."""
        if row == column:
            return f"{self.counts[row][column] / max(sum(self.counts[row]), 1):.2f}"
        wrong = [
            count
            for i, counts in enumerate(self.counts)
            for j, count in enumerate(counts)
            if i != j
        ]
        return f"{self.counts[row][column] / max(*wrong, 1):.2f}"


def confusions(entry: Entry) -> dict[str, Confusion]:
    """By track, for a lesson that tells three classes or more apart."""
    if len(entry.variants) > 1:
        return {}
    (variant,) = entry.variants
    true = entry.record.shown(variant).get("y_test")
    names = entry.record.facts.get(variant, {}).get("class_names", [])
    found = {}
    for track in TRACKS:
        scores = entry.record.last(variant, track).get("prediction")
        if true is not None and scores is not None and len(names) > 2:
            found[track] = _confusion(true.ravel(), scores, names)
    return found


def _confusion(true: NDArray[Any], scores: NDArray[Any], names: list[str]) -> Confusion:
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (true.astype(int), scores.argmax(axis=1)), 1)
    wrong = int(counts.sum() - counts.trace())
    return Confusion(names, counts.tolist(), wrong)


@dataclasses.dataclass(frozen=True)
class Image:
    """A test image on which the tracks disagree.

    Attributes:
        source: the picture, as a data URI.
        number: its place in the test data.
        true: its class.
        tf, torch: what each track takes it for, and how sure it is.
    """

    source: str
    number: int
    true: str
    tf: str
    torch: str


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """How many test images the tracks read differently, by precision, and some."""

    samples: int
    counts: dict[str, int]
    images: list[Image]


def disagreement(entry: Entry) -> Disagreement | None:
    """For a lesson on images; None for any other."""
    variant, record = entry.variants[0], entry.record
    shown = record.shown(variant)
    if "images_at" not in shown:
        return None
    scores = {
        p: [record.trace(variant, p, t).get("prediction") for t in TRACKS]
        for p in record.precisions(variant)
    }
    counts = {p: len(disagreements(*both)) for p, both in scores.items()}
    tf, torch = list(scores.values())[-1]
    if tf is None or torch is None:
        return None
    names, true = record.facts[variant]["class_names"], shown["y_test"].ravel()
    images = [
        Image(
            source=_png(picture),
            number=int(at),
            true=names[int(true[at])],
            tf=_said(names, tf[at]),
            torch=_said(names, torch[at]),
        )
        for at, picture in zip(shown["images_at"], shown["images"], strict=True)
    ]
    return Disagreement(len(true), counts, images)


def _said(names: list[str], scores: NDArray[Any]) -> str:
    best = int(scores.argmax())
    return f"{names[best]} ({scores[best]:.1%})"


def _png(picture: NDArray[Any]) -> str:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, picture, cmap="gray_r", format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"

"""Pairs of models with a planted mistake, and what the check must say of each.

The tables are in `check_planted_images.py`, `check_planted_sequences.py` and
`check_planted_training.py`, one mistake a line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from check_architectures import (
    ARCHITECTURES,
    OPTIMIZER,
    Edit,
    Sides,
    check_pair,
    objects,
)
from numpy.typing import NDArray

from shared.check.result import Check

SHARE = 0.99
"""Of the error that the repair of a cause must remove."""


@dataclasses.dataclass(frozen=True)
class Expected:
    """What the check must say.

    Attributes:
        level: the first that fails; empty where what differs is harmless.
        causes: the id of each cause and a part of its place, in either model; the id is
            "unexplained" where no known cause is to blame, and then the place alone is
            told.
    """

    level: str
    causes: tuple[tuple[str, str], ...]

    @property
    def known(self) -> set[str]:
        """The ids of the causes to prove; of the others only harmless ones may be."""
        return {id for id, _ in self.causes if id != "unexplained"}

    def complaints(self, check: Check) -> Iterator[str]:
        """What is wrong with it: "detected: ...", "place: ..." or "cause: ..."."""
        failed = [one.level for one in check.levels if one.verdict == "fail"]
        if "".join(failed[:1]) != self.level:
            yield f"detected: {failed}, not {self.level}"
        for id, place in self.causes:
            places = [f"{c.place} {c.torch_place}" for c in check.causes if c.id == id]
            if id == "unexplained":
                places = [check.unexplained]
            if not any(place in one for one in places):
                yield f"place: {id} at {places}, not {place}"
        harmful = {cause.id for cause in check.causes if not cause.harmless}
        found = harmful | {cause.id for cause in check.causes if cause.id in self.known}
        if found != self.known:
            yield f"cause: {sorted(found)}, not {sorted(self.known)}"
        if bool(check.unexplained) != ("unexplained" in dict(self.causes)):
            yield f"cause: unexplained is {check.unexplained!r}"
        for cause in check.causes:
            if cause.id in self.known and not cause.share >= SHARE:
                yield f"cause: {cause.id} removes {cause.share}"


def expected(level: str, causes: str) -> Expected:
    """The same from "id@place", several with a comma between."""
    found = (cause.partition("@") for cause in causes.split(", "))
    return Expected(level, tuple((id, place) for id, _, place in found))


@dataclasses.dataclass(frozen=True)
class Planted:
    """A mistake in one of the ten architectures.

    Attributes:
        name: the architecture, and what is wrong in words.
        architecture: its name.
        edits: the mistake.
        expected: what the check must find.
        loss, optimizer: in place of the architecture's.
        target: the shape of a target, in place of one that fits the output.
    """

    name: str
    architecture: str
    edits: tuple[Edit, ...]
    expected: Expected
    loss: Sides | None = None
    optimizer: Sides | None = None
    target: tuple[int, ...] | None = None

    def check(self) -> Check:
        """What the check says of the pair."""
        pair = ARCHITECTURES[self.architecture]
        own = any(edit.side == "port" for edit in self.edits)
        return check_pair(
            pair.models(self.edits, port=own),
            inputs=pair.inputs,
            loss=objects(self.loss or pair.loss),
            optimizer=objects(self.optimizer or OPTIMIZER),
            target=drawn(self.target),
            weights="own" if own else "auto",
            # The second step is the first in which a momentum counts.
            steps=2,
            precisions=("float64",),
        )


def drawn(shape: tuple[int, ...] | None, dtype: str = "float32") -> NDArray[Any] | None:
    """A target of small whole numbers; none where the check is to draw it."""
    if shape is None:
        return None
    return np.random.default_rng(8).integers(0, 3, shape).astype(dtype)


class Tally:
    """What the check says of every mistake of a table, counted."""

    def __init__(self) -> None:
        self._missed: list[set[str]] = []

    def add(self, complaints: list[str]) -> None:
        """Take what was wrong with one answer."""
        self._missed.append({one.partition(":")[0] for one in complaints})

    def rate(self, kind: str) -> float:
        """The part of the mistakes that was "detected", or whose "place" or "cause"."""
        right = sum(kind not in one for one in self._missed)
        return right / len(self._missed) if self._missed else 1.0

    def __str__(self) -> str:
        rates = (f"{kind} {self.rate(kind):.1%}" for kind in KINDS)
        return f"of {len(self._missed)} mistakes: {', '.join(rates)}"


KINDS = ("detected", "place", "cause")


def plant(
    architecture: str, name: str, level: str, causes: str, *edits: Edit, **more: Any
) -> Planted:
    """One line of a table.

    Args:
        architecture, name, edits, more: as in Planted.
        level, causes: as `expected` takes them.
    """
    full = f"{architecture}: {name}"
    return Planted(full, architecture, edits, expected(level, causes), **more)


def keras(old: str, new: str) -> Edit:
    """A mistake in the Keras model."""
    return Edit("keras", old, new)


def torch(old: str, new: str) -> Edit:
    """A mistake in the PyTorch model."""
    return Edit("torch", old, new)


def port(old: str, new: str) -> Edit:
    """A mistake in the user's own conversion of the weights."""
    return Edit("port", old, new)

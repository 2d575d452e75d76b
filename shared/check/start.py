"""The weights that both models start from: one model's in both, or each its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.check import arrange
from shared.check.both import Both
from shared.check.candidate import Candidate
from shared.check.pairing import Pair
from shared.check.result import Level
from shared.parity.trace import Trace

Array: TypeAlias = NDArray[Any]

CLOSE = 1e-6
"""Weights that were saved in another precision still count as the same."""


@dataclasses.dataclass(frozen=True)
class Start:
    """What the models hold when they are compared.

    Attributes:
        level: whether their own weights agree.
        notes: where the weights come from.
        candidates: layers whose own weights differ.
    """

    level: Level
    notes: tuple[str, ...]
    candidates: tuple[Candidate, ...] = ()


def settle(both: Both, mode: str, seed: int) -> Start:
    """Choose the start, and put it into both models.

    Args:
        both: the pair.
        mode: "own", each as it comes; "keras" or "torch", that model's in both; "auto",
            own where the two hold a kernel in common, else Keras' with every constant
            (zero biases, unit scales) drawn anew, so that each of them counts.
        seed: of what is drawn.
    """
    (ours, _), (theirs, _) = both.ask("weights")
    if mode == "own" or (mode == "auto" and _related(both, ours, theirs)):
        return _own(both, ours, theirs)
    if mode == "torch":
        ours = _from_torch(both, ours, theirs)
        told = "PyTorch's weights, in both"
    elif mode == "keras":
        told = "Keras' weights, in both"
    else:
        ours = _shaken(both, ours, seed)
        told = (
            "the two hold different weights, as two fresh models do; both start from "
            "Keras', with zero biases and the like drawn anew so that each counts "
            "(--weights own compares them as they are)"
        )
    both.keras.ask("set_weights", ours)
    both.torch.ask("set_weights", both.torch_weights(ours))
    return Start(_arrived(both), (told,))


def _arrived(both: Both) -> Level:
    """Whether both give back what was put into them."""
    (ours, _), (theirs, _) = both.ask("weights")
    for pair, name, a, b in _shared(both, ours, theirs):
        if a.shape != b.shape or not np.array_equal(a, b.astype(a.dtype)):
            where = f"{pair.keras.name}/{name}"
            return Level("weights", "", "fail", float("inf"), where=where)
    return Level("weights", "", "pass")


def _shared(
    both: Both, ours: Trace, theirs: Trace
) -> Iterator[tuple[Pair, str, Array, Array]]:
    """Every array that both models hold, in the neutral layout."""
    for pair in both.pairing.pairs:
        for name in pair.keras.parameters:
            a = ours.get(f"{pair.keras.order}/{name}")
            b = theirs.get(f"{pair.torch.order}/{name}")
            if a is not None and b is not None:
                yield pair, name, a, both.turn(pair.keras.order, name, b)


def _related(both: Both, ours: Trace, theirs: Trace) -> bool:
    """Whether a kernel of one model is a kernel of the other, in whatever order."""
    return any(
        a.ndim > 1 and _varied(a) and _same_numbers(a, b)
        for _, _, a, b in _shared(both, ours, theirs)
    )


def _varied(array: Array) -> bool:
    return bool(array.size > 1 and np.ptp(array) > 0)


def _same_numbers(a: Array, b: Array) -> bool:
    if a.size != b.size:
        return False
    return arrange.distance(np.sort(a, axis=None), np.sort(b, axis=None)) <= CLOSE


def _own(both: Both, ours: Trace, theirs: Trace) -> Start:
    """Each keeps its weights; what differs is told layer by layer."""
    wrong: dict[str, tuple[Pair, str]] = {}
    notes = ["each model's own weights"]
    for pair, name, a, b in _shared(both, ours, theirs):
        if a.shape == b.shape and arrange.distance(a, b) <= CLOSE:
            continue
        rows = _rows(a, b) if name == "kernel" and a.ndim == 2 else None
        if rows is not None and _follows_flatten(both, pair, rows):
            both.rows[pair.keras.order] = rows
            notes.append(
                f"{pair.keras.name}: the rows of PyTorch's kernel are in the order of "
                "a flattening with the channels first"
            )
            continue
        wrong.setdefault(pair.keras.name, (pair, _diagnosis(name, a, b)))
    found = tuple(_candidate(pair, told) for pair, told in wrong.values())
    if not found:
        return Start(Level("weights", "", "pass"), tuple(notes))
    where = ", ".join(f"{one.place} ({one.torch})" for one in found)
    level = Level("weights", "", "fail", float("inf"), where=where)
    return Start(level, tuple(notes), found)


def _candidate(pair: Pair, told: str) -> Candidate:
    return Candidate(
        "weights",
        pair.keras.name,
        pair.torch.name,
        "the model's own weights",
        told,
        "convert them with `twotrack convert`, which knows the layout of every kind",
        ({"do": "weights", "order": pair.keras.order},),
    )


def _rows(a: Array, b: Array) -> Array | None:
    """Which rows of b are a's rows; None unless it is a reordering."""
    if a.shape != b.shape or not _varied(a):
        return None
    order_a, order_b = np.lexsort(a.T[::-1]), np.lexsort(b.T[::-1])
    rows = np.empty_like(order_a)
    rows[order_a] = order_b
    same = arrange.distance(a, b[rows]) <= CLOSE
    return rows if same else None


def _follows_flatten(both: Both, pair: Pair, rows: Array) -> bool:
    """Whether the rows are reordered as (H, W, C) to (C, H, W), for some sizes."""
    count = len(rows)
    for layer in both.keras_about["layers"]:
        channels = layer["parameters"].get("kernel", [0])[-1]
        if 1 < channels < count and count % channels == 0:
            grid = np.arange(count).reshape(channels, -1)
            if np.array_equal(grid.T.ravel(), rows):
                return True
    return False


def _diagnosis(name: str, a: Array, b: Array) -> str:
    """What is wrong with b, as far as it can be told."""
    if a.ndim == 2 and a.shape == b.T.shape and arrange.distance(a, b.T) <= CLOSE:
        return f"{name} is transposed"
    if a.shape == b.shape and not b.any():
        return f"{name} is zero"
    if _same_numbers(a, b):
        blocks = _blocks(a, b)
        if blocks:
            return f"{name} has its gates in the order {blocks}"
        return f"{name} holds the same numbers in another order"
    return f"{name} holds other numbers"


def _blocks(a: Array, b: Array) -> str:
    """'1, 0, 2': which block of columns of a each block of b is."""
    for count in (3, 4):
        if a.shape != b.shape or a.shape[-1] % count:
            continue
        ours, theirs = np.split(a, count, -1), np.split(b, count, -1)
        found = [
            next((i for i, one in enumerate(ours) if np.array_equal(one, block)), None)
            for block in theirs
        ]
        if None not in found and found != list(range(count)):
            return ", ".join(map(str, found))
    return ""


def _from_torch(both: Both, ours: Trace, theirs: Trace) -> Trace:
    """PyTorch's weights under Keras' orders; what Keras has alone stays."""
    found = dict(ours)
    for pair, name, a, b in _shared(both, ours, theirs):
        found[f"{pair.keras.order}/{name}"] = b.astype(a.dtype)
    return found


def _shaken(both: Both, ours: Trace, seed: int) -> Trace:
    """The same, constants drawn anew: variances positive, others near what it was."""
    random = np.random.default_rng([seed, 3])
    found = {}
    for key, array in ours.items():
        if array.dtype.kind == "f" and not _varied(array):
            if key.endswith("variance"):
                drawn = random.uniform(0.5, 1.5, array.shape)
            else:
                drawn = array + 0.1 * random.standard_normal(array.shape)
            array = drawn.astype(array.dtype)
        found[key] = array
    return found

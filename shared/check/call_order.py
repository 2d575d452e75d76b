"""Which layer is which where only the order tells: but which order?

A model may define its layers in another order than it calls them, and a functional one
of Keras sorts parallel branches by their depth, while the numbers in its layers' names
are in the order of their creation. Each order makes a pairing; the one under which the
two models go along furthest is taken.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.check import settle
from shared.check.answers import Answers
from shared.check.both import Both
from shared.check.pairing import Layer, Pairing, pair
from shared.check.start import Start


def pairings(both: Both, mapping: Mapping[str, str]) -> list[Pairing]:
    """All that the orders make, without repetition, the order of calls first.

    Args:
        both: the pair, with its inputs.
        mapping: the user's word.

    Raises:
        UsageError: the mapping does not fit the models, or Keras' model does not run.
    """
    keras, torch = (
        [Layer.from_json(one) for one in about["layers"]]
        for about in (both.keras_about, both.torch_about)
    )
    found = [pair(keras, torch, mapping, akin=True)]
    if not any(one.ambiguous for one in found[0].pairs):
        return found
    ran = settle.first(both)
    if ran is None:
        return found
    orders = itertools.product(
        (_as_called(keras, ran.keras_facts), keras, sorted(keras, key=_numbered)),
        (_as_called(torch, ran.torch_facts), torch),
    )
    made = [pair(ours, theirs, mapping, akin=True) for ours, theirs in orders]
    return [one for number, one in enumerate(made) if one not in made[:number]]


def _as_called(layers: Sequence[Layer], facts: Mapping[str, Any]) -> list[Layer]:
    """By their first calls; those that are never called stand last, as defined."""
    ran = [step["order"] for step in facts["steps"] if step["node"] == "layer"]
    place = {order: number for number, order in enumerate(ran)}
    return sorted(layers, key=lambda layer: place.get(layer.order, len(ran)))


def _numbered(layer: Layer) -> list[tuple[int, str]]:
    """Names sorted so, dense_9 comes before dense_10."""
    parts = re.split(r"(\d+)", layer.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def best(
    both: Both, ways: Sequence[Pairing], begin: Callable[[], Start]
) -> tuple[Start, Answers]:
    """Take the pairing under which the two go along furthest, among equals the first.

    Args:
        both: the pair, with its inputs; its pairing, start and plan are set.
        ways: the pairings to try.
        begin: puts the start into both models, for the pairing that they have.

    Returns:
        The start, and what the models answer from it.

    Raises:
        UsageError: as `settle.settle` does.
    """
    if len(ways) == 1:
        both.pair_as(ways[0])
        return begin(), settle.settle(both)
    own = both.ask("weights")

    def take(one: Pairing) -> tuple[Start, Answers]:
        both.pair_as(one)
        for side, (weights, _) in zip((both.keras, both.torch), own, strict=True):
            side.ask("set_weights", weights)
        return begin(), settle.settle(both)

    scores: list[tuple[bool, int, float]] = []
    for one in ways:
        start, answers = take(one)
        apart = settle.agreement(both, answers)
        agree = settle.agrees(apart) and start.level.verdict == "pass"
        scores.append((not agree, *apart[:2]))
        if agree:
            return start, answers
    return take(ways[scores.index(min(scores))])

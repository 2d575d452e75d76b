"""Which of several candidates to repair, and how much each of them explains."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.check.candidate import Candidate

ENOUGH = 0.9
"""A repair that takes away this share of an error is kept, others to follow."""

Measure = Callable[[Sequence[Candidate]], float]


def units(chosen: Sequence[Candidate], large: bool) -> list[list[Candidate]]:
    """What is proven together: each by itself, or in a large model all of one kind."""
    if not large:
        return [[one] for one in chosen]
    kinds = dict.fromkeys(one.kind for one in chosen)
    return [[one for one in chosen if one.kind == kind] for kind in kinds]


def select(
    apart: Measure, candidates: Sequence[Candidate], limit: float
) -> tuple[Candidate, ...]:
    """The smallest set of candidates that brings an error below the limit.

    Where none does, those that take away most of it, each in its turn.

    Args:
        apart: the error with these repaired; infinite where they do not fit.
        candidates: those to choose from.
        limit: what is allowed.
    """
    before = apart([])
    if before <= limit:
        return ()
    chosen: list[Candidate] = []
    while before > limit:
        usable = [one for one in candidates if one not in chosen and before <= one.most]
        # One after the other, or all at once where they only help together.
        trials = [[one] for one in usable] + [usable]
        scores = [(apart([*chosen, *t]), number) for number, t in enumerate(trials)]
        best, number = min(scores[:-1], default=scores[-1])
        if not best < before * ENOUGH:
            best, number = scores[-1]
        if not best < before * ENOUGH:
            break
        chosen += trials[number]
        before = best
    return tuple(_pruned(apart, chosen, max(limit, before)))


def _pruned(apart: Measure, chosen: list[Candidate], limit: float) -> list[Candidate]:
    for one in list(chosen):
        rest = [other for other in chosen if other is not one]
        if apart(rest) <= limit:
            chosen = rest
    return chosen


def share(
    apart: Measure, unit: Sequence[Candidate], causes: Sequence[Candidate]
) -> float:
    """The part of the error that a repair removes, all others repaired: 0 to 1."""
    rest = apart([other for other in causes if other not in unit])
    left = apart(causes)
    if rest == left or not left < float("inf"):
        return 0.0
    return max(0.0, 1.0 - left / rest) if rest < float("inf") else 1.0

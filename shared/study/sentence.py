"""A verdict in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from shared.study.metric import Metric
from shared.study.result import Track
from shared.study.shares import Share, Shares
from shared.study.statistics import ALPHA, MOST_SEEDS, Difference, seeds_needed
from shared.study.units import TRACKS

EQUIVALENT = "equivalent"
DIFFERENT = "different"
NOT_ENOUGH = "not enough seeds"
DIVERGED = "diverged"


def sentence(
    verdict: str,
    difference: Difference,
    metric: Metric,
    tracks: Mapping[str, Track],
    n: int,
) -> str:
    """The verdict, what it rests on, and which seeds it leaves out."""
    if verdict == DIVERGED:
        return f"Undecided: {lost(tracks)}."
    if diverge_differently(tracks):
        return f"Different: {lost(tracks)}."
    if verdict == EQUIVALENT:
        text = _equivalent(difference, metric)
    elif verdict == DIFFERENT:
        text = _different(difference, metric)
    else:
        text = _not_enough(difference, metric, n)
    some = any(track.diverged for track in tracks.values())
    return f"{text} But {lost(tracks)}." if some else text


def _equivalent(difference: Difference, metric: Metric) -> str:
    interval = difference.interval(2 * ALPHA)
    sure = f"90 % interval {metric.span(interval)}"
    if interval.low == interval.high:
        sure = "whatever the seed"
    text = (
        f"Equivalent: {_found(difference, metric)}, {sure}, within the margin of "
        f"{metric.allowed}."
    )
    if interval.low < interval.high and difference.interval(ALPHA).leaves_out_zero():
        text += " The difference is real, but too small to matter."
    return text


def _different(difference: Difference, metric: Metric) -> str:
    low, high = difference.interval(2 * ALPHA)
    beyond = low > metric.margin or high < -metric.margin
    return (
        f"Different: {_found(difference, metric)}, 95 % interval "
        f"{metric.span(difference.interval(ALPHA))}, "
        f"{'beyond' if beyond else 'and not shown to be within'} the margin of "
        f"{metric.allowed}."
    )


def _not_enough(difference: Difference, metric: Metric, n: int) -> str:
    interval = metric.span(difference.interval(2 * ALPHA))
    return (
        f"Not enough seeds: after {n} in each track {_found(difference, metric)}, "
        f"90 % interval {interval}, not within the margin of {metric.allowed}. "
        f"{_more(difference, metric, n)}"
    )


def _found(difference: Difference, metric: Metric) -> str:
    first, second = TRACKS
    apart = difference.difference
    if not apart:
        return f"the {metric.words} is the same in both tracks"
    side = "above" if apart > 0 else "below"
    return f"{second}'s {metric.words} is {metric.apart(apart)} {side} {first}'s"


def _more(difference: Difference, metric: Metric, n: int) -> str:
    """How many seeds would do: if the tracks are equal, else if they are as found."""
    margin, truth = metric.margin, difference.difference
    enough = seeds_needed(lambda k: difference.power(margin, k))
    condition = ""
    if enough is not None and enough <= n:
        condition = "If the tracks are as far apart as they seem, "
        if abs(truth) < margin:
            enough = seeds_needed(lambda k: difference.power(margin, k, truth))
        else:
            enough = seeds_needed(lambda k: difference.power_to_differ(k, truth))
    text = f"more than {MOST_SEEDS:,} would be needed"
    if enough is not None:
        text = f"about {max(enough, n + 1):,} would do"
    text = condition + text
    return f"{text[0].upper()}{text[1:]}."


def lost(tracks: Mapping[str, Track]) -> str:
    """Which seeds diverged, by track."""
    told = []
    for name, track in tracks.items():
        seeds = track.diverged
        if len(seeds) > 8:
            which = f"{len(seeds)} of {len(track.results)} seeds"
        elif seeds:
            which = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
        else:
            which = "no seed"
        told.append(f"{which} of {name}")
    return f"{' and '.join(told)} diverged"


def diverge_differently(tracks: Mapping[str, Track]) -> bool:
    """Whether the shares of diverged seeds differ beyond chance."""
    gone = [Share(len(t.diverged), len(t.results)) for t in tracks.values()]
    return Shares(*gone).interval(ALPHA).leaves_out_zero()

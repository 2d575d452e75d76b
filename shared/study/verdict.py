"""What the seeds of one lesson show, in numbers and in one plain sentence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from shared.lesson import Lesson
from shared.study.metric import Metric
from shared.study.result import Result, Track
from shared.study.sentence import (
    DIFFERENT,
    DIVERGED,
    EQUIVALENT,
    NOT_ENOUGH,
    diverge_differently,
    lost,
    sentence,
)
from shared.study.shares import Share, Shares
from shared.study.statistics import ALPHA, Difference, Means, Sample, seeds_needed
from shared.study.units import TRACKS


@dataclasses.dataclass(frozen=True)
class Finding:
    """One variant of a lesson, judged.

    Attributes:
        variant: its name; "" where the lesson has none.
        metric: what was judged.
        tracks: the trainings by track.
        summary: of each track's values; empty where too few stayed finite.
        difference: the second track minus the first; None likewise.
        verdict: "equivalent", "different", "not enough seeds" or "diverged".
        sentence: the same in plain words.
        power: the probability that so many seeds show equal tracks to be equivalent.
        enough: how many seeds have a power of 80 %; None beyond MOST_SEEDS.
    """

    variant: str
    metric: Metric
    tracks: Mapping[str, Track]
    summary: Mapping[str, Sample | Share]
    difference: Difference | None
    verdict: str
    sentence: str
    power: float | None = None
    enough: int | None = None

    @property
    def seeds(self) -> int:
        return len(self.tracks[TRACKS[0]].results)

    def to_json(self) -> dict[str, Any]:
        """Plain values; intervals are (low, high)."""
        difference, margin = self.difference, self.metric.margin
        compared = {} if difference is None else {
            "difference": difference.difference,
            "interval_90": difference.interval(2 * ALPHA),
            "interval_95": difference.interval(ALPHA),
            "p_equivalent": difference.p_equivalent(margin),
            "power": self.power,
            "seeds_for_power_80": self.enough,
        }  # fmt: skip
        return {
            "variant": self.variant,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "metric": self.metric.name,
            "yes_no": self.metric.yes_no,
            "margin": margin,
            "margin_from": self.metric.margin_from,
            "tracks": {name: self._track(name) for name in self.tracks},
            **compared,
        }

    def _track(self, name: str) -> dict[str, Any]:
        track, summary = self.tracks[name], self.summary.get(name)
        found: dict[str, Any] = {}
        if isinstance(summary, Share):
            found = {"solved": summary.count, "share": summary.share}
            found["interval_95"] = summary.interval(ALPHA)
        elif summary is not None:
            found = {"mean": summary.mean, "sd": summary.sd}
            found |= {"min": summary.low, "max": summary.high}
        return {
            "fields": track.results[0].fields,
            "n": len(track.values),
            "diverged": track.diverged,
            **found,
            "seeds": [
                {"seed": r.seed, "value": r.value, "loss": r.loss, "metrics": r.metrics}
                for r in track.results
            ],
        }


def judge(
    lesson: Lesson, variant: str, results: Sequence[Result], margin: float | None
) -> Finding:
    """Judge one variant.

    Args:
        lesson: whose it is.
        variant: its name.
        results: its trainings, the same seeds in both tracks.
        margin: the user's, in units of the metric; None for the lesson's.
    """
    yes_no = results[0].solved is not None
    metric = Metric(
        name="solved" if yes_no else next(iter(results[0].metrics)),
        yes_no=yes_no,
        margin=lesson.margin if margin is None else margin,
        margin_from="the lesson" if margin is None else "--margin",
    )
    tracks = {t: Track([r for r in results if r.track == t]) for t in TRACKS}
    least = min(len(track.values) for track in tracks.values())
    if least < 2:
        told = f"Undecided: {lost(tracks)}, and too few are left to compare."
        return Finding(variant, metric, tracks, {}, None, DIVERGED, told)
    difference: Difference
    summary: dict[str, Sample | Share]
    if yes_no:
        shares = {
            t: Share(int(sum(v.values)), len(v.values)) for t, v in tracks.items()
        }
        summary, difference = {**shares}, Shares(*shares.values())
    else:
        samples = {t: Sample.of(track.values) for t, track in tracks.items()}
        summary, difference = {**samples}, Means(*samples.values())
    verdict = _verdict(difference, metric.margin, tracks)
    return Finding(
        variant,
        metric,
        tracks,
        summary,
        difference,
        verdict,
        sentence(verdict, difference, metric, tracks, least),
        power=difference.power(metric.margin, least),
        enough=seeds_needed(lambda n: difference.power(metric.margin, n)),
    )


def _verdict(difference: Difference, margin: float, tracks: Mapping[str, Track]) -> str:
    """One word; divergence in one track only is never equivalence."""
    equivalent = difference.interval(2 * ALPHA).within(margin)
    differ = difference.interval(ALPHA).leaves_out_zero()
    if diverge_differently(tracks) or (differ and not equivalent):
        return DIFFERENT
    if len([track for track in tracks.values() if track.diverged]) == 1:
        return DIVERGED
    return EQUIVALENT if equivalent else NOT_ENOUGH

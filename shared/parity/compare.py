"""One lesson in both tracks: every variant, every precision, every level."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from importlib import metadata
from typing import Any

import numpy as np

from shared.errors import Diverged
from shared.job import Job, Outcome
from shared.lesson import Lesson
from shared.parity import published, tolerances, training
from shared.parity.deviation import Deviation, broken, relative
from shared.parity.ladder import climb, verdict
from shared.parity.pairs import Pair
from shared.parity.structure import fit
from shared.results import Comparison, Figure, Horizon, Level
from shared.runner import TrackProcess, side_by_side
from shared.weights import Weights

TWINS = 8

Progress = Callable[[str, str, int, int, float], None]

Keep = Callable[[str, str, Pair, Any], None]
"""Is given what both tracks found, as keep(variant, precision, pair, data)."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How to compare.

    Attributes:
        matched: climb the ladder; else each framework's own way, and only the scores.
        precisions: "float64" proves, "float32" shows the horizon.
        seed, device, data, limit: as in shared.job.Job.
        settings: fields of the lesson's Config that the user set.
    """

    matched: bool = True
    precisions: tuple[str, ...] = ("float64", "float32")
    seed: int = 0
    device: str = "auto"
    data: str | None = None
    limit: int | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def compare(
    lesson: Lesson,
    processes: Mapping[str, TrackProcess],
    options: Options,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> Comparison:
    """Run the lesson in both tracks and judge every level.

    Args:
        lesson: what to run.
        processes: the running tracks "tf" and "torch".
        options: how.
        progress: called as progress(what, track, epoch, epochs, loss).
        keep: given every pair of runs that is judged, with what pictures need.

    Raises:
        UsageError: bad data, or a loss that diverges in both tracks.
        MissingError: a track cannot run here.
    """
    result = Comparison(
        lesson=lesson.slug,
        title=lesson.title,
        mode="matched" if options.matched else "native",
        precision="+".join(options.precisions),
        seed=options.seed,
        settings=dict(options.settings),
        environment={},
        tracks={name: {} for name in processes},
        levels=[],
        published=[],
        horizons=[],
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        limit=options.limit,
        data=options.data,
    )
    for variant, cfg in lesson.configs(options.settings).items():
        one = _Variant(lesson, processes, options, progress, result, variant, cfg)
        one.judge(keep)
    return result


class _Variant:
    """One variant of the lesson, judged into the comparison."""

    def __init__(
        self,
        lesson: Lesson,
        processes: Mapping[str, TrackProcess],
        options: Options,
        progress: Progress | None,
        result: Comparison,
        variant: str,
        cfg: Any,
    ) -> None:
        self.lesson = lesson
        self.processes = processes
        self.options = options
        self.progress = progress
        self.result = result
        self.variant = variant
        self.cfg = cfg
        self.data = lesson.data(cfg, options.data)

    def judge(self, keep: Keep | None) -> None:
        pairs = {}
        ladder, grid = self.options.matched, keep is not None
        precisions = self.options.precisions if ladder else ("float32",)
        for precision in precisions:
            pair = self._run(precision, ladder=ladder, grid=grid)
            self._stop_if_diverged(pair)
            if keep:
                keep(self.variant, precision, pair, self.data)
            pairs[precision] = pair
            self._describe(pair)
            if self.options.matched:
                start = self._start()
                levels = climb(self.lesson, pair, start, precision, self.variant)
                levels[-1] = self._within_reach(levels[-1], pair, precision)
                self.result.levels += levels
                if not fit(pair, start):
                    return
        if not self.options.matched:
            return
        if "float64" in pairs and self.options.limit is None:
            self._reference(pairs["float64"])
        self._published(pairs)
        self._score(pairs)
        single = pairs.get("float32")
        whole = single is not None and self.options.limit is None
        if single and whole and "history/loss" in single["tf"].trace:
            self._horizon(single)

    def _within_reach(self, level: Level, pair: Pair, precision: str) -> Level:
        """A failed trajectory again, up to where rounding alone parts a track's twins.

        A bug shows at once or where it sets in; chaos shows in one track alone, too.
        """
        at = None
        if level.level == "trajectory" and level.verdict == "fail":
            at = training.first_outside(pair, precision)
        if at is None:
            return level
        twins = [self._run(precision, twin=k + 1, limit=at + 1) for k in range(TWINS)]
        reach = training.reach(pair, twins, precision)
        if reach is None:
            return level
        found = training.trajectory(pair, precision, reach)
        again = verdict("trajectory", precision, self.variant, found)
        where = (
            f"{again.where}; judged to step {reach}, where a start one unit in the "
            "last place away parts from itself"
        )
        return dataclasses.replace(again, where=where)

    def _run(self, precision: str, ladder: bool = False, **more: Any) -> Pair:
        options = self.options
        job = Job(
            lesson=self.lesson.slug,
            fields=dataclasses.asdict(self.cfg),
            matched=options.matched,
            precision=precision,
            seed=options.seed,
            device=options.device,
            data=options.data,
            ladder=ladder,
            **{"limit": options.limit, **more},
        )
        what = " ".join(filter(None, (self.lesson.slug, self.variant, precision)))

        def tell(track: str, epoch: int, epochs: int, loss: float) -> None:
            if self.progress:
                self.progress(what, track, epoch, epochs, loss)

        return side_by_side(self.processes, job, tell)

    def _start(self) -> Weights | None:
        start = self.lesson.optional("start")
        found: Weights | None = start and start(self.cfg, self.options.seed)
        return found

    def _stop_if_diverged(self, pair: Pair) -> None:
        """Both tracks diverging is the setting's fault, not a disagreement."""
        steps = {name: diverged_at(outcome) for name, outcome in pair.items()}
        if all(step is not None for step in steps.values()):
            told = " and ".join(f"{step} in {name}" for name, step in steps.items())
            raise Diverged(
                divergence(self.lesson.slug, self.cfg, told),
                min(s for s in steps.values() if s is not None),
            )

    def _describe(self, pair: Pair) -> None:
        """What the report says of each track; the last precision run stands."""
        result = self.result
        devices = {name: o.environment["device"] for name, o in pair.items()}
        result.environment = {
            "twotrack": metadata.version("twotrack"),
            "python": platform.python_version(),
        }
        for outcome in pair.values():
            made = outcome.environment.items()
            result.environment |= {k: v for k, v in made if k != "device"}
        result.environment |= {
            "numpy": np.__version__,
            "device": devices,
            "machine": f"{platform.system()} {platform.machine()}",
        }
        for name, outcome in pair.items():
            described: dict[str, Any] = {
                "parameters": outcome.parameters,
                "metrics": score(self.lesson, self.data, outcome),
                "seconds": outcome.seconds,
                "peak_memory_bytes": outcome.peak_memory,
            }
            if "history/loss" in outcome.trace:
                described["history"] = {"loss": outcome.trace["history/loss"]}
            if self.variant:
                kept = result.tracks[name].setdefault("variants", {})
                kept[self.variant] = described
            else:
                result.tracks[name] = described

    def _reference(self, pair: Pair) -> None:
        reference = self.lesson.optional("reference")
        if reference is None:
            return
        start = self._start() or {}
        trace = reference(self.cfg, start, self.data)
        found = _against_reference(trace, pair)
        level = verdict("reference", "float64", self.variant, found)
        self.result.levels.append(level)

    def _published(self, pairs: Mapping[str, Pair]) -> None:
        """Only at the notes' own settings, and only what the notes trained to the end.

        The settings that a variant itself fixes are the notes' too.
        """
        pair = pairs.get(self.lesson.published_precision)
        known = [p for p in self.lesson.published if p.variant == self.variant]
        plain = self.lesson.configs({}).get(self.variant) == self.cfg
        if not known or pair is None or not plain or self.options.limit is not None:
            return
        figures: list[Figure] = list(
            published.figures(self.lesson.published, pair, self.variant)
        )
        self.result.published += figures
        found = published.deviations(self.lesson.published, pair, self.variant)
        precision = self.lesson.published_precision
        self.result.levels.append(verdict("published", precision, self.variant, found))

    def _score(self, pairs: Mapping[str, Pair]) -> None:
        precision = "float32" if "float32" in pairs else "float64"
        scores = {
            name: score(self.lesson, self.data, outcome)
            for name, outcome in pairs[precision].items()
        }
        if not any(scores.values()):
            reason = "there is nothing to score"
            level = Level("accuracy", precision, None, None, "not applicable", reason)
        else:
            found = _scores_apart(scores, self.lesson.score_tolerance)
            level = verdict("accuracy", precision, "", iter([found]))
        self.result.levels.append(dataclasses.replace(level, variant=self.variant))

    def _horizon(self, pair: Pair) -> None:
        losses = {name: outcome.trace["history/loss"] for name, outcome in pair.items()}
        steps = len(losses["tf"])
        at = training.parted(losses["tf"], losses["torch"])
        twins: dict[str, list[int | None]] = {name: [] for name in pair}
        reach = 0 if at is None else min(steps, at + at // 2 + 1)
        for twin in range(1, TWINS + 1 if reach else 1):
            shifted = self._run("float32", twin=twin, limit=reach)
            for name, outcome in shifted.items():
                own = losses[name][:reach]
                twins[name].append(training.parted(own, outcome.trace["history/loss"]))
        horizon = Horizon(self.variant, steps, at, twins, reach)
        self.result.horizons.append(horizon)


def diverged_at(outcome: Outcome) -> int | None:
    """The first step whose loss is not finite; None if all are, or none was taken."""
    bad = np.flatnonzero(~np.isfinite(outcome.trace.get("history/loss", np.zeros(0))))
    return int(bad[0]) if len(bad) else None


def divergence(slug: str, cfg: Any, told: str) -> str:
    """One line on a loss that left the finite numbers at step `told`."""
    rate = getattr(cfg, "learning_rate", None)
    remedy = "" if rate is None else f"; learning_rate={rate} is too large: lower it"
    return f"{slug}: the loss left the finite numbers at step {told}{remedy}"


def score(lesson: Lesson, data: Any, outcome: Outcome) -> dict[str, float]:
    """The lesson's metrics; all NaN where the prediction holds one NaN or infinity."""
    prediction = outcome.trace.get("prediction")
    measure = lesson.optional("score")
    if prediction is None or measure is None or data is None:
        return {}
    finite = bool(np.isfinite(prediction).all())
    found = measure(data, np.nan_to_num(prediction))
    return {name: float(v) if finite else float("nan") for name, v in found.items()}


def _scores_apart(
    scores: Mapping[str, Mapping[str, float]], tolerance: float
) -> Deviation:
    name = next(iter(scores["tf"] or scores["torch"]))
    tf, torch = (scores[track].get(name, np.nan) for track in ("tf", "torch"))
    where = f"{name} {tf:.5g} in tf, {torch:.5g} in torch"
    # A score that is no share, such as the r2 of a fit gone wrong, may be huge.
    return Deviation(abs(tf - torch) / max(1.0, abs(tf)), tolerance, where)


def _against_reference(trace: Mapping[str, Any], pair: Pair) -> Iterator[Deviation]:
    """Both tracks against NumPy, in float64, under the trajectory's tolerance."""
    steps = len(trace.get("history/loss", ()))
    for key, expected in trace.items():
        for name, outcome in pair.items():
            where = f"{key} in {name}"
            tolerance = tolerances.trajectory(steps)
            if key.startswith("gradient/"):
                tolerance = tolerances.GRADIENT["float64"]
            if key not in outcome.trace:
                yield broken(f"{where}: missing", tolerance)
                continue
            found = outcome.trace[key]
            yield relative(where, found, np.asarray(expected), tolerance)

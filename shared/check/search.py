"""The causes of every level that fails, each with its share of the error."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from shared.check import choose, explain, layer_causes, measure, training_causes
from shared.check.both import Both
from shared.check.candidate import Candidate, merged
from shared.check.judge import Judge
from shared.check.result import Cause, Level
from shared.parity.deviation import Deviation

STAGES = {
    "forward": (
        "forward",
        "training",
        "loss",
        "gradient",
        "statistics",
        "step",
        "trajectory",
    ),
    "loss": ("loss", "gradient", "step", "trajectory"),
    "gradient": ("gradient", "step", "trajectory"),
    "statistics": ("statistics",),
    "step": ("step", "trajectory"),
}
"""The levels that a difference of each stage reaches."""


_STRUCTURE = {"missing_bias", "unpaired_layer", "frozen"}
"""Where the two models are not made of the same parts, and so cannot train alike."""


@dataclasses.dataclass(frozen=True)
class Explained:
    """What was found.

    Attributes:
        candidates: those whose repair helps.
        causes: the same, with their shares.
        first: the first place that departs, explained or not.
        unexplained: the first that departs for no known cause.
        departs: whether that is in the outputs in inference mode.
    """

    candidates: tuple[Candidate, ...]
    causes: tuple[Cause, ...]
    first: str
    unexplained: str
    departs: bool


class Search:
    """Explains each failing level in its turn, with what was found before repaired."""

    def __init__(
        self,
        both: Both,
        judge: Judge,
        given: Sequence[Candidate],
        levels: Mapping[str, Sequence[Level]],
        specified: Sequence[Cause] = (),
    ) -> None:
        """Get ready.

        Args:
            both: the pair.
            judge: of it.
            given: candidates that the settings do not show.
            levels: what the judge found, by precision.
            specified: the causes for which the spec fails.
        """
        self.both = both
        self.judge = judge
        self.given = list(given)
        self.specified = [one for one in specified if one.id in _STRUCTURE]
        self.precision = next(
            (p for p in levels if p not in judge.refused), next(iter(levels))
        )
        self.failed = {
            one.level
            for found in levels.values()
            for one in found
            if one.verdict == "fail"
        }
        self.found: list[Candidate] = []
        self.behind: list[explain.Behind] = []
        self.first = self.unexplained = ""
        self.departs = False

    def run(self, levels: Sequence[Level]) -> Explained:
        if self.precision not in self.judge.refused:
            for training, level in ((False, "forward"), (True, "training")):
                if level in self.failed:
                    self._forward(training, level)
            for level in ("loss", "gradient", "statistics", "step"):
                if level in self.failed:
                    self._later(level)
        if self.failed and not (self.found or self.unexplained or self.specified):
            # Nothing departs in float64: it is float32 that the models do not bear.
            self._note("", f"{min(self.failed)}, in float32 only")
        broken = next((one for one in levels if one.verdict == "fail"), None)
        if not self.first and broken is not None:
            self.first = broken.where
        causes = tuple(self._cause(one) for one in self.found)
        texts = self.first, self.unexplained
        return Explained(tuple(self.found), causes, *texts, self.departs)

    def _forward(self, training: bool, level: str) -> None:
        limit = self.judge.allowed(level, self.precision)
        apart = {
            name
            for one in self.specified
            if one.id != "frozen"
            for name in (one.place, one.torch_place)
            if name
        }
        search = explain.ForwardSearch(
            self.both, training, limit, self.found, self.given, self.precision, apart
        )
        found = search.run(beyond=not self.unexplained)
        self.found += [*found.causes, *(one.candidate for one in found.behind)]
        self.behind += found.behind
        self.departs |= bool(found.unexplained) and not training
        self._note(found.first, found.unexplained)

    def _note(self, first: str, unexplained: str) -> None:
        self.first = self.first or first
        self.unexplained = self.unexplained or unexplained

    def _later(self, level: str) -> None:
        def apart(chosen: Sequence[Candidate]) -> float:
            repairs = merged([*self.found, *chosen])
            return self.judge.apart(level, self.precision, repairs)

        limit = self.judge.allowed(level, self.precision)
        before = self._deviation(level)
        if before.value <= limit:
            return
        chosen = choose.select(apart, self._candidates(level), limit)
        self.found += chosen
        self._note(before.where, "")
        left = self._deviation(level)
        if not left.value <= limit and not self.specified:
            self._note("", f"{level}: {self._where(level, left)}")

    def _where(self, level: str, left: Deviation) -> str:
        """The worst place; of gradients, which flow backwards, the last layer's."""
        if level != "gradient":
            return left.where
        answers = self.both.gradients(
            self.precision, self.judge.task.loss, merged(self.found)
        )
        found = measure.gradients(self.both, answers, self.precision)
        return [one.where for one in found if not one.passed][-1]

    def _deviation(self, level: str) -> Deviation:
        found = self.judge.deviations(self.precision, [level], merged(self.found))
        one = found[level]
        assert isinstance(one, Deviation), "a level that fails is measured"
        return one

    def _candidates(self, level: str) -> list[Candidate]:
        """Everything that may show first at this level."""
        found: list[Candidate] = []
        if level in ("loss", "gradient"):
            settings = self._facts("loss_settings")
            found += training_causes.of_losses(*settings, self._ends_in_softmax())
        if level == "step":
            found += training_causes.of_optimizers(*self._facts("optimizer"))
        stage = {"gradient": ("gradient", "loss")}.get(level, (level,))
        return found + [one for one in self._of_layers() if one.stage in stage]

    def _ends_in_softmax(self) -> bool:
        """Whether the last thing that PyTorch's model does is a softmax."""
        answers = self.both.forward(self.precision, record="steps")
        last = answers.torch_facts["steps"][-1:]
        return any(step.get("op") == "softmax" for step in last)

    def _of_layers(self) -> list[Candidate]:
        found: list[Candidate] = []
        for one in self.both.pairing.pairs:
            ours = self.both.keras_about["settings"].get(str(one.keras.order), {})
            theirs = self.both.torch_about["settings"].get(str(one.torch.order), {})
            found += layer_causes.candidates(one, ours, theirs)
        return found

    def _facts(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        task, repairs = self.judge.task, merged(self.found)
        if name == "optimizer":
            answers = self.both.train(
                self.precision, task.loss, task.optimizer, task.steps, repairs
            )
        else:
            answers = self.both.gradients(self.precision, task.loss, repairs)
        return answers.keras_facts.get(name, {}), answers.torch_facts.get(name, {})

    def _cause(self, one: Candidate) -> Cause:
        level = next(
            (name for name in STAGES[one.stage] if name in self.failed), one.stage
        )

        def apart(chosen: Sequence[Candidate]) -> float:
            return self.judge.apart(level, self.precision, merged(chosen))

        every = choose.units(self.found, self.both.large)
        unit = next(unit for unit in every if one in unit)
        behind = next((b for b in self.behind if b.candidate == one), None)
        share = behind.share if behind else choose.share(apart, unit, self.found)
        return Cause(
            id=one.id,
            place=one.place,
            torch_place=one.torch_place,
            keras=one.keras,
            torch=one.torch,
            levels=tuple(n for n in STAGES[one.stage] if n in self.failed),
            share=share,
            remedy=one.remedy,
            harmless=one.harmless,
            behind=behind.place if behind else "",
        )

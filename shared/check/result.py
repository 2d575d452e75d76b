"""What a check finds: levels, the layers' own errors, and proven causes."""

from __future__ import annotations

import dataclasses
from typing import Any

LEVELS = {
    "spec": "every layer has a partner with the same parameters",
    "weights": "both hold the same numbers",
    "repeat": "the same model, run twice, answers the same",
    "forward": "outputs in inference mode",
    "training": "outputs in training mode, dropout off",
    "loss": "the loss",
    "gradient": "the gradient of every parameter",
    "statistics": "running statistics after one step",
    "step": "weights after up to three updates",
    "trajectory": "the loss of every step",
}
"""In the order in which they are judged, with what each compares."""

VISIBLE = 1e-9
"""A layer whose error is smaller is not worth a line."""


@dataclasses.dataclass(frozen=True)
class Level:
    """One level in one precision.

    Attributes:
        level: its name, of LEVELS.
        precision: "float64" or "float32"; "" where none matters.
        verdict: "pass", "fail" or "n/a".
        value: the largest relative error; infinite where there is no number for it.
        allowed: how much of it rounding may cause.
        floor: how far a start moved by one unit in the last place carries the model
            itself; 0 where it was not measured.
        where: the worst place, or the first that fails.
        reason: why there is no verdict, or no number.
        repaired: the error that is left once every cause found is repaired.
    """

    level: str
    precision: str
    verdict: str
    value: float = 0.0
    allowed: float = 0.0
    floor: float = 0.0
    where: str = ""
    reason: str = ""
    repaired: float | None = None

    @property
    def explained(self) -> bool:
        """Whether it fails, and no longer does so once the causes are repaired."""
        mended = self.repaired is not None and self.repaired <= self.allowed
        return self.verdict == "fail" and mended


@dataclasses.dataclass(frozen=True)
class Cause:
    """A difference that is proven: to repair it alone brings the two together.

    Attributes:
        id: the row of `twotrack differences`, or what it is called here.
        place: Keras' layer; "" for the loss or the optimizer.
        torch_place: PyTorch's module, or the call.
        keras, torch: the setting on either side.
        levels: those that fail for it.
        share: the part of the error that its repair removes, all others repaired.
        remedy: the exact setting, or the code where no setting exists.
        harmless: it is smaller than what float32 can show.
        behind: the unexplained place behind which it is, or ""; the share is then of
            its own step's error, with Keras' values put into PyTorch's model there.
    """

    id: str
    place: str
    torch_place: str
    keras: str
    torch: str
    levels: tuple[str, ...]
    share: float
    remedy: str
    harmless: bool = False
    behind: str = ""


@dataclasses.dataclass(frozen=True)
class LayerError:
    """How far a layer is off by itself, and with what it inherits, in float64.

    Attributes:
        keras, torch: the layer's names.
        kind: what it is.
        local: relative error where both are fed the same input; None if not measured.
        inherited: relative error of what it is given.
        propagated: relative error of what it gives.
    """

    keras: str
    torch: str
    kind: str
    local: float | None
    inherited: float | None
    propagated: float | None


@dataclasses.dataclass(frozen=True)
class Check:
    """Whether, where and why two models disagree.

    Attributes:
        levels: one entry a level and precision.
        causes: proven ones, in the order in which the model runs.
        unexplained: the first place that departs and that no cause explains, or "".
        first: the first place that departs, explained or not, or "".
        layers: the errors of every pair of layers.
        pairs: which layer was taken for which, as `twotrack convert --json` has them.
        doubts: what is ambiguous about the pairs.
        notes: what else was found out: the layout, where inputs came from.
        smallest: the smallest input that shows what is unexplained.
        about: the settings of this check.
    """

    levels: tuple[Level, ...]
    causes: tuple[Cause, ...]
    unexplained: str
    first: str
    layers: tuple[LayerError, ...]
    pairs: tuple[dict[str, Any], ...]
    doubts: tuple[str, ...]
    notes: tuple[str, ...]
    smallest: dict[str, Any] | None
    about: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether no level fails."""
        return all(level.verdict != "fail" for level in self.levels)

    def level(self, name: str, precision: str = "") -> Level:
        """The level of that name; without a precision the first that fails, or first.

        Raises:
            KeyError: there is none.
        """
        found = [
            one
            for one in self.levels
            if one.level == name and precision in ("", one.precision)
        ]
        if not found:
            raise KeyError(name)
        return next((one for one in found if one.verdict == "fail"), found[0])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"passed": self.passed} | dataclasses.asdict(self)

    def __str__(self) -> str:
        """The tables as `twotrack check` prints them."""
        from shared.check.show_check import text

        return text(self)

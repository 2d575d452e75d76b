"""How the two models of a pair are called, and what they answer."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias

from numpy.typing import NDArray

from shared.parity.trace import Trace

Array: TypeAlias = NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Plan:
    """How PyTorch's model is called.

    Attributes:
        ways: the arrangement of each input, of `arrange.WAYS`.
        passing: "positional", "list", or names for keywords or a dict.
        outputs: which of its outputs is each of Keras', where their names tell.
    """

    ways: tuple[str, ...]
    passing: Any = "positional"
    outputs: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a probe."""
        more = {"outputs": list(self.outputs)} if self.outputs else {}
        return {"arrange": list(self.ways), "passing": self.passing, **more}


@dataclasses.dataclass(frozen=True)
class Answers:
    """What the two models answered, and what they told about it."""

    keras: Trace
    torch: Trace
    keras_facts: dict[str, Any]
    torch_facts: dict[str, Any]
    reshaped: bool = False
    """Whether an output of PyTorch's counts in the shape that Keras' has."""

    def failed(self, precision: str) -> str:
        """Why the two cannot be compared in this precision; empty if they can."""
        for name, facts in (("Keras", self.keras_facts), ("PyTorch", self.torch_facts)):
            if facts.get("failed"):
                return f"{name}: {facts['failed']}"
        if precision == "float64":
            for name, dtypes in zip(("Keras", "PyTorch"), self.dtypes(), strict=True):
                lower = [d for d in dtypes if d in ("float32", "float16", "bfloat16")]
                if lower:
                    return f"{name}'s own code casts to {lower[0]}"
        return ""

    def dtypes(self) -> tuple[list[str], list[str]]:
        """Of the outputs, as the models give them."""
        facts = self.keras_facts, self.torch_facts
        ours, theirs = ([one["dtype"] for one in side["outputs"]] for side in facts)
        return ours, theirs

    def namesakes(self) -> tuple[int, ...]:
        """Which output of PyTorch's each of Keras' names; () if all are in order."""
        facts = self.keras_facts, self.torch_facts
        ours, theirs = ([one["path"] for one in side["outputs"]] for side in facts)
        if ours == theirs or sorted(ours) != sorted(theirs):
            return ()
        return tuple(map(theirs.index, ours))

    def outputs(self) -> tuple[list[Array], list[Array]]:
        """Keras' outputs and PyTorch's, each in its own layout."""
        return _numbered(self.keras, "output"), _numbered(self.torch, "output")


def _numbered(trace: Trace, name: str) -> list[Array]:
    found: list[Array] = []
    while f"{name}/{len(found)}" in trace:
        found.append(trace[f"{name}/{len(found)}"])
    return found

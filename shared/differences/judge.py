"""One difference in the installed versions: how large it is, what the remedy leaves."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

from shared.differences.difference import Difference
from shared.parity.deviation import Deviation, broken, relative
from shared.parity.trace import Trace
from shared.runner import TrackProcess

GROUPS = (
    "layers",
    "convolution",
    "pooling",
    "normalization",
    "recurrent",
    "attention",
    "activations",
    "losses",
    "optimizers",
    "schedules",
    "training",
)
"""The files of rows, in the order of the table."""


@dataclasses.dataclass(frozen=True)
class Demonstration:
    """What a difference shows in the installed versions.

    Attributes:
        difference: the row.
        default: how far the two frameworks are apart as they come.
        residual: how far with the remedy.
        shown: the outputs, by track.
        settings: the defaults that matter, by track, as the frameworks tell them.
    """

    difference: Difference
    default: Deviation
    residual: Deviation
    shown: Mapping[str, Trace]
    settings: Mapping[str, Mapping[str, Any]]

    @property
    def surprises(self) -> list[str]:
        """What is not as it is known to be; empty where all is."""
        row, found = self.difference, []
        for track, known in row.defaults.items():
            for name, value in known.items():
                now = self.settings[track].get(name)
                if now != value:
                    found.append(f"{name} in {track} is {now}, and was {value}")
        if row.least and not self.default.value >= row.least:
            found.append(f"the two differ by {self.default.value:.1e} only")
        if not row.least and not self.default.value <= row.tolerance:
            found.append(f"the two differ by {self.default.value:.1e}")
        if not self.residual.passed:
            value = self.residual.value
            found.append(f"the remedy leaves {value:.1e} at {self.residual.where}")
        return found


def groups() -> dict[str, tuple[Difference, ...]]:
    """All rows, by group."""
    return {
        name: importlib.import_module(f"shared.differences.{name}").ROWS
        for name in GROUPS
    }


def demonstrate(
    group: str, row: Difference, processes: Mapping[str, TrackProcess]
) -> Demonstration:
    """Show one difference, in the running tracks "tf" and "torch".

    Raises:
        MissingError: a track cannot run.
    """
    shown, settings = {}, {}
    for track, process in processes.items():
        arrays, facts = process.call(
            "shared.differences.demonstrate:demonstrate",
            {"group": group, "slug": row.slug, "precision": row.precision},
            row.inputs(),
        )
        shown[track], settings[track] = arrays, facts["settings"]
    default, residual = (_apart(shown, state, row) for state in ("default", "remedied"))
    return Demonstration(row, default, residual, shown, settings)


def _apart(shown: Mapping[str, Trace], state: str, row: Difference) -> Deviation:
    """The output that is furthest apart; an output of one track alone is that."""
    outputs = {
        track: {
            key.removeprefix(f"{state}/"): value
            for key, value in arrays.items()
            if key.startswith(f"{state}/")
        }
        for track, arrays in shown.items()
    }
    tf, torch = outputs["tf"], outputs["torch"]
    if tf.keys() != torch.keys():
        names = ", ".join(sorted(tf.keys() ^ torch.keys()))
        return broken(f"only one track shows {names}", row.tolerance)
    found = [relative(name, tf[name], torch[name], row.tolerance) for name in tf]
    nothing = broken("nothing was shown", row.tolerance)
    return max(found, key=lambda d: d.value, default=nothing)

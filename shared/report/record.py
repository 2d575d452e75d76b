"""What the pages draw of a comparison, saved in a file beside comparison.json."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.datasets import Dataset
from shared.errors import UsageError
from shared.parity.pairs import Pair
from shared.parity.trace import Trace
from shared.plane import plane
from shared.results import Comparison

FOLDER = "arrays"
"""Of the files, beside comparison.json."""

IMAGES = 24
"""Test images on which the tracks disagree, the surest first; more are only counted."""


@dataclasses.dataclass
class Record:
    """Arrays of one lesson's comparison.

    Attributes:
        arrays: by "VARIANT:PRECISION:TRACK:KEY", KEY as in shared/parity/trace.py; and
            by "VARIANT:data::NAME" the samples that pictures show.
        facts: of each variant, in plain values: the names of classes and features, and
            the steps of an epoch.
    """

    arrays: Trace = dataclasses.field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def keep(self, variant: str, precision: str, pair: Pair, data: Any) -> None:
        """Take from both tracks what a picture or a table shows."""
        for track, outcome in pair.items():
            for key, value in outcome.trace.items():
                if key in _KEPT or key.startswith("result/"):
                    self.arrays[f"{variant}:{precision}:{track}:{key}"] = value
        facts = self.facts.setdefault(variant, {})
        facts["steps_per_epoch"] = max(o.steps_per_epoch for o in pair.values())
        if data is None:
            return
        facts["dataset"] = data.name
        facts["class_names"] = list(data.class_names)
        facts["feature_names"] = list(data.feature_names)
        shown = {}
        if plane(data.x_train) is not None:
            shown = {"x_train": data.x_train, "y_train": data.y_train}
        elif data.class_names:
            shown = {"y_test": data.y_test}
        if data.x_test.ndim == 3:
            at = disagreements(*(o.trace.get("prediction") for o in pair.values()))
            at = at[:IMAGES]
            shown |= {"images_at": at, "images": data.x_test[at]}
        for name, value in shown.items():
            self.arrays[f"{variant}:data::{name}"] = value

    def trace(self, variant: str, precision: str, track: str) -> Trace:
        """What is kept of one track's run; empty if nothing is."""
        return self._under(f"{variant}:{precision}:{track}:")

    def last(self, variant: str, track: str) -> Trace:
        """The same of the precision that was run last."""
        found: Trace = {}
        for precision in self.precisions(variant)[-1:]:
            found = self.trace(variant, precision, track)
        return found

    def precisions(self, variant: str) -> list[str]:
        """Those in which the variant was run, float32 last as it was run last."""
        named = [key.split(":") for key in self.arrays]
        found = {key[1] for key in named if key[0] == variant and key[1] != "data"}
        return sorted(found, reverse=True)

    def shown(self, variant: str) -> Trace:
        """The samples that pictures show."""
        return self._under(f"{variant}:data::")

    def dataset(self, variant: str) -> Dataset | None:
        """The samples on the plane of two features; None for any other data."""
        facts, shown = self.facts.get(variant, {}), self.shown(variant)
        if "x_train" not in shown:
            return None
        return Dataset(
            facts["dataset"],
            shown["x_train"],
            shown["y_train"],
            feature_names=tuple(facts["feature_names"]),
            class_names=tuple(facts["class_names"]),
        )

    def to_bytes(self, comparison: Comparison) -> bytes:
        """A safetensors file that knows which comparison it belongs to."""
        from safetensors.numpy import save

        whole = {key: np.ascontiguousarray(a) for key, a in self.arrays.items()}
        about = {"lesson": comparison.lesson, "date": comparison.date}
        # The file has its arrays in an order of its own.
        about |= {"facts": json.dumps(self.facts), "order": json.dumps([*whole])}
        return save(whole, about)

    def _under(self, prefix: str) -> Trace:
        return {
            key.removeprefix(prefix): value
            for key, value in self.arrays.items()
            if key.startswith(prefix)
        }


_KEPT = ("history/loss", "prediction", "grid")


def path(folder: Path, lesson: str) -> Path:
    """Where the arrays of that lesson's comparison lie."""
    return folder / FOLDER / f"{lesson}.safetensors"


def disagreements(
    tf: NDArray[Any] | None, torch: NDArray[Any] | None
) -> NDArray[np.intp]:
    """Indices of the samples that the tracks take for different classes.

    Args:
        tf, torch: scores of every class, shape (samples, classes).

    Returns:
        Those of which both are the surest first.
    """
    if tf is None or torch is None or tf.ndim != 2 or tf.shape != torch.shape:
        return np.zeros(0, np.intp)
    finite = np.isfinite(tf).all(axis=1) & np.isfinite(torch).all(axis=1)
    at = np.flatnonzero(finite & (tf.argmax(axis=1) != torch.argmax(axis=1)))
    sure = np.minimum(tf[at].max(axis=1), torch[at].max(axis=1))
    return at[np.argsort(-sure, kind="stable")]


def load(file: Path, comparison: Comparison) -> Record:
    """Read what `to_bytes` wrote.

    Raises:
        UsageError: it cannot be read, or belongs to another comparison.
    """
    from safetensors import SafetensorError, safe_open

    if not file.exists():
        raise UsageError(f"there is no {file}")
    try:
        with safe_open(file, framework="numpy") as opened:
            about = opened.metadata() or {}
            order = json.loads(about.get("order", "[]"))
            place = {key: number for number, key in enumerate(order)}
            keys = sorted(opened.keys(), key=lambda key: place.get(key, 0))
            arrays = {key: opened.get_tensor(key) for key in keys}
            facts = json.loads(about.get("facts", "{}"))
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise UsageError(f"{file} cannot be read ({error})") from None
    if about.get("date") != comparison.date or not isinstance(facts, dict):
        raise UsageError(f"{file} belongs to another comparison")
    return Record(arrays, facts)

"""The levels before any arithmetic: spec, weights, and training against evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from shared.parity.deviation import Deviation, broken
from shared.parity.pairs import Pair, keys
from shared.weights import Weights

SHOWN = 3
"""More differences than these are counted, not named."""


def spec(pair: Pair, start: Weights | None, precision: str) -> Iterator[Deviation]:
    """Names, shapes, dtype, settings; the value counts what differs."""
    found = list(_parameters(pair, start or {}, precision))
    if fit(pair, start):
        found += _settings("", pair["tf"].settings, pair["torch"].settings)
    told = "; ".join(found[:SHOWN])
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    where = told + more or f"{pair['tf'].parameters:,} parameters"
    yield Deviation(float(len(found)), 0.0, where)


def fit(pair: Pair, start: Weights | None) -> bool:
    """Whether both models have the parameters of the start, so that both could run."""
    expected = {n: w.shape for n, w in (start or {}).items()}
    return all(
        {n: w.shape for n, w in keys(outcome.trace, "weights").items()} == expected
        for outcome in pair.values()
    )


def _parameters(pair: Pair, start: Weights, precision: str) -> Iterator[str]:
    for track, outcome in pair.items():
        given = keys(outcome.trace, "weights")
        for name in dict.fromkeys([*start, *given]):
            if name not in given or name not in start:
                yield f"{track} {_lacks(name in given)} {name}"
            elif given[name].shape != start[name].shape:
                shape = given[name].shape
                yield f"{name}: {track} {shape}, spec {start[name].shape}"
            elif given[name].dtype != precision:
                yield f"{name}: {track} {given[name].dtype}"


def _lacks(has: bool) -> str:
    return "has an unexpected" if has else "lacks"


def _settings(prefix: str, tf: Any, torch: Any) -> Iterator[str]:
    if isinstance(tf, dict) and isinstance(torch, dict):
        # The optimizer's rule first: the others follow from it.
        for key in sorted(tf.keys() | torch.keys(), key=lambda k: (k != "rule", k)):
            yield from _settings(f"{prefix} {key}", tf.get(key), torch.get(key))
        return
    # "None" and 0 both say: no weight decay, no momentum.
    if (tf or 0) != (torch or 0) and not _close(tf, torch):
        yield f"{prefix.strip()}: tf {tf}, torch {torch}"


def _close(tf: Any, torch: Any) -> bool:
    """Equal but for the float32 in which Keras keeps a learning rate."""
    both = isinstance(tf, (int, float)) and isinstance(torch, (int, float))
    return both and bool(np.isclose(tf, torch, rtol=1e-7, atol=0))


def weights(pair: Pair, start: Weights | None, precision: str) -> Iterator[Deviation]:
    """Into the model and out again, bit for bit; the value counts unequal numbers."""
    for name, value in (start or {}).items():
        for track, outcome in pair.items():
            given = keys(outcome.trace, "weights").get(name)
            if given is None or given.shape != value.shape:
                yield broken(f"{name} in {track}: missing or of another shape")
                continue
            unequal = given != value.astype(precision)
            yield Deviation(float(unequal.sum()), 0.0, f"{name} in {track}")


def mode(pair: Pair) -> Iterator[Deviation]:
    """Evaluation repeats itself; in training, dropout drops at its rate."""
    for track, outcome in pair.items():
        trace = outcome.trace
        if "evaluate/prediction" in trace:
            once, twice = trace["evaluate/prediction"], trace["evaluate/repeat"]
            unequal = float((once != twice).sum() + np.isnan(once).sum())
            yield Deviation(unequal, 0.0, f"evaluation repeated in {track}")
        outputs = keys(trace, "forward")
        for layer, rate in outcome.settings.get("dropout", {}).items():
            if layer not in outputs:
                yield broken(f"{layer} did not run in {track}")
                continue
            names = list(outputs)
            before = outputs[names[names.index(layer) - 1]]
            yield _drops(track, layer, rate, before, outputs[layer])


def _drops(
    track: str, layer: str, rate: float, before: np.ndarray, after: np.ndarray
) -> Deviation:
    """The share dropped of what was not zero, against five standard errors."""
    alive = before != 0
    share = float((after[alive] == 0).mean()) if alive.any() else float("nan")
    allowed = 5 * np.sqrt(rate * (1 - rate) / max(int(alive.sum()), 1))
    where = f"{layer} in {track} drops {share:.3f} in training, rate {rate}"
    return Deviation(abs(share - rate), float(allowed), where)

"""No false alarm: two models that are equal pass, whatever they start from."""

from __future__ import annotations

from collections import Counter

import check_planted_images
import check_planted_sequences
import check_planted_training
import pytest
from check_architectures import ARCHITECTURES, FOLDER, OPTIMIZER, check_pair

import shared
from shared.check.result import Check

SEEDS = 20
PORTED = sorted(p.name.removesuffix("_port.py") for p in FOLDER.glob("*_port.py"))


def assert_clean(check: Check) -> None:
    """Every level that applies passes, and nothing is blamed."""
    verdicts = {level.level: level.verdict for level in check.levels}
    assert verdicts.pop("statistics") in ("pass", "n/a")
    assert set(verdicts.values()) == {"pass"}, str(check)
    assert check.causes == ()
    assert check.first == check.unexplained == ""


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_in_both_precisions(name: str) -> None:
    pair = ARCHITECTURES[name]
    options = {"loss": pair.loss, "optimizer": OPTIMIZER, "steps": 10}
    assert_clean(shared.check_pair(*pair.models(), pair.inputs, **options))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_from_many_starts(name: str) -> None:
    pair = ARCHITECTURES[name]
    options = {"inputs": pair.inputs, "loss": pair.loss, "optimizer": OPTIMIZER}
    options |= {"steps": 1, "precisions": ("float64",)}
    for seed in range(1, SEEDS):
        assert_clean(check_pair(pair.models(seed=seed), seed=seed, **options))


@pytest.mark.parametrize("name", PORTED)
def test_ported(name: str) -> None:
    """Weights that a user's own code converts rightly."""
    pair = ARCHITECTURES[name]
    options = {"loss": pair.loss, "optimizer": OPTIMIZER, "weights": "own"}
    assert_clean(shared.check_pair(*pair.models(port=True), pair.inputs, **options))


def test_the_tables() -> None:
    """Mistakes of many kinds, in every architecture, on both sides."""
    tables = check_planted_images, check_planted_sequences, check_planted_training
    planted = [one for table in tables for one in table.PLANTED]
    assert len({one.name for one in planted}) == len(planted) >= 110
    sides = Counter((one.architecture, e.side) for one in planted for e in one.edits)
    for name in ARCHITECTURES:
        assert sides[name, "keras"] and sides[name, "torch"], name

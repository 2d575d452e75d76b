"""The ladder for every lesson, whole trainings, in both precisions."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

import pytest

from shared import lesson as lessons
from shared.lessons import CURRICULUM
from shared.parity.compare import Options, compare
from shared.results import Comparison
from shared.runner import TrackProcess

DEVICE = os.environ.get("TWOTRACK_DEVICE", "auto")

UNTRAINED = ("logic_gates", "activations", "autograd", "forward_pass")
BY_HAND = ("delta_rule", "xor_backprop", "perceptron_iris")
PRINTED = {
    "logic_gates",
    "activations",
    "autograd",
    "forward_pass",
    "delta_rule",
    "perceptron_iris",
    "linear_regression",
    "logistic_gates",
    "logistic_regression",
    "xor_perceptron",
    "xor_mlp",
}
"""The lessons whose figures the notes fix."""

Processes = Mapping[str, TrackProcess]


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with contextlib.ExitStack() as stack:
        yield {n: stack.enter_context(TrackProcess(n)) for n in ("tf", "torch")}


@pytest.fixture(scope="module", params=CURRICULUM)
def comparison(request: pytest.FixtureRequest, processes: Processes) -> Comparison:
    lesson = lessons.find(request.param)
    return compare(lesson, processes, Options(device=DEVICE))


def test_every_level_passes(comparison: Comparison) -> None:
    failed = [level for level in comparison.levels if level.verdict == "fail"]
    assert not failed
    assert comparison.passed


def test_no_level_is_left_out(comparison: Comparison) -> None:
    """What does not apply is known beforehand, so that no check can fall asleep."""
    applies = {r.level for r in comparison.levels if r.verdict == "pass"}
    expected = {"forward"}
    if comparison.lesson not in UNTRAINED:
        expected |= {"spec", "weights", "mode", "step", "trajectory", "accuracy"}
        if comparison.lesson != "perceptron_iris":
            expected.add("gradient")
    if comparison.lesson in BY_HAND:
        expected.add("reference")
    if comparison.lesson in PRINTED:
        expected.add("published")
    assert expected <= applies


def test_both_precisions_are_judged(comparison: Comparison) -> None:
    judged = {r.precision for r in comparison.levels if r.level == "forward"}
    assert judged == {"float64", "float32"}


def test_published_figures_are_reproduced_by_both_tracks(
    comparison: Comparison,
) -> None:
    lesson = lessons.find(comparison.lesson)
    assert len(comparison.published) == len(lesson.published)
    assert bool(lesson.published) >= (comparison.lesson in PRINTED)
    for figure in comparison.published:
        assert figure.passed, figure


def test_the_whole_training_is_compared(comparison: Comparison) -> None:
    """Only trainings that leave their own one-ulp twins are judged in part."""
    parts = {
        r.variant
        for r in comparison.levels
        if r.level == "trajectory" and "judged to step" in r.where
    }
    assert not parts or comparison.lesson in ("softmax_regression", "xor_deep")


@pytest.mark.parametrize("slug", CURRICULUM)
def test_native_mode_runs_in_both_tracks(slug: str, processes: Processes) -> None:
    lesson = lessons.find(slug)
    options = Options(matched=False, limit=3, device=DEVICE)
    found = compare(lesson, processes, options)
    assert found.mode == "native"
    for name in ("tf", "torch"):
        assert found.tracks[name]

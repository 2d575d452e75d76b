"""Above the ladder, on made-up tracks: chaos, horizon, score, reference, figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.errors import Diverged
from shared.job import Job, Outcome
from shared.lesson import Lesson, Published
from shared.parity import published, tolerances
from shared.parity.compare import TWINS, Options, compare
from shared.parity.pairs import Pair
from shared.parity.trace import Trace
from shared.parity.training import parted
from shared.results import Comparison, Level

STEPS = 80
FLOAT64, FLOAT32 = ("float64",), ("float32",)
Answer = Callable[[Job], Trace]


@dataclasses.dataclass(frozen=True)
class Config:
    """No settings."""


def trace(loss: NDArray[Any] | None = None, **more: Any) -> Trace:
    """What a track finds; a keyword adds to it, None takes away."""
    start = np.ones((2, 1))
    found: dict[str, Any] = {
        "weights/kernel": start,
        "evaluate/prediction": start,
        "evaluate/repeat": start,
        "loss": np.array(1.0),
        "gradient/kernel": start,
        "step/1/kernel": start,
        "history/loss": np.ones(STEPS) if loss is None else loss,
        "prediction": start,
        "result/shown": np.ones(2),
    }
    found |= more
    return {key: value for key, value in found.items() if value is not None}


class Track:
    """Answers every job, cut to its limit, in its precision."""

    def __init__(self, answer: Answer | Trace) -> None:
        self.answer = answer
        self.jobs: list[Job] = []

    def run(self, job: Job, progress: Any = None) -> Outcome:
        self.jobs.append(job)
        found = self.answer(job) if callable(self.answer) else self.answer
        found = {
            key: value.astype(job.precision) if value.dtype.kind == "f" else value
            for key, value in found.items()
        }
        if "history/loss" in found:
            found["history/loss"] = found["history/loss"][: job.limit]
        return Outcome(found, {}, 2, 1, {"device": "cpu"}, {}, None)


def judge(
    tf: Track, torch: Track, precisions: tuple[str, ...] = FLOAT64, **members: Any
) -> Comparison:
    spec = ModuleType("toy")
    spec.__dict__.update(
        Config=Config,
        data=lambda cfg: object(),
        start=lambda cfg, seed: {"kernel": np.ones((2, 1))},
        score=lambda data, prediction: {"accuracy": float(prediction.mean())},
        **members,
    )
    tracks: Any = {"tf": tf, "torch": torch}
    return compare(Lesson("toy", spec), tracks, Options(precisions=precisions))


def level(found: Comparison, name: str) -> Level:
    (decisive,) = (level for level in found.levels if level.level == name)
    return decisive


@pytest.mark.parametrize("precisions", [FLOAT64, FLOAT32, (*FLOAT64, *FLOAT32)])
def test_equal_tracks_agree_in_any_precision(precisions: tuple[str, ...]) -> None:
    assert judge(Track(trace()), Track(trace()), precisions).passed


def growing(first: float, tenfold_in: float) -> NDArray[np.float64]:
    return np.asarray(first * 10.0 ** (np.arange(STEPS) / tenfold_in))


CHAOS = {"float64": growing(1e-16, 4), "float32": growing(1e-8, 8)}


def twins(error: NDArray[np.float64], apart: NDArray[np.float64] | float) -> Track:
    """A track whose twins lie `error` from it, and it `apart` from a loss of one."""
    return Track(lambda job: trace(np.ones(STEPS) + apart + error * bool(job.twin)))


@pytest.mark.parametrize("precision", CHAOS)
def test_chaos_is_judged_to_where_a_track_leaves_its_twin(precision: str) -> None:
    error = CHAOS[precision]
    for tf, torch in ((error, 0 * error), (0 * error, error), (error, error)):
        found = judge(twins(tf, 0.0), twins(torch, error), (precision,))
        trajectory = level(found, "trajectory")
        assert trajectory.verdict == "pass"
        assert "judged to step" in trajectory.where


@pytest.mark.parametrize("precision", CHAOS)
def test_what_parts_the_tracks_alone_is_a_bug(precision: str) -> None:
    error = CHAOS[precision]
    found = judge(twins(0 * error, 0.0), twins(0 * error, error), (precision,))
    assert level(found, "trajectory").where.startswith("loss at step 1")
    assert not found.passed


@pytest.mark.parametrize("step", [0, 3, 14, 30, 40])
def test_a_bug_is_found_while_the_twins_are_close(step: int) -> None:
    """Even where they part by more than is allowed, but far less than by the bug."""
    late = np.zeros(STEPS)
    late[step:] = 0.01
    found = judge(twins(CHAOS["float64"], 0.0), twins(CHAOS["float64"], late))
    assert level(found, "trajectory").verdict == "fail"
    assert level(found, "trajectory").where == f"loss at step {step}"


def test_chaos_from_the_first_step_on_proves_nothing() -> None:
    error = np.full(STEPS, 1e-11)
    where = level(judge(twins(error, 0.0), twins(error, error)), "trajectory").where
    assert where.startswith("nothing was measured")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("result/shown", np.ones(3)),
        ("result/shown", np.ones(2, np.int64)),
        ("result/shown", np.array([1.0, np.nan])),
        ("result/shown", None),
        ("prediction", None),
    ],
)
def test_chaos_does_not_excuse_an_end_of_another_kind(key: str, value: Any) -> None:
    error = CHAOS["float64"]
    torch = Track(lambda job: trace(1.0 + error * (1 + bool(job.twin)), **{key: value}))
    found = judge(twins(error, 0.0), torch)
    trajectory = level(found, "trajectory")
    assert trajectory.verdict == "fail"
    assert key.removeprefix("result/") in trajectory.where


def test_the_horizon_is_where_the_losses_part_and_the_twins_are_run_beyond_it() -> None:
    apart = np.zeros(STEPS)
    apart[40:] = 1e-3
    twin = np.zeros(STEPS)
    twin[50] = 1e-3
    tf, torch = twins(twin, 0.0), twins(0 * twin, apart)
    (horizon,) = judge(tf, torch, FLOAT32).horizons
    assert (horizon.steps, horizon.parted, horizon.twin_steps) == (STEPS, 40, 61)
    assert horizon.twins == {"tf": [50] * TWINS, "torch": [None] * TWINS}
    for track in (tf, torch):
        moved = [(job.twin, job.limit) for job in track.jobs if job.twin]
        assert moved == [(twin, 61) for twin in range(1, TWINS + 1)]


def test_no_twin_is_run_where_nothing_parts() -> None:
    tf, torch = twins(CHAOS["float32"], 0.0), twins(CHAOS["float32"], 1e-7)
    (horizon,) = judge(tf, torch, FLOAT32).horizons
    assert (horizon.parted, horizon.twin_steps) == (None, 0)
    assert len(tf.jobs) == 1


@given(st.integers(0, STEPS - 1), st.sampled_from([0.99, 1.01, np.inf, np.nan]))
def test_parted(step: int, factor: float) -> None:
    a, b = np.ones(STEPS), np.ones(STEPS + 5)
    b[step] -= factor * tolerances.HORIZON
    assert parted(a, b) == parted(b, a) == (None if factor == 0.99 else step)


def test_a_loss_that_diverges_in_both_tracks_is_the_settings_fault() -> None:
    tf, torch = (Track(trace(np.append(np.ones(n), np.nan))) for n in (9, 5))
    with pytest.raises(Diverged, match="step 9 in tf and 5 in torch") as raised:
        judge(tf, torch)
    assert raised.value.step == 5


@pytest.mark.parametrize("precisions", [FLOAT64, FLOAT32])
@pytest.mark.parametrize("step", [5, 50, STEPS - 1])
def test_a_loss_that_diverges_in_one_track_is_found(
    step: int, precisions: tuple[str, ...]
) -> None:
    loss = np.ones(STEPS)
    loss[step] = np.nan
    for bad in (loss, loss[: step + 1]):
        assert not judge(Track(trace()), Track(trace(bad)), precisions).passed
        assert not judge(Track(trace(bad)), Track(trace()), precisions).passed


@pytest.mark.parametrize(
    ("prediction", "allowed", "passes"),
    [
        (np.ones((2, 1)), 0.0, True),
        (np.array([[1.0], [0.98]]), 0.011, True),
        (np.array([[1.0], [0.98]]), 0.009, False),
        (np.array([[1.0], [-9e9]]), 0.9, False),
        (np.array([[1.0], [np.nan]]), 1.0, False),
        (np.array([[1.0], [np.inf]]), 1.0, False),
        (None, 1.0, False),
    ],
)
def test_the_score(prediction: Any, allowed: float, passes: bool) -> None:
    other = Track(trace(prediction=prediction))
    for tracks in ((Track(trace()), other), (other, Track(trace()))):
        found = judge(*tracks, FLOAT32, SCORE_TOLERANCE=allowed)
        assert (level(found, "accuracy").verdict == "pass") == passes


def test_a_huge_score_is_measured_by_its_size() -> None:
    tracks = [Track(trace(prediction=np.full((2, 1), x))) for x in (-1e3, -1.001e3)]
    for allowed, verdict in ((0.0011, "pass"), (0.0009, "fail")):
        found = judge(tracks[0], tracks[1], FLOAT32, SCORE_TOLERANCE=allowed)
        assert level(found, "accuracy").verdict == verdict


def test_two_scores_that_are_not_numbers_do_not_agree() -> None:
    bad = trace(prediction=np.array([[1.0], [np.nan]]))
    assert level(judge(Track(bad), Track(bad)), "accuracy").verdict == "fail"


@pytest.mark.parametrize(
    ("expected", "where"),
    [
        ({"trained/kernel": np.ones(2)}, None),
        ({"trained/kernel": np.ones(2) * (1 + 1e-9)}, "trained/kernel in tf [0]"),
        ({"trained/kernel": np.ones(3)}, "trained/kernel in tf: shape"),
        ({"trained/bias": np.ones(1)}, "trained/bias in tf: missing"),
        ({}, "nothing was measured"),
    ],
)
def test_the_reference(expected: Trace, where: str | None) -> None:
    own = trace() | {"trained/kernel": np.ones(2)}
    given = judge(Track(own), Track(own), reference=lambda cfg, start, data: expected)
    found = level(given, "reference")
    assert found.verdict == "pass" if where is None else found.where.startswith(where)


def figures(figure: Published, tf: Any, torch: Any) -> tuple[bool, str]:
    """Whether it agrees, and the first place that is said not to."""
    given: Pair = {}
    for name, value in (("tf", tf), ("torch", torch)):
        found = {} if value is None else {"result/z": np.asarray(value)}
        given[name] = Outcome(found, {}, 0, 0, {}, {}, None)
    (told,) = published.figures((figure,), given, "")
    bad = [d for d in published.deviations((figure,), given, "") if not d.passed]
    assert told.passed == (not bad)
    return told.passed, bad[0].where if bad else ""


@pytest.mark.parametrize(
    ("printed", "digits", "decimals", "unit"),
    [
        (0.7434073, 6, None, 1e-6),
        (7.434073, 4, None, 1e-3),
        (-152.7695, 5, None, 1e-2),
        (29661.8, 5, None, 1.0),
        (1.0, 8, None, 1e-7),
        (0.0, 3, None, 1e-2),
        (0.965, None, 3, 1e-3),
        (-0.4, None, 8, 1e-8),
        (3.0, None, 0, 0.5),
        ([1.0, 200.0], 3, None, 1e-2),
    ],
)
def test_a_figure_agrees_to_one_unit_of_its_last_digit(
    printed: Any, digits: int | None, decimals: int | None, unit: float
) -> None:
    figure = Published("z", "result/z", printed, digits=digits, decimals=decimals)
    exact = np.asarray(printed, np.float64)
    for factor, agrees in ((0.99, True), (-0.99, True), (1.01, False), (-1.01, False)):
        near = exact.copy()
        near.flat[0] += factor * unit
        assert figures(figure, near, exact) == (agrees, "" if agrees else "z in tf")
        assert figures(figure, exact, near)[0] == agrees


@pytest.mark.parametrize("value", [None, [1.0], [[1.0, 1.0]], [1.0, np.nan], 1.0])
def test_a_figure_that_is_not_found_does_not_agree(value: Any) -> None:
    figure = Published("z", "result/z", [1.0, 1.0], decimals=2)
    assert not figures(figure, value, [1.0, 1.0])[0]
    assert not figures(figure, [1.0, 1.0], value)[0]
    assert not figures(figure, value, value)[0]


def test_a_figure_of_a_step_or_of_another_variant() -> None:
    loss = {"history/loss": np.arange(5.0)}
    assert published.find(loss, "loss[3]") == 3.0
    assert published.find(loss, "loss[5]") is None
    other = Published("z", "result/z", 1.0, decimals=2, variant="other")
    assert not list(published.deviations((other,), {}, ""))

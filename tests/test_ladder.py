"""The ladder on made-up traces: what each level lets pass, and what it names."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.job import Outcome
from shared.lesson import Lesson
from shared.parity import tolerances
from shared.parity.ladder import climb, verdict
from shared.parity.pairs import Pair
from shared.parity.trace import Trace
from shared.results import Level

PRECISIONS = ("float64", "float32")
STEPS = 40
START = {"hidden/kernel": np.full((2, 3), 0.5), "hidden/bias": np.zeros(3)}
SETTINGS = {
    "epochs": STEPS,
    "optimizer": {"rule": "sgd", "learning_rate": 0.1},
    "dropout": {"dropout": 0.5},
}


def trace(precision: str) -> Trace:
    """What a track finds of a lesson with one hidden layer and dropout after it."""
    ones = np.ones((40, 3))
    half = np.tile([[0.0, 2.0, 0.0], [2.0, 0.0, 2.0]], (20, 1))
    found = {f"weights/{name}": value for name, value in START.items()}
    found |= {"evaluate/prediction": ones, "evaluate/repeat": ones}
    found |= {"forward/hidden": ones, "forward/hidden:relu": ones}
    found |= {"forward/flat": ones, "forward/dropout": half, "loss": np.array(1.0)}
    found |= {f"gradient/{name}": np.ones_like(value) for name, value in START.items()}
    for count in (1, 2, 3):
        for name, value in START.items():
            found[f"step/{count}/{name}"] = value + 0.5
    found["history/loss"] = np.ones(STEPS)
    for step in (1, 2, 5, 10, 20, STEPS):
        found[f"snapshot/{step}/hidden/kernel"] = np.ones((2, 3))
    found |= {"prediction": ones, "result/shown": np.ones(2)}
    return {key: value.astype(precision) for key, value in found.items()}


def outcome(found: Trace, **settings: Any) -> Outcome:
    return Outcome(found, SETTINGS | settings, 9, 1, {}, {}, None)


def lesson(**members: Any) -> Lesson:
    spec = ModuleType("toy")
    spec.__dict__.update(members)
    return Lesson("toy", spec)


def pair(precision: str, tf: Trace | None = None, torch: Trace | None = None) -> Pair:
    """Two tracks that agree but for these keys; None takes a key away."""
    found = {}
    for name, changes in (("tf", tf), ("torch", torch)):
        whole: dict[str, Any] = trace(precision) | (changes or {})
        found[name] = outcome({k: v for k, v in whole.items() if v is not None})
    return found


def levels(given: Pair, precision: str, **members: Any) -> dict[str, Level]:
    found = climb(lesson(**members), given, START, precision, "")
    return {level.level: level for level in found}


def failing(given: Pair, precision: str = "float64", **members: Any) -> list[Level]:
    found = levels(given, precision, **members).values()
    return [level for level in found if level.verdict == "fail"]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_equal_tracks_pass_every_level(precision: str) -> None:
    found = levels(pair(precision), precision)
    assert {level.verdict for level in found.values()} == {"pass"}
    assert list(found) == [
        "spec", "weights", "mode", "forward", "gradient", "step", "trajectory",
    ]  # fmt: skip


Damage = Callable[[NDArray[Any]], NDArray[Any] | None]


def poisoned(value: float) -> Damage:
    def damage(array: NDArray[Any]) -> NDArray[Any]:
        found = array.copy()
        found.flat[-1] = value
        return found

    return damage


DAMAGES: dict[str, Damage] = {
    "nan": poisoned(np.nan),
    "inf": poisoned(np.inf),
    "-inf": poisoned(-np.inf),
    "shape": lambda array: np.stack([array, array]),
    "flat": lambda array: array[None],
    "dtype": lambda array: array.astype("float16"),
    "int": lambda array: array.astype("int64"),
    "missing": lambda array: None,
    "off": lambda array: array + array.dtype.type(0.01),
}
PLACES = {
    "weights/hidden/kernel": "weights",
    "evaluate/prediction": "forward",
    "forward/hidden": "forward",
    "forward/hidden:relu": "forward",
    "loss": "forward",
    "gradient/hidden/kernel": "gradient",
    "step/2/hidden/bias": "step",
    "history/loss": "trajectory",
    "snapshot/5/hidden/kernel": "trajectory",
    "prediction": "trajectory",
    "result/shown": "trajectory",
}


@pytest.mark.parametrize("track", ["tf", "torch"])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("key", PLACES)
def test_whatever_is_damaged_in_one_track_is_found(
    key: str, damage: str, track: str
) -> None:
    changes: Any = {key: DAMAGES[damage](trace("float64")[key])}
    if key == "evaluate/prediction":
        changes["evaluate/repeat"] = changes[key]
    found = failing(pair("float64", **{track: changes}))
    level, where = PLACES[key], key.rpartition("/")[2].partition(":")[0]
    if level == "weights" and damage in ("shape", "flat", "dtype", "int", "missing"):
        level = "spec"
    if key == "evaluate/prediction" and damage == "nan":
        level, where = "mode", "evaluation repeated"
    if key == "history/loss" and damage == "missing":
        # What an untrained model shows belongs to the forward level.
        found, where = found[1:], "trains"
    assert found[0].level == level
    assert where in found[0].where


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("damage", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("key", PLACES)
def test_not_a_number_on_both_sides_is_no_agreement(
    key: str, damage: str, precision: str
) -> None:
    changes: Any = {key: DAMAGES[damage](trace(precision)[key])}
    given = pair(precision, changes, changes)
    late = key.partition("/")[0] in ("snapshot", "prediction", "result")
    assert bool(failing(given, precision)) == (precision == "float64" or not late)


SCALES = [
    ("forward/hidden", "forward", tolerances.FORWARD),
    ("gradient/hidden/bias", "gradient", tolerances.GRADIENT),
    ("step/3/hidden/bias", "step", {"float64": tolerances.STEP}),
    ("history/loss", "trajectory", {"float32": tolerances.GATE}),
    ("prediction", "trajectory", {"float64": tolerances.trajectory(STEPS)}),
    ("snapshot/20/hidden/kernel", "trajectory", {"float64": tolerances.trajectory(20)}),
]


@pytest.mark.parametrize(("key", "level", "allowed"), SCALES)
def test_the_tolerance_is_the_edge(
    key: str, level: str, allowed: dict[str, float]
) -> None:
    for precision, tolerance in allowed.items():
        for factor, names in ((0.9, []), (1.1, [level])):
            one = trace(precision)[key]
            near = one + one.dtype.type(factor * tolerance)
            found = failing(pair(precision, {key: near}), precision)
            assert [f.level for f in found] == names


def test_the_loss_is_allowed_more_with_every_step() -> None:
    loss = np.ones(STEPS)
    for step in (0, STEPS - 1):
        for factor, fails in ((0.9, False), (1.1, True)):
            near = loss.copy()
            near[step] += factor * tolerances.trajectory(step)
            found = failing(pair("float64", {"history/loss": near}))
            assert bool(found) == fails
            assert not fails or found[0].where == f"loss at step {step}"


def test_float32_steps_are_allowed_a_share_of_the_update() -> None:
    key, moved = "step/1/hidden/bias", np.float32(0.5)
    for factor, fails in ((0.9, False), (1.1, True)):
        near = np.full(3, moved + np.float32(factor * 0.5 * tolerances.STEP_OF_UPDATE))
        found = failing(pair("float32", {key: near}), "float32")
        assert [level.level for level in found] == ["step"] * fails


@pytest.mark.parametrize("precision", PRECISIONS)
def test_of_a_gradient_that_cancels_only_the_rounding_is_allowed(
    precision: str,
) -> None:
    noise = tolerances.NOISE_ULPS * tolerances.EPS[precision]
    for factor, names in ((0.9, []), (1.1, ["gradient"])):
        near = np.full(3, factor * noise, precision)
        given = pair(
            precision, *({"gradient/hidden/bias": b} for b in (near, 0 * near))
        )
        assert [f.level for f in failing(given, precision)] == names


def test_weights_that_vanish_are_measured_by_what_they_were() -> None:
    key = "snapshot/20/hidden/kernel"
    for error, names in ((1e-13, []), (1e-11, ["trajectory"])):
        small = np.full((2, 3), 1e-9)
        given = pair("float64", {key: small}, {key: small + error})
        assert [f.level for f in failing(given)] == names


def test_float32_is_followed_only_through_the_gate() -> None:
    for step, fails in (
        (tolerances.GATE_STEPS - 1, True),
        (tolerances.GATE_STEPS, False),
    ):
        loss = np.ones(STEPS, np.float32)
        loss[step] = 1.5
        assert (
            bool(failing(pair("float32", {"history/loss": loss}), "float32")) == fails
        )


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("cut", [-1, 1])
def test_another_number_of_steps_is_found_beyond_the_gate(
    precision: str, cut: int
) -> None:
    loss = np.ones(STEPS + cut, precision)
    found = failing(pair(precision, torch={"history/loss": loss}), precision)
    assert [f.where for f in found] == [
        f"loss: shape ({STEPS},) in tf, ({STEPS + cut},) in torch"
    ]


def test_the_first_of_several_failures_is_named() -> None:
    wrong = {key: trace("float64")[key] + 0.5 for key in PLACES if "/" in key}
    where = {f.level: f.where for f in failing(pair("float64", wrong))}
    assert where["weights"].startswith("hidden/kernel")
    assert where["forward"].startswith("hidden [")
    assert where["gradient"].startswith("hidden/kernel")
    loss = np.ones(STEPS)
    loss[[7, 3, 30]] += (1e-9, 1e-11, 1.0)
    found = failing(pair("float64", torch={"history/loss": loss}))
    assert [f.where for f in found] == ["loss at step 3"]


def test_of_what_passes_the_nearest_to_its_tolerance_is_named() -> None:
    loss = np.ones(STEPS)
    loss[9] += 0.5e-12
    assert (
        levels(pair("float64", {"history/loss": loss}), "float64")["trajectory"].where
        == "loss at step 9"
    )


@pytest.mark.parametrize("owner", ["tf", "torch"])
def test_only_the_last_activation_may_be_in_the_loss(owner: str) -> None:
    last: Trace = {"forward/output": np.ones(2), "forward/output:softmax": np.ones(2)}
    other: Any = {"forward/output": np.ones(2)}
    both = {owner: last, ("torch" if owner == "tf" else "tf"): other}
    assert not failing(pair("float64", **both))
    other["forward/hidden:relu"] = None
    assert [f.where for f in failing(pair("float64", **both))] == [
        f"only {owner} has hidden:relu"
    ]
    layer = {owner: {"forward/output": np.ones(2)}}
    assert failing(pair("float64", **layer))[0].where == f"only {owner} has output"


def test_the_last_activation_must_agree_where_both_have_it() -> None:
    other = {"forward/output:softmax": np.zeros(2)}
    found = failing(pair("float64", {"forward/output:softmax": np.ones(2)}, other))
    assert [f.where for f in found] == ["output:softmax [0]"]


@pytest.mark.parametrize(
    ("tf", "torch", "where"),
    [
        ({"epochs": 1}, {"epochs": 2}, "epochs: tf 1, torch 2"),
        ({"momentum": None}, {"momentum": 0}, None),
        ({"rate": 0.1}, {"rate": float(np.float32(0.1))}, None),
        ({"rate": 0.1}, {"rate": 0.1001}, "rate: tf 0.1, torch 0.1001"),
        ({"shuffle": True}, {"shuffle": False}, "shuffle: tf True, torch False"),
        ({}, {"clip": 1.0}, "clip: tf None, torch 1.0"),
        (
            {"optimizer": {"rule": "sgd", "beta": 1}},
            {"optimizer": {"rule": "adam", "beta": 2}},
            "optimizer rule: tf sgd, torch adam",
        ),
        ({"optimizer": {}}, {"optimizer": {"rule": "sgd"}}, "optimizer rule: tf None"),
    ],
)
def test_settings(tf: dict[str, Any], torch: dict[str, Any], where: str | None) -> None:
    found = trace("float64")
    given = {"tf": outcome(found, **tf), "torch": outcome(found, **torch)}
    named = [level.where for level in failing(given)]
    assert named == [] if where is None else named[0].startswith(where)


def test_dropout_must_drop_at_its_rate_and_run() -> None:
    for value, where in ((1.0, "drops 0.000"), (0.0, "drops 1.000")):
        kept = {"forward/dropout": np.full((40, 3), value)}
        assert where in failing(pair("float64", kept, kept))[0].where
    never: Any = {"forward/dropout": None}
    found = failing(pair("float64", never, never))
    assert (found[0].level, found[0].where) == ("mode", "dropout did not run in tf")


def test_evaluation_must_repeat_itself() -> None:
    again = {"evaluate/repeat": np.full((40, 3), np.nextafter(1.0, 2.0))}
    found = failing(pair("float64", torch=again))
    assert [f.where for f in found] == ["evaluation repeated in torch"]


def test_a_level_that_measured_nothing_has_failed() -> None:
    level = verdict("forward", "float64", "", iter(()))
    assert (level.verdict, level.where) == ("fail", "nothing was measured")
    gone: Any = {key: None for key in trace("float64") if key.startswith("gradient/")}
    assert [f.level for f in failing(pair("float64", gone, gone))] == ["gradient"]


def test_a_lesson_without_parameters_or_training() -> None:
    shown = {"result/z": np.ones(2), "result/gradient/dz": np.ones(2)}
    given = {name: outcome(dict(shown)) for name in ("tf", "torch")}
    found = {v.level: v for v in climb(lesson(), given, None, "float64", "")}
    passed = [name for name, level in found.items() if level.verdict == "pass"]
    assert passed == ["forward", "gradient"]
    given["torch"].trace["result/gradient/dz"] = np.zeros(2)
    found = {v.level: v for v in climb(lesson(), given, None, "float64", "")}
    assert found["gradient"].verdict == "fail"

"""The parts of `twotrack check` that need neither framework."""

from __future__ import annotations

import itertools
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.check import arrange, choose, inputs
from shared.check.both import Both
from shared.check.candidate import Candidate, merged
from shared.errors import UsageError


def candidate(name: str, most: float = math.inf) -> Candidate:
    return Candidate(name, name, "", "", "", "", (), most=most)


# Arrangements


def test_a_tensor_is_found_in_any_layout() -> None:
    x = np.arange(2 * 3 * 4 * 5, dtype=float).reshape(2, 3, 4, 5)
    found = arrange.matched(x, np.moveaxis(x, -1, 1))
    assert found is not None
    assert found[0] == "channels_first"
    assert (found[1] == x).all()


@pytest.mark.parametrize("way", arrange.WAYS)
def test_every_way_has_its_way_back(way: str) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5, 6))
    assert (arrange.BACK[way](arrange.there(x, way)) == x).all()


@pytest.mark.parametrize("rank", [3, 4, 5])
def test_of_two_layouts_that_fit_the_closer_one_is_taken(rank: int) -> None:
    x = np.random.default_rng(0).standard_normal((3,) * rank)
    for way in arrange.ways(rank):
        found = arrange.matched(x, arrange.there(x, way))
        assert found is not None
        assert found[0] == way


def test_a_batch_and_time_in_one_axis_is_a_reshape() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    assert arrange.matched(x, x.reshape(6, 4)) is not None
    assert arrange.matched(x, x.reshape(4, 6)) is None


def test_frames_in_one_axis_with_the_batch_are_found() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5, 6))
    frames = np.moveaxis(x.reshape(6, 4, 5, 6), -1, 1)
    found = arrange.matched(x, frames)
    assert found is not None
    assert (found[1] == x).all()
    turned = arrange.into(x, frames)
    assert turned is not None
    assert (turned == frames).all()


def test_a_number_that_is_not_finite_is_infinitely_far() -> None:
    x = np.array([1.0, np.nan])
    assert arrange.distance(x, x) == float("inf")


# Inputs


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2,28,28,1", ((2, 28, 28, 1), None)), ("4,12:100", ((4, 12), 100))],
)
def test_shapes(text: str, expected: object) -> None:
    assert inputs.parsed(text) == expected


@pytest.mark.parametrize("text", ["", "2,x", "2,,3", "0,3", "3,4:0", "2;3", "-1,3"])
def test_bad_shapes(text: str) -> None:
    with pytest.raises(UsageError, match="--input"):
        inputs.parsed(text)


def about(shape: list[int | None] | None, **more: object) -> dict[str, object]:
    return {"name": "x", "shape": shape, "dtype": "float32", "below": None} | more


def test_open_axes_are_set_to_different_sizes() -> None:
    (x,) = inputs.drawn([about([None, None, 3])], [], 0)
    assert len(set(x.shape)) == 4


def test_a_lookup_gets_integers_that_it_knows() -> None:
    (x,) = inputs.drawn([about([9], below=5)], [], 0)
    assert x.dtype.kind == "i"
    assert x.min() >= 0 and x.max() < 5


def test_seeds_draw_apart() -> None:
    a, b, c = (inputs.drawn([about([4])], [], seed)[0] for seed in (0, 0, 1))
    assert (a == b).all()
    assert not (a == c).any()


def test_an_unknown_shape_is_asked_for() -> None:
    with pytest.raises(UsageError, match="--input 2,28,28,1"):
        inputs.drawn([about(None)], [], 0)


def test_a_shape_must_fit_the_model() -> None:
    with pytest.raises(UsageError, match=r"takes \(batch, any, 3\)"):
        inputs.drawn([about([None, 3])], [((2, 5, 4), None)], 0)


def test_data(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, x=np.zeros((2, 3)), y=np.ones(2))
    given, target = inputs.read(str(path), ["anything"])
    assert given[0].shape == (2, 3)
    assert target[0].shape == (2,)


@pytest.mark.parametrize("arrays", [{}, {"a": np.zeros(2), "b": np.zeros(2)}])
def test_data_of_other_inputs(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="the model's inputs are x"):
        inputs.read(str(path), ["x"])


@pytest.mark.parametrize(
    ("kind", "sum_of_row"),
    [("CategoricalCrossentropy", 1.0), ("kld", 1.0)],
)
def test_targets_are_distributions_where_the_loss_wants_them(
    kind: str, sum_of_row: float
) -> None:
    target = inputs.target(kind, np.zeros((5, 4)), 0)
    assert target.sum(-1) == pytest.approx(sum_of_row)


def test_targets_are_classes_where_the_loss_wants_them() -> None:
    target = inputs.target("SparseCategoricalCrossentropy", np.zeros((50, 4)), 0)
    assert target.shape == (50,)
    assert set(target) == {0, 1, 2, 3}


# Choosing causes


ERRORS = {"a": 1.0, "b": 0.01, "c": 0.0}


def apart(chosen: list[Candidate]) -> float:
    """Each difference adds its error until it is repaired."""
    repaired = {one.id for one in chosen}
    return sum(error for name, error in ERRORS.items() if name not in repaired)


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_the_smallest_set_that_repairs_it(order: tuple[str, ...]) -> None:
    found = choose.select(apart, [candidate(name) for name in order], 1e-9)
    assert {one.id for one in found} == {"a", "b"}


def test_two_that_only_help_together() -> None:
    def both_or_none(chosen: list[Candidate]) -> float:
        return 0.0 if {"a", "b"} <= {one.id for one in chosen} else 1.0

    found = choose.select(both_or_none, [candidate(n) for n in "cab"], 1e-9)
    assert {one.id for one in found} == {"a", "b"}


def test_nothing_is_blamed_where_nothing_helps() -> None:
    assert choose.select(lambda _: 1.0, [candidate("a")], 1e-9) == ()


def test_nothing_is_blamed_where_nothing_is_wrong() -> None:
    assert choose.select(lambda _: 0.0, [candidate("a")], 1e-9) == ()


def test_a_harmless_difference_does_not_explain_a_large_one() -> None:
    tiny = candidate("tiny", most=1e-6)
    assert choose.select(lambda chosen: 0.0 if chosen else 1.0, [tiny], 1e-9) == ()
    assert choose.select(lambda chosen: 0.0 if chosen else 1e-8, [tiny], 1e-9)


def test_shares() -> None:
    a, b = candidate("a"), candidate("b")
    assert choose.share(apart, [a], [a, b]) == 1.0
    assert choose.share(apart, [a], [a]) == pytest.approx(1 - 0.01 / 1.01)
    assert choose.share(apart, [candidate("c")], [a]) == 0.0


def test_repairs_of_one_layer_become_one() -> None:
    def rule(key: str, value: int) -> Candidate:
        settings = {"stride": 1, "padding": 0, key: value}
        repair = {"do": "as_keras", "order": 3, "kind": "conv2d"}
        own = {"settings": settings, "own": [key]}
        return Candidate("x", "", "", "", "", "", ({**repair, **own},))

    (found,) = merged([rule("stride", 2), rule("padding", 7)])
    assert found["settings"] == {"stride": 2, "padding": 7}


class Slow:
    """A side that must not be asked while it still answers."""

    def __init__(self, fails: bool) -> None:
        self.fails, self.busy, self.asked = fails, False, 0

    def ask(self, probe: str, arrays: Any = None, /, **arguments: Any) -> Any:
        assert not self.busy, "asked a second question"
        if probe == "describe":
            return {}, {"parameters": 1}
        self.busy, self.asked = True, self.asked + 1
        time.sleep(0 if self.fails else 0.05)
        self.busy = False
        if self.fails:
            raise UsageError("it does not take this")
        return {}, {}


def test_a_side_that_fails_waits_for_the_other() -> None:
    keras, torch = Slow(fails=False), Slow(fails=True)
    both = Both(keras, torch, apart=True)
    for _ in range(2):
        with pytest.raises(UsageError):
            both.forward("float32")
        keras.ask("weights")
    # Keras' answer is kept, whatever became of PyTorch's.
    assert (keras.asked, torch.asked) == (1 + 2, 2)

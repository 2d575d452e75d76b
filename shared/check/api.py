"""The check as a function, for notebooks, and as tests, for a user's own pytest."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from shared.check.answers import Array
from shared.check.both import Both
from shared.check.examine import Options, examine
from shared.check.result import LEVELS, Check
from shared.check.side import Here
from shared.errors import UsageError

Inputs = Any


def check_pair(
    keras_model: Any,
    torch_module: Any,
    inputs: Inputs = None,
    *,
    target: Inputs = None,
    loss: Any = None,
    optimizer: Any = None,
    steps: int | None = None,
    mapping: Mapping[str, str] | None = None,
    weights: str = "auto",
    precisions: Sequence[str] = ("float64", "float32"),
    seed: int = 0,
) -> Check:
    """Say whether, where and why two models disagree; they are left as they were.

    Args:
        keras_model: a Keras model: functional, Sequential or subclassed.
        torch_module: an nn.Module.
        inputs: arrays in Keras' layout (batch first, channels last): one, or as many as
            the model has, as a list or a dict by name; a tuple of ints for the shape of
            a drawn one; None for the Keras model's own shapes.
        target: for the loss, likewise; None to draw it.
        loss, optimizer: a name such as "cross_entropy" or "adam:0.01", or a pair: for
            Keras an object, for PyTorch a callable(output, target), or one that makes
            an optimizer of parameters.
        steps: of training.
        mapping: names of Keras layers to paths of PyTorch modules, where the pairing is
            ambiguous.
        weights: "own" as they come, "keras" or "torch" for that model's in both, "auto"
            for own where the two have a kernel in common, else Keras'.
        precisions: in which to compare.
        seed: of what is drawn.

    Raises:
        UsageError: shapes or arguments do not fit, or the user's code fails.
        MissingError: a framework is missing.
    """
    sides = Here("tf"), Here("torch")
    models = keras_model, torch_module
    held: list[Here] = []
    try:
        for side, model in zip(sides, models, strict=True):
            side.ask("hold", model=model)
            held.append(side)
        both = Both(*sides, apart=False)
        names = [one["name"] for one in both.keras_about["inputs"]]
        is_shape = isinstance(inputs, tuple) and all(isinstance(n, int) for n in inputs)
        options = Options(
            inputs=[] if is_shape else _arrays(inputs, names),
            shapes=[(tuple(inputs), None)] if is_shape else [],
            target=_arrays(target, []),
            loss=loss,
            optimizer=optimizer,
            steps=steps,
            mapping=dict(mapping or {}),
            weights=weights,
            precisions=precisions,
            seed=seed,
        )
        return examine(both, options)
    finally:
        for side in held:
            side.ask("release")


def _arrays(given: Inputs, names: Sequence[str]) -> list[Array]:
    """The arrays of a user's inputs, in the model's order."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        missing = [name for name in names if name not in given]
        if missing:
            raise UsageError(
                f"inputs lack {missing[0]!r}; the Keras model takes {', '.join(names)}"
            )
        return [np.asarray(given[name]) for name in names or given]
    if isinstance(given, (list, tuple)) and any(np.ndim(one) for one in given):
        return [np.asarray(one) for one in given]
    return [np.asarray(given)]


def pair_test(
    keras: Callable[[], Any], torch: Callable[[], Any], **options: Any
) -> Callable[..., None]:
    """A pytest function with a case for each level of the check.

        test_my_port = shared.pair_test(build_keras, build_torch, loss="cross_entropy")

    Args:
        keras, torch: functions that build the two models; called once.
        options: as `check_pair` has them.
    """
    import pytest

    @functools.cache
    def checked() -> Check:
        return check_pair(keras(), torch(), **options)

    @pytest.mark.parametrize("level", LEVELS)
    def test_pair(level: str) -> None:
        """The two models agree at this level."""
        check = checked()
        found = [one for one in check.levels if one.level == level]
        if all(one.verdict == "n/a" for one in found):
            pytest.skip(found[0].reason if found else "not asked for")
        assert all(one.verdict != "fail" for one in found), str(check)

    return test_pair

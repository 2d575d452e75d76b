"""What both models are fed: the user's arrays, or drawn ones of the right shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shared.errors import UsageError

Array: TypeAlias = NDArray[Any]

FREE = {1: (7,), 2: (32, 40), 3: (10, 12, 14)}
"""What axes that a model leaves open are set to: no two alike, so that no transpose
passes unseen."""

BATCHES, LARGE_BATCHES, LARGE = (3, 5, 4), (2,), 50_000
"""Samples in a drawn batch; fewer where one sample has more numbers than that."""


def parsed(text: str) -> tuple[tuple[int, ...], int | None]:
    """'32,28,28,1' or, for integers below 100, '32,12:100': the shape, and the bound.

    Raises:
        UsageError: it is neither.
    """
    if not re.fullmatch(r"\d+(,\d+)*(:\d+)?", text):
        raise UsageError(
            f"--input {text!r} is not of the form N,H,W,C (in Keras' layout), or "
            "N,T:K for integers below K"
        )
    sizes, _, below = text.partition(":")
    shape = tuple(map(int, sizes.split(",")))
    if 0 in shape or below == "0":
        raise UsageError(f"--input {text!r}: every number must be positive")
    return shape, int(below) if below else None


def drawn(
    about: Sequence[Mapping[str, Any]],
    given: Sequence[tuple[tuple[int, ...], int | None]],
    seed: int,
    size: float = 1.0,
) -> list[Array]:
    """A batch for each input: normal numbers, or integers where the model looks up.

    The first sample of what the model looks up, masks or reads step by step ends in
    padding.

    Args:
        about: what the Keras model tells of its inputs.
        given: shapes with their batch axis, and bounds of integers, from the user.
        seed: of the numbers.
        size: their standard deviation.

    Raises:
        UsageError: a shape is neither known nor given, or does not fit the model.
    """
    if given and about and len(given) != len(about):
        raise UsageError(
            f"the Keras model takes {_inputs(about)}, and {len(given)} are given: "
            "name each with --input, in the model's order"
        )
    random = np.random.default_rng([seed, 1])
    batch = _batch(about)
    found: list[Array] = []
    for k in range(max(len(about), len(given))):
        one: Mapping[str, Any] = about[k] if about else {"shape": None}
        shape, below = given[k] if given else (_shape(one, batch), None)
        _check_fits(one, shape)
        below = below or one.get("below")
        if below:
            numbers = random.integers(0, below, shape).astype(np.int32)
            found.append(_padded(numbers, 0))
        elif "int" in str(one.get("dtype")):
            found.append(random.integers(0, 2, shape).astype(one["dtype"]))
        elif one.get("dtype") == "bool":
            found.append(random.random(shape) < 0.5)
        else:
            normal = (size * random.standard_normal(shape)).astype(np.float32)
            found.append(_padded(normal, one.get("padding")))
    return found


def _padded(numbers: Array, value: float | None) -> Array:
    if value is not None and numbers.ndim > 1:
        numbers[0, numbers.shape[1] // 2 + 1 :] = value
    return numbers


def checked(about: Sequence[Mapping[str, Any]], given: Sequence[Array]) -> list[Array]:
    """The user's arrays.

    Raises:
        UsageError: there are more or fewer than the Keras model takes, or one does not
            fit.
    """
    if about and len(given) != len(about):
        raise UsageError(
            f"the Keras model takes {_inputs(about)}, and {len(given)} are given"
        )
    for one, array in zip(about, given, strict=False):
        _check_fits(one, array.shape)
    return list(given)


def _inputs(about: Sequence[Any]) -> str:
    return "one input" if len(about) == 1 else f"{len(about)} inputs"


def _batch(about: Sequence[Mapping[str, Any]]) -> int:
    """A size that no other axis has, so that no axis is taken for the batch."""
    shapes = [one["shape"] or () for one in about]
    sizes = {size for shape in shapes for size in shape}
    largest = max((int(np.prod([n or 32 for n in s])) for s in shapes), default=0)
    choices = LARGE_BATCHES if largest > LARGE else BATCHES
    return next((n for n in choices if n not in sizes), choices[0])


def _shape(about: Mapping[str, Any], batch: int) -> tuple[int, ...]:
    if about["shape"] is None:
        raise UsageError(
            "the Keras model does not tell the shape of its input: give it, such as "
            "--input 2,28,28,1, in Keras' layout"
        )
    free = iter(FREE.get(sum(n is None for n in about["shape"]), ()))
    return (batch, *(n if n is not None else next(free, 9) for n in about["shape"]))


def _check_fits(about: Mapping[str, Any], shape: tuple[int, ...]) -> None:
    own = about["shape"]
    if own is None or not about.get("exact", True):
        return  # a subclassed model only tells what it was built with
    fits = len(own) == len(shape) - 1 and all(
        mine in (None, size) for mine, size in zip(own, shape[1:], strict=True)
    )
    if not fits:
        told = ", ".join("any" if n is None else str(n) for n in own)
        raise UsageError(
            f"the input {shape} does not fit the Keras model, which takes (batch, "
            f"{told})"
        )


def read(path: str, names: Sequence[str]) -> tuple[list[Array], list[Array]]:
    """Inputs and targets from an .npz: x or the inputs' names; y for the target.

    Raises:
        UsageError: it cannot be read, or holds something else.
    """
    if not Path(path).is_file():
        raise UsageError(f"--data: there is no file {path!r}")
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--data: {path!r} is not an .npz of arrays ({error})"
        ) from None
    target = [held.pop(name) for name in ("y", "target") if name in held][:1]
    targets = target or [held.pop(k) for k in sorted(held) if re.fullmatch(r"y\d+", k)]
    if set(names) <= held.keys() and names:
        return [_usable(path, n, held[n]) for n in names], targets
    if len(held) != max(len(names), 1):
        raise UsageError(
            f"--data: {path!r} holds {', '.join(held) or 'nothing'}; the model's "
            f"inputs are {', '.join(names)}, and y would be the target"
        )
    return [_usable(path, name, array) for name, array in held.items()], targets


def _usable(path: str, name: str, array: Array) -> Array:
    if array.dtype.kind not in "fiub" or not array.size:
        raise UsageError(f"--data: {name!r} in {path!r} holds no numbers")
    return array.astype(np.float32) if array.dtype == np.float16 else array


def target(kind: str, output: Array, seed: int, number: int = 0) -> Array:
    """A target for a loss of that kind, where the user gave none.

    Args:
        kind: the loss's name or class.
        output: what Keras' model gives.
        seed, number: of the draw, and of the output.
    """
    random = np.random.default_rng([seed, 2, number])
    known = kind.lower().replace("_", "")
    if known.startswith(("crossentropy", "sparse", "nll")):
        return random.integers(0, output.shape[-1], output.shape[:-1]).astype(np.int64)
    if known.startswith(("categoricalcross", "categoricalfocal")):
        chosen = random.integers(0, output.shape[-1], output.shape[:-1])
        return np.eye(output.shape[-1], dtype=np.float32)[chosen]
    if known.startswith(("bce", "binary")):
        return random.integers(0, 2, output.shape).astype(np.float32)
    if "hinge" in known:
        return (random.integers(0, 2, output.shape) * 2 - 1).astype(np.float32)
    if known.startswith("kl"):
        mass = random.random(output.shape).astype(np.float32) + 0.1
        return mass / mass.sum(-1, keepdims=True)
    if "poisson" in known:
        return random.poisson(2.0, output.shape).astype(np.float32)
    return random.standard_normal(output.shape).astype(np.float32)

"""The floor: what a training costs where nothing is left but its arithmetic.

Counted are the matrix products, the optimizer's update, the gathering of the batches
and the random numbers for dropout, at the rates that NumPy reaches on this machine, in
one thread, in the same run. Left out are activations, biases and losses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from shared.job import Outcome

TOUCHED = {"sgd": 3, "momentum": 5, "adagrad": 5, "rmsprop": 5, "adam": 7, "adamw": 7}
"""Arrays of the size of the parameters that an update reads or writes."""

ROOTS = ("adagrad", "rmsprop", "adam", "adamw")
"""Rules that take a root and a quotient for every parameter."""

LEAST = 2**16
"""Elements at which a rate is measured at least: below, it is the calls that count."""


def seconds(outcome: Outcome, x: NDArray[Any], steps: int) -> dict[str, float]:
    """Seconds that so many steps of a training take at least, by kind of work.

    Args:
        outcome: of that training; it tells parameters, batches, rule and dropout.
        x: the training inputs, samples first.
        steps: how many.
    """
    settings = outcome.settings
    size = min(settings["batch_size"], settings["samples"])
    starts = [v for k, v in outcome.trace.items() if k.startswith("weights/")]
    kernels = [start for start in starts if start.ndim == 2]
    with threadpool_limits(1):
        a_step = {
            "products": sum(_products(size, kernels)),
            "update": _update(starts, str(settings["optimizer"].get("rule", "sgd"))),
            "gather": _gather(x, size, starts[0].dtype) if size < len(x) else 0.0,
            "masks": _masks(size, kernels, len(settings.get("dropout", ()))),
        }
    return {kind: steps * value for kind, value in a_step.items()}


def _products(size: int, kernels: Sequence[NDArray[Any]]) -> Iterator[float]:
    """Of each dense kernel: the output, the kernel's gradient, the input's gradient."""
    for layer, kernel in enumerate(kernels):
        rows, columns = kernel.shape
        yield _product(size, rows, columns, kernel.dtype)
        yield _product(rows, size, columns, kernel.dtype)
        if layer:
            yield _product(size, columns, rows, kernel.dtype)


def _product(rows: int, inner: int, columns: int, dtype: np.dtype[Any]) -> float:
    """Seconds of a product of these sizes; a small one at the rate of a larger one."""
    sizes = [max(size, 32) for size in (rows, inner, columns)]
    a, b = np.ones(sizes[:2], dtype), np.ones(sizes[1:], dtype)
    result = a @ b
    share = rows * inner * columns / np.prod(sizes)
    return float(share * _shortest(lambda: np.matmul(a, b, out=result)))


def _update(starts: Sequence[NDArray[Any]], rule: str) -> float:
    """Memory traffic or arithmetic, whichever takes longer."""
    count = sum(start.size for start in starts)
    source = np.ones(max(count, LEAST), starts[0].dtype)
    target = np.empty_like(source)
    traffic = _shortest(lambda: np.copyto(target, source)) / 2 * TOUCHED.get(rule, 3)
    arithmetic = 0.0
    if rule in ROOTS:
        arithmetic = _shortest(lambda: np.sqrt(source, out=target))
        arithmetic += _shortest(lambda: np.divide(source, source, out=target))
    return max(traffic, arithmetic) * count / len(source)


def _gather(x: NDArray[Any], size: int, dtype: np.dtype[Any]) -> float:
    samples = x.reshape(len(x), -1).astype(dtype)
    chosen = np.random.default_rng(0).permutation(len(x))
    batch = np.empty((size, samples.shape[1]), dtype)
    starts = iter(range(10**9))

    def take() -> None:
        first = next(starts) * size % (len(x) - size)
        np.take(samples, chosen[first : first + size], axis=0, out=batch, mode="clip")

    return _shortest(take)


def _masks(size: int, kernels: Sequence[NDArray[Any]], layers: int) -> float:
    """A random number for each input of the layers that follow a dropout."""
    count = size * sum(kernel.shape[0] for kernel in kernels[1 : layers + 1])
    drawn = np.empty(LEAST, np.float32)
    random = np.random.Generator(np.random.Philox(0))
    each = _shortest(lambda: random.random(out=drawn, dtype=np.float32)) / LEAST
    return count * each


def _shortest(work: Callable[[], object], budget: float = 0.05) -> float:
    """Seconds a call when nothing disturbs it: the best of ten rounds."""
    work()
    begun = time.perf_counter()
    work()
    once = max(time.perf_counter() - begun, 1e-7)
    calls = max(1, int(budget / 10 / once))
    rounds = []
    for _ in range(10):
        begun = time.perf_counter()
        for _ in range(calls):
            work()
        rounds.append((time.perf_counter() - begun) / calls)
    return min(rounds)

"""The floor: what a training costs where nothing is left but its arithmetic.

Counted are the matrix products, the memory traffic of the optimizer's update and the
gathering of the batches, at the rates that NumPy reaches on this machine, in one
thread, at these very shapes. Left out are activations, losses and random numbers.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from shared.job import Outcome

TOUCHED = {"sgd": 3, "momentum": 5, "adagrad": 5, "rmsprop": 5, "adam": 7, "adamw": 7}
"""Arrays of the size of the parameters that an update reads or writes."""


def seconds(outcome: Outcome, x: NDArray[Any], steps: int) -> dict[str, float]:
    """Seconds that so many steps of a training take at least, by kind of work.

    Args:
        outcome: of that training; it tells the parameters, the batches and the rule.
        x: the training inputs, samples first.
        steps: how many.
    """
    settings = outcome.settings
    size = min(settings["batch_size"], settings["samples"])
    starts = [v for k, v in outcome.trace.items() if k.startswith("weights/")]
    with threadpool_limits(1):
        a_step = {
            "products": sum(_products(size, starts)),
            "update": _update(starts, str(settings["optimizer"].get("rule", "sgd"))),
            "gather": _gather(x, size, starts[0].dtype) if size < len(x) else 0.0,
        }
    return {kind: steps * value for kind, value in a_step.items()}


def _products(size: int, starts: Sequence[NDArray[Any]]) -> Iterator[float]:
    """Of each dense kernel: the output, the kernel's gradient, the input's gradient."""
    kernels = [start for start in starts if start.ndim == 2]
    for layer, kernel in enumerate(kernels):
        into = np.ones((size, kernel.shape[0]), kernel.dtype)
        out = np.ones((size, kernel.shape[1]), kernel.dtype)
        yield _product(into, kernel)
        yield _product(into.T, out)
        if layer:
            yield _product(out, kernel.T)


def _product(a: NDArray[Any], b: NDArray[Any]) -> float:
    result = a @ b
    return _best(lambda: np.matmul(a, b, out=result))


def _update(starts: Sequence[NDArray[Any]], rule: str) -> float:
    count = sum(start.size for start in starts)
    source = np.ones(count, starts[0].dtype)
    target = np.empty_like(source)
    copied = _best(lambda: np.copyto(target, source))
    return copied / 2 * TOUCHED.get(rule, TOUCHED["sgd"])


def _gather(x: NDArray[Any], size: int, dtype: np.dtype[Any]) -> float:
    samples = x.reshape(len(x), -1).astype(dtype)
    chosen = np.random.default_rng(0).permutation(len(x))
    batch = np.empty((size, samples.shape[1]), dtype)
    starts = iter(range(10**9))

    def take() -> None:
        first = next(starts) * size % (len(x) - size)
        np.take(samples, chosen[first : first + size], axis=0, out=batch, mode="clip")

    return _best(take)


def _best(work: Callable[[], object], budget: float = 0.05) -> float:
    """Seconds that the work takes when nothing disturbs it, less what a call costs."""
    return max(0.0, _shortest(work, budget) - _call())


@functools.cache
def _call() -> float:
    one = np.ones((1, 1), np.float32)
    result = one.copy()
    return _shortest(lambda: np.matmul(one, one, out=result), 0.05)


def _shortest(work: Callable[[], object], budget: float) -> float:
    """Seconds a call, in the best of ten rounds."""
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

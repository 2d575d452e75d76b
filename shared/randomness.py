"""Starts, batch order and dropout masks that both tracks draw alike.

Every draw is a pure function of (seed, stream, counter): a counter-based generator
(Philox 4x64-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011)
needs no state, so a track may ask for step 700 before step 3 and get the same numbers.
Only the generator's raw 64-bit words are used, which NumPy keeps stable between
releases; the distributions that it builds on them may change.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def words(seed: int, stream: str, counter: int, count: int) -> NDArray[np.uint64]:
    """Raw 64-bit words, shape (count,), of one stream at one counter.

    Args:
        seed: the run's seed, 0 or more.
        stream: a name; each name is a stream of its own.
        counter: which block of the stream (an epoch, a step, ...), 0 or more.
        count: how many words.
    """
    key = np.array([seed, zlib.crc32(stream.encode())], dtype=np.uint64)
    # The counter goes into the second word: the first counts the words drawn.
    start = np.array([0, counter, 0, 0], dtype=np.uint64)
    return np.random.Philox(key=key, counter=start).random_raw(count)


def apart(seed: int, name: str) -> int:
    """A seed for each name: the same distributions, independent draws.

    The name fills the upper half of a word of which a seed below 2^32 needs the lower.
    """
    return seed | zlib.crc32(name.encode()) << 32


def uniform(
    seed: int, stream: str, shape: Sequence[int], counter: int = 0
) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), float64, of the given shape."""
    raw = words(seed, stream, counter, int(np.prod(shape)))
    return np.asarray((raw >> np.uint64(11)) * 2.0**-53).reshape(shape)


def normal(
    seed: int, stream: str, shape: Sequence[int], counter: int = 0
) -> NDArray[np.float64]:
    """Standard normal numbers, float64 (Box and Muller, 1958)."""
    u = uniform(seed, stream, (2, *shape), counter)
    return np.asarray(np.sqrt(-2.0 * np.log1p(-u[0])) * np.cos(2.0 * np.pi * u[1]))


def glorot_uniform(seed: int, stream: str, shape: Sequence[int]) -> NDArray[np.float64]:
    """A Dense kernel, shape (in, out), as Keras starts it.

    Uniform on +-sqrt(6 / (in + out)) (Glorot and Bengio, AISTATS 2010).
    """
    fan_in, fan_out = shape
    limit = np.sqrt(6.0 / (fan_in + fan_out))
    return limit * (2.0 * uniform(seed, stream, shape) - 1.0)


def dense(seed: int, name: str, inputs: int, units: int) -> dict[str, NDArray]:
    """The start of a dense layer: Glorot kernel (in, out) and zero bias (out,).

    The keys are `name/kernel` and `name/bias`.
    """
    kernel = glorot_uniform(seed, f"start/{name}/kernel", (inputs, units))
    return {f"{name}/kernel": kernel, f"{name}/bias": np.zeros(units)}


def batch_order(seed: int, epoch: int, samples: int) -> NDArray[np.int64]:
    """A permutation of range(samples), shape (samples,), for one epoch."""
    keys = words(seed, "order", epoch, samples)
    return np.argsort(keys, kind="stable").astype(np.int64)


def keep_mask(
    seed: int, layer: str, step: int, shape: Sequence[int], rate: float
) -> NDArray[np.bool_]:
    """Which units a dropout layer keeps at one step: True with probability 1 - rate.

    Args:
        seed: the run's seed.
        layer: the layer's name; each layer has a stream of its own.
        step: the training step, counted from 0.
        shape: the shape of the layer's input, channels last.
        rate: the share that is dropped, in [0, 1).
    """
    raw = words(seed, f"mask/{layer}", step, int(np.prod(shape)))
    return (raw >= np.uint64(rate * 2.0**64)).reshape(shape)

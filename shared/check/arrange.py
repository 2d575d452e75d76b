"""The same tensor in two layouts: channels last or first, batch or time first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

WAYS: Mapping[str, Callable[[Array], Array]] = {
    "as_is": lambda x: x,
    "channels_first": lambda x: np.moveaxis(x, -1, 1),
    "channels_third": lambda x: np.moveaxis(x, -1, 2),
    "time_first": lambda x: np.swapaxes(x, 0, 1),
}
"""From Keras' layout to what a PyTorch model may expect."""

BACK: Mapping[str, Callable[[Array], Array]] = {
    "as_is": lambda x: x,
    "channels_first": lambda x: np.moveaxis(x, 1, -1),
    "channels_third": lambda x: np.moveaxis(x, 2, -1),
    "time_first": lambda x: np.swapaxes(x, 0, 1),
}
"""The ways back."""

TOLD = {
    "as_is": "as in Keras",
    "channels_first": "channels first",
    "channels_third": "batch and time first, then the channels",
    "time_first": "time first",
}


def ways(rank: int) -> tuple[str, ...]:
    """How a tensor of that rank may be arranged, the likeliest first."""
    if rank < 3:
        return ("as_is",)
    if rank == 3:
        return ("as_is", "channels_first", "time_first")
    images = "channels_first", "as_is"
    return (*images, "channels_third") if rank == 5 else images


def there(array: Array, way: str) -> Array:
    """In PyTorch's layout, contiguous."""
    return np.ascontiguousarray(WAYS[way](array))


def fitting(keras: Array, torch: Array) -> Iterator[tuple[str, Array]]:
    """Every way in which a PyTorch tensor has the shape of a Keras one."""
    for way in ways(torch.ndim):
        back = BACK[way](torch)
        if back.shape == keras.shape:
            yield way, back


def fitted(keras: Array, torch: Array) -> tuple[str, Array] | None:
    """The way of the same shape that comes closest; None where there is none."""
    return min(
        fitting(keras, torch), key=lambda one: distance(keras, one[1]), default=None
    )


def matched(keras: Array, torch: Array) -> tuple[str, Array] | None:
    """The way, and the PyTorch tensor in Keras' layout, that come closest.

    None where no way gives the same shape. A tensor that is only flattened (batch and
    time in one axis, say), or has axes of size 1, is compared as "reshaped".
    """
    found = fitted(keras, torch)
    if found:
        return found
    if keras.ndim == 5 and torch.ndim == 4:
        frames = fitted(keras.reshape(-1, *keras.shape[2:]), torch)
        return frames and ("reshaped", frames[1].reshape(keras.shape))
    plain = [[n for n in array.shape if n != 1] for array in (keras, torch)]
    same = keras.shape[-1:] == torch.shape[-1:] or plain[0] == plain[1]
    if keras.size == torch.size and same:
        return "reshaped", torch.reshape(keras.shape)
    return None


def into(keras: Array, torch: Array) -> Array | None:
    """A Keras tensor turned into one shaped like a PyTorch one; None where none is."""
    if keras.ndim == 5 and torch.ndim == 4:
        keras = keras.reshape(-1, *keras.shape[2:])
    turned = (there(keras, way) for way in ways(keras.ndim))
    alike = (array for array in turned if array.shape == torch.shape)
    return min(alike, key=lambda array: distance(array, torch), default=None)


def distance(a: Array, b: Array) -> float:
    """Largest difference over the largest magnitude of two arrays of one shape.

    Infinite where either is not finite everywhere.
    """
    if not a.size:
        return 0.0
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    difference = float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())
    if not difference:
        return 0.0
    return difference / max(float(np.abs(a).max()), float(np.abs(b).max()))

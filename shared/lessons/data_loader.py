"""Data loader: mini-batches, shuffling, and the last partial batch

    an epoch of N samples in batches of B has ceil(N / B) steps
    and the last of them sees N - B (ceil(N / B) - 1) samples

1438 digits in batches of 32 make 44 full batches and one of 30. A step on a batch costs
a fraction of a step on everything, and its gradient points nearly the same way, so an
epoch makes 45 useful steps instead of one; a batch also fits where all the data would
not. Both frameworks keep the partial batch unless told otherwise (`drop_remainder`,
`drop_last`). Its loss is a mean over fewer samples, so the mean loss of an epoch has to
weight each batch by its size.

A new order every epoch keeps a batch from being all one class where the data is sorted,
and the training from repeating the same round of steps. It is shuffling without
replacement: no sample is drawn twice or left out, each comes exactly once an epoch.
What the frameworks do not share is how they get there:

  * `tf.data` is a chain of stages that data streams through. `shuffle` holds a buffer
    and draws from it: with a buffer of 100 the first sample out is one of the first 100
    in. Only a buffer as large as the data mixes it all. `batch` comes after it: put
    before, whole batches would be shuffled.
  * In a `DataLoader` a sampler draws the numbers of the samples, and the dataset, which
    has random access, looks them up. Any sequence of numbers is a sampler.

Each has a generator of its own, so the same seed gives two different orders, and there
is no setting that makes them one. Two trainings see the same batches only if the order
is made outside, as one array of numbers, and given to both: `batches_in` does it here,
and every matched comparison does the same.

Left out, because they change the speed and not the batches: `prefetch` and
`num_workers`, which make the next batches while the model works on this one.

What is trained is the smallest thing that learns: softmax regression, p = softmax(x W +
b), J = -mean(log p[label]), by gradient descent on shuffled batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import metrics, randomness
from shared.datasets import Dataset, digits
from shared.lesson import setting
from shared.parity.trace import Trace
from shared.weights import Weights

NOTES = ("003",)


@dataclass(frozen=True)
class Config:
    """Softmax regression on the digits."""

    learning_rate: float = setting(0.5, "step size of gradient descent", above=0)
    batch_size: int = setting(32, "samples a step", low=1)
    epochs: int = setting(5, "how often each digit is seen", low=1)


def data(cfg: Config) -> Dataset:
    """Handwritten digits, 8 x 8: x (1438, 64), brightness 0 to 1; y (1438,)."""
    return digits()


def start(cfg: Config, seed: int) -> Weights:
    """Glorot kernel and zero bias, as Keras starts a Dense layer."""
    return randomness.dense(seed, "output", 64, 10)


def order(samples: int) -> NDArray[np.int64]:
    """The numbers of all samples in the order that both loaders are given."""
    return randomness.batch_order(0, 0, samples)


def score(data: Dataset, prediction: NDArray[Any]) -> dict[str, float]:
    """Accuracy on the 359 test digits."""
    return metrics.multiclass(data.y_test, prediction)


def reference(cfg: Config, start: Weights, data: Dataset) -> Trace:
    """What the loaders have to deliver, cut out of the arrays by hand."""
    rest = data.samples % cfg.batch_size
    sizes = [cfg.batch_size] * (data.samples // cfg.batch_size) + [rest] * (rest > 0)
    numbers = order(data.samples)
    first, last = numbers[: cfg.batch_size], numbers[-sizes[-1] :]
    return {
        "result/batch_sizes": np.array(sizes),
        "result/times_seen": np.array([1]),
        "result/orders_differ": np.array(True),
        "result/forward/first_labels": data.y_train[first],
        "result/forward/first_brightness": data.x_train[first].mean(axis=1),
        "result/forward/last_labels": data.y_train[last],
    }

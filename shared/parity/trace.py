"""What one track hands over for comparison, and the gradients both are fed.

A trace is a flat mapping from key to NumPy array:

    weights/NAME          the start, after it went into the model and out again
    evaluate/prediction   the model's output in evaluation mode, before training
    evaluate/repeat       the same once more
    forward/LAYER         a layer's output on the first batch, in training mode
    loss                  the loss of the first batch
    gradient/NAME         its gradient
    step/K/NAME           the weights after K updates on identical gradients, or, where
                          the lesson writes its update by hand, after its own first step
    history/loss          the loss of every step of the whole training
    snapshot/T/NAME       the weights after step T
    prediction            the trained model's output on the test data
    result/NAME           what the lesson shows
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import randomness

Trace = dict[str, NDArray[Any]]

GRADIENT_STEPS = 3
"""How many updates on identical gradients: momentum shows only from the second."""


def probe_gradient(
    seed: int, name: str, shape: Sequence[int], count: int
) -> NDArray[np.float64]:
    """The gradient fed to parameter `name` at update `count`, in neutral layout.

    Small enough (standard deviation 0.01) that the place of an epsilon shows.
    """
    return 0.01 * randomness.normal(seed, f"gradient/{name}", shape, count)

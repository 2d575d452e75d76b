"""`keras.Model.fit` as its users call it: what the bench holds the engine against."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shared.session import History, Schedule, Session

STEPS_PER_EXECUTION = 125


def asked_for(session: Session) -> bool:
    """Whether `fit` itself is to run."""
    return session.engine in ("idiom", "tuned")


def fit(
    model: keras.Model,
    x: NDArray[Any],
    y: NDArray[Any],
    schedule: Schedule,
    session: Session,
) -> History:
    """Call `model.fit` for the schedule's epochs, the last one whole.

    The history has the mean loss of each epoch. As "tuned", several steps run in one
    call, on data in the run's precision; else the data are NumPy's own float64, which
    `fit` casts batch by batch, and it draws its progress bar.
    """
    tuned = session.engine == "tuned"
    if tuned:
        model.steps_per_execution = min(STEPS_PER_EXECUTION, schedule.steps_per_epoch)
    else:
        x = x.astype(np.float64)
    clock = _Clock()
    found = model.fit(
        x,
        y,
        batch_size=schedule.size,
        epochs=-(-schedule.steps // schedule.steps_per_epoch),
        shuffle=schedule.shuffle,
        verbose=0 if tuned else "auto",
        callbacks=[clock],
    )
    session.compile_seconds = clock.compilation
    (loss,) = (v for name, v in found.history.items() if name.endswith("loss"))
    return History(np.asarray(loss), np.full(len(loss), schedule.samples), 1)


class Stepping(keras.Model):  # type: ignore[misc]
    """A model whose training step is the lesson's (Keras' guide to custom train_step).

    Args:
        step: the lesson's step.
    """

    def __init__(self, step: Any) -> None:
        super().__init__()
        self._step = step
        self._mean = keras.metrics.Mean("mean_loss")
        self.compile()

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        returned = self._step(*data)
        loss = returned[0] if isinstance(returned, tuple) else returned
        self._mean.update_state(loss)
        return {"mean_loss": self._mean.result()}


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """The times at which the epochs end."""

    def on_train_begin(self, logs: object = None) -> None:
        self._ends = [time.perf_counter()]

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self._ends.append(time.perf_counter())

    @property
    def compilation(self) -> float:
        """What the first epoch took longer than the others; 0 if it is the only one."""
        first, *others = np.diff(self._ends)
        return max(0.0, float(first - np.median(others))) if others else 0.0

"""Which loop runs a training: a graph where there can be one, XLA where that pays.

XLA fuses what lies between the matrix products of a step: faster, and rounded otherwise
in the last place. Matched mode, which is there to compare bits and printed figures,
does without.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tf_track import masks
from tf_track.loops import Batch, Loop, Plain, Training

XLA_STEPS = 8000
"""From how many steps on XLA pays. The time that it takes to compile a step and the
time that this then saves in each run of it both grow with the number of operations.
"""

RANDOM = re.compile("Random|TruncatedNormal|Multinomial")
"""Operations that draw other numbers under XLA."""

CONVOLUTION = re.compile("Conv[23]D|DepthwiseConv")
"""Operations that XLA makes many times slower on a CPU."""

UNTRACEABLE = (
    AttributeError,
    NotImplementedError,
    TypeError,
    ValueError,
    tf.errors.OpError,
)
"""What a step raises that TensorFlow cannot turn into a graph."""


@contextlib.contextmanager
def running(training: Training) -> Iterator[Plain | Graphs]:
    """The fastest loop for this training, or the plain one where that is asked for.

    Where the session reuses loops, a loop keeps to the model of its first training:
    a later training's model lends it its values and gets them back at the end.
    """
    session = training.session
    session.trainings += 1
    key = session.reuse_key, session.trainings
    kept = (session.reuse or {}).get(key)
    if kept is not None:
        session.notes += kept.notes
        with kept.standing_in(training):
            yield kept
        return
    with session.compiling():
        loop = _new(training)
    if session.reuse is not None and isinstance(loop, Graphs) and loop.reusable:
        session.reuse[key] = loop
    yield loop


def _new(training: Training) -> Plain | Graphs:
    session = training.session
    try:
        if session.engine != "auto":
            return Plain(training)
        graphs = Graphs(training)
    except UNTRACEABLE as error:
        session.notes.append(f"the step is no graph, and runs eagerly: {_brief(error)}")
        return Plain(training, traced=False)
    session.notes += graphs.notes
    return graphs


class Graphs:
    """A training's loops as graphs, which other trainings of its make may use too.

    Attributes:
        training: the training whose model they train.
        notes: what there is to say of them, a line each.
    """

    def __init__(self, training: Training) -> None:
        self.training = training
        self.notes: list[str] = []
        schedule = training.schedule
        pays = schedule.steps >= XLA_STEPS and not training.session.matched
        with ThreadPoolExecutor(1) as aside:
            loading = aside.submit(lambda: training.data)
            loop = self._with_xla(aside, loading) if pays else None
            self._loop, self._part = loop or self._without_xla(), None
            if loop and schedule.samples % schedule.size:
                self._part = Loop(training, None, masks.none(1))
            self._data = loading.result()

    def run(self, first: int, last: int, order: tf.Tensor) -> NDArray[Any]:
        """The losses of the steps first, ..., last - 1, within an epoch."""
        whole = last
        if self._part and not last % self.training.schedule.steps_per_epoch:
            whole = last - 1
        losses = self._loop.run(first, whole, order, self._data)
        if self._part:
            losses += self._part.run(whole, last, order, self._data)
        return np.concatenate(losses)

    @contextlib.contextmanager
    def standing_in(self, training: Training) -> Iterator[None]:
        """Run from another training's values, and give it those that come out."""
        own, given = self.training.state(), training.state()
        same = training.x is self.training.x and training.y is self.training.y
        self._data = self.training.data if same else training.data
        self.training.clock.draws.update(training.clock.draws)
        _copy(given, own)
        yield
        _copy(own, given)

    @property
    def reusable(self) -> bool:
        """Whether the training's own state and data alone decide what comes out."""
        state = self.training.state()
        loops = [self._loop, *([self._part] if self._part else [])]
        return all(
            loop.reads_only(state) and not any(map(_hidden, loop.operations()))
            for loop in loops
        )

    @property
    def _longest(self) -> int:
        """No span has more steps."""
        stops = [0, *self.training.schedule.stops()]
        longest = max(b - a for a, b in itertools.pairwise(stops))
        epoch = self.training.schedule.steps_per_epoch
        return longest if epoch == 1 else min(longest, epoch)

    def _without_xla(self) -> Loop:
        """One loop for batches of any size; in matched mode it is fed its masks."""
        training, schedule = self.training, self.training.schedule
        ahead = masks.none(self._longest)
        if training.session.matched:
            with contextlib.suppress(masks.UnfitError):
                ahead = masks.from_streams(
                    training.model,
                    training.clock,
                    training.first_batch,
                    self._longest,
                    schedule.samples,
                )
        whole = schedule.size == schedule.samples
        return Loop(training, schedule.size if whole else None, ahead)

    def _with_xla(self, aside: Executor, loading: Future[Batch]) -> Loop | None:
        """A loop for full batches; None where dropout would draw other numbers.

        Args:
            aside: does what need not be waited for.
            loading: the data, on their way to the device.
        """
        training = self.training
        try:
            ahead = masks.from_generators(
                training.model, training.clock, training.first_batch, self._longest
            )
            loop = Loop(training, training.schedule.size, ahead)
        except masks.UnfitError:
            return None
        if not any(map(_unfit, loop.operations())):
            try:
                loop.compile(loading.result(), aside)
            except tf.errors.OpError as error:
                self.notes.append(f"XLA cannot compile the step: {_brief(error)}")
        return loop


def _unfit(operation: str) -> bool:
    """Whether XLA would change what comes of the operation, or slow it down."""
    slow = CONVOLUTION.search(operation) and not tf.config.get_visible_devices("GPU")
    return bool(slow or RANDOM.search(operation))


def _hidden(operation: str) -> bool:
    """Whether the operation has a state that no variable shows."""
    drawn = RANDOM.search(operation) and not operation.startswith("Stateless")
    return bool(drawn or "PyFunc" in operation)


def _copy(source: list[tf.Variable], target: list[tf.Variable]) -> None:
    for value, variable in zip(source, target, strict=True):
        if value is not variable:
            variable.assign(value.value(), read_value=False)


def _brief(error: Exception) -> str:
    """The first line that says something."""
    return next(filter(None, str(error).splitlines()), type(error).__name__)

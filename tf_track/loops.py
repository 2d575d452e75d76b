"""The loops over a lesson's step: Python's own, and a graph of many steps.

Around the step, which is traced once, goes a `tf.while_loop`: a span of steps costs
Python a single call. The same kernels run on the same numbers, so the results are those
of the plain loop, bit for bit.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeAlias

import keras
import tensorflow as tf
from numpy.typing import NDArray

from shared.session import Schedule, Session
from tf_track import backend, masks, matched, weights

Step: TypeAlias = Callable[[tf.Tensor, tf.Tensor], Any]
Batch: TypeAlias = tuple[tf.Tensor, tf.Tensor]


@dataclasses.dataclass(frozen=True, eq=False)
class Training:
    """What the engine is asked to run; its `loop` tells the fields."""

    step: Step
    model: weights.Model
    optimizer: keras.optimizers.Optimizer | None
    x: NDArray[Any]
    y: NDArray[Any]
    schedule: Schedule
    session: Session
    clock: matched.Clock

    @functools.cached_property
    def data(self) -> Batch:
        """All samples, on the device."""
        return backend.resident(self.x), backend.resident(self.y)

    @property
    def first_batch(self) -> tf.Tensor:
        """A full batch of inputs, before `data` are there."""
        return backend.tensor(self.x[: self.schedule.size])

    def loss(
        self, i: tf.Tensor, x: tf.Tensor, y: tf.Tensor, keep: masks.Masks
    ) -> tf.Tensor:
        """Run step i on its batch, with the masks that were drawn for it."""
        self.clock.step, self.clock.masks = i, keep
        try:
            returned = self.step(x, y)
        finally:
            # No tensor of the graph may outlive it.
            self.clock.step, self.clock.masks = 0, {}
        return returned[0] if isinstance(returned, tuple) else returned

    def specs(self, size: int | None) -> list[tf.TensorSpec]:
        """What `loss` is given: a step's number, and a batch of so many samples."""
        batch = [backend.spec(array, size) for array in (self.x, self.y)]
        return [tf.TensorSpec((), tf.int32), *batch]

    def state(self) -> list[tf.Variable]:
        """All that a step may change: weights, statistics, generators, optimizer."""
        model, optimizer = self.model, self.optimizer
        own = model.variables if isinstance(model, keras.Model) else model.values()
        every = [*own, *(optimizer.variables if optimizer else [])]
        return [v.value if isinstance(v, keras.Variable) else v for v in every]


def batch(
    schedule: Schedule,
    i: int | tf.Tensor,
    order: tf.Tensor,
    data: Batch,
    size: int | None = None,
) -> Batch:
    """The samples of step i; `size` says how many where XLA must know."""
    if schedule.size == schedule.samples:
        return data
    start = i % schedule.steps_per_epoch * schedule.size
    index = (
        order[start : start + schedule.size]
        if size is None
        else tf.slice(order, [start], [size])
    )
    x, y = data
    return tf.gather(x, index), tf.gather(y, index)


class Plain:
    """The plain loop: Python calls the step, batch by batch.

    Args:
        training: what is run.
        traced: call the step as a `tf.function`, else as it is.
    """

    def __init__(self, training: Training, traced: bool = True) -> None:
        self.training = training
        self._step: Callable[..., tf.Tensor] = training.loss
        if traced:
            graph = tf.function(training.loss, autograph=False)
            graph.get_concrete_function(*training.specs(training.schedule.size), {})
            self._step = graph

    def run(self, first: int, last: int, order: tf.Tensor) -> NDArray[Any]:
        """The losses of the steps first, ..., last - 1."""
        schedule, data = self.training.schedule, self.training.data
        losses = []
        for i in range(first, last):
            x, y = batch(schedule, i, order, data)
            losses.append(self._step(tf.constant(i), x, y, {}))
        return backend.array(tf.stack(losses))


class Loop:
    """A graph of many steps.

    Args:
        training: what is run.
        size: samples in each batch; None takes any number.
        ahead: the dropout masks drawn ahead.
    """

    def __init__(
        self, training: Training, size: int | None, ahead: masks.Ahead
    ) -> None:
        self._training, self._size, self._ahead = training, size, ahead
        keep = {
            name: tf.TensorSpec((size, *spec.shape[2:]), spec.dtype)
            for name, spec in ahead.specs.items()
        }
        with ahead.feeding():
            step = tf.function(training.loss, autograph=False)
            self._step = step.get_concrete_function(*training.specs(size), keep)
        self._steps: Callable[..., tf.Tensor] | None = None

    def compile(self, data: Batch, aside: Executor) -> None:
        """Let XLA compile the loop, before the first run on these or other data.

        Args:
            data: all samples.
            aside: traces the drawing of masks meanwhile, for XLA leaves Python alone.

        Raises:
            tf.errors.OpError: it cannot, and the loop will do without.
        """
        steps = self._graph(xla=True)
        aside.submit(self._ahead.draw, 0, 0)
        none, samples = tf.constant(0), self._training.schedule.samples
        order = tf.range(samples, dtype=tf.int64)
        drawn = {n: tf.zeros(s.shape, s.dtype) for n, s in self._ahead.specs.items()}
        steps(none, none, order, data, drawn)
        self._steps = steps

    def run(
        self, first: int, last: int, order: tf.Tensor, data: Batch
    ) -> list[NDArray[Any]]:
        """The losses of the steps first, ..., last - 1, in order."""
        if self._steps is None:
            with self._training.session.compiling():
                self._steps = self._graph(xla=False)
        losses = []
        for begin, end, drawn in self._ahead.parts(first, last):
            i = tf.constant(begin), tf.constant(end)
            found = self._steps(*i, order, data, drawn)
            losses.append(found.numpy()[: end - begin])
        return losses

    def operations(self) -> set[str]:
        """The kinds of operations that the step is made of."""
        graph = self._step.graph.as_graph_def()
        bodies = [graph.node, *(f.node_def for f in graph.library.function)]
        return {node.op for nodes in bodies for node in nodes}

    def reads_only(self, variables: list[tf.Variable]) -> bool:
        """Whether no other tensor from outside takes part in the step."""
        known = {id(v.handle) for v in variables}
        return all(id(tensor) in known for tensor in self._step.captured_inputs)

    def _graph(self, xla: bool) -> Callable[..., tf.Tensor]:
        schedule, size, room = self._training.schedule, self._size, self._ahead.room
        step = self._step

        def steps(
            first: tf.Tensor,
            last: tf.Tensor,
            order: tf.Tensor,
            data: Batch,
            drawn: masks.Masks,
        ) -> tf.Tensor:
            def body(i: tf.Tensor, losses: tf.TensorArray) -> tuple[Any, Any]:
                x, y = batch(schedule, i, order, data, size)
                # Not drawn[name][i - first]: XLA would compile for each value of it.
                keep = {n: tf.gather(mask, i - first) for n, mask in drawn.items()}
                if size is None:
                    keep = {n: mask[: tf.shape(x)[0]] for n, mask in keep.items()}
                return i + 1, losses.write(i - first, step(i, x, y, keep))

            losses = tf.TensorArray(step.outputs[0].dtype, room, element_shape=())
            _, losses = tf.while_loop(
                lambda i, _: i < last, body, (first, losses), parallel_iterations=1
            )
            return losses.stack()

        number, *data = self._training.specs(schedule.samples)
        order = tf.TensorSpec(schedule.samples, tf.int64)
        graph = tf.function(steps, autograph=False, jit_compile=xla)
        # Called past tf.function's search for a fitting trace, it takes a third.
        return graph.get_concrete_function(
            number, number, order, tuple(data), self._ahead.specs
        )

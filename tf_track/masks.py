"""Dropout masks drawn for many steps ahead, so that a step draws nothing itself.

XLA draws other numbers than TensorFlow's own kernels do, and slowly; a call into Python
in every step is slow as well. So the masks of a span of steps are drawn before it, in
the order and from the streams that the layers themselves would use, and the loop hands
each step its own.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from tf_track import matched

Call: TypeAlias = Callable[..., tf.Tensor]
Layers: TypeAlias = Mapping[str, keras.layers.Dropout]
Masks: TypeAlias = dict[str, tf.Tensor]
Specs: TypeAlias = dict[str, tf.TensorSpec]

BYTES = 2**21
"""Memory for masks drawn at once; in small parts, only the first is waited for."""

FIRST_STEPS, GROWTH = 8, 8
"""Steps in the first part, and how many times as long the next part may be: a step
takes several times as long as the drawing of its masks.
"""


class UnfitError(ValueError):
    """The model's dropout cannot be drawn ahead."""


class Ahead(NamedTuple):
    """How the masks of one training are drawn ahead and fed.

    Attributes:
        room: for how many steps at most.
        specs: shape and dtype of each layer's masks for so many steps.
        draw: draw(first, last) is the masks of these steps, and empty ones after them.
        feeding: while a step is traced, lets the layers take them from the clock.
    """

    room: int
    specs: Specs
    draw: Callable[[int, int], Masks]
    feeding: Callable[[], contextlib.AbstractContextManager[None]]

    def parts(self, first: int, last: int) -> Iterator[tuple[int, int, Masks]]:
        """The steps first, ..., last - 1 in parts that have room, with their masks.

        While the caller runs a part, a thread draws the masks of the next.
        """
        parts = [*self._cut(first, last)]
        if not self.specs:
            yield from ((*part, {}) for part in parts)
            return
        with ThreadPoolExecutor(1) as pool:
            drawing = [pool.submit(self.draw, *part) for part in parts[:1]]
            for part, following in itertools.zip_longest(parts, parts[1:]):
                drawn = drawing.pop().result()
                if following is not None:
                    drawing.append(pool.submit(self.draw, *following))
                yield *part, drawn

    def _cut(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts: small ones first, since nothing runs while the first is drawn."""
        size = FIRST_STEPS if self.specs else self.room
        while first < last:
            end = min(first + min(size, self.room), last)
            yield first, end
            first, size = end, size * GROWTH


def none(room: int) -> Ahead:
    """Nothing is drawn ahead."""
    return Ahead(room, {}, lambda first, last: {}, contextlib.nullcontext)


def from_streams(
    model: object,
    clock: matched.Clock,
    x: tf.Tensor,
    room: int,
    samples: int,
) -> Ahead:
    """Draw from shared.randomness, for a model that `matched.feed_masks` has prepared.

    Args:
        model, clock: the model and what tells it the step.
        x: a full batch.
        room: for how many steps at most.
        samples: in an epoch; a partial batch at its end fills its mask in part.

    Raises:
        UnfitError: what the layers are given cannot be told.
    """
    inputs = _inputs(model, matched.dropouts(model), x)
    room, specs = _specs(inputs, room)
    size = len(x)
    places = -(-samples // size) * size

    def draw(first: int, last: int) -> Masks:
        masks = {}
        for name, spec in specs.items():
            keep = np.zeros(spec.shape, np.bool_)
            for step in range(first, last):
                rest = samples - step * size % places
                part = keep[step - first, :rest]
                part[:] = clock.draws[name](step, part.shape)
            masks[name] = tf.constant(keep)
        return masks

    return Ahead(room, specs, draw, contextlib.nullcontext)


def from_generators(
    model: object, clock: matched.Clock, x: tf.Tensor, room: int
) -> Ahead:
    """Draw as Keras does, from each layer's own generator, which moves on.

    Args:
        model, clock, room: as above.
        x: a batch; all are of its size.

    Raises:
        UnfitError: a layer draws in a way of its own, or is not called just once.
    """
    layers = {n: a for n, a in matched.dropouts(model).items() if a.rate > 0}
    for name, layer in layers.items():
        if type(layer).call is not keras.layers.Dropout.call:
            raise UnfitError(f"the layer {name} is no plain Dropout")
    inputs = _inputs(model, layers, x)
    room, specs = _specs(inputs, room)

    def one(name: str) -> tf.Tensor:
        # What is behind keras.random.dropout, less its arithmetic.
        layer, spec = layers[name], inputs[name]
        seed = layer.seed_generator.next() % (tf.int32.max - 1)
        noise = layer.noise_shape or spec.shape
        shape = [a or b for a, b in zip(noise, spec.shape, strict=True)]
        uniform = tf.random.stateless_uniform(
            shape, tf.cast(seed, tf.int32), dtype=spec.dtype
        )
        return tf.broadcast_to(uniform >= layer.rate, spec.shape)

    @tf.function(autograph=False)
    def many(count: tf.Tensor) -> Masks:
        def body(k: tf.Tensor, masks: Any) -> tuple[tf.Tensor, Any]:
            # In the order of the calls: layers may share a generator.
            drawn = {name: one(name) for name in inputs}
            return k + 1, {name: masks[name].write(k, drawn[name]) for name in masks}

        masks = {
            name: tf.TensorArray(tf.bool, room, element_shape=spec.shape)
            for name, spec in inputs.items()
        }
        _, masks = tf.while_loop(
            lambda k, _: k < count, body, (tf.constant(0), masks), parallel_iterations=1
        )
        return {name: array.stack() for name, array in masks.items()}

    def draw(first: int, last: int) -> Masks:
        return many(tf.constant(last - first)) if inputs else {}

    return Ahead(room, specs, draw, lambda: _fed(layers, clock))


def _inputs(model: object, layers: Layers, x: tf.Tensor) -> Specs:
    """Shape and dtype of what each layer is given for the batch x, in calling order."""
    found: Specs = {}

    def noting(name: str) -> Call:
        def call(inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
            if name in found:
                raise UnfitError(f"the layer {name} is called twice")
            found[name] = tf.TensorSpec(inputs.shape, inputs.dtype)
            return inputs

        return call

    if layers:
        with _calling(layers, {name: noting(name) for name in layers}):
            _predict(model, x)
    if found.keys() != layers.keys():
        raise UnfitError("a layer is never called")
    return found


def _predict(model: Any, x: tf.Tensor) -> None:
    try:
        model(x, training=False)
    except (TypeError, ValueError) as error:
        raise UnfitError(str(error)) from None


def _specs(inputs: Specs, room: int) -> tuple[int, Specs]:
    """For how many steps BYTES hold the masks, and what these then are."""
    bytes_a_step = sum(spec.shape.num_elements() for spec in inputs.values())
    room = max(1, min(room, BYTES // max(bytes_a_step, 1)))
    return room, {
        name: tf.TensorSpec((room, *spec.shape), tf.bool)
        for name, spec in inputs.items()
    }


@contextlib.contextmanager
def _fed(layers: Layers, clock: matched.Clock) -> Iterator[None]:
    """Let Keras' own layers take their masks from the clock, and else do as ever."""
    used = set()

    def feeding(name: str, rate: float) -> Call:
        def call(inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
            if not training:
                return inputs
            keep = clock.masks[name]
            if name in used or keep.shape != inputs.shape:
                raise UnfitError(f"the layer {name} is called in another way")
            used.add(name)
            # Rounded as tf.nn.experimental.stateless_dropout rounds it.
            return tf.where(keep, inputs * (1 / (1 - rate)), tf.zeros((), inputs.dtype))

        return call

    with _calling(layers, {n: feeding(n, layer.rate) for n, layer in layers.items()}):
        yield


@contextlib.contextmanager
def _calling(layers: Layers, calls: Mapping[str, Call]) -> Iterator[None]:
    """Let other functions stand in for the layers' own calls."""
    own = {name: layer.call for name, layer in layers.items()}
    for name, layer in layers.items():
        layer.call = calls[name]
    try:
        yield
    finally:
        for name, layer in layers.items():
            layer.call = own[name]

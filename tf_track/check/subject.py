"""The model under check, in the precision and with the weights that are asked for.

For the length of a probe every variable of the model holds another `tf.Variable`, with
a copy of the start. The model's own are not touched, so they come back as they were
whatever happens, and what was compiled on them still holds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shared.check.user_code import guarded
from shared.parity.trace import Trace
from shared.weights import Weights
from tf_track import backend, layouts
from tf_track.check.functions import owners, replaced, widened
from tf_track.check.inputs import pack
from tf_track.check.recast import environment, recast
from tf_track.check.stochastic import silenced, silent_functions
from tf_track.check.swap import kept, swapped
from tf_track.layout_kinds import Part


class Subject:
    """A model that is probed and given back as it was.

    Attributes:
        model: the model.
        source: its file, for messages; its name where it was given as an object.
        visits: its layers in order, with their parts.
        parts: everything that holds weights, numbered as they stand.
        layers: the model and all its layers, also those inside known ones.

    Raises:
        UsageError: the model is not built.
    """

    def __init__(self, model: keras.Model, source: str = "") -> None:
        self.model = model
        self.source = source or model.name
        self.visits = layouts.walk(model, raw=True)
        self.parts = [part for visit in self.visits for part in visit.parts]
        self.layers = _all(model)
        self._start: dict[int, NDArray[Any]] = {}

    def weights(self) -> Trace:
        """The start, by "order/name", in the neutral layout."""
        found = {}
        for key, part, name, variable in self._named():
            own = self._start.get(id(variable))
            value = variable._value.numpy() if own is None else own
            if value.dtype.name == "bfloat16":
                value = value.astype(np.float32)
            found[key] = np.ascontiguousarray(part.to_neutral(name, value))
        return found

    def set_weights(self, arrays: Weights) -> None:
        """Take another start: some or all arrays by "order/name"."""
        for key, part, name, variable in self._named():
            if key in arrays:
                self._start[id(variable)] = part.to_native(name, arrays[key])

    def now(self) -> Trace:
        """What the variables hold while the model runs, by "order/name", neutral."""
        return {
            key: part.to_neutral(name, backend.array(variable))
            for key, part, name, variable in self._named()
        }

    def trainable(self) -> dict[str, keras.Variable]:
        """What an optimizer would train, by "order/name"."""
        known = {id(variable) for variable in self.model.trainable_variables}
        return {k: v for k, _, _, v in self._named() if id(v) in known}

    def neutral(self, key: str, value: Any) -> NDArray[Any]:
        """A gradient, say, shaped like the variable `key`, in the neutral layout."""
        order, _, name = key.partition("/")
        array = np.asarray(tf.convert_to_tensor(value))
        return self.parts[int(order)].to_neutral(name, array)

    def _named(self) -> Iterator[tuple[str, Part, str, keras.Variable]]:
        for order, part in enumerate(self.parts):
            for name, variable in part.variables.items():
                yield f"{order}/{name}", part, name, variable

    def call(
        self, inputs: Sequence[tf.Tensor], training: bool, structure: Any = None
    ) -> Any:
        """The model's outputs.

        Raises:
            UsageError: the model fails; the message is its own.
            MissingError: out of memory.
        """
        packed = pack(self.model, inputs, structure)

        def run() -> Any:
            try:
                return self.model(*packed, training=training)
            except Exception as error:
                # Keras turns TensorFlow's own class into another.
                if "OOM when allocating" in str(error):
                    raise MemoryError from None
                raise

        return guarded(self.source, run)

    @contextlib.contextmanager
    def running(self, precision: str, twin: int = 0) -> Iterator[None]:
        """Hold a copy of the start in that precision until the block ends.

        Args:
            precision: "float32" or "float64".
            twin: if not 0, move every weight to one of its two neighbours, drawn for
                this number.
        """
        start = self._moved(precision, twin) if twin else self._start
        with contextlib.ExitStack() as stack:
            stack.enter_context(environment(precision))
            # What the user's code and Keras note on a layer when it is called.
            stack.enter_context(kept(self.layers))
            stack.enter_context(swapped(recast(self.layers, precision, start)))
            for layer in self.layers:
                if isinstance(layer, keras.layers.Normalization):
                    layer.finalize_state()
            stack.enter_context(swapped(silenced(self.layers)))
            silent = replaced(owners(self.layers), silent_functions())
            stack.enter_context(swapped(silent))
            if precision == "float64":
                wide = replaced(owners(self.layers), widened(precision))
                stack.enter_context(swapped(wide))
            yield

    def _moved(self, precision: str, twin: int) -> Mapping[int, NDArray[Any]]:
        """Every weight's next neighbour up or down, by its variable's id."""
        found: dict[int, NDArray[Any]] = {}
        for order, part in enumerate(self.parts):
            rng = np.random.default_rng([twin, order])
            for variable in part.variables.values():
                start = self._start.get(id(variable), variable._value)
                value = np.asarray(tf.cast(start, precision))
                up = rng.integers(0, 2, value.shape, np.int8)
                towards = np.where(up, np.inf, -np.inf).astype(precision)
                found[id(variable)] = np.nextafter(value, towards)
        return found


def _all(model: keras.Model) -> list[keras.layers.Layer]:
    found: dict[int, keras.layers.Layer] = {}
    waiting = [model]
    while waiting:
        layer = waiting.pop()
        if id(layer) not in found:
            found[id(layer)] = layer
            waiting += layer._flatten_layers(include_self=False, recursive=False)
    return list(found.values())

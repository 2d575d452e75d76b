"""What passes through a model's layers, and between them, on one forward pass."""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from shared.parity.trace import Trace
from tf_track.check import glue, rules, whole
from tf_track.check.calls import tensors
from tf_track.check.functions import traced, user_frame
from tf_track.check.inputs import graph
from tf_track.check.subject import Subject
from tf_track.check.swap import Change, swapped
from tf_track.layouts import Visit

Layer: TypeAlias = keras.layers.Layer
Call: TypeAlias = Callable[..., Any]


class Recorder:
    """Steps and tensors of the forward pass that runs while it watches.

    Attributes:
        trace: "layer/ORDER/in" and so on, as they were.
        steps: layers, at their first call, and glue in the order in which they ran.
        calls: how often each part was called, by its order.
        masked: the arguments that masked a part's first call, by its order.
    """

    def __init__(self, subject: Subject, keep: str) -> None:
        """Watch a subject.

        Args:
            subject: the model's.
            keep: "none", "steps" for their order alone, "layers" for what goes through
                layers, or "all" for glue too.
        """
        self.trace: Trace = {}
        self.steps: list[dict[str, Any]] = []
        self.calls: Counter[int] = Counter()
        self.masked: dict[str, list[str]] = {}
        self._subject = subject
        self._keep = keep
        self._orders = {id(part): k for k, part in enumerate(subject.parts)}
        self._ids: Counter[str] = Counter()
        self._depth = 0
        self._running: list[int] = []
        """The parts of a layer that runs, until their output is known."""

    @property
    def facts(self) -> dict[str, Any]:
        """Plain values."""
        calls = {str(order): count for order, count in self.calls.items()}
        return {"steps": self.steps, "calls": calls, "masked": self.masked}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch until the block ends."""
        if self._keep == "none":
            yield
            return
        with swapped(self._hooks()):
            yield

    def _hooks(self) -> Iterator[Change]:
        for index, visit in enumerate(self._subject.visits):
            yield from self._layer_hooks(visit)
            inside = f"{visit.name}/" if index else ""
            found = graph(visit.layer)
            for operation in found.operations if found else ():
                if not isinstance(operation, keras.layers.Layer):
                    place = f"{inside}{operation.name}"
                    yield operation, "call", self._closed(operation, place)
        yield keras.layers.Layer, "__call__", self._any_layer()
        yield from traced(self._subject.layers, self._function)

    def _any_layer(self) -> Call:
        """Layers that the user's code makes and calls on the spot are seen too."""
        original = keras.layers.Layer.__call__
        known = {id(layer) for layer in self._subject.layers}

        def call(layer: Layer, *args: Any, **named: Any) -> Any:
            if self._depth or id(layer) in known:
                return original(layer, *args, **named)
            visit = Visit(layer.name, layer, False, [])
            with swapped(self._layer_hooks(visit)):
                return original(layer, *args, **named)

        return call

    def _layer_hooks(self, visit: Visit) -> Iterator[Change]:
        layer = visit.layer
        orders = [self._orders[id(p)] for p in visit.parts if p.kind != "raw"]
        if isinstance(layer, layers.TimeDistributed):
            yield layer, "call", self._over_time(layer)
        elif orders:
            yield layer, "call", self._part(layer, orders)
            if isinstance(layer, whole.FUSED) and layer.activation is not None:
                place = f"{visit.name}/activation"
                yield layer, "activation", self._activation(layer.activation, place)
        elif visit.known or whole.is_closed(layer):
            yield layer, "call", self._closed(layer, visit.name)
        elif not (layer._layers or isinstance(layer, keras.Model)):
            yield layer, "call", self._transparent(layer, visit.name)

    def _part(self, layer: Layer, orders: list[int]) -> Call:
        """A layer with weights."""
        call = layer.call

        @functools.wraps(call)
        def watched(*args: Any, **named: Any) -> Any:
            if self._depth:
                return call(*args, **named)
            if not self.calls[orders[0]]:
                self._note_inputs(layer, orders[0], args, named)
            self._running = orders
            with self._inside():
                out = call(*args, **named)
            if self._running:
                self._end_part(out)
            return out

        return watched

    def _over_time(self, layer: Layer) -> Call:
        """One step for each of the inner layer's, whose frames are put together."""
        call, inner = layer.call, layer.layer

        @functools.wraps(call)
        def watched(*args: Any, **named: Any) -> Any:
            if self._depth:
                return call(*args, **named)
            frames: list[tuple[Trace, list[dict[str, Any]]]] = []
            kept = self.trace, self.steps
            before = self.calls.copy(), self._ids.copy()
            run = inner.call

            @functools.wraps(run)
            def frame(*args: Any, **named: Any) -> Any:
                self.trace, self.steps = {}, []
                self.calls, self._ids = before[0].copy(), before[1].copy()
                out = run(*args, **named)
                frames.append((self.trace, self.steps))
                return out

            try:
                with swapped([(inner, "call", frame)]):
                    return call(*args, **named)
            finally:
                self.trace, self.steps = kept
                self.steps += frames[0][1] if frames else []
                for key in frames[0][0] if frames else ():
                    arrays = [trace[key] for trace, _ in frames]
                    self.trace[key] = np.stack(arrays, axis=1)

        return watched

    def _note_inputs(self, layer: Layer, order: int, args: Any, named: Any) -> None:
        given = layer._call_signature.bind(*args, **named).arguments
        masks = [k for k, v in given.items() if "mask" in k and _is_set(v)]
        if masks:
            self.masked[str(order)] = masks
        if isinstance(layer, layers.MultiHeadAttention):
            value = given["value"]
            key = given.get("key")
            given = {
                "query": given["query"],
                "key": value if key is None else key,
                "value": value,
            }
        if tf.is_tensor(given.get("mask")):
            self._keep_all(f"layer/{order}/mask", [given["mask"]])
        inputs = [value for name, value in given.items() if "mask" not in name]
        self._keep_all(f"layer/{order}/in", tensors(inputs))

    def _end_part(self, out: Any) -> None:
        """Note the output of the layer that runs."""
        orders, self._running = self._running, []
        if not self.calls[orders[0]]:
            self.steps += [{"node": "layer", "order": order} for order in orders]
            self._keep_all(f"layer/{orders[-1]}/out", tensors(out))
        self.calls.update(orders)

    def _activation(self, activation: Call, place: str) -> Call:
        """The activation that a layer applies to its own output."""
        closed = whole.is_library(activation)
        run = (self._closed if closed else self._transparent)(activation, place)

        @functools.wraps(activation)
        def watched(x: tf.Tensor) -> Any:
            if not self._running:
                return activation(x)
            self._end_part(x)
            self._depth -= 1
            try:
                return run(x)
            finally:
                self._depth += 1

        return watched

    def _closed(self, called: Any, place: str) -> Call:
        """Glue that is one step, whatever it calls."""
        call = _call(called)

        @functools.wraps(call)
        def watched(*args: Any, **named: Any) -> Any:
            if self._depth:
                return call(*args, **named)
            with self._inside():
                out = call(*args, **named)
            self._note(called, place, args, named, out)
            return out

        return watched

    def _transparent(self, called: Any, place: str) -> Call:
        """The user's own code: the steps in it, or one where none is seen in it."""
        call = _call(called)

        @functools.wraps(call)
        def watched(*args: Any, **named: Any) -> Any:
            before = len(self.steps)
            out = call(*args, **named)
            seen = len(self.steps) > before or any(out is x for x in args)
            if not (self._depth or seen):
                self._note(called, place, args, named, out)
            return out

        return watched

    def _function(self, function: Call, name: str) -> Call:
        """A function or an operator where the user's code calls it."""

        @functools.wraps(function)
        def watched(*args: Any, **named: Any) -> Any:
            place = "" if self._depth else user_frame()
            if not place:
                return function(*args, **named)
            with self._inside():
                out = function(*args, **named)
            self._note(function, place, args, named, out, name)
            return out

        return watched

    def _note(
        self, called: Any, place: str, args: Any, named: Any, out: Any, name: str = ""
    ) -> None:
        inputs, outputs = tensors((args, named)), tensors(out)
        from_nothing = not inputs and name not in rules.DRAWS
        if from_nothing or not any(x.dtype.is_floating for x in outputs):
            return
        op, settings = glue.tell(called, args, named, out, name)
        if op in rules.TRIVIAL or (inputs and whole.is_same(op, inputs[0], outputs[0])):
            return
        number = f"{op}#{self._ids[op]}"
        self._ids[op] += 1
        step = {"node": "glue", "id": number, "op": op, "place": place}
        self.steps.append({**step, "settings": settings})
        if self._keep == "all":
            self._keep_all(f"glue/{number}/in", inputs)
            self._keep_all(f"glue/{number}/out", outputs)

    def _keep_all(self, key: str, given: list[tf.Tensor]) -> None:
        """The tensors under `key`, `key/1` and so on; their memory is not copied."""
        if self._keep == "steps":
            return
        for k, tensor in enumerate(given):
            self.trace[f"{key}/{k}" if k else key] = np.asarray(tensor)

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1


def _is_set(mask: Any) -> bool:
    """Whether a mask is there, or asked for."""
    return any(x is True or tf.is_tensor(x) for x in keras.tree.flatten(mask))


def _call(called: Any) -> Call:
    call: Call = called.call if isinstance(called, keras.Operation) else called
    return call

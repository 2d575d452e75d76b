"""Both models of a pair under the same probes, their answers in Keras' layout."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np

from shared.check import arrange
from shared.check.answers import Answers, Array, Plan
from shared.check.pairing import Pair, Pairing
from shared.check.side import Found, Side
from shared.parity.trace import Trace
from shared.weights import Weights

Repairs: TypeAlias = Sequence[Mapping[str, Any]]
Ask: TypeAlias = Callable[[], Found]


SMALL = 1_000_000
"""Parameters of a model whose forward pass takes no time to speak of."""

KEPT_BYTES = 200_000_000
"""How much of what the models answered is kept."""


class Both:
    """The two models, how they are called, and what each layer is taken for."""

    def __init__(self, keras: Side, torch: Side, apart: bool) -> None:
        """Take the two sides; `apart` if each is in a process of its own."""
        self.keras = keras
        self.torch = torch
        self._pool = ThreadPoolExecutor(1) if apart else None
        (_, self.keras_about), (_, self.torch_about) = self.ask("describe")
        self.pairing = Pairing((), {}, {})
        self.inputs: list[Array] = []
        self.target: list[Array] = []
        self.plan = Plan(())
        self.rows: dict[int, Array] = {}
        """By Keras' order: the rows of PyTorch's kernel that are Keras' rows."""
        self.put: Trace = {}
        """What the repairs named "put" put into PyTorch's model, by their keys."""
        self._kept: dict[str, Found] = {}
        self._mended: frozenset[int] = frozenset()
        self._own: Trace = {}
        self._right: Trace = {}

    @property
    def large(self) -> bool:
        """Whether a forward pass takes long, so that each has to pay."""
        return bool(self.keras_about["parameters"] > SMALL)

    def ask(self, probe: str) -> tuple[Found, Found]:
        """The same question to both, without arguments."""
        if self._pool is None:
            return self.keras.ask(probe), self.torch.ask(probe)
        job = self._pool.submit(self.keras.ask, probe)
        try:
            second = self.torch.ask(probe)
        finally:
            first = job.result()
        return first, second

    def forward(
        self,
        precision: str,
        *,
        training: bool = False,
        repairs: Repairs = (),
        record: str = "none",
    ) -> Answers:
        """One forward pass of each."""
        given = {"precision": precision, "training": training, "record": record}
        return self._run("forward", self._batch(), given, repairs)

    def gradients(self, precision: str, loss: Any, repairs: Repairs = ()) -> Answers:
        """The loss in training mode and the gradient of every parameter."""
        given = {"precision": precision, "training": True, "loss": loss}
        return self._run("gradients", self._batch(target=True), given, repairs)

    def train(
        self,
        precision: str,
        loss: Any,
        optimizer: Any,
        steps: int,
        repairs: Repairs = (),
    ) -> Answers:
        """Some steps of training on the one batch."""
        ours, theirs = self._batch(target=True)
        given = {"precision": precision, "loss": loss, "optimizer": optimizer}
        batches = _as_batches(ours), _as_batches(theirs)
        return self._run("train", batches, given | {"steps": steps}, repairs)

    def once(self, side: str, precision: str, repairs: Repairs = ()) -> Trace:
        """The outputs of one side, run anew; repairs are PyTorch's."""
        given = {"precision": precision, "training": False, "record": "none"}
        return self.twin(side, "forward", repairs, **given)

    def twin(self, side: str, probe: str, repairs: Repairs = (), **given: Any) -> Trace:
        """The same probe of one side alone; twin=k moves its weights by an ulp."""
        ours, theirs = self._batch(target=probe != "forward")
        if probe == "train":
            ours, theirs = _as_batches(ours), _as_batches(theirs)
        if side == "tf":
            more: dict[str, Any] = {"plan": {}, "repairs": []}
            return self.keras.ask(probe, ours, **_one(given, 0), **more)[0]
        more = {"plan": self.plan.to_json(), "repairs": list(repairs)}
        return self.torch.ask(probe, theirs, **_one(given, 1), **more)[0]

    def _run(
        self,
        probe: str,
        arrays: tuple[Trace, Trace],
        given: Mapping[str, Any],
        repairs: Repairs,
    ) -> Answers:
        """Keras' answer is kept: the repairs are all PyTorch's."""
        self._mend(frozenset(r["order"] for r in repairs if r["do"] == "weights"))
        asked = [dict(r) for r in repairs if r["do"] not in ("weights", "reshape")]
        put = {r["key"]: self.put[r["key"]] for r in asked if r["do"] == "put"}
        ours = _one(given, 0) | {"plan": {}, "repairs": []}
        theirs = _one(given, 1) | {"plan": self.plan.to_json(), "repairs": asked}
        keys = f"{probe} {ours}", f"{probe} {theirs} {self._mended}"
        first, second = self._answered(
            keys,
            lambda: self.keras.ask(probe, arrays[0], **ours),
            lambda: self.torch.ask(probe, arrays[1] | put, **theirs),
        )
        reshaped = any(r["do"] == "reshape" for r in repairs)
        return Answers(first[0], second[0], first[1], second[1], reshaped)

    def _answered(
        self, keys: tuple[str, str], keras: Ask, torch: Ask
    ) -> tuple[Found, Found]:
        """Both answers, remembered lest the models be asked again."""
        if self._pool is not None and self._kept.keys().isdisjoint(keys):
            job = self._pool.submit(keras)
            try:
                self._kept[keys[1]] = torch()
            finally:
                # Waited for in any case: a process takes one question at a time.
                self._kept[keys[0]] = job.result()
        for key, ask in zip(keys, (keras, torch), strict=True):
            # What was asked for last stands last: the first are dropped first.
            self._kept[key] = self._kept.pop(key) if key in self._kept else ask()
        while self._size() > KEPT_BYTES and len(self._kept) > 2:
            self._kept.pop(next(iter(self._kept)))
        return self._kept[keys[0]], self._kept[keys[1]]

    def _size(self) -> int:
        return sum(a.nbytes for trace, _ in self._kept.values() for a in trace.values())

    def _mend(self, orders: frozenset[int]) -> None:
        """Give PyTorch's partners of these Keras layers the weights of those."""
        if orders == self._mended:
            return
        if not self._own:
            (ours, _), (theirs, _) = self.ask("weights")
            self._own, self._right = theirs, self.torch_weights(ours)
        arrays = {}
        for pair in self.pairing.pairs:
            if pair.keras.order in orders | self._mended:
                source = self._right if pair.keras.order in orders else self._own
                for name in pair.torch.parameters:
                    key = f"{pair.torch.order}/{name}"
                    arrays[key] = source[key]
        self.torch.ask("set_weights", arrays)
        self._mended = orders

    def pair_as(self, pairing: Pairing) -> None:
        """Take that pairing, before the start is put into the models."""
        self.pairing = pairing
        self.rows.clear()
        self.forget()

    def forget(self) -> None:
        """Drop what Keras answered: the weights, the inputs or the precision change."""
        self._kept.clear()

    def _batch(self, target: bool = False) -> tuple[Trace, Trace]:
        """The inputs, and the target, for each side."""
        ours = {f"input/{k}": array for k, array in enumerate(self.inputs)}
        theirs = dict(ours)
        if target:
            for k, array in enumerate(self.target):
                ours[f"target/{k}"] = array
                theirs[f"target/{k}"] = self._turned(k, array)
        return ours, theirs

    def _turned(self, k: int, target: Array) -> Array:
        """A target shaped like an output takes the output's layout."""
        way = self.output_ways[k] if k < len(self.output_ways) else "as_is"
        alike = target.ndim >= 3 and target.dtype.kind == "f"
        return arrange.there(target, way) if alike and way in arrange.WAYS else target

    output_ways: tuple[str, ...] = ()
    """The arrangement of each of PyTorch's outputs."""

    def turn(self, keras_order: int, name: str, array: Array) -> Array:
        """A PyTorch parameter in the neutral layout, as Keras' layer has it.

        Its rows are in Keras' order; of two biases it is the first where Keras has one.
        """
        rows = self.rows.get(keras_order)
        if rows is not None and name == "kernel":
            return array[rows]
        pairs = (p for p in self.pairing.pairs if p.keras.order == keras_order)
        pair = next(pairs)
        if _one_of_two(pair, name):
            return array[0]
        shape = pair.keras.parameters.get(name, array.shape)
        same = array.size == math.prod(shape)
        return array.reshape(shape) if same and pair.of_two_kinds else array

    def parameters(self, trace: Trace, level: str, side: str) -> Weights:
        """Arrays under `level/order/name`, by "Keras' layer/name".

        A bias that only one of the two has is left out: the spec tells of it.
        """
        found: Weights = {}
        for one in self.pairing.pairs:
            layer = one.keras if side == "tf" else one.torch
            for name in layer.parameters:
                array = trace.get(f"{level}/{layer.order}/{name}")
                if array is None or name in one.lone[side]:
                    continue
                if side == "torch":
                    array = self.turn(one.keras.order, name, array)
                found[f"{one.keras.name}/{name}"] = array
        return found

    def torch_weights(self, keras: Trace) -> Trace:
        """Keras' weights under PyTorch's orders; a bias that Keras lacks is zero."""
        found: Trace = {}
        for one in self.pairing.pairs:
            kernel = next(iter(one.keras.parameters))
            like = keras[f"{one.keras.order}/{kernel}"].dtype
            for name, shape in one.torch.parameters.items():
                array = keras.get(f"{one.keras.order}/{name}")
                if array is None:
                    array = np.zeros(shape, like)
                rows = self.rows.get(one.keras.order)
                if rows is not None and name == "kernel":
                    turned = np.empty_like(array)
                    turned[rows] = array
                    array = turned
                if _one_of_two(one, name):
                    array = np.stack([array, np.zeros_like(array)])
                found[f"{one.torch.order}/{name}"] = array.reshape(shape)
        return found


def _one_of_two(pair: Pair, name: str) -> bool:
    """Whether Keras' GRU has one bias there where PyTorch's has two."""
    before = pair.keras.kind.endswith("gru_reset_before")
    return before and name.rpartition("/")[2] == "bias"


def _as_batches(arrays: Trace) -> Trace:
    """A leading axis for the one batch that there is."""
    return {name: array[None] for name, array in arrays.items()}


def _one(given: Mapping[str, Any], side: int) -> dict[str, Any]:
    """A pair of a loss or an optimizer is one for each side."""
    return {
        key: value[side] if isinstance(value, tuple) else value
        for key, value in given.items()
    }

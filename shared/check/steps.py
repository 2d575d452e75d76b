"""What the two models compute, call by call, side by side.

Both forward passes are recorded as steps: a layer with weights, or a call without
(glue: an activation, a pooling, a flattening). Layers are matched by the pairing, glue
by what it does and where it stands.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from shared.check import arrange
from shared.check.answers import Answers, Array
from shared.check.both import Both
from shared.check.flow import Step, head, ordered
from shared.parity.trace import Trace

ACTIVATIONS = {
    "relu",
    "clip",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "sigmoid",
    "tanh",
    "softmax",
    "log_softmax",
    "softplus",
    "softsign",
    "silu",
    "mish",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "log_sigmoid",
    "exp",
}
POOLINGS = {"max_pool", "avg_pool", "global_avg_pool", "global_max_pool"}
_FAMILIES = (ACTIVATIONS, POOLINGS, {"flatten", "reshape"}, {"add", "multiply"})


@dataclasses.dataclass(frozen=True)
class Slot:
    """A step of Keras' model, of PyTorch's, or one of each that correspond.

    Attributes:
        keras, torch: the steps as the tracks record them; None where there is none.
        place: how a person finds it.
    """

    keras: Step | None
    torch: Step | None
    place: str

    @property
    def is_layer(self) -> bool:
        step = self.keras or self.torch
        return step is not None and step["node"] == "layer"


def aligned(both: Both, answers: Answers) -> list[Slot]:
    """All steps of both, in the order of Keras' layers."""
    ours, theirs = _ordered(both, answers)
    names = [_token(step, _keras_orders(both)) for step in ours]
    others = [_token(step, _torch_orders(both)) for step in theirs]
    matcher = difflib.SequenceMatcher(a=names, b=others, autojunk=False)
    found: list[Slot] = []
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        if tag == "equal":
            pairs: Iterator[tuple[Step | None, Step | None]] = zip(
                ours[a0:a1], theirs[b0:b1], strict=True
            )
        else:
            pairs = _loosely(ours[a0:a1], theirs[b0:b1])
        for a, b in pairs:
            found.append(Slot(a, b, _place(both, a, b)))
    return found


def _ordered(both: Both, answers: Answers) -> tuple[list[Step], list[Step]]:
    ours, theirs = answers.keras_facts["steps"], answers.torch_facts["steps"]
    ran = [step["order"] for step in ours if step["node"] == "layer"]
    pairs = [p for p in both.pairing.pairs if p.keras.order in ran]
    ranks = {p.keras.order: ran.index(p.keras.order) for p in pairs}
    partners = {p.torch.order: ranks[p.keras.order] for p in pairs}
    given = [arrange.there(x, way) for x in both.inputs for way in arrange.ways(x.ndim)]
    return (
        ordered(ours, answers.keras, ranks, given),
        ordered(theirs, answers.torch, partners, given),
    )


def alone(slots: Sequence[Slot], index: int, op: str, step: int) -> list[str]:
    """The ids of PyTorch's calls of that kind right before (-1) or after (1) a slot."""
    found = []
    index += step
    while 0 <= index < len(slots):
        ours, theirs = slots[index].keras, slots[index].torch
        if ours is not None or theirs is None or theirs.get("op") != op:
            break
        found.append(str(theirs["id"]))
        index += step
    return found


def _keras_orders(both: Both) -> dict[int, str]:
    return {p.keras.order: p.keras.name for p in both.pairing.pairs}


def _torch_orders(both: Both) -> dict[int, str]:
    return {p.torch.order: p.keras.name for p in both.pairing.pairs}


def _token(step: Step, orders: Mapping[int, str]) -> str:
    if step["node"] == "layer":
        return f"layer {orders.get(step['order'], '')}"
    return str(step["op"])


def _loosely(
    ours: Sequence[Step], theirs: Sequence[Step]
) -> Iterator[tuple[Step | None, Step | None]]:
    """Glue of one family is matched in order, whatever stands between."""
    left = list(theirs)
    for step in ours:
        partner = next((other for other in left if _akin(step, other)), None)
        if partner is not None:
            before = left[: left.index(partner)]
            left = left[left.index(partner) + 1 :]
            yield from ((None, other) for other in before)
        yield step, partner
    yield from ((None, other) for other in left)


def _akin(a: Step, b: Step) -> bool:
    if "layer" in (a["node"], b["node"]):
        return False
    return a["op"] == b["op"] or any(a["op"] in f and b["op"] in f for f in _FAMILIES)


def _place(both: Both, a: Step | None, b: Step | None) -> str:
    step = a or b
    assert step is not None
    if step["node"] == "layer":
        about = both.keras_about if a is not None else both.torch_about
        names = _torch_orders(both) if a is None else {}
        own = str(about["layers"][step["order"]]["name"])
        return names.get(step["order"], own)
    return str(step["place"])


# Where the two part


@dataclasses.dataclass(frozen=True)
class Departure:
    """The first point at which the two forward passes differ.

    Attributes:
        index: of the slot; the number of slots where only an output differs.
        after: the index of the last slot before it that is known to agree, or -1.
        place: the layer, or "between A and B".
        error: relative, infinite where there is no number.
        slot: the step; None where only an output differs.
        what: whether it is what goes "in" there or what comes "out".
    """

    index: int
    after: int
    place: str
    error: float
    slot: Slot | None = None
    what: str = "out"

    @property
    def position(self) -> tuple[int, bool]:
        """What orders departures: the one that comes first is the smallest."""
        return self.index, self.what == "out"


def departure(
    both: Both, slots: Sequence[Slot], answers: Answers, limit: float
) -> Departure | None:
    """The first slot whose values differ by more than `limit`; None if none does.

    What comes out of a step in another shape departs too, unless a later step agrees:
    PyTorch may crop after a layer what Keras crops within. What goes in may have
    another shape: PyTorch may pad before a layer what Keras pads within.
    """
    last, name = -1, "the input"
    misfit: Departure | None = None
    for index, slot in enumerate(slots):
        for what, keras, torch in _values(both, slot, answers):
            apart = error(keras, torch)
            if apart is None:
                if what == "out":
                    misfit = misfit or Departure(index, last, slot.place, math.inf)
            elif apart <= limit:
                last, name, misfit = index, slot.place, None
            else:
                among = what == "in"
                place = f"between {name} and {slot.place}" if among else slot.place
                return misfit or Departure(index, last, place, apart, slot, what)
    return misfit


def _values(
    both: Both, slot: Slot, answers: Answers
) -> Iterator[tuple[str, list[Array], list[Array]]]:
    """What goes into a layer and what comes out of each step, where both tell."""
    if slot.keras is None or slot.torch is None:
        return
    rows = None
    if slot.is_layer:
        rows = both.rows.get(slot.keras["order"])
    elif both.rows and slot.keras["op"] in ("flatten", "reshape"):
        return  # the next layer's kernel makes up for the order
    for kind in ("in", "out"):
        a = recorded(answers.keras, slot.keras, kind)
        b = recorded(answers.torch, slot.torch, kind)
        if kind == "in" and not slot.is_layer and _several(slot, answers):
            continue  # a sum may be told in either order
        if kind == "in" and rows is not None:
            b = [array[..., rows] for array in b]
        if a and b:
            yield kind, a, b


def _several(slot: Slot, answers: Answers) -> bool:
    """Whether a call takes more than one tensor, in either model."""
    sides = (answers.keras, slot.keras), (answers.torch, slot.torch)
    return any(f"glue/{step['id']}/in/1" in trace for trace, step in sides if step)


def recorded(trace: Trace, step: Step, kind: str) -> list[Array]:
    """The arrays that were recorded: several where any of them will do."""
    own = f"{head(step)}/{kind}"
    if own not in trace:
        return []
    found = [trace[own]]
    if f"{own}/state" in trace:
        found += _last_steps(found[0], trace[f"{own}/state"])
    return found


def _last_steps(sequence: Array, state: Array) -> list[Array]:
    """What Keras may return of PyTorch's RNN: the last step, of either direction."""
    directions = list(state)
    ends = [
        np.concatenate(directions[-count:], axis=-1)
        for count in (1, 2)
        if len(directions) >= count
    ]
    return ends if sequence.ndim < 3 else [sequence[:, -1], sequence[-1], *ends]


def error(keras: list[Array], torch: list[Array]) -> float | None:
    """The smallest distance in any layout; None where no shape fits."""
    found = (arrange.matched(keras[0], array) for array in torch)
    return min(
        (arrange.distance(keras[0], one[1]) for one in found if one is not None),
        default=None,
    )

"""What can be told of two models without running them, or by running each twice."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from shared.check import steps
from shared.check.answers import Answers
from shared.check.both import Both
from shared.check.candidate import number
from shared.check.pairing import Pair, Pairing
from shared.check.result import Cause, Level


@dataclasses.dataclass(frozen=True)
class Specification:
    """The spec level and what it fails for."""

    level: Level
    causes: tuple[Cause, ...]


def compare(both: Both) -> Specification:
    """Whether every layer has a partner with the same parameters, trained alike."""
    causes = tuple(_causes(both))
    keras, torch = (
        sum(_size(layer["parameters"]) for layer in about["layers"])
        for about in (both.keras_about, both.torch_about)
    )
    dtypes = both.keras_about["dtypes"], both.torch_about["dtypes"]
    problems = [f"{one.place or one.torch_place}: {_told(one)}" for one in causes]
    if dtypes[0] != dtypes[1]:
        told = (" and ".join(side) or "none" for side in dtypes)
        problems.append("dtypes: {} in Keras, {} in PyTorch".format(*told))
    if not problems:
        return Specification(Level("spec", "", "pass", where=f"{keras:,} numbers"), ())
    if keras != torch:
        problems.append(f"{keras:,} numbers in Keras, {torch:,} in PyTorch")
    where = "; ".join(problems[:3]) + (" ..." if len(problems) > 3 else "")
    level = Level("spec", "", "fail", float("inf"), where=where)
    return Specification(level, causes)


def _told(cause: Cause) -> str:
    return f"{cause.keras} in Keras, {cause.torch} in PyTorch"


def _size(parameters: dict[str, list[int]]) -> int:
    total = 0
    for shape in parameters.values():
        count = 1
        for size in shape:
            count *= size
        total += count
    return total


def _cause(id: str, pair: Pair, keras: str, torch: str, remedy: str) -> Cause:
    names = pair.keras.name, pair.torch.name
    return Cause(id, *names, keras, torch, ("spec",), 1.0, remedy)


def _causes(both: Both) -> Iterator[Cause]:
    pairing = both.pairing
    for name, why in pairing.keras.items():
        remedy = "give PyTorch's model the layer, or name its partner with --map"
        yield Cause("unpaired_layer", name, "", why, "none", ("spec",), 1.0, remedy)
    for name, why in pairing.torch.items():
        others = both.torch_about["tied"].get(name, [])
        if any(other not in pairing.torch for other in others):
            continue  # it has the weights of a layer that is paired
        remedy = "give Keras' model the layer, or name its partner with --map"
        yield Cause("unpaired_layer", "", name, "none", why, ("spec",), 1.0, remedy)
    for pair in pairing.pairs:
        for track, names in pair.lone.items():
            for name in names:
                sides = ("has one", "none") if track == "tf" else ("none", "has one")
                yield _cause(
                    "missing_bias", pair, f"{name}: {sides[0]}", sides[1], _BIAS
                )
        yield from _frozen(both, pair)
        yield from _rates(both, pair)
    yield from _dropouts(both)
    yield from _bounds(both)


_BIAS = "use_bias in Keras and bias in PyTorch alike"


def _frozen(both: Both, pair: Pair) -> Iterator[Cause]:
    ours = both.keras_about["trainable"].get(str(pair.keras.order), {})
    theirs = both.torch_about["trainable"].get(str(pair.torch.order), {})
    wrong = [name for name in ours if name in theirs and ours[name] != theirs[name]]
    if wrong:
        told = ["trained" if side[wrong[0]] else "frozen" for side in (ours, theirs)]
        names = ", ".join(wrong)
        remedy = "layer.trainable in Keras and requires_grad_ in PyTorch alike"
        yield _cause("frozen", pair, f"{names} {told[0]}", told[1], remedy)


def _rates(both: Both, pair: Pair) -> Iterator[Cause]:
    """Dropout within a layer: an RNN's, or attention's."""
    ours = both.keras_about["settings"].get(str(pair.keras.order), {})
    theirs = both.torch_about["settings"].get(str(pair.torch.order), {})
    rates = ours.get("dropout") or 0.0, theirs.get("dropout") or 0.0
    if abs(rates[0] - rates[1]) > 1e-9:
        remedy = f"dropout={rates[0]:g} in PyTorch"
        if pair.keras.kind != "multi_head_attention":
            remedy = "none; Keras drops inputs, PyTorch between the layers of a stack"
        told = f"dropout {rates[0]:g}", f"dropout {rates[1]:g}"
        yield _cause("dropout_rate", pair, *told, remedy)


def _dropouts(both: Both) -> Iterator[Cause]:
    """The dropout calls of both, in order; they are off while the two are compared."""
    answers = both.forward("float32", record="steps")
    for slot in steps.aligned(both, answers):
        ours, theirs = slot.keras, slot.torch
        if ours is None or theirs is None or ours.get("op") != "dropout":
            continue
        rates = ours["settings"]["rate"], theirs["settings"]["rate"]
        if abs(rates[0] - rates[1]) > 1e-6:
            told = f"rate {rates[0]:g}", f"p {rates[1]:g}"
            remedy = f"nn.Dropout({rates[0]:g}) in PyTorch"
            place = slot.place, theirs["place"]
            yield Cause("dropout_rate", *place, *told, ("spec",), 1.0, remedy)


def _bounds(both: Both) -> Iterator[Cause]:
    """Where only one ReLU is bounded, and no number reached the bound to show it."""
    slots = _relus(both, both.forward("float32", record="steps"))
    bounds = [(_bound(slot.keras), _bound(slot.torch)) for slot in slots]
    if collections.Counter(a for a, _ in bounds) == collections.Counter(
        b for _, b in bounds
    ):
        return  # perhaps told in another order
    answers = both.forward("float32", record="all")
    for slot in _relus(both, answers):
        found = _bound(slot.keras), _bound(slot.torch)
        (out,) = steps.recorded(answers.keras, slot.keras, "out")
        if found[0] != found[1] and out.max() < min(found):
            ours, theirs = (
                f"max_value {number(n) if n < math.inf else 'none'}" for n in found
            )
            place = slot.place, slot.torch["place"]
            remedy = "bounded alike in both, as nn.ReLU6 and ReLU(max_value=6) are"
            yield Cause(
                "activation_setting", *place, ours, theirs, ("spec",), 1.0, remedy
            )


def _relus(both: Both, answers: Answers) -> list[Any]:
    """Where both models have a ReLU."""
    return [
        slot
        for slot in steps.aligned(both, answers)
        if slot.keras is not None
        and slot.torch is not None
        and slot.keras.get("op") == slot.torch.get("op") == "relu"
    ]


def _bound(step: Mapping[str, Any]) -> float:
    bound = step["settings"].get("max_value")
    return math.inf if bound is None else float(bound)


def modes(both: Both) -> list[str]:
    """Notes on what Keras' layers do besides, and on PyTorch's mode as it came."""
    about, notes = both.torch_about, list(both.keras_about["notes"])
    kinds = {layer["kind"] for layer in about["layers"]}
    if not about["training"] or not (about["random"] or "batch_norm" in kinds):
        return notes
    return [
        *notes,
        "PyTorch's model comes in training mode, in which dropout and batch norm are "
        "at work: call .eval() before you predict with it, as is done here",
    ]


def pairs(pairing: Pairing) -> tuple[dict[str, Any], ...]:
    """The table of pairs, as plain values."""
    return tuple(
        {
            "keras": one.keras.name,
            "torch": one.torch.name,
            "kind": one.keras.kind,
            "parameters": one.keras.to_json()["parameters"],
            "by": one.by,
            "ambiguous": one.ambiguous,
            "square": one.square,
        }
        for one in pairing.pairs
    )

"""What can be told of two models without running them, or by running each twice."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from shared.check import steps
from shared.check.both import Both
from shared.check.flow import Step
from shared.check.pairing import Pair, Pairing
from shared.check.result import Cause, Level


@dataclasses.dataclass(frozen=True)
class Specification:
    """The spec level and what it fails for."""

    level: Level
    causes: tuple[Cause, ...]


def compare(both: Both, bounds: Sequence[Cause] = ()) -> Specification:
    """Whether every layer has a partner with the same parameters, trained alike.

    Args:
        both: the pair.
        bounds: differences that no number shows.
    """
    causes = (*_causes(both), *bounds)
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
        yield from _norms(both, pair)
    yield from _dropouts(both)


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


def _norms(both: Both, pair: Pair) -> Iterator[Cause]:
    """What shortens the rows of a table, once one is long enough."""
    theirs = both.torch_about["settings"].get(str(pair.torch.order), {})
    if theirs.get("max_norm") is not None:
        told = "rows as they are", f"max_norm {theirs['max_norm']:g}"
        yield _cause("embedding_max_norm", pair, *told, "max_norm=None in PyTorch")


def _dropouts(both: Both) -> Iterator[Cause]:
    """The dropout calls of both, in order; they are off while the two are compared."""
    answers = both.forward("float32", record="steps")
    slots = steps.aligned(both, answers)
    found = [(slot, _rate(slot.keras), _rate(slot.torch)) for slot in slots]
    if Counter(a for _, a, _ in found if a) == Counter(b for _, _, b in found if b):
        return  # perhaps told in another order
    for slot, ours, theirs in found:
        if ours != theirs:
            told = (
                f"rate {ours:g}" if ours else "none",
                f"p {theirs:g}" if theirs else "none",
            )
            remedy = f"nn.Dropout({ours:g}) in PyTorch" if ours else "none in PyTorch"
            place = slot.place, slot.torch["place"] if slot.torch else ""
            yield Cause("dropout_rate", *place, *told, ("spec",), 1.0, remedy)


def _rate(step: Step | None) -> float:
    """Of a dropout, short enough that float32 does not matter; 0 of all else."""
    dropout = step is not None and step.get("op") == "dropout"
    return round(float(step["settings"]["rate"]), 6) if step and dropout else 0.0


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

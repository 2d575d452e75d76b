"""What two calls between the layers do differently, and what would make them equal."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from shared.check.both import Both
from shared.check.candidate import INVISIBLE, Candidate, Repair, number
from shared.check.flow import Step
from shared.check.steps import ACTIVATIONS, POOLINGS, Slot, alone


def candidates(both: Both, slots: Sequence[Slot]) -> Iterator[Candidate]:
    """Every difference between calls that correspond, or that have no counterpart."""
    for index, slot in enumerate(slots):
        ours, theirs = slot.keras, slot.torch
        if slot.is_layer:
            continue
        if ours is not None and theirs is not None:
            yield from _between(slots, index, ours, theirs)
        elif ours is not None:
            yield from _missing(both, slots, index, ours)
        elif theirs is not None:
            place = _after(slots, index)
            for one in _extra(slots, index, theirs):
                yield dataclasses.replace(one, place=place)


def _after(slots: Sequence[Slot], index: int) -> str:
    """Where a call stands that Keras' model has not."""
    before = [slot.place for slot in slots[:index] if slot.keras is not None]
    return f"after {before[-1]}" if before else "after the input"


def _make(
    id: str, index: int, slot: Slot, texts: tuple[str, str, str], *repairs: Repair
) -> Candidate:
    there = slot.torch["place"] if slot.torch is not None else ""
    keras, torch, remedy = texts
    place = slot.place
    return Candidate(id, place, there, keras, torch, remedy, repairs, slot=index)


def _as_keras(theirs: Step, op: str, settings: Any, *own: str) -> Repair:
    """The call by Keras' rule; `own` are the settings that this cause is about."""
    repair = {"do": "glue", "id": theirs["id"], "op": op, "settings": dict(settings)}
    return repair | {"own": list(own) or list(settings)}


def _skips(slots: Sequence[Slot], index: int, op: str) -> list[Repair]:
    """What only PyTorch's model does right before, Keras' within, left out."""
    return [{"do": "skip", "id": id} for id in alone(slots, index, op, -1)]


def _between(
    slots: Sequence[Slot], index: int, ours: Step, theirs: Step
) -> Iterator[Candidate]:
    slot = slots[index]
    op, settings = ours["op"], ours["settings"]
    repair = _as_keras(theirs, op, settings)
    if op == "dropout":
        # Rates are told by the spec; here it is dropping where it should not.
        repair = _as_keras(theirs, op, settings | {"active": False})
        yield _make("dropout_active", index, slot, ACTIVE, repair)
    elif op == "concatenate":
        yield from _concatenate(index, slot, ours, theirs)
    elif op in ("flatten", "reshape"):
        yield _flatten(slots, index, theirs)
    elif op != theirs["op"]:
        id = "activation" if op in ACTIVATIONS else "pooling"
        id = id if op in ACTIVATIONS | POOLINGS else "operation"
        texts = told(ours), told(theirs), f"{told(ours)} in PyTorch too"
        yield _make(id, index, slot, texts, repair)
    elif op in POOLINGS:
        yield from _pooling(slots, index, ours, theirs)
    elif op == "upsample" and _is_bicubic(settings):
        yield _make("resize_bicubic", index, slot, _bicubic(theirs), repair)
    elif op in ACTIVATIONS or settings != theirs["settings"]:
        id = "activation_setting" if op in ACTIVATIONS else op
        id = _NAMED.get(op, id)
        keras, torch = _all(settings), _all(theirs["settings"])
        if op == "gelu" and settings == theirs["settings"]:
            yield _gelu(index, slot, repair)
        elif settings != theirs["settings"]:
            remedy = f"{told(ours)} in PyTorch too"
            yield _make(id, index, slot, (keras, torch, remedy), repair)


_NAMED = {
    "softmax": "softmax_axis",
    "log_softmax": "softmax_axis",
    "pad": "padding",
}
ACTIVE = (
    "drops in training only",
    "drops in inference mode too",
    "F.dropout(x, p, training=self.training), or an nn.Dropout",
)


def _is_bicubic(settings: Any) -> bool:
    return settings["mode"] == "bicubic" and not settings.get("antialias")


def _bicubic(theirs: Step) -> tuple[str, str, str]:
    settings, more = theirs["settings"], ""
    if settings["mode"] == "bicubic":
        exact = settings.get("antialias", False)
        more = "a = -1/2, places exact" if exact else "a = -3/4, the edge repeated"
    return _KEYS, f"{_all(settings)}; {more}".rstrip("; "), _BICUBIC


_KEYS = "mode bicubic: a = -1/2, no pixels beyond the edge, places rounded to 1/1024"
_BICUBIC = (
    "antialias=True in F.interpolate if it enlarges by 2, 4 or 8. Else, for (N, C, h, "
    "w) to the size (m, k), weights(h, m) @ x @ weights(w, k).T, with def weights(n, "
    "m): p = (torch.arange(m) + 0.5) * n / m - 0.5; "
    "p = p.floor() + ((p - p.floor()) * 1024).round() / 1024; "
    "d = (p[:, None] - torch.arange(n)).abs(); "
    "w = torch.where(d < 1, (1.5 * d - 2.5) * d**2 + 1, "
    "((2.5 - 0.5 * d) * d - 4) * d + 2) * (d < 2); return w / w.sum(1, keepdim=True)"
)
_FLATTEN = (
    "flattens with the channels last",
    "flattens with the channels first",
    "x.movedim(1, -1).flatten(1) in PyTorch, or permute the next kernel's rows",
)


def _gelu(index: int, slot: Slot, repair: Repair) -> Candidate:
    return Candidate(
        "gelu_constant",
        slot.place,
        slot.torch["place"] if slot.torch else "",
        "constants rounded to float32, inside TensorFlow",
        "constants in full precision",
        "none needed: it is below what float32 can show",
        (repair,),
        slot=index,
        most=INVISIBLE,
    )


def _flatten(slots: Sequence[Slot], index: int, theirs: Step) -> Candidate:
    """Flattening in Keras' order, whatever was done to the axes before."""
    last = theirs["settings"] | {"channels_last": True}
    repair = _as_keras(theirs, theirs["op"], last)
    turned = _skips(slots, index, "permute")
    return _make("flatten_order", index, slots[index], _FLATTEN, repair, *turned)


def _pooling(
    slots: Sequence[Slot], index: int, ours: Step, theirs: Step
) -> Iterator[Candidate]:
    """Window, padding and what the average counts, each for itself."""
    keras, torch = ours["settings"], theirs["settings"]
    padded = _skips(slots, index, "pad")
    for id, keys, more in _POOLS:
        same = all(keras.get(key) == torch.get(key) for key in keys)
        if same and not (padded and keys == _PADDING):
            continue
        own = [key for key in (*keys, *more) if key in keras]
        settings = torch | {key: keras[key] for key in own}
        texts = (
            ", ".join(f"{k} {number(keras[k])}" for k in own),
            ", ".join(f"{k} {number(torch[k])}" for k in keys if k in torch),
            _POOL_REMEDIES[id],
        )
        repairs = [_as_keras(theirs, ours["op"], settings, *own)]
        repairs += padded if "padding" in own else []
        yield _make(id, index, slots[index], texts, *repairs)


_WINDOW = ("size", "stride", "dilation")
_PADDING = ("padding", "ceil")
_POOLS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("pool_average_padding", ("include_pad",), ()),
    ("pool_window", _WINDOW, ()),
    ("pool_window", _WINDOW, _PADDING),
    ("pool_padding", _PADDING, ()),
    ("pool_padding", _PADDING, ("include_pad",)),
)
"""Ids, the settings that differ, and those that matter with them."""
_POOL_REMEDIES = {
    "pool_average_padding": "count_include_pad=False; where Keras pads one side only, "
    "divide by the average pool of a mask of ones, padded alike",
    "pool_window": "the same kernel_size, stride and dilation in PyTorch",
    "pool_padding": 'Keras\' "same" pads total = max((ceil(n / stride) - 1) * stride + '
    "window - n, 0) along each axis, total // 2 before and the rest after: F.pad with "
    "-inf (max) before the pooling, padding=0",
}


def _concatenate(
    index: int, slot: Slot, ours: Step, theirs: Step
) -> Iterator[Candidate]:
    repair = _as_keras(theirs, "concatenate", ours["settings"])
    axes = ours["settings"].get("axis"), theirs["settings"].get("axis")
    texts = f"axis {axes[0]}", f"dim {axes[1]}", "the same axis in both"
    yield _make("concatenate_axis", index, slot, texts, repair)
    turned = theirs["settings"] | {"reverse": True}
    repair = _as_keras(theirs, "concatenate", turned, "reverse")
    yield _make("concatenate_order", index, slot, _ORDER, repair)


_ORDER = "in this order", "in the other order", "the same order in both"


def _missing(
    both: Both, slots: Sequence[Slot], index: int, ours: Step
) -> Iterator[Candidate]:
    """An activation that only Keras has: it follows what PyTorch does before."""
    before = [s.torch for s in slots[:index] if s.torch is not None]
    if ours["op"] not in ACTIVATIONS or not before:
        return
    last = before[-1]
    where = {key: last[key] for key in ("order", "id") if key in last}
    repair = {"do": "after", **where, "op": ours["op"]}
    repair["settings"] = dict(ours["settings"])
    texts = told(ours), "nothing", f"{told(ours)} in PyTorch too"
    candidate = _make("activation_missing", index, slots[index], texts, repair)
    names = {p.torch.order: p.torch.name for p in both.pairing.pairs}
    after = last.get("place") or names.get(last["order"], "the last layer")
    yield dataclasses.replace(candidate, torch_place=f"after {after}")


def _extra(slots: Sequence[Slot], index: int, theirs: Step) -> Iterator[Candidate]:
    """A call that only PyTorch has."""
    slot = slots[index]
    skip = {"do": "skip", "id": theirs["id"]}
    if theirs["op"] == "slice":
        last = _as_keras(theirs, "last_of_both", {})
        yield _make("rnn_last_step", index, slot, _LAST, last)
    elif theirs["op"] == "dropout":
        off = _as_keras(theirs, "dropout", theirs["settings"] | {"active": False})
        yield _make("dropout_active", index, slot, ACTIVE, off)
    elif theirs["op"] in ACTIVATIONS:
        texts = "nothing", told(theirs), f"leave out {told(theirs)} in PyTorch"
        yield _make("activation_extra", index, slot, texts, skip)
    elif theirs["op"] in ("reshape", "flatten"):
        yield _flatten(slots, index, theirs)
    elif theirs["op"] == "concatenate":
        turned = theirs["settings"] | {"reverse": True}
        repair = _as_keras(theirs, "concatenate", turned, "reverse")
        yield _make("concatenate_order", index, slot, _ORDER, repair)


_LAST = (
    "each direction's own last output",
    "the last step, where the backward direction has only begun",
    "torch.cat([h_n[-2], h_n[-1]], dim=-1) in PyTorch, in place of out[:, -1]",
)


def told(step: Step) -> str:
    """'relu', 'leaky_relu(slope=0.3)'; what an activation leaves off is left out."""
    off = (None, False, 0.0) if step["op"] in ACTIVATIONS else (None,)
    given = {k: v for k, v in step["settings"].items() if v not in off}
    settings = ", ".join(f"{key}={number(value)}" for key, value in given.items())
    return f"{step['op']}({settings})" if settings else str(step["op"])


def _all(settings: Any) -> str:
    """All settings by name."""
    return ", ".join(f"{key} {number(value)}" for key, value in settings.items())

"""Recurrent layers by Keras' rule, step by step, with the weights of PyTorch's.

    SimpleRNN  h = act(x W + h U + b)
    LSTM       i, f, o = rec(..); c = f c + i act(..); h = o act(c)
    GRU        z, r = rec(..); h = z h + (1 - z) act(x W + b + r (h U + c)), or with
               reset_after=False act(x W + b + (r h) U + c)

(keras/src/layers/rnn; PyTorch's gates stand in the order i, f, g, o and r, z, n.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from torch_track.check.activations import named

Settings: TypeAlias = Mapping[str, Any]
State: TypeAlias = tuple[torch.Tensor, ...]
Step: TypeAlias = Callable[[torch.Tensor, State], State]
"""From an input and the state, whose first tensor is the output, to the next state."""


def recurrent(module: Any, levels: Mapping[int, Settings]) -> Callable[..., Any]:
    """A whole layer, stacked or not.

    Args:
        module: an RNN, LSTM or GRU.
        levels: Keras' settings of each of its layers; where there are none, PyTorch's.
    """
    own = type(module).forward
    firsts = [rule["batch_first"] for rule in levels.values() if "batch_first" in rule]
    batch_first = bool(firsts[0]) if firsts else module.batch_first

    def forward(input: Any, hx: Any = None) -> Any:
        if isinstance(input, PackedSequence) or input.ndim < 3:
            return own(module, input, hx)
        x = input.transpose(0, 1) if batch_first else input
        starts = _starts(module, x, hx)
        ends: list[State] = []
        for level in range(module.num_layers):
            rule, sides = levels.get(level, {}), []
            for side in range(1 + module.bidirectional):
                step = _step(module, f"_l{level}{'_reverse' * side}", rule)
                backward = bool(side) or rule.get("go_backwards", False)
                mask = _mask(rule, x)
                out, end = _run(step, x, starts[len(ends)], backward, mask)
                if mask is not None and rule.get("zero_output"):
                    out = out * (mask.flip(0) if backward else mask)
                sides.append(out.flip(0) if side else out)
                ends.append(end)
            x = torch.cat(sides, dim=-1)
        states = tuple(torch.stack(tensors) for tensors in zip(*ends, strict=True))
        output = x.transpose(0, 1) if batch_first else x
        return output, states if len(states) > 1 else states[0]

    return forward


def cell(module: Any, rule: Settings) -> Callable[..., Any]:
    """One step of a layer."""
    step = _step(module, "", rule)

    def forward(input: torch.Tensor, hx: Any = None) -> Any:
        state = _listed(hx) or _zeros(module, input, module.hidden_size)
        found = step(input, tuple(state))
        return found if len(found) > 1 else found[0]

    return forward


def _mask(rule: Settings, x: torch.Tensor) -> torch.Tensor | None:
    """Where steps count, of shape (time, batch, 1); None for an x of another shape."""
    mask = torch.tensor(rule.get("mask", [])).T
    return mask[..., None] if mask.shape == x.shape[:2] else None


def _run(
    step: Step,
    x: torch.Tensor,
    start: State,
    backward: bool,
    mask: torch.Tensor | None = None,
) -> tuple[torch.Tensor, State]:
    """All outputs in the order in which they are made, and the last state.

    A step that is masked repeats what was before it.
    """
    state, outputs = start, []
    times = range(len(x))
    for t in reversed(times) if backward else times:
        found = step(x[t], state)
        if mask is not None:
            pairs = zip(found, state, strict=True)
            found = tuple(torch.where(mask[t], new, old) for new, old in pairs)
        state = found
        outputs.append(state[0])
    return torch.stack(outputs), state


def _starts(module: Any, x: torch.Tensor, hx: Any) -> list[State]:
    """The first state of each layer and direction."""
    count = module.num_layers * (1 + module.bidirectional)
    given = _listed(hx)
    if given:
        return [tuple(tensor[i] for tensor in given) for i in range(count)]
    return [_zeros(module, x[0], module.hidden_size)] * count


def _zeros(module: nn.Module, x: torch.Tensor, units: int) -> State:
    zero = x.new_zeros(len(x), units)
    return (zero, zero) if isinstance(module, (nn.LSTM, nn.LSTMCell)) else (zero,)


def _listed(hx: Any) -> Sequence[torch.Tensor]:
    if hx is None:
        return ()
    return hx if isinstance(hx, (tuple, list)) else (hx,)


def _step(module: Any, suffix: str, rule: Settings) -> Step:
    kernel, recurrent = (getattr(module, f"weight_{n}{suffix}") for n in ("ih", "hh"))
    bias, second = (getattr(module, f"bias_{n}{suffix}", None) for n in ("ih", "hh"))
    if not module.bias:
        bias = second = None
    activate = named(rule.get("activation", getattr(module, "nonlinearity", "tanh")))
    gate = named(rule.get("recurrent_activation", "sigmoid"))

    def act(x: torch.Tensor) -> torch.Tensor:
        return activate(x, {})

    def rec(x: torch.Tensor) -> torch.Tensor:
        return gate(x, {})

    def rnn(x: torch.Tensor, state: State) -> State:
        found = F.linear(x, kernel, bias) + F.linear(state[0], recurrent, second)
        return (act(found),)

    def lstm(x: torch.Tensor, state: State) -> State:
        h, c = state
        found = F.linear(x, kernel, bias) + F.linear(h, recurrent, second)
        i, f, g, o = found.chunk(4, dim=-1)
        c = rec(f) * c + rec(i) * act(g)
        return rec(o) * act(c), c

    def gru(x: torch.Tensor, state: State) -> State:
        (h,) = state
        reset, update, new = F.linear(x, kernel, bias).chunk(3, dim=-1)
        hidden = F.linear(h, recurrent, second).chunk(3, dim=-1)
        r, z = rec(reset + hidden[0]), rec(update + hidden[1])
        if rule.get("reset_after", True):
            last = r * hidden[2]
        else:
            units = module.hidden_size
            rest = None if second is None else second[2 * units :]
            last = F.linear(r * h, recurrent[2 * units :], rest)
        return (z * h + (1 - z) * act(new + last),)

    if isinstance(module, (nn.LSTM, nn.LSTMCell)):
        return lstm
    return gru if isinstance(module, (nn.GRU, nn.GRUCell)) else rnn

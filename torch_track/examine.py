"""A close look at a lesson's own first step: what the ladder's levels compare.

Nothing is computed anew: the lesson's step runs once, and hooks note what passes.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from shared.parity.trace import GRADIENT_STEPS, probe_gradient
from shared.session import Session
from torch_track import backend, weights

Step = Callable[[torch.Tensor, torch.Tensor], Any]


def examine(
    step: Step,
    model: weights.Model,
    optimizer: torch.optim.Optimizer | None,
    x: torch.Tensor,
    y: torch.Tensor,
    session: Session,
) -> None:
    """Run the step once on one batch and note outputs, loss, gradients, update.

    The model and the optimizer are left as they were found.
    """
    seen = session.observed
    start = weights.export(model)
    fresh = copy.deepcopy(optimizer.state_dict()) if optimizer else None
    with _outputs(model, seen), _gradients(model, optimizer, seen):
        returned = step(x, y)
    loss, by_hand = returned if isinstance(returned, tuple) else (returned, {})
    seen["loss"] = backend.array(loss)
    for name, gradient in by_hand.items():
        seen[f"gradient/{name}"] = weights.neutral(model, name, gradient)
    if optimizer is None:
        _note_weights(model, 1, seen)
        weights.load(model, start)
        return
    weights.load(model, start)
    # A copy: the updates would otherwise reach the state that is kept.
    optimizer.load_state_dict(copy.deepcopy(fresh))  # type: ignore[arg-type]
    for count in range(GRADIENT_STEPS):
        _feed_gradients(model, session.seed, count)
        optimizer.step()
        _note_weights(model, count + 1, seen)
    weights.load(model, start)
    optimizer.load_state_dict(fresh)  # type: ignore[arg-type]


def _note_weights(model: weights.Model, count: int, seen: dict[str, Any]) -> None:
    for name, value in weights.export(model).items():
        seen[f"step/{count}/{name}"] = value


def _feed_gradients(model: weights.Model, seed: int, count: int) -> None:
    """Identical gradients on both sides, so that only the rule can differ."""
    for name, parameter in weights.named(model).items():
        shape = weights.neutral(model, name, parameter).shape
        gradient = probe_gradient(seed, name, shape, count)
        parameter.grad = weights.native(model, name, gradient)


@contextlib.contextmanager
def _gradients(
    model: weights.Model,
    optimizer: torch.optim.Optimizer | None,
    seen: dict[str, Any],
) -> Iterator[None]:
    """Note the gradients that the lesson hands to its optimizer."""
    if optimizer is None:
        yield
        return

    def before_step(*_: Any) -> None:
        for name, parameter in weights.named(model).items():
            if parameter.grad is not None:
                gradient = weights.neutral(model, name, parameter.grad)
                seen[f"gradient/{name}"] = gradient

    handle = optimizer.register_step_pre_hook(before_step)
    yield
    handle.remove()


@contextlib.contextmanager
def _outputs(model: weights.Model, seen: dict[str, Any]) -> Iterator[None]:
    """Note every layer's output; an activation is named after the layer it follows."""
    if isinstance(model, Mapping):
        yield
        return
    last = ""

    def note(path: str) -> Callable[..., None]:
        def hook(layer: nn.Module, inputs: Any, output: torch.Tensor) -> None:
            nonlocal last
            if type(layer).__module__ == nn.ReLU.__module__:
                name = f"{last}:{type(layer).__name__.lower()}"
            else:
                name = last = path.replace(".", "/")
            seen[f"forward/{name}"] = backend.array(output)

        return hook

    leaves = [(p, m) for p, m in model.named_modules() if not list(m.children())]
    handles = [layer.register_forward_hook(note(path)) for path, layer in leaves]
    yield
    for handle in handles:
        handle.remove()

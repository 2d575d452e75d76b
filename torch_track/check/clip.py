"""Gradients clipped as Keras does: each of its variables by itself, or all together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn, optim

from shared.weights import Weights
from torch_track import backend
from torch_track.check.optimizer_sparse import Squares
from torch_track.layouts import Part


def before_step(
    optimizer: optim.Optimizer,
    parts: Sequence[Part],
    squares: Squares,
    settings: Mapping[str, float],
) -> None:
    """Clip the gradients before each step.

    Args:
        optimizer: whose steps.
        parts: of the model; each neutral array of theirs is a variable in Keras.
        squares: of gradients that Keras has by rows; they shrink too.
        settings: one of "clipnorm", "global_clipnorm" and "clipvalue", and its limit.
    """
    ((kind, limit),) = settings.items()

    def hook(*_: Any) -> None:
        found = [(part, *_gradients(part, squares)) for part in parts]
        every = math.sqrt(sum(n**2 for *_, norms in found for n in norms.values()))
        for part, gradients, norms in found:
            if kind == "clipvalue":
                clipped = {n: np.clip(a, -limit, limit) for n, a in gradients.items()}
            else:
                # Python's numbers, so that float32 stays what it is.
                scales = {
                    name: limit / max(every if kind == "global_clipnorm" else n, limit)
                    for name, n in norms.items()
                }
                clipped = {name: a * scales[name] for name, a in gradients.items()}
            _put(part, clipped)

    optimizer.register_step_pre_hook(hook)


def _gradients(part: Part, squares: Squares) -> tuple[Weights, dict[str, float]]:
    """By neutral name, and their norms, to which each occurrence of a row counts."""
    own = {name: p.grad for name, p in part.tensors().items() if p.grad is not None}
    arrays = {name: backend.array(gradient) for name, gradient in own.items()}
    neutral = part.layout.to_neutral(part.module, arrays)
    norms = {name: float(np.linalg.norm(a)) for name, a in neutral.items()}
    rows = [squares[p] for p in _embedded(part) if p in squares]
    if rows:
        norms["embeddings"] = math.sqrt(float(rows[0].sum()))
    return neutral, norms


def _embedded(part: Part) -> Iterator[torch.Tensor]:
    if isinstance(part.module, nn.Embedding):
        yield part.module.weight


def _put(part: Part, neutral: Weights) -> None:
    native = part.layout.to_native(part.module, neutral)
    for name, p in part.tensors().items():
        if name in native and p.grad is not None:
            p.grad.copy_(torch.tensor(np.array(native[name], order="C")))

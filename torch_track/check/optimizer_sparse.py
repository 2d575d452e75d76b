"""Embeddings in Keras' optimizers on TensorFlow: a row that occurs often.

The gradient of an embedding is a list of rows there, one for each occurrence in the
batch. They are added up where a gradient is used, but not before it is squared, and not
before a norm is taken for clipping: of a row that occurs twice with the gradients a and
b, Adam, RMSprop and Adagrad see a^2 + b^2 where PyTorch sees (a + b)^2.

(keras/src/backend/tensorflow/sparse.py: an elementwise function of tf.IndexedSlices.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import nn, optim

from torch_track import matched
from torch_track.layouts import Part
from torch_track.matched import Group

Squares: TypeAlias = dict[torch.Tensor, torch.Tensor]
"""By parameter: the sum of the squares of its gradient's rows."""


def collect(
    optimizer: optim.Optimizer, parts: Sequence[Part], squares: Squares
) -> None:
    """Let embeddings tell their rows; before each step note the sum of their squares.

    The gradients become dense then, as PyTorch's optimizers want them.
    """
    tables = [p.module for p in parts if isinstance(p.module, nn.Embedding)]
    for table in tables:
        table.sparse = True

    def hook(*_: Any) -> None:
        squares.clear()
        for table in tables:
            p = table.weight
            if p.grad is not None and p.grad.is_sparse:
                rows = p.grad._indices(), p.grad._values() ** 2
                squares[p] = torch.sparse_coo_tensor(*rows, p.shape).to_dense()
                p.grad = p.grad.to_dense()

    optimizer.register_step_pre_hook(hook)


def before_step(optimizer: optim.Optimizer, squares: Squares) -> None:
    """Put into the averages of squares what the step will not find in the gradient."""
    rule = next((r for k, r in _RULES.items() if isinstance(optimizer, k)), None)

    def hook(optimizer: optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            for p in matched.stepping(group):
                if p in squares and rule is not None:
                    assert p.grad is not None
                    rule(optimizer.state[p], group, p, squares[p] - p.grad**2)

    optimizer.register_step_pre_hook(hook)


State: TypeAlias = dict[str, Any]


def begin_adam(state: State, p: torch.Tensor) -> None:
    """What Adam and its kin begin with, before they do so themselves."""
    if not state:
        state["step"] = torch.tensor(0.0)
        for key in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"):
            state[key] = torch.zeros_like(p)
        state["mu_product"] = torch.ones(())


def _adam(state: State, group: Group, p: torch.Tensor, lack: torch.Tensor) -> None:
    begin_adam(state, p)
    beta = group["betas"][1]
    state["exp_avg_sq"] += (1.0 - beta) / beta * lack


def _rmsprop(state: State, group: Group, p: torch.Tensor, lack: torch.Tensor) -> None:
    if not state:
        state["step"] = torch.tensor(0.0)
        for key in ("square_avg", "momentum_buffer", "grad_avg"):
            state[key] = torch.zeros_like(p)
    rho = group["alpha"]
    state["square_avg"] += (1.0 - rho) / rho * lack


def _adagrad(state: State, group: Group, p: torch.Tensor, lack: torch.Tensor) -> None:
    state["sum"] += lack


_RULES: Mapping[Any, Callable[[State, Group, torch.Tensor, torch.Tensor], None]] = {
    (optim.Adam, optim.NAdam): _adam,
    optim.RMSprop: _rmsprop,
    optim.Adagrad: _adagrad,
}

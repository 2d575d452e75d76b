"""The bugs planted in the PyTorch track."""

from __future__ import annotations

from functools import partial

from planted import bug

torch = partial(bug, "torch")

BUGS = (
    torch(
        "the gradients are never cleared",
        "xor_mlp",
        "optimizer.zero_grad()\n        ",
        "",
        "trajectory",
        "loss at step 2",
    ),
)

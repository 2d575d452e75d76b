"""Activation functions and their slopes, in PyTorch.

`torch` holds the functions; a tensor that requires its gradient is
recorded as it passes through one, and `autograd` hands back the slope.
`torch.func.jacrev` asks for all slopes of all outputs.
"""

# %% Imports
from collections.abc import Callable

import torch

from shared.lessons.activations import (
    SCORES,
    SIGMOID_AT,
    SLOPES_AT,
    STEP_AT,
    STEP_ROW,
    Config,
    curve,
)
from torch_track import backend
from torch_track.__main__ import main

Activation = Callable[[torch.Tensor], torch.Tensor]


# %% Activations
# sigmoid, tanh, relu and softmax come with torch.
def step(x: torch.Tensor) -> torch.Tensor:
    return (x > 0).to(x.dtype)


def softmax(x: torch.Tensor) -> torch.Tensor:
    return torch.softmax(x, dim=-1)


# %% Derivatives
# Only a scalar has a gradient here, so the outputs are summed; as each
# y depends on its own x alone, that is the slope at every point.
def derivative(activation: Activation, x: torch.Tensor) -> torch.Tensor:
    x = x.clone().requires_grad_()
    y = activation(x)
    return torch.autograd.grad(y.sum(), x)[0]


def jacobian(activation: Activation, x: torch.Tensor) -> torch.Tensor:
    return torch.func.jacrev(activation)(x)


# %% Results
def results(cfg: Config, data: None) -> dict:
    few, x = backend.tensor(SLOPES_AT), backend.tensor(curve(cfg))
    scores = backend.tensor(SCORES)
    return {
        "step": step(backend.tensor(STEP_AT)),
        "step_row": step(backend.tensor(STEP_ROW)),
        "sigmoid": torch.sigmoid(backend.tensor(SIGMOID_AT)),
        "softmax": softmax(scores),
        "gradient/sigmoid": derivative(torch.sigmoid, few),
        "gradient/tanh": derivative(torch.tanh, few),
        "gradient/relu": derivative(torch.relu, few),
        "gradient/softmax": jacobian(softmax, scores[0]),
        "curve/x": x,
        "curve/step": step(x),
        "curve/sigmoid": torch.sigmoid(x),
        "curve/tanh": torch.tanh(x),
        "curve/relu": torch.relu(x),
        "curve/sigmoid_derivative": derivative(torch.sigmoid, x),
        "curve/tanh_derivative": derivative(torch.tanh, x),
        "curve/relu_derivative": derivative(torch.relu, x),
    }


# %% Run
if __name__ == "__main__":
    main("activations")

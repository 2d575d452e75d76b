"""Backpropagation by hand, in PyTorch.

Each derivative is one line of plain tensors, from the loss back to the
first layer, and is checked against `torch.func.grad`.
"""

# %% Imports
import torch
from torch import nn

from shared.datasets import Dataset
from shared.lessons.xor_backprop import Config, first_start
from shared.session import History
from torch_track import backend, engine
from torch_track.__main__ import main

Network = dict[str, torch.Tensor]
Gradients = dict[str, torch.Tensor]


# %% Model
def build(cfg: Config) -> Network:
    glorot = nn.init.xavier_uniform_
    return {
        "hidden/kernel": glorot(torch.empty(2, 2)),
        "hidden/bias": torch.zeros(2),
        "output/kernel": glorot(torch.empty(2, 1)),
        "output/bias": torch.zeros(1),
    }


def forward(
    network: Network, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    z1 = x @ network["hidden/kernel"] + network["hidden/bias"]
    h = torch.sigmoid(z1)
    z2 = h @ network["output/kernel"] + network["output/bias"]
    return h, torch.sigmoid(z2)


# %% Loss
def cross_entropy(
    network: Network, x: torch.Tensor, y: torch.Tensor
) -> torch.Tensor:
    _, p = forward(network, x)
    return -torch.mean(y * torch.log(p) + (1 - y) * torch.log(1 - p))


# %% Gradient by hand
def by_hand(
    network: Network,
    x: torch.Tensor,
    y: torch.Tensor,
) -> Gradients:
    h, p = forward(network, x)
    dz2 = (p - y) / x.shape[0]
    dh = dz2 @ network["output/kernel"].T
    dz1 = dh * h * (1 - h)
    return {
        "hidden/kernel": x.T @ dz1,
        "hidden/bias": torch.sum(dz1, dim=0),
        "output/kernel": h.T @ dz2,
        "output/bias": torch.sum(dz2, dim=0),
    }


# %% Gradient as in the notes
# dz1 lacks h * (1 - h); the kernels' are sums, the biases' are means.
def by_note(
    network: Network,
    x: torch.Tensor,
    y: torch.Tensor,
) -> Gradients:
    h, p = forward(network, x)
    dp = (p - y) / (p * (1 - p) + 1e-7)
    dz2 = dp * p * (1 - p)
    dz1 = dz2 @ network["output/kernel"].T
    return {
        "hidden/kernel": x.T @ dz1,
        "hidden/bias": torch.mean(dz1, dim=0),
        "output/kernel": h.T @ dz2,
        "output/bias": torch.mean(dz2, dim=0),
    }


# %% Gradient by autograd
def by_autograd(
    network: Network, x: torch.Tensor, y: torch.Tensor
) -> Gradients:
    return torch.func.grad(cross_entropy)(network, x, y)


# %% Train
def train(network: Network, data: Dataset, cfg: Config) -> History:
    backward = by_note if cfg.derivatives == "note" else by_hand

    def step(
        x: torch.Tensor,
        y: torch.Tensor,
    ) -> tuple[torch.Tensor, Gradients]:
        loss = cross_entropy(network, x, y)
        gradients = backward(network, x, y)
        for name, gradient in gradients.items():
            network[name].sub_(cfg.learning_rate * gradient)
        return loss, gradients

    x, y = data.x_train, data.y_train
    return engine.loop(step, network, None, x, y, epochs=cfg.epochs)


# %% Predict
def predict(network: Network, x: torch.Tensor) -> torch.Tensor:
    return forward(network, x)[1]


# %% Results
def flat(gradients: Gradients) -> torch.Tensor:
    return torch.cat([g.ravel() for g in gradients.values()])


def results(network: Network, history: History, data: Dataset) -> dict:
    x, y = backend.tensor(data.x_train), backend.tensor(data.y_train)
    first = {
        name: backend.tensor(value)
        for name, value in first_start().items()
    }
    return {
        "by_hand": flat(by_hand(first, x, y)),
        "by_autograd": flat(by_autograd(first, x, y)),
        "by_note": flat(by_note(first, x, y)),
    }


# %% Run
if __name__ == "__main__":
    main("xor_backprop")

"""One sigmoid neuron and its gradient by hand, in PyTorch.

The derivatives are written with plain tensors and checked against those
of `torch.func.grad`; the update is `sub_` in place.
"""

# %% Imports
import torch

from shared.datasets import Dataset
from shared.lessons.delta_rule import Config, first_start
from shared.session import History
from torch_track import backend, engine
from torch_track.__main__ import main

Neuron = dict[str, torch.Tensor]
Gradients = dict[str, torch.Tensor]


# %% Model
def build(cfg: Config) -> Neuron:
    return {
        "kernel": torch.randn(2, 1),
        "bias": torch.zeros(1),
    }


def net(neuron: Neuron, x: torch.Tensor) -> torch.Tensor:
    return x @ neuron["kernel"] + neuron["bias"]


def forward(neuron: Neuron, x: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(net(neuron, x))


# %% Loss
def squared_error(
    neuron: Neuron, x: torch.Tensor, y: torch.Tensor
) -> torch.Tensor:
    a = forward(neuron, x)
    return torch.sum(torch.square(a - y)) / 2


# %% Gradient by hand
# The notes sum da for the bias; its derivative is the sum of dz.
def by_hand(
    neuron: Neuron, x: torch.Tensor, y: torch.Tensor, bias_gradient: str
) -> Gradients:
    a = forward(neuron, x)
    da = a - y
    dz = da * a * (1 - a)
    summed = da if bias_gradient == "note" else dz
    return {
        "kernel": x.T @ dz,
        "bias": torch.sum(summed, dim=0),
    }


# %% Gradient by autograd
def by_autograd(
    neuron: Neuron, x: torch.Tensor, y: torch.Tensor
) -> Gradients:
    return torch.func.grad(squared_error)(neuron, x, y)


# %% Train
def train(neuron: Neuron, data: Dataset, cfg: Config) -> History:
    def step(
        x: torch.Tensor,
        y: torch.Tensor,
    ) -> tuple[torch.Tensor, Gradients]:
        loss = squared_error(neuron, x, y)
        gradients = by_hand(neuron, x, y, cfg.bias_gradient)
        for name, gradient in gradients.items():
            neuron[name].sub_(cfg.learning_rate * gradient)
        return loss, gradients

    x, y = data.x_train, data.y_train
    return engine.loop(step, neuron, None, x, y, epochs=cfg.epochs)


# %% Predict
def predict(neuron: Neuron, x: torch.Tensor) -> torch.Tensor:
    return forward(neuron, x)


# %% Results
# One step from the notes' other start: theirs, and the right one.
def results(neuron: Neuron, history: History, data: Dataset) -> dict:
    x, y = backend.tensor(data.x_train), backend.tensor(data.y_train)
    kernel = backend.tensor(first_start()["kernel"])
    bias = backend.tensor(first_start()["bias"])
    first = {"kernel": kernel, "bias": bias}
    a = forward(first, x)
    hand = by_hand(first, x, y, "right")
    note = by_hand(first, x, y, "note")
    autograd = by_autograd(first, x, y)
    note_after = {name: first[name] + note[name] for name in first}
    right_after = {name: first[name] - hand[name] for name in first}
    errors = [
        squared_error(at, x, y)
        for at in (first, note_after, right_after)
    ]
    return {
        "z": net(first, x)[:, 0],
        "a": a[:, 0],
        "dz": ((a - y) * a * (1 - a))[:, 0],
        "hand/dw": hand["kernel"][:, 0],
        "hand/db": hand["bias"],
        "autograd/dw": autograd["kernel"][:, 0],
        "autograd/db": autograd["bias"],
        "note/db": note["bias"],
        "note/w": note_after["kernel"][:, 0],
        "note/b": note_after["bias"],
        "right/w": right_after["kernel"][:, 0],
        "right/b": right_after["bias"],
        "error": torch.stack(errors),
    }


# %% Run
if __name__ == "__main__":
    main("delta_rule")

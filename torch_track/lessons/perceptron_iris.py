"""Rosenblatt's perceptron on two irises, in PyTorch.

No autograd here: the rule has no gradient. Two plain tensors are
updated in place.
"""

# %% Imports
import numpy as np
import torch

from shared.datasets import Dataset
from shared.lessons.perceptron_iris import Config
from shared.session import History
from torch_track import engine
from torch_track.__main__ import main

Neuron = dict[str, torch.Tensor]


# %% Model
def build(cfg: Config) -> Neuron:
    return {
        "kernel": torch.zeros(2, 1),
        "bias": torch.zeros(1),
    }


# %% Predict
# Zero counts as +1; torch.sign would call it 0.
def predict(neuron: Neuron, x: torch.Tensor) -> torch.Tensor:
    net = torch.matmul(x, neuron["kernel"]) + neuron["bias"]
    one = torch.ones_like(net)
    return torch.where(net >= 0, one, -one)[:, 0]


# %% Train
def train(neuron: Neuron, data: Dataset, cfg: Config) -> History:
    kernel, bias = neuron["kernel"], neuron["bias"]

    def step(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        error = target - predict(neuron, x)
        kernel.add_(cfg.learning_rate * error * x.T)
        bias.add_(cfg.learning_rate * error)
        return torch.abs(error[0]) / 2

    x, y = data.x_train, data.y_train
    return engine.loop(
        step, neuron, None, x, y, epochs=cfg.epochs, batch_size=1
    )


# %% Results
def results(neuron: Neuron, history: History, data: Dataset) -> dict:
    wrong = [epoch.sum() for epoch in history.epochs()]
    return {"misclassified": np.array(wrong)}


# %% Run
if __name__ == "__main__":
    main("perceptron_iris")

"""XOR with a single neuron, in PyTorch.

The training loop is yours to write: clear the gradients, run forward,
run backward, let the optimizer step.
"""

# %% Imports
from collections import OrderedDict

import torch
from torch import nn

from shared.datasets import Dataset
from shared.lessons.xor_perceptron import TIE, Config
from shared.session import History
from torch_track import backend, engine
from torch_track.__main__ import main


# %% Model
# nn.Linear keeps its weight as (out, in); Dense keeps (in, out).
def build(cfg: Config) -> nn.Module:
    layers = OrderedDict(
        output=nn.Linear(2, 1),
        output_sigmoid=nn.Sigmoid(),
    )
    return nn.Sequential(layers)


# %% Train
def train(model: nn.Module, data: Dataset, cfg: Config) -> History:
    criterion = nn.BCELoss()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=cfg.learning_rate
    )

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    model.train()
    x, y = data.x_train, data.y_train
    return engine.loop(step, model, optimizer, x, y, epochs=cfg.epochs)


# %% Predict
@torch.inference_mode()
def predict(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    model.eval()
    return model(x)


# %% Results
def results(
    model: nn.Module,
    history: History,
    data: Dataset,
) -> dict:
    x, y = backend.tensor(data.x_train), backend.tensor(data.y_train)
    answer = (predict(model, x) - 0.5 > TIE).to(y.dtype)
    right = (answer == y).to(y.dtype)
    return {"accuracy": torch.mean(right)}


# %% Run
if __name__ == "__main__":
    main("xor_perceptron")

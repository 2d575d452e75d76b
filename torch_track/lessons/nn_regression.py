"""Regression with a hidden layer, in PyTorch.

The output layer has no activation after it, and the loss is the
squared error; nothing else tells regression from classification.
"""

# %% Imports
from collections import OrderedDict

import torch
from torch import nn

from shared.datasets import Dataset
from shared.lessons.nn_regression import Config
from shared.session import History
from torch_track import backend, engine
from torch_track.__main__ import main


# %% Model
def build(cfg: Config) -> nn.Module:
    layers = OrderedDict(
        hidden=nn.Linear(2, cfg.hidden),
        hidden_sigmoid=nn.Sigmoid(),
        output=nn.Linear(cfg.hidden, 1),
    )
    return nn.Sequential(layers)


# %% Train
# (N,) targets against (N, 1) outputs would broadcast to (N, N).
def train(model: nn.Module, data: Dataset, cfg: Config) -> History:
    criterion = nn.MSELoss()
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
    x = backend.tensor(data.x_train)
    return {"prediction": predict(model, x)}


# %% Run
if __name__ == "__main__":
    main("nn_regression")

"""Softmax regression, in PyTorch.

`CrossEntropyLoss` takes logits and whole-number labels: the softmax is
inside it, and a model that ends in one as well has two.
"""

# %% Imports
from collections import OrderedDict

import torch
from torch import nn

from shared.datasets import Dataset
from shared.lessons.softmax_regression import Config
from shared.session import History
from torch_track import backend, engine
from torch_track.__main__ import main


# %% Model
def build(cfg: Config) -> nn.Module:
    return nn.Sequential(OrderedDict(logits=nn.Linear(4, 3)))


# %% Train
# CrossEntropyLoss always takes logits; Keras' loss has to be told.
def train(model: nn.Module, data: Dataset, cfg: Config) -> History:
    criterion = nn.CrossEntropyLoss()
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
    return torch.softmax(model(x), dim=1)


# %% Results
def results(
    model: nn.Module,
    history: History,
    data: Dataset,
) -> dict:
    p = predict(model, backend.tensor(data.x_train))
    return {
        "row_sums": torch.sum(p, dim=1),
        "grades": torch.argmax(p, dim=1),
    }


# %% Run
if __name__ == "__main__":
    main("softmax_regression")

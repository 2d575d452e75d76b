"""Handwritten digits on MNIST, in PyTorch.

Dropout has two modes: `model.train()` before training, `model.eval()`
before predicting. Nothing complains when one is forgotten.
"""

# %% Imports
from collections import OrderedDict

import torch
from torch import nn

from shared.datasets import Dataset
from shared.lessons.mnist_mlp import Config
from shared.session import History
from torch_track import engine
from torch_track.__main__ import main


# %% Model
# The model ends in logits: CrossEntropyLoss holds the softmax.
def build(cfg: Config) -> nn.Module:
    layers = OrderedDict(
        flatten=nn.Flatten(),
        hidden=nn.Linear(28 * 28, cfg.hidden),
        hidden_relu=nn.ReLU(),
        dropout=nn.Dropout(cfg.dropout),
        output=nn.Linear(cfg.hidden, 10),
    )
    return nn.Sequential(layers)


# %% Train
def train(model: nn.Module, data: Dataset, cfg: Config) -> History:
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(
        model.parameters(), lr=cfg.learning_rate, eps=cfg.epsilon
    )

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    model.train()
    return engine.loop(
        step,
        model,
        optimizer,
        data.x_train,
        data.y_train,
        epochs=cfg.epochs,
        batch_size=cfg.batch_size,
        shuffle=True,
    )


# %% Predict
@torch.inference_mode()
def predict(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    model.eval()
    return torch.softmax(model(x), dim=1)


# %% Run
if __name__ == "__main__":
    main("mnist_mlp")

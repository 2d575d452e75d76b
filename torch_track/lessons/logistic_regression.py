"""Logistic regression, in PyTorch.

First two tensors that require gradients and the update written out;
then what a PyTorch user would write: Linear, BCELoss, SGD and a loop.
"""

# %% Imports
from collections import OrderedDict

import torch
from torch import nn

from shared.datasets import Dataset
from shared.lessons.logistic_regression import Config
from shared.session import History
from torch_track import backend, engine
from torch_track.__main__ import main

Tensors = dict[str, torch.Tensor]


# %% Raw tensors
# Tensors ask to be recorded; a GradientTape is asked for gradients.
def raw_model(cfg: Config) -> Tensors:
    return {
        "kernel": torch.zeros(2, 1, requires_grad=True),
        "bias": torch.zeros(1, requires_grad=True),
    }


def raw_train(tensors: Tensors, data: Dataset, cfg: Config) -> History:
    kernel, bias = tensors["kernel"], tensors["bias"]

    def step(
        x: torch.Tensor,
        y: torch.Tensor,
    ) -> tuple[torch.Tensor, Tensors]:
        p = raw_predict(tensors, x)
        likelihood = y * torch.log(p) + (1 - y) * torch.log(1 - p)
        loss = -torch.mean(likelihood)
        dkernel, dbias = torch.autograd.grad(loss, (kernel, bias))
        with torch.no_grad():
            kernel.sub_(cfg.learning_rate * dkernel)
            bias.sub_(cfg.learning_rate * dbias)
        return loss, {"kernel": dkernel, "bias": dbias}

    x, y = data.x_train, data.y_train
    return engine.loop(step, tensors, None, x, y, epochs=cfg.epochs)


def raw_predict(tensors: Tensors, x: torch.Tensor) -> torch.Tensor:
    net = torch.matmul(x, tensors["kernel"]) + tensors["bias"]
    return torch.sigmoid(net)


# %% As a layer
def layer_model(cfg: Config) -> nn.Module:
    layers = OrderedDict(
        logit=nn.Linear(2, 1),
        logit_sigmoid=nn.Sigmoid(),
    )
    return nn.Sequential(layers)


def layer_train(
    model: nn.Module, data: Dataset, cfg: Config
) -> History:
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


def layer_predict(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    model.eval()
    return model(x)


# %% Model
def build(cfg: Config) -> Tensors | nn.Module:
    if cfg.form == "raw":
        return raw_model(cfg)
    return layer_model(cfg)


# %% Train
def train(
    model: Tensors | nn.Module, data: Dataset, cfg: Config
) -> History:
    if isinstance(model, dict):
        return raw_train(model, data, cfg)
    return layer_train(model, data, cfg)


# %% Predict
@torch.inference_mode()
def predict(
    model: Tensors | nn.Module,
    x: torch.Tensor,
) -> torch.Tensor:
    if isinstance(model, dict):
        return raw_predict(model, x)
    return layer_predict(model, x)


# %% Results
def results(
    model: Tensors | nn.Module, history: History, data: Dataset
) -> dict:
    x = backend.tensor(data.x_train)
    return {"probability": predict(model, x)}


# %% Run
if __name__ == "__main__":
    main("logistic_regression")

"""Eight optimizers on one problem, in PyTorch.

An optimizer is made over the parameters it is to update, and keeps a
state for each; `step` reads the gradients that `backward` left there.
"""

# %% Imports
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import torch
from numpy.typing import NDArray
from torch import nn

from shared.datasets import Dataset
from shared.lessons.optimizers import (
    VALLEY_CURVATURE,
    VALLEY_START,
    Config,
    valley_samples,
)
from shared.session import History
from torch_track import backend, engine
from torch_track.__main__ import main


# %% Model
def build(cfg: Config) -> nn.Module:
    layers = OrderedDict(
        hidden=nn.Linear(64, cfg.hidden),
        hidden_relu=nn.ReLU(),
        output=nn.Linear(cfg.hidden, 10),
    )
    return nn.Sequential(layers)


# %% Optimizer
# Named in full: several of these defaults are Keras' otherwise.
def rule(cfg: Config) -> Callable[..., torch.optim.Optimizer]:
    match cfg.rule:
        case "momentum" | "nesterov":
            return partial(
                torch.optim.SGD,
                momentum=cfg.momentum,
                nesterov=cfg.rule == "nesterov",
            )
        case "adagrad":
            return partial(
                torch.optim.Adagrad,
                initial_accumulator_value=cfg.accumulator,
                eps=cfg.epsilon,
            )
        case "rmsprop":
            return partial(
                torch.optim.RMSprop,
                alpha=cfg.rho,
                eps=cfg.epsilon,
            )
        case "adam":
            return partial(
                torch.optim.Adam,
                betas=(cfg.beta_1, cfg.beta_2),
                eps=cfg.epsilon,
            )
        case "adamw":
            return partial(
                torch.optim.AdamW,
                betas=(cfg.beta_1, cfg.beta_2),
                eps=cfg.epsilon,
                weight_decay=cfg.weight_decay,
            )
    return torch.optim.SGD


# %% Valley
# A loop without the engine; a comparison asks it for one rule only.
def valley(cfg: Config) -> NDArray:
    point = backend.tensor(VALLEY_START).requires_grad_()
    curvature = backend.tensor(VALLEY_CURVATURE)
    optimizer = rule(cfg)([point], lr=cfg.valley_rate)
    engine.same_rule(optimizer)
    path = [point.detach().clone()]
    for sample in backend.tensor(valley_samples(cfg)):
        optimizer.zero_grad()
        height = torch.sum(curvature * (point - sample) ** 2) / 2
        height.backward()
        optimizer.step()
        path.append(point.detach().clone())
    return backend.array(torch.stack(path))


# %% Train
def train(model: nn.Module, data: Dataset, cfg: Config) -> History:
    criterion = nn.CrossEntropyLoss()
    optimizer = rule(cfg)(model.parameters(), lr=cfg.learning_rate)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    model.train()
    history = engine.loop(
        step,
        model,
        optimizer,
        data.x_train,
        data.y_train,
        epochs=cfg.epochs,
        batch_size=cfg.batch_size or None,
        shuffle=True,
    )
    history.paths[cfg.rule] = valley(cfg)
    return history


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
    return {f"path/{name}": p for name, p in history.paths.items()}


# %% Run
if __name__ == "__main__":
    main("optimizers")

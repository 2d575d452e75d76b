"""XOR with a deep stack of sigmoids, in PyTorch.

Depth is a longer dict of modules; the training loop stays the same.
"""

# %% Imports
from collections import OrderedDict

import torch
from torch import nn

from shared.datasets import Dataset
from shared.lessons.xor_deep import Config
from shared.session import History
from torch_track import backend, engine
from torch_track.__main__ import main


# %% Model
# nn.Linear starts narrower than Dense: 1/sqrt(in), biases too.
def build(cfg: Config) -> nn.Module:
    layers = OrderedDict(
        hidden_1=nn.Linear(2, cfg.hidden_1),
        hidden_1_sigmoid=nn.Sigmoid(),
        hidden_2=nn.Linear(cfg.hidden_1, cfg.hidden_2),
        hidden_2_sigmoid=nn.Sigmoid(),
        hidden_3=nn.Linear(cfg.hidden_2, cfg.hidden_3),
        hidden_3_sigmoid=nn.Sigmoid(),
        output=nn.Linear(cfg.hidden_3, 1),
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
    answer = (predict(model, x) > 0.5).to(y.dtype)
    solved = torch.all(answer == y)
    return {"solved": solved.to(y.dtype)}


# %% Run
if __name__ == "__main__":
    main("xor_deep")

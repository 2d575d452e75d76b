"""Frames: Keras goes through them one by one, PyTorch folds them into the batch."""

from __future__ import annotations

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import keras
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from keras import layers
from torch import nn

import shared
from shared.check.result import Check
from torch_track import backend as torch_backend


@pytest.fixture(autouse=True)
def _float32() -> None:
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float32", 0)


class Frames(nn.Module):
    """(B, T, C, H, W) through convolutions of (B * T, C, H, W)."""

    def __init__(self, padding: tuple[int, ...]) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 4, 3, stride=2), nn.Conv2d(4, 5, 1)
        self.padding = padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        frames = F.pad(x.flatten(0, 1), self.padding)
        frames = torch.tanh(self.conv2(F.relu(self.conv1(frames))))
        return frames.unflatten(0, x.shape[:2])


def checked(padding: tuple[int, ...]) -> Check:
    inner = (
        layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="one"),
        layers.Conv2D(5, 1, activation="tanh", name="two"),
    )
    frames = map(layers.TimeDistributed, inner)
    ours = keras.Sequential([keras.Input((6, 8, 10, 3)), *frames])
    return shared.check_pair(ours, Frames(padding), precisions=("float64",))


def test_channels_may_stand_behind_the_time() -> None:
    check = checked((0, 1, 0, 1))
    assert check.passed
    told = "batch and time first, then the channels"
    assert f"PyTorch takes the input {told}; gives the output {told}" in check.notes
    one, two = check.layers
    assert one.propagated is not None and one.propagated < 1e-12
    assert two.local is not None and two.local < 1e-12


def test_a_cause_is_found_among_frames() -> None:
    check = checked((1, 0, 1, 0))
    assert [(c.id, c.share > 0.99) for c in check.causes] == [("conv_padding", True)]
    assert check.causes[0].place.endswith("/one")
    assert not check.unexplained

"""`shared.check_pair` and `shared.pair_test`: in a notebook, and in a user's pytest."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import keras
import numpy as np
import pytest
import torch
from conftest import python
from torch import nn

import shared
from shared.errors import UsageError
from torch_track import backend as torch_backend


@pytest.fixture(autouse=True)
def _float32() -> None:
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float32", 0)


def pair(activation: str = "relu") -> tuple[keras.Model, nn.Module]:
    ours = keras.Sequential(
        [
            keras.Input((6, 7, 2)),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.BatchNormalization(epsilon=1e-5, name="norm"),
            keras.layers.Activation(activation, name="act"),
            keras.layers.GlobalAveragePooling2D(name="pool"),
            keras.layers.Dense(3, name="head"),
        ]
    )
    theirs = nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4, momentum=0.01),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )
    return ours, theirs


def state(ours: keras.Model, theirs: nn.Module) -> list[Any]:
    weights = [variable.numpy().tobytes() for variable in ours.variables]
    tensors = [t.numpy().tobytes() for t in theirs.state_dict().values()]
    dtypes = [v.dtype for v in ours.variables], [t.dtype for t in theirs.parameters()]
    modes = [module.training for module in theirs.modules()]
    return [weights, tensors, dtypes, modes, torch.get_default_dtype()]


def test_the_models_are_left_as_they_were() -> None:
    ours, theirs = pair("tanh")
    theirs[0].eval()
    before = state(ours, theirs)
    check = shared.check_pair(ours, theirs, steps=2)
    assert not check.passed
    assert state(ours, theirs) == before


def test_also_after_an_exception() -> None:
    ours, theirs = pair()
    before = state(ours, theirs)
    with pytest.raises(UsageError, match="does not fit the Keras model"):
        shared.check_pair(ours, theirs, np.zeros((2, 3, 4, 5), np.float32))
    with pytest.raises(UsageError):
        shared.check_pair(ours, theirs, loss="no such loss")
    assert state(ours, theirs) == before


def test_a_known_difference_is_named_and_the_rest_is_equal() -> None:
    check = shared.check_pair(*pair(), precisions=("float64",))
    assert [one.id for one in check.causes] == ["batch_norm_variance"]
    assert check.causes[0].share > 0.999999
    assert check.level("forward").verdict == "pass"
    assert check.level("statistics").explained
    assert "call .eval() before you predict" in " ".join(check.notes)


def test_it_reads_as_the_command_prints() -> None:
    text = str(shared.check_pair(*pair("tanh"), precisions=("float64",)))
    assert text.startswith("✗ The two models differ, for 2 causes: activation at act;")
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    "given",
    [
        np.ones((3, 6, 7, 2), np.float32),
        [np.ones((3, 6, 7, 2))],
        (3, 6, 7, 2),
        {"x": np.ones((3, 6, 7, 2))},
    ],
    ids=["array", "list", "shape", "dict"],
)
def test_inputs(given: Any) -> None:
    ours, theirs = pair()
    if isinstance(given, dict):
        given = {ours.inputs[0].name: given["x"]}
    check = shared.check_pair(ours, theirs, given, precisions=("float64",), steps=0)
    assert check.passed


def test_inputs_by_another_name() -> None:
    with pytest.raises(UsageError, match="inputs lack"):
        shared.check_pair(*pair(), {"z": np.ones((3, 6, 7, 2))})


def test_objects_for_loss_and_optimizer() -> None:
    check = shared.check_pair(
        *pair(),
        loss=(
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            nn.CrossEntropyLoss(reduction="sum"),
        ),
        optimizer=(
            keras.optimizers.SGD(0.1),
            lambda parameters: torch.optim.SGD(parameters, 0.1),
        ),
        precisions=("float64",),
    )
    assert "loss_reduction" in [one.id for one in check.causes]
    assert check.level("loss").explained


class Lookup(nn.Module):
    """A bag of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 4)
        self.head = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(self.table(x).mean(1))


def test_causes_that_only_show_together_are_all_proven() -> None:
    """Repeated rows, two values and two places of epsilon, and their rounding."""
    ours = keras.Sequential(
        [
            keras.Input((9,), dtype="int32"),
            keras.layers.Embedding(5, 4, name="table"),
            keras.layers.GlobalAveragePooling1D(name="mean"),
            keras.layers.Dense(3, name="head"),
        ]
    )
    check = shared.check_pair(
        ours,
        Lookup(),
        loss="cross_entropy",
        optimizer="adam",
        precisions=("float64",),
    )
    assert sorted(one.id for one in check.causes) == [
        "epsilon_place",
        "float32_hyperparameters",
        "optimizer_epsilon",
        "sparse_gradients",
    ]
    assert all(one.share > 0.999 for one in check.causes)
    assert check.level("step").explained
    assert check.level("gradient").verdict == "pass"


class Squeezed(nn.Linear):
    """(N,) in place of (N, 1)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).squeeze(-1)


def test_an_axis_of_one_is_a_finding() -> None:
    ours = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, name="head")])
    check = shared.check_pair(ours, Squeezed(6, 1), precisions=("float64",))
    assert [one.id for one in check.causes] == ["output_shape"]
    assert "shape (3, 1) in Keras, (3,) in PyTorch" in check.level("forward").where


def test_softmax_twice() -> None:
    ours = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(4, activation="softmax", name="head")]
    )
    theirs = nn.Sequential(nn.Linear(6, 4), nn.Softmax(-1))
    check = shared.check_pair(ours, theirs, loss="cross_entropy", steps=1)
    assert [one.id for one in check.causes] == ["loss_logits"]
    assert check.level("forward").verdict == "pass"
    assert check.level("loss").explained


def test_a_model_without_parameters() -> None:
    ours = keras.Sequential([keras.Input((6,)), keras.layers.ReLU()])
    assert shared.check_pair(ours, nn.ReLU()).passed


TESTS = """
import keras, shared
from torch import nn

def build_keras():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])

def build_torch():
    return nn.Linear(4, 3)

class Twice(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)

test_port = shared.pair_test(build_keras, build_torch)
test_other = shared.pair_test(build_keras, lambda: Twice(4, 3), loss="mse")
"""


def test_a_users_own_pytest_has_a_test_for_each_level(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(textwrap.dedent(TESTS))
    answer = python(
        *("-m", "pytest", "-v", "-p", "no:cacheprovider", "test_mine.py"), cwd=tmp_path
    )
    assert answer.code == 1
    for level in ("spec", "weights", "forward", "gradient", "step", "trajectory"):
        assert f"test_port[{level}] PASSED" in answer.out
    assert "test_port[loss] SKIPPED" in answer.out
    for level in ("forward", "gradient", "loss"):
        assert f"test_other[{level}] FAILED" in answer.out
    assert "test_other[weights] PASSED" in answer.out
    assert "The two models differ" in answer.out

"""PyTorch's losses: by Keras' names, by Keras' rule, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from torch_probes import (
    Array,
    Sequence,
    carried,
    close,
    float64,
    gradients,
    model_of,
    normal,
    train,
)

# isort: split
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
import torch.nn.functional as F  # noqa: N812
from keras import layers
from torch import nn

from shared.errors import UsageError
from torch_track.check import probes
from torch_track.check.losses import NAMED as LOSSES

K = keras.optimizers
T = torch.optim
L = keras.losses

X, Y = normal(6, 5), normal(6, 1) ** 2


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with float64():
        yield


CLASSES = np.array([0, 2, 1, 0, 2, 2])
BINARY = (normal(6, 3) > 0).astype(np.float64)
SHARES = np.exp(normal(6, 3)) / np.exp(normal(6, 3)).sum(1, keepdims=True)
RATES = np.abs(normal(6, 3))

NAMED: dict[str, tuple[Callable[[], Any], Array, str | None]] = {
    "mse": (lambda: L.MeanSquaredError(), normal(6, 3), None),
    "mae": (lambda: L.MeanAbsoluteError(), normal(6, 3), None),
    "huber": (lambda: L.Huber(), 3 * normal(6, 3), None),
    "bce": (lambda: L.BinaryCrossentropy(), BINARY, "sigmoid"),
    "bce_logits": (lambda: L.BinaryCrossentropy(True), BINARY, None),
    "cross_entropy": (lambda: L.SparseCategoricalCrossentropy(True), CLASSES, None),
    "cross_entropy_probs": (
        lambda: L.SparseCategoricalCrossentropy(),
        CLASSES,
        "softmax",
    ),
    "kld": (lambda: L.KLDivergence(), SHARES, "softmax"),
    "poisson": (lambda: L.Poisson(), RATES, "sigmoid"),
    "hinge": (lambda: L.Hinge(), BINARY, None),
}
LAST = {"sigmoid": nn.Sigmoid(), "softmax": nn.Softmax(-1), None: nn.Identity()}


def loss_apart(
    ours: Any,
    theirs: Any,
    target: Array,
    last: str | None = None,
    fixes: dict[str, Any] | None = None,
    x: Array = X,
    units: int = 3,
) -> float:
    """How far the loss and its gradients are from Keras', relatively."""
    model = model_of(x.shape[1:], layers.Dense(units, last))
    probes.hold(nn.Sequential(nn.Linear(x.shape[-1], units), LAST[last]))
    probes.set_weights(carried(model))
    repairs = [
        {"do": "loss", "fix": name, "value": value}
        for name, value in (fixes or {}).items()
    ]
    given = {"input/0": x, "target/0": target}
    found, facts = gradients(given, training=True, loss=theirs, repairs=repairs)
    assert facts["loss_settings"]["output_shape"]
    with tf.GradientTape() as tape:
        loss = ours(target, model(x, training=True))
    slopes = tape.gradient(loss, [v.value for v in model.weights])
    names = ("loss", "gradient/0/kernel", "gradient/0/bias")
    pairs = zip((loss, *slopes), (found[name] for name in names), strict=True)
    return max(
        float(np.abs(a - b).max() / np.abs(a).max()) for a, b in map(np.asarray, pairs)
    )


def test_common_names() -> None:
    """Each is compared with Keras' of that name."""
    assert LOSSES.keys() == NAMED.keys()


@pytest.mark.parametrize("name", NAMED)
def test_common_losses(name: str) -> None:
    make, target, last = NAMED[name]
    assert loss_apart(make(), name, target, last) < 1e-14


@pytest.mark.parametrize(
    ("name", "shape", "last"),
    [("cross_entropy", (6, 4), None), ("cross_entropy_probs", (6, 4), "softmax")],
)
def test_losses_of_sequences(name: str, shape: tuple[int, ...], last: Any) -> None:
    target = np.random.default_rng(0).integers(0, 3, shape)
    assert loss_apart(NAMED[name][0](), name, target, last, x=normal(6, 4, 5)) < 1e-14
    wide = np.exp(normal(6, 4, 3))
    shares = wide / wide.sum(-1, keepdims=True)
    assert (
        loss_apart(L.KLDivergence(), "kld", shares, "softmax", x=normal(6, 4, 5))
        < 1e-14
    )


def test_targets_of_other_shapes() -> None:
    """Where the meaning is plain, a common loss takes them as Keras does."""
    column = CLASSES[:, None]
    make = NAMED["cross_entropy"][0]
    assert loss_apart(make(), "cross_entropy", column) < 1e-14
    flat = Y[:, 0]
    assert loss_apart(L.MeanSquaredError(), "mse", flat, units=1) < 1e-14
    signs = 2 * BINARY - 1
    assert loss_apart(L.Hinge(), "hinge", signs) < 1e-14


FIXES: dict[str, tuple[Any, ...]] = {
    "shapes": (
        lambda: L.MeanSquaredError(),
        nn.MSELoss(),
        Y[:, 0],
        None,
        {"squeeze": None},
        1,
    ),
    "shapes of a loss by hand": (
        lambda: L.MeanSquaredError(),
        lambda p, y: ((p - y) ** 2).mean(),
        Y[:, 0],
        None,
        {"squeeze": None},
        1,
    ),
    "sum": (
        lambda: L.MeanSquaredError(reduction="sum"),
        nn.MSELoss(),
        normal(6, 3),
        None,
        {"reduction": "sum"},
    ),
    "mean": (
        lambda: L.MeanSquaredError(),
        nn.MSELoss(reduction="sum"),
        normal(6, 3),
        None,
        {"reduction": "sum_over_batch_size"},
    ),
    "sum over classes": (
        lambda: L.SparseCategoricalCrossentropy(True, reduction="sum"),
        nn.CrossEntropyLoss(),
        CLASSES,
        None,
        {"reduction": "sum"},
    ),
    "softmax twice": (
        lambda: L.SparseCategoricalCrossentropy(),
        nn.CrossEntropyLoss(),
        CLASSES,
        "softmax",
        {"from_logits": False},
    ),
    "logits taken for probabilities": (
        lambda: L.SparseCategoricalCrossentropy(),
        nn.CrossEntropyLoss(),
        CLASSES,
        None,
        {"from_logits": False},
    ),
    "no softmax": (
        lambda: L.SparseCategoricalCrossentropy(True),
        nn.NLLLoss(),
        CLASSES,
        None,
        {"from_logits": True},
    ),
    "sigmoid twice": (
        lambda: L.BinaryCrossentropy(),
        nn.BCEWithLogitsLoss(),
        BINARY,
        "sigmoid",
        {"from_logits": False},
    ),
    "smoothed": (
        lambda: L.CategoricalCrossentropy(True, label_smoothing=0.1),
        nn.CrossEntropyLoss(),
        np.eye(3)[CLASSES],
        None,
        {"label_smoothing": 0.1},
    ),
    "smoothed, two classes": (
        lambda: L.BinaryCrossentropy(True, label_smoothing=0.1),
        nn.BCEWithLogitsLoss(),
        BINARY,
        None,
        {"label_smoothing": 0.1},
    ),
    "not smoothed": (
        lambda: L.SparseCategoricalCrossentropy(True),
        nn.CrossEntropyLoss(label_smoothing=0.1),
        CLASSES,
        None,
        {"label_smoothing": 0.0},
    ),
    "delta": (
        lambda: L.Huber(0.25),
        nn.HuberLoss(),
        normal(6, 3) ** 2,
        None,
        {"delta": 0.25},
    ),
    "delta of the smooth loss": (
        lambda: L.Huber(0.25),
        nn.SmoothL1Loss(),
        normal(6, 3) ** 2,
        None,
        {"delta": 0.25},
    ),
    "another loss": (
        lambda: L.MeanSquaredError(),
        nn.L1Loss(),
        normal(6, 3) ** 2,
        None,
        {"type": "MeanSquaredError"},
    ),
    "a class that does not count": (
        lambda: L.SparseCategoricalCrossentropy(True, ignore_class=1),
        nn.CrossEntropyLoss(),
        CLASSES,
        None,
        {"ignore": 1},
    ),
    "rates, not their logarithms": (
        lambda: L.Poisson(),
        nn.PoissonNLLLoss(),
        RATES,
        "sigmoid",
        {"log_input": False},
    ),
    "mean of a divergence": (
        lambda: L.KLDivergence(),
        lambda p, y: F.kl_div(p.log(), y),
        SHARES,
        "softmax",
        {"reduction": "sum_over_batch_size"},
    ),
}


@pytest.mark.parametrize("name", FIXES)
def test_losses_by_keras_rule(name: str) -> None:
    make, theirs, target, last, fixes, *units = FIXES[name]
    size = units[0] if units else 3
    assert loss_apart(make(), theirs, target, last, fixes, units=size) < 1e-13
    assert loss_apart(make(), theirs, target, last, units=size) > 1e-3


def test_class_weights() -> None:
    """Divided by the number of samples, as Keras does."""
    weight = torch.tensor([1.0, 2.0, 4.0])
    each = weight.numpy()[CLASSES]
    probes.hold(nn.Linear(5, 3))
    given = {"input/0": X, "target/0": CLASSES}
    repair = {"do": "loss", "fix": "weights", "value": "samples"}
    loss = nn.CrossEntropyLoss(weight=weight)
    own, facts = gradients(given, loss=loss)
    found, _ = gradients(given, loss=loss, repairs=[repair])
    assert facts["loss_settings"]["weight"]
    close(found["loss"] * len(CLASSES), own["loss"] * each.sum())
    other, _ = gradients(given, loss="cross_entropy", repairs=[repair])
    plain, _ = gradients(given, loss="cross_entropy")
    close(other["loss"], plain["loss"])


TOLD = [
    (nn.MSELoss(), {"type": "mse", "reduction": "mean", "from_logits": None}),
    (
        lambda p, y: F.l1_loss(p, y, reduction="sum"),
        {"type": "mae", "reduction": "sum"},
    ),
    (nn.SmoothL1Loss(beta=0.5), {"type": "huber", "delta": 0.5}),
    (lambda p, y: (p - y).abs().mean(), {"type": "<lambda>", "from_logits": None}),
    ("mse", {"type": "mse"}),
    (nn.BCEWithLogitsLoss(), {"type": "bce", "from_logits": True, "weight": False}),
    (nn.PoissonNLLLoss(), {"type": "poisson", "log_input": True}),
    (nn.KLDivLoss(), {"type": "kld", "reduction": "mean_of_elements"}),
]


@pytest.mark.parametrize(("loss", "told"), TOLD)
def test_settings_of_losses(loss: Any, told: dict[str, Any]) -> None:
    probes.hold(nn.Linear(5, 3))
    given = {"input/0": X, "target/0": BINARY}
    _, facts = gradients(given, loss=loss)
    settings = facts["loss_settings"]
    assert settings.items() >= told.items()
    assert settings["output_shape"] == settings["target_shape"] == [6, 3]


def test_settings_of_a_loss_of_classes() -> None:
    probes.hold(nn.Linear(5, 3))
    loss = nn.CrossEntropyLoss(label_smoothing=0.125, ignore_index=2)
    given = {"input/0": X, "target/0": CLASSES}
    _, facts = gradients(given, loss=loss)
    assert facts["loss_settings"] == {
        "type": "cross_entropy",
        "from_logits": True,
        "reduction": "mean",
        "label_smoothing": 0.125,
        "ignore": 2,
        "weight": False,
        "output_shape": [6, 3],
        "target_shape": [6],
        "warnings": [],
    }


def test_shapes_that_broadcast_are_told() -> None:
    probes.hold(nn.Linear(5, 1))
    given = {"input/0": X, "target/0": Y[:, 0]}
    _, facts = gradients(given, loss=nn.MSELoss())
    settings = facts["loss_settings"]
    assert settings["output_shape"] == [6, 1]
    assert settings["target_shape"] == [6]
    assert "different to the input size" in settings["warnings"][0]


def test_integers_become_what_the_output_is() -> None:
    probes.hold(nn.Linear(5, 3))
    found = [
        gradients({"input/0": X, "target/0": target}, loss=nn.BCEWithLogitsLoss())[0]
        for target in (BINARY, BINARY.astype(np.int64))
    ]
    close(found[0]["loss"], found[1]["loss"])


def test_several_outputs() -> None:
    """Their losses are added up; one without a target counts for nothing."""
    first, second = nn.Linear(5, 3), nn.Linear(5, 1)

    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = first, second

        def forward(self, x: torch.Tensor) -> Any:
            return {"classes": self.first(x), "value": self.second(x), "more": None}

    probes.hold(Heads())
    given = {"input/0": X, "target/0": normal(6, 3), "target/1": Y}
    both, facts = gradients(given, loss="mse")
    assert [one["path"] for one in facts["outputs"]] == ["['classes']", "['value']"]
    alone = []
    for k, module in enumerate((first, second)):
        probes.hold(module)
        target = given[f"target/{k}"]
        alone.append(gradients({"input/0": X, "target/0": target}, loss="mse")[0])
    close(both["loss"], alone[0]["loss"] + alone[1]["loss"])
    probes.hold(Heads())
    del given["target/1"]
    one, facts = gradients(given, loss="mse")
    close(one["loss"], alone[0]["loss"])
    assert facts["none"] == ["1/kernel", "1/bias"]
    assert not one["gradient/1/kernel"].any()


def test_losses_of_the_users(tmp_path: Path) -> None:
    file = tmp_path / "user.py"
    file.write_text(
        "import torch\nfrom torch import nn\n\n"
        "loss = nn.MSELoss()\nKind = nn.L1Loss\n"
        "def build():\n    return nn.HuberLoss(delta=0.5)\n"
        "def plain(output, target):\n    return ((output - target) ** 2).sum()\n"
        "def bad(output, target):\n    return output @ target\n"
        "def number(output, target):\n    return 3.0\n"
        "nothing = 1\n"
    )
    probes.hold(nn.Linear(5, 3))
    given = {"input/0": X, "target/0": BINARY}
    for name, kind in {
        "loss": "mse",
        "Kind": "mae",
        "build": "huber",
        "plain": "plain",
    }.items():
        _, facts = gradients(given, loss=f"{file}:{name}")
        assert facts["loss_settings"]["type"] == kind
    for name, told in {
        "bad": "line 11, in bad: RuntimeError",
        "number": "the loss is float, not a tensor",
        "nothing": "the PyTorch loss is int",
        "absent": "has no 'absent'",
    }.items():
        with pytest.raises(UsageError, match=told):
            gradients(given, loss=f"{file}:{name}")
    with pytest.raises(UsageError, match="did you mean 'mse'"):
        gradients(given, loss="mes")


def test_a_loss_with_weights_is_not_touched() -> None:
    weight = torch.ones(3, dtype=torch.float32)
    loss = nn.CrossEntropyLoss(weight=weight)
    probes.hold(nn.Linear(5, 3))
    gradients({"input/0": X, "target/0": CLASSES}, loss=loss)
    assert loss.weight is weight
    assert weight.dtype == torch.float32

    def closed(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(output, target, weight)

    gradients({"input/0": X, "target/0": CLASSES}, loss=closed)


def test_batches_come_by_again() -> None:
    probes.hold(nn.Linear(5, 1))
    x, y = normal(2, 6, 5), normal(2, 6, 1)
    found, _ = probes.train(
        {"input/0": x, "target/0": y},
        precision="float64",
        plan={},
        repairs=[],
        loss="mse",
        optimizer="sgd:0.125",
        steps=5,
    )
    assert found["losses"].shape == (5,)
    start, _ = probes.weights()
    kernel, bias = start["0/kernel"].copy(), start["0/bias"].copy()
    for step, loss in enumerate(found["losses"]):
        batch, target = x[step % 2], y[step % 2]
        error = batch @ kernel + bias - target
        close(loss, np.mean(error**2))
        kernel -= 0.125 * 2 * batch.T @ error / len(error)
        bias -= 0.125 * 2 * error.mean(0)
        if step < 3:
            close(found[f"step/{step + 1}/0/kernel"], kernel)
    close(found["final/0/kernel"], kernel)
    assert "step/4/0/kernel" not in found
    again, _ = probes.weights()
    np.testing.assert_array_equal(again["0/kernel"], start["0/kernel"])


def test_the_second_bias_moves_the_sum_twice_as_far() -> None:
    probes.hold(Sequence(nn.RNN(5, 3, batch_first=True)))
    probes.set_weights({"0/bias": np.zeros(3)})
    given = {"input/0": normal(2, 4, 5), "target/0": normal(2, 4, 3)}
    frozen = {"do": "freeze", "order": 0, "tensors": ["bias_hh"]}
    both, _ = train(given, steps=1)
    one, _ = train(given, steps=1, repairs=[frozen])
    close(both["step/1/0/bias"], 2 * one["step/1/0/bias"])


def test_what_is_frozen_has_no_gradient() -> None:
    module = nn.Linear(5, 1).requires_grad_(False)
    probes.hold(nn.Sequential(module, nn.Linear(1, 1)))
    found, facts = gradients({"input/0": X, "target/0": Y}, loss="mse")
    assert facts["none"] == []
    assert {n for n in found if n.startswith("grad")} == {
        "gradient/1/kernel",
        "gradient/1/bias",
    }

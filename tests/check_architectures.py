"""Ten architectures in both frameworks, equal to the last bit but for rounding.

Their sources are in `check_models/`; where a user's own conversion of the weights
matters, it is there too. An `Edit` makes one of these texts wrong.
"""

from __future__ import annotations

import dataclasses
import linecache
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from unittest import mock

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import keras
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import shared
from shared.check import judge
from shared.check.result import Check
from torch_track import backend as torch_backend

FOLDER = Path(__file__).parent / "check_models"


@dataclasses.dataclass(frozen=True)
class Edit:
    """A text in the source of one side ("keras", "torch" or "port") and its mistake."""

    side: str
    old: str
    new: str


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The same model twice.

    Attributes:
        name: of its files.
        loss: that both can be trained with, by name.
        shape: of a batch, where the Keras model does not know enough of it.
        below: where the batch is of tokens, how many there are; 0 is padding.
    """

    name: str
    loss: str
    shape: tuple[int, ...] = ()
    below: int | None = None

    @property
    def inputs(self) -> NDArray[Any] | None:
        """A batch for the check; None where it may draw one."""
        generator = np.random.default_rng(7)
        if self.below:
            tokens = generator.integers(1, self.below, self.shape).astype(np.int32)
            tokens[:, -2:] = 0
            return tokens
        return generator.standard_normal(self.shape) if self.shape else None

    def source(self, side: str, edits: Sequence[Edit] = ()) -> str:
        """The text of one side with mistakes, each at a place that is found once."""
        text = (FOLDER / f"{self.name}_{side}.py").read_text(encoding="utf-8")
        for edit in edits:
            if edit.side == side:
                found = text.count(edit.old)
                if found != 1:
                    raise LookupError(f"{self.name}: found {found} times: {edit.old!r}")
                text = text.replace(edit.old, edit.new)
        return text

    def models(
        self, edits: Sequence[Edit] = (), seed: int = 0, port: bool = False
    ) -> tuple[keras.Model, nn.Module]:
        """Both as their users have them: in float32, with weights as after training.

        Args:
            edits: the mistakes.
            seed: of the weights.
            port: whether the weights are converted by the user's own code.
        """
        scope: dict[str, Any] = {}
        for side in ("keras", "torch", *(["port"] if port else [])):
            scope |= run(self.source(side, edits), f"{self.name}_{side}.py")
        return built(scope, seed)


ARCHITECTURES = {
    one.name: one
    for one in (
        Architecture("mlp", "cross_entropy"),
        Architecture("cnn", "cross_entropy"),
        Architecture("resnet", "cross_entropy"),
        Architecture("separable", "cross_entropy"),
        Architecture("autoencoder", "mse"),
        Architecture("lstm", "cross_entropy_probs", shape=(4, 5), below=20),
        Architecture("gru", "cross_entropy", shape=(5, 7, 4)),
        Architecture("bidirectional", "bce_logits"),
        Architecture("transformer", "cross_entropy", shape=(5, 9), below=23),
        Architecture("two_inputs", "mse"),
    )
}

OPTIMIZER = "sgd:0.125"
"""float32 has this rate exactly, and so the two agree in float64."""

Sides: TypeAlias = "str | tuple[str, str]"
"""A common name, or the text of Keras' object and that of PyTorch's."""


def objects(sides: Sides) -> Any:
    """A common name as it is; texts as what they evaluate to."""
    scope = {"keras": keras, "torch": torch, "nn": nn, "halved": _halved}
    return sides if isinstance(sides, str) else tuple(eval(s, scope) for s in sides)


def _halved(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """With a rate that is halved after each step."""

    def after(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            group["lr"] /= 2

    optimizer.register_step_post_hook(after)
    return optimizer


def check_pair(models: tuple[keras.Model, nn.Module], **options: Any) -> Check:
    """The check of two models; the noise is measured as if they were large."""
    with mock.patch.object(judge, "LARGE", 0):
        return shared.check_pair(*models, **options)


def run(source: str, name: str) -> dict[str, Any]:
    """What the source defines; tracebacks show its lines."""
    file = str(FOLDER / name)
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    scope: dict[str, Any] = {"__name__": Path(name).stem}
    exec(compile(source, file, "exec"), scope)
    return scope


def built(scope: Mapping[str, Any], seed: int) -> tuple[keras.Model, nn.Module]:
    """What `build_keras` and `build_torch` give, the weights brought over by `port`."""
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float32", seed)
    model, module = scope["build_keras"](), scope["build_torch"]()
    shake(model, seed)
    if "port" in scope:
        scope["port"](model, module)
    return model, module


def shake(model: keras.Model, seed: int) -> None:
    """Move all weights from where they start: biases from 0, variances from 1."""
    generator = np.random.default_rng(seed)
    for variable in model.weights:
        moved = np.asarray(variable) + 0.2 * generator.standard_normal(variable.shape)
        if variable.path.endswith("variance"):
            moved = generator.uniform(0.5, 1.5, variable.shape)
        variable.assign(moved.astype(np.float32))

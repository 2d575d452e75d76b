"""The questions that `twotrack check` asks of a track's model.

Arrays go from process to process under `order/name`: the layer's place in the model,
and the neutral name of the parameter. Every probe runs a copy from the same start, and
leaves the model as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import nn

from shared.errors import UsageError
from shared.parity.trace import Trace
from torch_track.check import gradients as grads
from torch_track.check import optimizer_rules, passes, put
from torch_track.check.arrays import as_array
from torch_track.check.describe import described
from torch_track.check.losses import Scalar
from torch_track.check.optimizers import Stepper
from torch_track.check.passes import Pass
from torch_track.check.replay import replay as replay_layers
from torch_track.check.subject import Subject, exported, settled
from torch_track.check.training import backward, trained

Found: TypeAlias = tuple[Trace, dict[str, Any]]

_subject: Subject | None = None


def hold(model: nn.Module) -> None:
    """Take a model of this process.

    Raises:
        UsageError: it has no shapes yet, or cannot be copied.
    """
    global _subject
    _subject = Subject(model)


def load(builder: str) -> None:
    """Build the model that "file.py:name" names.

    Raises:
        UsageError: the user's code fails, or as `hold` says.
    """
    global _subject
    _subject = Subject.load(builder)


def release() -> None:
    """Let the model go, as it was found."""
    global _subject
    if _subject is not None:
        _subject.release()
    _subject = None


def describe() -> Found:
    """Its layers with their settings, its inputs, what else it holds."""
    return {}, described(_held())


def weights() -> Found:
    """The start, under "order/name"."""
    return exported(_held().parts), {}


def set_weights(arrays: Trace) -> Found:
    """Take another start for all later probes; some arrays are enough."""
    _held().set_weights(arrays)
    return {}, {}


def forward(
    arrays: Trace,
    *,
    precision: str,
    training: bool,
    plan: Mapping[str, Any],
    repairs: Sequence[Mapping[str, Any]],
    twin: int = 0,
    record: str = "layers",
) -> Found:
    """One forward pass.

    Args:
        arrays: "input/0", ... in Keras' layout, and what repairs put, in PyTorch's.
        precision: "float32" or "float64".
        training: the mode; dropout and noise do nothing in it.
        plan: how the inputs are arranged and passed.
        repairs: what is computed in another way.
        twin: if not 0, the seed by which all weights move by one ulp.
        record: "none", "steps", "layers" or "all": what is kept beside the outputs.

    Returns:
        "output/0", ... and "layer/ORDER/in", "glue/ID/out" and so on, in PyTorch's
        layout; facts["steps"] has the order of it all.

    Raises:
        UsageError: the model does not take the inputs so.
    """

    def work(precision: str) -> Found:
        given = put.filled(repairs, arrays)
        made = Pass(_held(), precision, training, given, twin, record)
        with torch.no_grad():
            found = made.run(passes.tensors_of(arrays, "input", plan), plan)
        trace, facts = passes.outputs(found)
        trace |= made.recorder.trace
        _held().calls = made.recorder.arguments
        facts["steps"] = made.recorder.steps
        facts["calls"] = {str(k): n for k, n in made.recorder.calls.items()}
        return trace, facts

    return _probed(work, precision)


def replay(
    arrays: Trace, *, precision: str, repairs: Sequence[Mapping[str, Any]]
) -> Found:
    """Each layer alone, in inference mode.

    Args:
        arrays: "layer/ORDER/in", "layer/ORDER/in/1", ... in PyTorch's layout.
        precision: "float32" or "float64".
        repairs: what is computed in another way.

    Returns:
        "layer/ORDER/out"; facts["failed"] has a line for each layer that failed.
    """
    with settled(precision), torch.no_grad():
        made = Pass(_held(), precision, False, repairs, record="outputs")
        failed = replay_layers(made, arrays, _held().calls)
    return made.recorder.trace, {"failed": failed}


def gradients(
    arrays: Trace,
    *,
    precision: str,
    training: bool,
    plan: Mapping[str, Any],
    repairs: Sequence[Mapping[str, Any]],
    twin: int = 0,
    loss: Any = None,
) -> Found:
    """The gradient of a loss, or of the outputs' products with cotangents.

    Args:
        arrays: "input/0", ... and "target/0", ... in Keras' layout, or "cotangent/0",
            ... in PyTorch's.
        precision, training, plan, repairs, twin: as in `forward`.
        loss: a common name, "file.py:name", an object, or None for the cotangents.

    Returns:
        "loss", "gradient/ORDER/NAME", "input/K" and the outputs; facts["none"] has the
        parameters that the loss does not depend on.

    Raises:
        UsageError: the model or the loss does not take the arrays so.
    """

    def work(precision: str) -> Found:
        made = Pass(_held(), precision, training, repairs, twin)
        scalar = Scalar(loss, repairs)
        inputs = passes.tensors_of(arrays, "input", plan)
        floats = {k: x for k, x in enumerate(inputs) if x.is_floating_point()}
        with torch.enable_grad():
            for x in floats.values():
                x.requires_grad_(True)
            # Copies, which the user's code may overwrite.
            found = made.run([x.clone() for x in inputs], plan)
            value = scalar(found, arrays)
            backward(made, value)
        trace, facts = passes.outputs(found)
        trace["loss"] = as_array(value)
        facts["loss_settings"] = scalar.settings
        own, facts["none"] = grads.of_parts(made.parts)
        trace |= {f"gradient/{name}": array for name, array in own.items()}
        for k, x in floats.items():
            gradient = torch.zeros_like(x) if x.grad is None else x.grad
            trace[f"input/{k}"] = as_array(gradient)
        return trace, facts

    return _probed(work, precision)


def train(
    arrays: Trace,
    *,
    precision: str,
    plan: Mapping[str, Any],
    repairs: Sequence[Mapping[str, Any]],
    loss: Any,
    optimizer: Any,
    steps: int,
    twin: int = 0,
) -> Found:
    """Some steps of training.

    Args:
        arrays: as in `gradients`, each with a leading axis of batches, over and over.
        precision, plan, repairs, twin: as in `forward`.
        loss: as in `gradients`.
        optimizer: "name" or "name:learning_rate", "file.py:name", a function of the
            parameters, or an optimizer, whose own state is not touched.
        steps: how many updates.

    Returns:
        "losses", "step/K/ORDER/NAME" after the first updates, "final/ORDER/NAME".

    Raises:
        UsageError: the model, the loss or the optimizer does not take the arrays so.
    """

    def work(precision: str) -> Found:
        made = Pass(_held(), precision, True, repairs, twin)
        given = optimizer_rules.chosen(optimizer, repairs)
        stepper = Stepper(given, _held().module, made.model)
        facts = {"optimizer": stepper.settings()}
        optimizer_rules.repair(stepper.optimizer, made.parts, repairs)
        scalar = Scalar(loss, repairs)
        trace = trained(made, arrays, plan, scalar, stepper, steps)
        return trace, facts | {"loss_settings": scalar.settings}

    return _probed(work, precision)


def _held() -> Subject:
    assert _subject is not None, "no model is held"
    return _subject


def _probed(work: Callable[[str], Found], precision: str) -> Found:
    """Work that may be impossible in float64, if the user's code casts."""
    try:
        with settled(precision) as told:
            trace, facts = work(precision)
    except UsageError as error:
        if precision == "float32":
            raise
        with settled("float32"):
            work("float32")  # whatever else is wrong is told from here
        return {}, {"failed": str(error)}
    return trace, facts | {"finite": passes.finite(trace), "warnings": told}

"""What a Keras model answers when it is probed, for `shared.check`.

All arrays that go in and out are NumPy's, floats in the precision that is asked for.
Layers are numbered as `layouts.parts(model, raw=True)` has them. Every probe begins
with the same weights and leaves the model as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from shared.check.user_code import load_model
from shared.errors import UsageError
from shared.parity.trace import Trace
from shared.weights import Weights
from tf_track import backend, weight_files
from tf_track.check import optimizers
from tf_track.check import training as training_steps
from tf_track.check.describe import describe as _describe
from tf_track.check.losses import Objective
from tf_track.check.record import Recorder
from tf_track.check.subject import Subject
from tf_track.check.training import numbered, tensors

Facts = dict[str, Any]
Found = tuple[Trace, Facts]

_subject: Subject | None = None


def hold(model: keras.Model) -> None:
    """Probe this model from now on.

    Raises:
        UsageError: it is not built.
    """
    global _subject
    _subject = Subject(model)


def load(builder: str) -> None:
    """Probe the model that "file.py:name" builds, in float32 on the CPU.

    Raises:
        UsageError: the file or the model is bad.
        MissingError: out of memory.
    """
    global _subject
    weight_files.forget()
    backend.configure("cpu", "float32", 0, threads=None)
    model = load_model("tf_track", builder)
    _subject = Subject(model, builder.rpartition(":")[0])


def release() -> None:
    """Let go of the model, which is as it was."""
    global _subject
    _subject = None


def describe() -> Found:
    """The layers, their settings, and what the model is fed with."""
    return {}, _describe(_held())


def weights() -> Found:
    """The weights that every probe begins with, in the neutral layout."""
    return _held().weights(), {}


def set_weights(arrays: Weights) -> Found:
    """Begin every later probe with these weights, by "order/name"."""
    _held().set_weights(arrays)
    return {}, {}


def forward(
    arrays: Weights,
    *,
    precision: str,
    training: bool,
    plan: Mapping[str, Any],
    repairs: Sequence[Any],
    twin: int = 0,
    record: str = "layers",
) -> Found:
    """The outputs, and what went through the layers.

    Args:
        arrays: "input/0" and so on.
        precision: "float32" or "float64".
        training: whether the layers behave as in training, except those that draw.
        plan: "structure", if given, says what the model's argument is like.
        repairs: none; PyTorch's model is the one that is repaired.
        twin: if not 0, the weights are moved by one unit in the last place.
        record: "none", "steps", "layers" or "all", as `Recorder` has it.

    Raises:
        UsageError: the model fails.
        MissingError: out of memory.
    """
    subject = _held()

    def run(precision: str) -> Found:
        recorder = Recorder(subject, record)
        with subject.running(precision, twin), recorder.watching():
            inputs = numbered(tensors(arrays, precision), "input")
            outputs = subject.call(inputs, training, plan.get("structure"))
        trace, facts = _told(outputs, precision)
        return _checked(trace | recorder.trace, facts | recorder.facts)

    return _either(run, precision)


def gradients(
    arrays: Weights,
    *,
    precision: str,
    training: bool,
    plan: Mapping[str, Any],
    repairs: Sequence[Any],
    twin: int = 0,
    loss: Any = None,
) -> Found:
    """The loss, and its gradient in every trained weight and every input of floats.

    Args:
        arrays: also "cotangent/0" and so on, which the outputs are weighted with, or
            "target/0" and so on for the loss.
        precision: as for `forward`, like `training`, `plan`, `repairs` and `twin`.
        training: see there.
        plan: see there.
        repairs: see there.
        twin: see there.
        loss: a common name, "file.py:name", an object, or None for the weighted sum.

    Raises:
        UsageError: the model or the loss fails, or there is no such loss.
        MissingError: out of memory.
    """
    subject = _held()

    def run(precision: str) -> Found:
        with subject.running(precision, twin):
            found, facts, outputs = training_steps.gradients(
                subject,
                Objective(loss, precision),
                tensors(arrays, precision),
                training,
                plan.get("structure"),
            )
        trace, more = _told(outputs, precision)
        return _checked(trace | found, facts | more)

    return _either(run, precision)


def train(
    arrays: Weights,
    *,
    precision: str,
    plan: Mapping[str, Any],
    repairs: Sequence[Any],
    loss: Any,
    optimizer: Any,
    steps: int,
    twin: int = 0,
) -> Found:
    """Some steps of training: losses, and weights and statistics on the way.

    Args:
        arrays: as for `gradients`, with a first axis of batches.
        precision: as for `forward`, like `plan`, `repairs` and `twin`.
        plan: see there.
        repairs: see there.
        loss: as for `gradients`.
        optimizer: a common name, "name:learning_rate", "file.py:name" or an optimizer,
            of which a new one like it is used.
        steps: how many.
        twin: see there.

    Raises:
        UsageError: the model, the loss or the optimizer fails, or there is none such.
        MissingError: out of memory.
    """
    subject = _held()

    def run(precision: str) -> Found:
        with subject.running(precision, twin):
            trace, facts = training_steps.train(
                subject,
                Objective(loss, precision),
                optimizers.make(optimizer),
                tensors(arrays, precision),
                steps,
                plan.get("structure"),
            )
        return _checked(trace, facts)

    return _either(run, precision)


def _held() -> Subject:
    if _subject is None:
        raise RuntimeError("no model is held")
    return _subject


def _told(outputs: Any, precision: str) -> Found:
    """The outputs in order, and the place and dtype that each has in the answer."""
    trace: Trace = {}
    paths: list[dict[str, str]] = []
    for path, tensor in keras.tree.flatten_with_path(outputs):
        if tensor is not None:
            array = np.asarray(tensor)
            kept = precision if array.dtype.kind == "f" else array.dtype
            trace[f"output/{len(paths)}"] = array.astype(kept, copy=False)
            where = "".join(f"[{key!r}]" for key in path)
            paths.append({"path": where, "dtype": array.dtype.name})
    return trace, {"outputs": paths}


def _checked(trace: Trace, facts: Facts) -> Found:
    """With the fact whether every number is one."""
    floats = (array for array in trace.values() if array.dtype.kind == "f")
    return trace, facts | {"finite": all(np.isfinite(a).all() for a in floats)}


def _either(run: Callable[[str], Found], precision: str) -> Found:
    """What `run` finds, or why the model does not run in float64."""
    try:
        return run(precision)
    except UsageError as error:
        if precision == "float32":
            raise
        # Raises too unless it is the precision that the model cannot stand.
        run("float32")
        return {}, {"failed": str(error)}

"""Some steps of training, as `fit` takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from shared.parity.trace import GRADIENT_STEPS, Trace
from shared.weights import Weights
from tf_track.check import optimizers
from tf_track.check.losses import Objective
from tf_track.check.subject import Subject


def gradients(
    subject: Subject,
    objective: Objective,
    given: Mapping[str, tf.Tensor],
    training: bool,
    structure: Any,
) -> tuple[Trace, dict[str, Any], Any]:
    """The loss and its gradients, while the subject runs.

    Returns:
        "loss", "gradient/ORDER/NAME" and "input/K"; under "none" what the loss does not
        depend on; the outputs.
    """
    inputs = numbered(given, "input")
    sources = {f"gradient/{k}": v.value for k, v in subject.trainable().items()}
    for k, x in enumerate(inputs):
        if x.dtype.is_floating:
            sources[f"input/{k}"] = x
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        for source in sources.values():
            tape.watch(source)
        outputs = subject.call(inputs, training, structure)
        total = objective(outputs, given)
    found = tape.gradient(total, sources)
    trace = {"loss": np.asarray(total)}
    none = []
    for key, gradient in found.items():
        kind, _, name = key.partition("/")
        if gradient is None:
            none.append(name if kind == "gradient" else key)
            gradient = tf.zeros_like(sources[key])
        array = np.asarray(tf.convert_to_tensor(gradient))
        trace[key] = subject.neutral(name, array) if kind == "gradient" else array
    return trace, {"none": none, **objective.facts}, outputs


def train(
    subject: Subject,
    objective: Objective,
    optimizer: optimizers.Optimizer,
    batches: Mapping[str, tf.Tensor],
    steps: int,
    structure: Any,
) -> tuple[Trace, dict[str, Any]]:
    """Train while the subject runs; step t takes batch t, round and round.

    The layers' own losses, such as of regularizers, count where a loss is given.
    """
    count = len(batches["input/0"])
    losses, trace = [], {}
    for step in range(steps):
        given = {key: value[step % count] for key, value in batches.items()}
        losses.append(_step(subject, objective, optimizer, given, structure))
        if step < GRADIENT_STEPS:
            for key, array in subject.now().items():
                trace[f"step/{step + 1}/{key}"] = array
    trace |= {f"final/{key}": array for key, array in subject.now().items()}
    trace["losses"] = np.asarray(losses, keras.config.floatx())
    facts = {"optimizer": optimizers.settings(optimizer), **objective.facts}
    return trace, facts


def _step(
    subject: Subject,
    objective: Objective,
    optimizer: optimizers.Optimizer,
    given: Mapping[str, tf.Tensor],
    structure: Any,
) -> float:
    variables = subject.model.trainable_variables
    with tf.GradientTape() as tape:
        outputs = subject.call(numbered(given, "input"), True, structure)
        total = objective(outputs, given)
        if objective.is_loss:
            own = [tf.cast(loss, total.dtype) for loss in subject.model.losses]
            total = tf.add_n([total, *own])
        scaled = optimizer.scale_loss(total)
    found = tape.gradient(scaled, [variable.value for variable in variables])
    optimizer.apply(found, variables)
    return float(total)


def numbered(given: Mapping[str, Any], name: str) -> list[Any]:
    """What is under "name/0", "name/1" and so on."""
    found: list[Any] = []
    while f"{name}/{len(found)}" in given:
        found.append(given[f"{name}/{len(found)}"])
    return found


def tensors(arrays: Weights, precision: str) -> dict[str, tf.Tensor]:
    """The arrays as tensors, floats in that precision."""
    return {
        key: tf.constant(array, precision if array.dtype.kind == "f" else None)
        for key, array in arrays.items()
    }

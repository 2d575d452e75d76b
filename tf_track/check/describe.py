"""What a Keras model is made of and what it is fed with."""

from __future__ import annotations

import contextlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shared.check.pairing import Layer
from shared.errors import UsageError
from tf_track.check import inputs, settings
from tf_track.check.stochastic import is_random
from tf_track.check.subject import Subject
from tf_track.check.swap import swapped


def describe(subject: Subject) -> dict[str, Any]:
    """Plain values: see `probes.describe`."""
    parts, model = subject.parts, subject.model
    trained = {id(variable) for variable in model.trainable_variables}
    layers = [Layer(p.name, p.kind, p.shapes(), k) for k, p in enumerate(parts)]
    return {
        "layers": [layer.to_json() for layer in layers],
        "settings": {str(k): settings.of_part(p) for k, p in enumerate(parts)},
        "trainable": {
            str(k): {name: id(v) in trained for name, v in p.variables.items()}
            for k, p in enumerate(parts)
        },
        "inputs": _inputs(subject),
        "keywords": [],
        "dtypes": sorted({v.dtype for p in parts for v in p.variables.values()}),
        "training": False,
        "random": [v.name for v in subject.visits if _is_random(v.layer)],
        "buffers": [],
        "parameters": int(model.count_params()),
        "notes": _notes(subject),
    }


def _inputs(subject: Subject) -> list[dict[str, Any]]:
    """What is known of the inputs.

    "below" is the smallest table that one is looked up in, "padding" what stands for no
    more steps in a sequence of numbers, if the model reads such.
    """
    found = inputs.known(subject.model)
    padding = _padding(subject)
    bounds = _bounds(subject, found)
    for one, below in zip(found, bounds, strict=True):
        one["below"] = below
        if one["shape"] is not None and len(one["shape"]) > 1:
            one["padding"] = padding
        if below is not None and not one["exact"]:
            one["dtype"] = "int32"
    return found


def _bounds(subject: Subject, found: list[dict[str, Any]]) -> list[int | None]:
    """Found by changing one input after the other, and looking what follows."""
    tables = [x for x in subject.layers if isinstance(x, keras.layers.Embedding)]
    if not tables or any(one["shape"] is None for one in found):
        return [None] * len(found)
    still = _looked_up(subject, tables, found, None)
    bounds: list[int | None] = []
    for k in range(len(found)):
        moved = _looked_up(subject, tables, found, k)
        pairs = zip(still, moved, strict=False)
        sizes = [size for (size, a), (_, b) in pairs if not np.array_equal(a, b)]
        bounds.append(min(sizes, default=None))
    return bounds


def _looked_up(
    subject: Subject,
    tables: list[keras.layers.Embedding],
    found: list[dict[str, Any]],
    one: int | None,
) -> list[tuple[int, NDArray[Any]]]:
    """The sizes of the tables, and what is looked up, if input `one` is 1, others 0."""
    seen: list[tuple[int, NDArray[Any]]] = []

    def noting(table: keras.layers.Embedding) -> Any:
        call = table.call

        def look_up(x: tf.Tensor) -> tf.Tensor:
            seen.append((table.input_dim, np.asarray(x)))
            return call(tf.zeros_like(x))

        return look_up

    with subject.running("float32"), swapped((t, "call", noting(t)) for t in tables):
        given = [
            tf.fill([2, *(n or 8 for n in about["shape"])], int(k == one))
            for k, about in enumerate(found)
        ]
        floats = [
            tf.cast(x, about["dtype"] if about["exact"] else "float32")
            for x, about in zip(given, found, strict=True)
        ]
        # Shapes that the model leaves open may be too small for it.
        with contextlib.suppress(UsageError):
            subject.call(floats, training=False)
    return seen


def _padding(subject: Subject) -> float | None:
    kinds = keras.layers.Masking, keras.layers.RNN
    layers = [x for kind in kinds for x in subject.layers if isinstance(x, kind)]
    return float(getattr(layers[0], "mask_value", 0.0)) if layers else None


def _is_random(layer: keras.layers.Layer) -> bool:
    return not isinstance(layer, keras.Model) and is_random(layer)


def _notes(subject: Subject) -> list[str]:
    found = []
    for visit in subject.visits:
        layer, own = visit.layer, visit.layer._dtype_policy
        if "float" in own.compute_dtype and own.compute_dtype != own.variable_dtype:
            found.append(f"{visit.name} computes in {own.compute_dtype}")
        regularized = [
            v.name for v in layer._trainable_variables if v.regularizer is not None
        ]
        if regularized:
            found.append(f"{visit.name}: {', '.join(regularized)} regularized")
    return found

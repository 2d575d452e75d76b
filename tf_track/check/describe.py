"""What a Keras model is made of and what it is fed with."""

from __future__ import annotations

from typing import Any

import keras

from shared.check.pairing import Layer
from tf_track.check import inputs, settings
from tf_track.check.stochastic import is_random
from tf_track.check.subject import Subject


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
        "inputs": inputs.describe(subject),
        "keywords": [],
        "dtypes": sorted({v.dtype for p in parts for v in p.variables.values()}),
        "training": False,
        "random": [v.name for v in subject.visits if _is_random(v.layer)],
        "buffers": [],
        "parameters": int(model.count_params()),
        "notes": _notes(subject),
    }


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

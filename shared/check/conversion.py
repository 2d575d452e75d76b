"""In the process of a track: a user's model, its weights out of a file and into one.

Arrays go from process to process under `order/name`: the layer's place in the model,
and the neutral name of the parameter.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from shared.check.user_code import load_model
from shared.errors import UsageError
from shared.parity.trace import Trace
from shared.weights import Weights

_described: dict[tuple[str, str], Any] = {}
"""The model that `describe` built, for `write`."""


def warm_up(package: str, arrays: Weights) -> tuple[Trace, dict[str, Any]]:
    """Import the framework."""
    importlib.import_module(f"{package}.weight_files")
    return {}, {}


def read(
    package: str, arrays: Weights, *, builder: str, path: str
) -> tuple[Trace, dict[str, Any]]:
    """The weights in a file, in the neutral layout.

    Args:
        package: the track's.
        arrays: none.
        builder: "file.py:name" of the model that the file was saved from.
        path: the file.

    Raises:
        UsageError: the file or the model is bad, or they do not fit.
    """
    files = importlib.import_module(f"{package}.weight_files")
    precision = files.precision(path)
    model = _built(package, builder, precision)
    files.load(model, path)
    return _exported(package, model), _facts(package, model, precision)


def describe(
    package: str, arrays: Weights, *, builder: str, precision: str
) -> tuple[Trace, dict[str, Any]]:
    """What layers the model has.

    Raises:
        UsageError: the model is bad.
    """
    model = _built(package, builder, precision)
    _described.clear()
    _described[builder, precision] = model
    return {}, _facts(package, model, precision)


def write(
    package: str, arrays: Weights, *, builder: str, precision: str, path: str
) -> tuple[Trace, dict[str, Any]]:
    """Put weights in the neutral layout into the model described last, and save it.

    Raises:
        UsageError: the model does not take them as they are.
    """
    files = importlib.import_module(f"{package}.weight_files")
    layouts = importlib.import_module(f"{package}.layouts")
    model = _described.pop((builder, precision))
    for order, part in enumerate(layouts.parts(model)):
        own = {name: arrays[f"{order}/{name}"] for name in part.shapes()}
        for name, array in part.export().items():
            if array.dtype != own[name].dtype:
                raise UsageError(
                    f"{part.name}: {name} is {own[name].dtype} in the file and "
                    f"{array.dtype} in the model: give both the same dtype"
                )
        part.load(own)
    _check_taken(package, model, arrays)
    files.store(model, path)
    return {}, {}


def _built(package: str, builder: str, precision: str) -> Any:
    backend = importlib.import_module(f"{package}.backend")
    files = importlib.import_module(f"{package}.weight_files")
    files.forget()
    backend.configure("cpu", precision, 0)
    model = load_model(package, builder)
    files.check(model)
    importlib.import_module(f"{package}.layouts").parts(model)
    return model


def _facts(package: str, model: Any, precision: str) -> dict[str, Any]:
    layouts = importlib.import_module(f"{package}.layouts")
    files = importlib.import_module(f"{package}.weight_files")
    layers = [layer.to_json() for layer in layouts.describe(model)]
    return {"layers": layers, "notes": files.notes(model), "precision": precision}


def _exported(package: str, model: Any) -> Trace:
    layouts = importlib.import_module(f"{package}.layouts")
    return {
        f"{order}/{name}": np.ascontiguousarray(array)
        for order, part in enumerate(layouts.parts(model))
        for name, array in part.export().items()
    }


def _check_taken(package: str, model: Any, arrays: Weights) -> None:
    """A parameter that two layers share takes only one of two arrays."""
    layouts = importlib.import_module(f"{package}.layouts")
    names = [part.name for part in layouts.parts(model)]
    for key, array in _exported(package, model).items():
        if array.tobytes() != arrays[key].tobytes():
            order, _, name = key.partition("/")
            raise UsageError(
                f"{names[int(order)]}: {name} is shared with another layer, and the "
                "two differ in the file"
            )

"""What `twotrack convert` does, once its options are read."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import numpy as np

from shared import results
from shared.check import show_pairs
from shared.check.pairing import Layer, Pair, Pairing, pair
from shared.check.user_code import located
from shared.errors import MissingError, UsageError
from shared.parity.trace import Trace
from shared.runner import TrackProcess

SUFFIXES = {".weights.h5": "tf", ".safetensors": "torch", ".pt": "torch"}
NAMES = {"tf": "Keras", "torch": "PyTorch"}


def convert_weights(
    source: str,
    target: str,
    *,
    keras: str,
    torch: str,
    mapping: Sequence[str],
    as_json: bool,
) -> None:
    """Write the weights in a file of one framework to a file of the other.

    Args:
        source, target: the files; their suffixes tell the framework.
        keras, torch: "file.py:name" of the models that they belong to.
        mapping: "keras_layer=torch.path" each, for pairs that are ambiguous.
        as_json: one JSON object in place of the table.

    Raises:
        UsageError: a file, a model or the mapping is bad, or layers have no partner.
        MissingError: a framework is missing, or memory or disk are full.
    """
    giver, taker = _direction(source, target)
    builders = {"tf": located(keras, "--keras"), "torch": located(torch, "--torch")}
    given = parsed(mapping)
    with contextlib.ExitStack() as stack:
        process = {n: stack.enter_context(TrackProcess(n)) for n in (giver, taker)}
        with ThreadPoolExecutor() as pool:
            ready = pool.submit(process[taker].call, _HERE + "warm_up", {}, {})
            arrays, found = process[giver].call(
                _HERE + "read",
                {"builder": builders[giver], "path": os.path.abspath(source)},
                {},
            )
            ready.result()
        about = {"builder": builders[taker], "precision": found["precision"]}
        _, wanted = process[taker].call(_HERE + "describe", about, {})
        facts = {giver: found, taker: wanted}
        layers = {
            track: [Layer.from_json(layer) for layer in facts[track]["layers"]]
            for track in facts
        }
        pairing = pair(layers["tf"], layers["torch"], given)
        _check_complete(pairing)
        carried, notes = _carried(pairing, giver, arrays)
        notes += _notes(facts, giver)
        with _whole(target) as part:
            process[taker].call(_HERE + "write", about | {"path": part}, carried)
    report = _report(pairing, source, target, found["precision"], carried, notes)
    if as_json:
        click.echo(results.to_text(report))
    else:
        show_pairs.show(pairing, report)


_HERE = "shared.check.conversion:"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def _direction(source: str, target: str) -> tuple[str, str]:
    """The track of each file."""
    found = []
    for path in (source, target):
        suffix = next((s for s in SUFFIXES if path.endswith(s)), None)
        if suffix is None:
            raise UsageError(
                f"{path!r} is neither a Keras .weights.h5 nor a PyTorch .safetensors "
                "or .pt"
            )
        found.append(SUFFIXES[suffix])
    if found[0] == found[1]:
        raise UsageError(
            f"both files are {NAMES[found[0]]}'s: one must be a .weights.h5, the other "
            "a .safetensors or .pt"
        )
    if not Path(source).is_file():
        raise UsageError(f"there is no file {source!r}")
    folder = Path(target).absolute().parent
    if not folder.is_dir():
        raise UsageError(f"there is no folder {str(folder)!r} to write into")
    if Path(target).is_dir():
        raise UsageError(f"{target!r} is a folder: name a file")
    return found[0], found[1]


def parsed(mapping: Sequence[str]) -> dict[str, str]:
    """Keras layers to PyTorch modules, from "keras_layer=torch.path" each.

    Raises:
        UsageError: one is of another form, or a layer is named twice.
    """
    found: dict[str, str] = {}
    for text in mapping:
        here, equals, there = text.partition("=")
        if not (here and equals and there):
            raise UsageError(
                f"--map {text!r} is not of the form keras_layer=torch.path"
            )
        if here in found:
            raise UsageError(f"--map: {here!r} is named twice")
        found[here] = there
    return found


def _check_complete(pairing: Pairing) -> None:
    """Raise UsageError, naming the layers that have no partner."""
    if pairing.complete:
        return
    lone = [f"Keras' {name} ({why})" for name, why in pairing.keras.items()]
    lone += [f"PyTorch's {name} ({why})" for name, why in pairing.torch.items()]
    more = f"; and {len(lone) - 2} more" if len(lone) > 2 else ""
    raise UsageError(f"no partner for {'; '.join(lone[:2])}{more}; nothing is written")


def _carried(pairing: Pairing, giver: str, arrays: Trace) -> tuple[Trace, list[str]]:
    """The arrays by the taker's layers, and what is told of biases on one side."""
    taker = "torch" if giver == "tf" else "tf"
    found: Trace = {}
    notes = []
    for one in pairing.pairs:
        source, target = _sides(one, giver)
        lone = one.lone
        for name, shape in target.parameters.items():
            key = f"{source.order}/{name}"
            like = next(iter(source.parameters))
            zeros = np.zeros(shape, arrays[f"{source.order}/{like}"].dtype)
            found[f"{target.order}/{name}"] = arrays.get(key, zeros)
        for name in lone[giver]:
            if arrays[f"{source.order}/{name}"].any():
                raise UsageError(
                    f"{source.name} has a {name} that is not zero, and "
                    f"{NAMES[taker]}'s {target.name} has none"
                )
        for track in lone:
            if lone[track]:
                owner = one.keras if track == "tf" else one.torch
                told = f"only {NAMES[track]} has a bias here; it is zero"
                notes.append(f"{owner.name}: {told}")
    return found, notes


def _sides(one: Pair, giver: str) -> tuple[Layer, Layer]:
    return (one.keras, one.torch) if giver == "tf" else (one.torch, one.keras)


def _notes(facts: Mapping[str, Any], giver: str) -> list[str]:
    """What the weights alone do not make equal, a sentence each."""
    keras, torch = facts["tf"]["notes"], facts["torch"]["notes"]
    found = []
    if giver == "torch" and torch["merged"]:
        found.append(
            f"{', '.join(torch['merged'])}: Keras has one bias, which is bias_ih + "
            "bias_hh, rounded once; everything else is exact"
        )
    if giver == "tf" and torch["one_bias"]:
        found.append(
            f"{', '.join(torch['one_bias'])}: bias_ih holds Keras' one bias, bias_hh "
            "is zero; freeze bias_hh if you train on"
        )
    if torch["counts"]:
        told = "is not kept" if giver == "torch" else "starts as the model has it"
        found.append(
            f"BatchNorm's num_batches_tracked {told}: Keras has none, and only "
            "momentum=None uses it"
        )
    if torch["buffers"]:
        told = "is not kept" if giver == "torch" else "stays as the model has it"
        found += [f"{name}: this buffer {told}" for name in torch["buffers"]]
    found += [
        f"{layer}: Keras flattens with the channels last; in PyTorch write "
        "x.movedim(1, -1).flatten(1)"
        for layer in keras["flatten"]
    ]
    return found


@contextlib.contextmanager
def _whole(target: str) -> Iterator[str]:
    """A file beside the target, which takes its place if all goes well."""
    path = Path(target).absolute()
    # The suffix stays: it tells what to write.
    part = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        with part.open("xb"):
            pass
        yield str(part)
        os.replace(part, path)
    except OSError as error:
        kind = MissingError if error.errno in _FULL else UsageError
        raise kind(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _report(
    pairing: Pairing,
    source: str,
    target: str,
    precision: str,
    carried: Trace,
    notes: list[str],
) -> dict[str, Any]:
    return {
        "schema": results.SCHEMA,
        "source": source,
        "target": target,
        "precision": precision,
        "arrays": len(carried),
        "numbers": sum(array.size for array in carried.values()),
        "pairs": [
            {
                "keras": one.keras.name,
                "torch": one.torch.name,
                "kind": one.keras.kind,
                "parameters": one.keras.to_json()["parameters"],
                "by": one.by,
                "ambiguous": one.ambiguous,
                "square": one.square,
            }
            for one in pairing.pairs
        ],
        "notes": notes,
    }

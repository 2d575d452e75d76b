"""What `twotrack check` does, once its options are read."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from shared import results
from shared.check import inputs
from shared.check.both import Both
from shared.check.convert import parsed as parsed_map
from shared.check.examine import Options, examine
from shared.check.show_check import show
from shared.check.side import Elsewhere
from shared.check.user_code import located
from shared.commands import versions
from shared.errors import UsageError
from shared.runner import TrackProcess
from shared.terminal import out


def check_models(
    keras: str,
    torch: str,
    *,
    shapes: Sequence[str],
    data: str | None,
    loss: str | None,
    optimizer: str | None,
    steps: int | None,
    mapping: Sequence[str],
    weights: str,
    precision: str | None,
    seed: int,
    html: str | None,
    as_json: bool,
) -> bool:
    """Compare a user's Keras model with the user's PyTorch model; True if they agree.

    Args:
        keras, torch: "file.py:name" of the models, or of functions that build them.
        shapes: of the inputs, in Keras' layout: "2,28,28,1", "2,12:1000" for integers.
        data: an .npz with the inputs, and the target under y.
        loss, optimizer: a common name, or "a.py:name,b.py:name", Keras' first.
        steps: of training.
        mapping: "keras_layer=torch.path" each.
        weights: "auto", "own", "keras" or "torch".
        precision: the only one to judge in.
        seed: of what is drawn.
        html: where to write the same as a page; None for nowhere.
        as_json: one JSON object in place of the tables.

    Raises:
        UsageError: a file, a model, a shape or an option is bad.
        MissingError: a framework is missing, or memory is full.
    """
    builders = located(keras, "KERAS"), located(torch, "TORCH")
    if shapes and data:
        raise UsageError("--input and --data exclude each other")
    if html is not None and not Path(html).absolute().parent.is_dir():
        raise UsageError(f"cannot write {html}: no such folder; name another --html")
    options = Options(
        shapes=[inputs.parsed(one) for one in shapes],
        loss=_pair(loss, "--loss"),
        optimizer=_pair(optimizer, "--optimizer"),
        steps=steps,
        mapping=parsed_map(mapping),
        weights=weights,
        precisions=(precision,) if precision else ("float64", "float32"),
        seed=seed,
    )
    with contextlib.ExitStack() as stack:
        pair = [stack.enter_context(TrackProcess(name)) for name in ("tf", "torch")]
        sides = [Elsewhere(process) for process in pair]
        with ThreadPoolExecutor() as pool:
            jobs = [
                pool.submit(side.ask, "load", builder=builder)
                for side, builder in zip(sides, builders, strict=True)
            ]
            for job in jobs:
                job.result()
        both = Both(sides[0], sides[1], apart=True)
        found = examine(both, _with_data(options, data, both))
    report = {"schema": results.SCHEMA, "keras": keras, "torch": torch}
    report |= found.to_json() | {"environment": dict(versions())}
    if html is not None:
        results.write(Path(html), _page(report, builders), "--html")
    if as_json:
        click.echo(results.to_text(report))
    else:
        show(found, out)
        if html is not None:
            out.print(f"Written: {escape(html)}", soft_wrap=True)
    return found.passed


def _with_data(options: Options, path: str | None, both: Both) -> Options:
    if path is None:
        return options
    names = [one["name"] for one in both.keras_about["inputs"]]
    given, target = inputs.read(path, names)
    return dataclasses.replace(options, inputs=given, target=target)


def _pair(text: str | None, option: str) -> Any:
    """A name, or for each side what `file.py:name` names."""
    if text is None or "," not in text:
        if text is not None and ".py" in text:
            raise UsageError(
                f"{option} {text!r} is one of two: write KERAS.py:name,TORCH.py:name"
            )
        return text
    first, _, second = text.partition(",")
    return tuple(
        located(one, option) if ".py" in one else one for one in (first, second)
    )


def _page(report: dict[str, Any], builders: Iterable[str]) -> bytes:
    from shared.report import check_page

    texts = (
        Path(builder.rpartition(":")[0]).read_text(encoding="utf-8", errors="replace")
        for builder in builders
    )
    sources = dict(zip(("keras", "torch"), texts, strict=True))
    return check_page(report | {"sources": sources}).encode(errors="replace")

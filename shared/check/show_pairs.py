"""What a person reads of the pairs of layers."""

from __future__ import annotations

import textwrap
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from shared.check.pairing import Pair, Pairing
from shared.terminal import out

FEW = 8
"""Names in a sentence."""


def show(pairing: Pairing, report: dict[str, Any]) -> None:
    """The pairs, what is ambiguous about them, what else to know, what was written."""
    out.print(table(pairing))
    for line in [*doubts(pairing), *report["notes"]]:
        out.print(escape(textwrap.fill(line, out.width, subsequent_indent="  ")))
    told = f"{report['numbers']:,} numbers, {report['precision']}"
    out.print(escape(f"Wrote {report['target']}: {told}"), soft_wrap=True)


def table(pairing: Pairing) -> Table:
    """A line a pair."""
    found = Table(box=box.SIMPLE, pad_edge=False)
    for column in ("Keras", "PyTorch", "kind", "shape", "paired by"):
        # A name that is cut in two is still read; a kind or a shape is not.
        name = column in ("Keras", "PyTorch")
        found.add_column(column, overflow="fold", no_wrap=not name)
    for one in pairing.pairs:
        found.add_row(*map(escape, _row(one)))
    return found


def _row(one: Pair) -> tuple[str, ...]:
    shape = next(iter(one.keras.parameters.values()))
    told = "x".join(map(str, shape))
    return one.keras.name, one.torch.name, one.keras.kind, told, one.by


def doubts(pairing: Pairing) -> list[str]:
    """What nothing but the order or the kind decided."""
    found = []
    unsure = [one for one in pairing.pairs if one.ambiguous]
    if unsure:
        example = f"{unsure[0].keras.name}={unsure[0].torch.name}"
        names = _few([one.keras.name for one in unsure])
        found.append(
            f"Paired by order alone, as others have the same shape: {names}. Check "
            f"them; --map {example} would say it."
        )
    square = [one.keras.name for one in pairing.pairs if one.square]
    if square:
        found.append(
            f"Square: {_few(square)}. The shape would not show a kernel that was "
            "saved transposed."
        )
    return found


def _few(names: list[str]) -> str:
    """A page has no room for a hundred names."""
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more

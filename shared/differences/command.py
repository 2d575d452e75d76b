"""What `twotrack differences` does, once its options are read."""

from __future__ import annotations

import contextlib
from typing import Any

import click

from shared import results
from shared.differences import show
from shared.differences.difference import Difference
from shared.differences.judge import Demonstration, demonstrate, groups
from shared.errors import UsageError
from shared.lesson import nearest
from shared.runner import TrackProcess


def show_differences(item: str | None, as_json: bool) -> bool:
    """Demonstrate all differences, a group or one; True if all are as known.

    Raises:
        UsageError: there is no such difference.
        MissingError: a framework is missing.
    """
    chosen = _chosen(item)
    found: dict[str, list[Demonstration]] = {}
    with contextlib.ExitStack() as stack:
        pair = {n: stack.enter_context(TrackProcess(n)) for n in ("tf", "torch")}
        for group, rows in chosen.items():
            found[group] = [demonstrate(group, row, pair) for row in rows]
    every = [row for rows in found.values() for row in rows]
    if as_json:
        told = {group: [_plain(row) for row in rows] for group, rows in found.items()}
        report = {"schema": results.SCHEMA, "differences": told}
        click.echo(results.to_text(report))
    elif item is not None and len(every) == 1:
        show.show_one(every[0])
    else:
        show.show_all(found)
    return not any(row.surprises for row in every)


def _chosen(item: str | None) -> dict[str, tuple[Difference, ...]]:
    known = groups()
    if item is None:
        return known
    if item in known:
        return {item: known[item]}
    for group, rows in known.items():
        for row in rows:
            if row.slug == item:
                return {group: (row,)}
    names = [*known, *(row.slug for rows in known.values() for row in rows)]
    raise UsageError(
        f"there is no difference {item!r}{nearest(item, names)}; "
        "`twotrack differences` shows them all"
    )


def _plain(found: Demonstration) -> dict[str, Any]:
    row = found.difference
    return {
        "difference": row.slug,
        "title": row.title,
        "keras": row.keras,
        "torch": row.torch,
        "remedy": row.remedy,
        "settings": found.settings,
        "outputs": found.shown,
        "apart": found.default.value,
        "residual": found.residual.value,
        "tolerance": row.tolerance,
        "surprises": found.surprises,
        "source": row.source,
    }

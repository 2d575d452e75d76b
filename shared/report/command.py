"""What `twotrack report` does, once its options are read."""

from __future__ import annotations

import webbrowser
from collections.abc import Container
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.markup import escape

from shared import lesson as lessons
from shared import results
from shared.commands import compared
from shared.errors import UsageError
from shared.report import reading, verdicts
from shared.report.index_page import files
from shared.report.pages import pages
from shared.terminal import SYMBOL, err
from shared.terminal import out as console


def write_report(
    names: tuple[str, ...],
    *,
    source: str | None,
    out: str,
    opened: bool,
    lang: str,
    as_json: bool,
    **options: Any,
) -> bool:
    """Write the pages of some lessons; True if every one of them agrees.

    Args:
        names: the lessons; none are all that were compared, or all there are.
        source: the folder of the comparisons; None compares first, and saves what was
            found with the pages.
        out: the folder for the pages.
        opened: show the index in a browser.
        lang: of titles and headings, "en" or "ko".
        as_json: write JSON, and nothing else, to standard output.
        options: how to compare, as `shared.commands.compared` takes them.

    Raises:
        UsageError, MissingError: bad input, or something is missing.
    """
    if source is None:
        compared(names or lessons.slugs(), out, _silent, quiet=as_json, **options)
    else:
        _refuse_given(options)
        if not Path(source).is_dir():
            raise UsageError(
                f"there is no folder {source}: --from takes what compare wrote"
            )
    folder = Path(out if source is None else source)
    entries = reading.chosen(reading.read(folder), names, folder)
    found = list(pages(entries, lang))
    into = results.folder(out)
    for name, content in found:
        results.write(into / name, content.encode(errors="replace"))
    index = into / found[0][0]
    if as_json:
        click.echo(results.to_text(_report(entries, index)))
    else:
        _show(entries, index)
    if opened and not webbrowser.open(index.absolute().as_uri()):
        err.print(f"No browser could be started: open {index}.", soft_wrap=True)
    return all(entry.comparison.passed for entry in entries)


def _silent(_: results.Comparison) -> None:
    """A comparison is shown on its page."""


def _refuse_given(options: Container[str]) -> None:
    """Saved comparisons are shown as they were made: no option changes them."""
    context = click.get_current_context()
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in options and source is ParameterSource.COMMANDLINE:
            raise UsageError(
                f"{option.opts[0]} is for a new comparison: --from shows a saved one"
            )


def _report(entries: list[reading.Entry], index: Path) -> dict[str, object]:
    return {
        "schema": results.SCHEMA,
        "passed": all(entry.comparison.passed for entry in entries),
        "index": str(index),
        "pages": {
            entry.comparison.lesson: str(index.with_name(file))
            for entry, file in zip(entries, files(entries), strict=True)
        },
        "problems": {e.comparison.lesson: e.problems for e in entries if e.problems},
    }


def _show(entries: list[reading.Entry], index: Path) -> None:
    """The verdict, what is missing, and where the pages are."""
    verdict = verdicts.of_all(entries, ())
    symbol = SYMBOL.get(verdict.kind, SYMBOL["not applicable"])
    console.print(f"{symbol} {escape(verdict.sentence)}")
    for entry in entries:
        for problem in verdicts.of_lesson(entry).problems:
            told = f"{entry.comparison.lesson}: {problem}"
            console.print(escape(told), soft_wrap=True)
    pages = f"{len(entries)} page{'s' * (len(entries) != 1)}"
    console.print(
        f"Written: {escape(str(index))} and {pages} beside it", soft_wrap=True
    )

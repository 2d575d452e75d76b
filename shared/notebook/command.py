"""What `twotrack notebook` does, once its options are read."""

from __future__ import annotations

from pathlib import Path

import click

from shared import lesson as lessons
from shared import results
from shared.errors import UsageError
from shared.notebook import origin

BOTH = ("tf", "torch")


def write_notebook(
    slug: str, track: str, out: str | None, source: str | None, force: bool
) -> None:
    """Write the notebook of a lesson.

    Args:
        slug: the lesson.
        track: "tf", "torch" or "both".
        out: the file; None for one of the lesson's name, here.
        source: where another machine gets twotrack from; None to find out.
        force: replace the file if it is there.

    Raises:
        UsageError: there is no such lesson, or the file is there or cannot be written.
    """
    lesson = lessons.find(slug)
    both = track == "both"
    name = slug if both else f"{slug}_{track}"
    path = Path(f"{name}.ipynb" if out is None else out)
    if path.is_dir() or path.suffix != ".ipynb":
        raise UsageError(f"{path} is no name for a notebook: let --out end in .ipynb")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already: give --force, or another --out")
    address = origin.origin() if source is None else origin.checked(source)
    import nbformat

    from shared.notebook.cells import notebook

    made = notebook(lesson, BOTH if both else (track,), address)
    nbformat.validate(made)
    results.folder(path.parent)
    results.write(path, nbformat.writes(made).encode() + b"\n")
    click.echo(f"Wrote {path}: {len(made.cells)} cells; open it in Jupyter.")
    if not address:
        click.echo(
            "Where twotrack is not installed, write into its SOURCE where to get it; "
            "or make it with --source git+https://HOST/REPOSITORY."
        )

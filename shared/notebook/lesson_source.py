"""A lesson's file of one track, taken apart."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import re

from shared import twins

FUNCTIONS = ("build", "train", "predict", "results")
"""What a lesson may define for the engine room, in the order in which it is called."""


@dataclasses.dataclass(frozen=True)
class Section:
    """What stands under one heading.

    Attributes:
        heading: its words.
        comment: the comment right under it, without its marks.
        code: the rest.
    """

    heading: str
    comment: str
    code: str


@dataclasses.dataclass(frozen=True)
class Source:
    """A lesson in one track.

    Attributes:
        framework: what the docstring's first line says it is in.
        text: the docstring below that line.
        sections: all but the last, which runs the file as a script.
        functions: those of FUNCTIONS that it defines.
    """

    framework: str
    text: str
    sections: list[Section]
    functions: list[str]


def read(track: str, slug: str) -> Source:
    """The lesson's file of that track, `# %%` section by section."""
    whole = twins.source(track, slug).read_text(encoding="utf-8")
    tree = ast.parse(whole)
    first, _, text = (ast.get_docstring(tree) or "").partition("\n")
    headed = twins.sections(whole)
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return Source(
        framework=first.rstrip(".").rpartition(", in ")[2],
        text=text.strip("\n"),
        sections=[
            _section(*item) for item in headed.items() if item[0] not in ("", "Run")
        ],
        functions=[name for name in FUNCTIONS if name in defined],
    )


def _section(heading: str, lines: list[str]) -> Section:
    comment = list(itertools.takewhile(lambda line: line.startswith("#"), lines))
    code = "\n".join(lines[len(comment) :]).strip("\n")
    # Only the last section of the file calls it.
    code = re.sub(r"^from \w+\.__main__ import main\n?", "", code, flags=re.MULTILINE)
    words = " ".join(line.lstrip("# ") for line in comment)
    return Section(heading, words, code.strip("\n"))

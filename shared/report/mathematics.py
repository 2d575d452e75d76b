"""A lesson's own words as a page shows them, its formulas as MathML."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup, escape

from shared.lesson import Lesson


@dataclasses.dataclass(frozen=True)
class Formula:
    """A line of a block of formulas.

    Attributes:
        mathml: the formula as a `math` element.
        remark: what the line says of it; may be empty.
    """

    mathml: Markup
    remark: str


@dataclasses.dataclass(frozen=True)
class Block:
    """A paragraph of a lesson's docstring, one of these at a time.

    Attributes:
        formulas: those of the block.
        items: the points of a list.
        text: a paragraph.
        verbatim: lines that stay as they are.
    """

    formulas: tuple[Formula, ...] = ()
    items: tuple[Markup, ...] = ()
    text: Markup | str = ""
    verbatim: str = ""


def words(lesson: Lesson) -> Iterator[Block]:
    """The spec's docstring below its title, paragraph by paragraph."""
    typeset = iter(_formulas().get(lesson.slug, ()))
    for paragraph in (lesson.spec.__doc__ or "").strip().split("\n\n")[1:]:
        if paragraph.startswith("    "):
            formulas = next(typeset, ())
            yield Block(formulas=formulas, verbatim="" if formulas else paragraph)
        elif paragraph.startswith("  * "):
            yield Block(items=tuple(map(prose, paragraph[4:].split("\n  * "))))
        else:
            yield Block(text=prose(paragraph))


def prose(text: str) -> Markup:
    """Text on one line, escaped; what stands in backticks as code, 1e-9 unbroken."""
    escaped = str(escape(" ".join(text.split())))
    whole = _WHOLE.sub(r'<span class="whole">\g<0></span>', escaped)
    # Escaped above.
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", whole))


_WHOLE = re.compile(r"[\d.]+e-\d+|(?<![\w-])--set [^\s`]+|(?<![\w-])--[a-z][^\s`]*")
"""What may not be broken at its hyphens: numbers, and options."""


def unbroken(command: str) -> Markup:
    """A command, which is broken between its words only."""
    word = '<span class="whole">{}</span>'
    return Markup(" ").join(Markup(word).format(part) for part in command.split(" "))


@functools.cache
def _formulas() -> dict[str, list[tuple[Formula, ...]]]:
    r"""Each lesson's blocks, from formulas.tex."""
    file = Path(__file__).with_name("formulas.tex")
    _, *sections = file.read_text(encoding="utf-8").split(r"\section{")
    found = {}
    for section in sections:
        slug, _, body = section.partition("}\n")
        found[slug] = [tuple(_lines(block)) for block in body.strip().split("\n\n")]
    return found


def _lines(block: str) -> Iterator[Formula]:
    from latex2mathml.converter import convert

    for line in block.splitlines():
        latex, _, remark = line.partition("%")
        if latex.strip():
            # Made of our own file, never of anyone's input.
            mathml = Markup(convert(latex.strip(), display="block"))
            yield Formula(mathml, remark.strip())

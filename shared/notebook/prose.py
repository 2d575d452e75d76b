"""Docstrings and comments as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

FORMULA = "    "
BULLET = "  * "
MARKUP = re.compile(r"[\\*<$~|\[]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""What Markdown would take for markup; snake_case is safe."""


def markdown(text: str) -> str:
    """Paragraphs on one line each, formulas (indented by four) as they stand."""
    blocks: list[str] = []
    for block in text.strip("\n").split("\n\n"):
        if not block.startswith(FORMULA):
            blocks.append(_paragraph(block))
        elif blocks and blocks[-1].endswith("\n```"):
            blocks[-1] = blocks[-1].removesuffix("```") + f"\n{_dedented(block)}\n```"
        else:
            blocks.append(f"```text\n{_dedented(block)}\n```")
    return "\n\n".join(blocks)


def escaped(text: str) -> str:
    """The text with nothing in it that Markdown reads as markup, but for `code`."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [MARKUP.sub(r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _dedented(block: str) -> str:
    return "\n".join(line.removeprefix(FORMULA) for line in block.splitlines())


def _paragraph(block: str) -> str:
    items = re.split(rf"\n(?={re.escape(BULLET)})", block)
    return "\n".join(_item(item) for item in items)


def _item(item: str) -> str:
    mark = "* " if item.startswith(BULLET) else ""
    return mark + escaped(" ".join(item.removeprefix(BULLET).split()))

"""The two sources of a lesson as a page shows them: aligned, highlighted, explained."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from markupsafe import Markup
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import STANDARD_TYPES, Token, _TokenType

from shared import twins
from shared.report.glossary import NOTES, Note
from shared.twins import Row

TRACKS = ("tf", "torch")
STYLES = {"light": "a11y-high-contrast-light", "dark": "a11y-high-contrast-dark"}

_PLAIN = (
    Token.Name,
    Token.Name.Namespace,
    Token.Punctuation,
    Token.Text,
    Token.Text.Whitespace,
)


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of one pane; `html` is None where only the other track has one.

    Attributes:
        html: the line, highlighted, what differs in `mark` elements.
        notes: the numbers of the notes that explain it.
        linked: those of them that this pane has not shown before.
        remark: whether it is a comment that the other track does not have so: the
            lesson's own note on a difference.
    """

    html: Markup | None
    notes: tuple[int, ...] = ()
    linked: tuple[int, ...] = ()
    remark: bool = False


@dataclasses.dataclass(frozen=True)
class Section:
    """What stands under one heading in both sources.

    Attributes:
        heading: its words; "" for the docstrings.
        panes: the lines by track, equally many.
        notes: the notes that are needed here for the first time, with their numbers.
    """

    heading: str
    panes: dict[str, list[Line]]
    notes: list[tuple[int, Note]]


def sections(slug: str) -> list[Section]:
    """Both sources of a lesson, section by section."""
    texts = [twins.source(t, slug).read_text(encoding="utf-8") for t in TRACKS]
    numbers: dict[str, int] = {}
    return [_section(found, numbers) for found in twins.align(*texts)]


def _section(found: twins.Section, numbers: dict[str, int]) -> Section:
    known = len(numbers)
    panes: dict[str, list[Line]] = {track: [] for track in TRACKS}
    shown: dict[str, set[int]] = {track: set() for track in TRACKS}
    lexed = {track: _lexed(found.rows, track) for track in TRACKS}
    for row in found.rows:
        for track in TRACKS:
            tokens = next(lexed[track])
            explained = _notes(row, track, numbers) if found.heading else ()
            linked = tuple(n for n in explained if n not in shown[track])
            shown[track] |= set(explained)
            marked = row.marked.get(track, ()) if found.heading else ()
            html = None if tokens is None else _html(tokens, marked)
            remark = bool(html) and not row.same and _is_comment(getattr(row, track))
            panes[track].append(Line(html, explained, linked, remark))
    titles = list(numbers)[known:]
    notes = {note.title: note for note in NOTES}
    return Section(found.heading, panes, [(numbers[t], notes[t]) for t in titles])


def _notes(row: Row, track: str, numbers: dict[str, int]) -> tuple[int, ...]:
    """The numbers of the notes on a line; a note gets its number when first used."""
    if row.same or _is_comment(getattr(row, track)):
        return ()
    titles = [note.title for note in NOTES if note.explains(row, track)]
    return tuple(sorted(numbers.setdefault(t, len(numbers) + 1) for t in titles))


def _is_comment(line: str | None) -> bool:
    return line is None or line.lstrip().startswith("#")


_Tokens = list[tuple[_TokenType, str]]


def highlighted(text: str) -> list[Markup]:
    """The lines of a Python file, highlighted; blank ones at its end are left out."""
    lines = _lines(text.rstrip())
    # The lexer ends the last one as well.
    return [_html(tokens, ()) for tokens in lines[:-1]]


def _lexed(rows: Sequence[Row], track: str) -> Iterator[_Tokens | None]:
    """The tokens of every row's line, lexed as one text; None for a line not there."""
    present = [line for row in rows if (line := getattr(row, track)) is not None]
    remaining = iter(_lines("\n".join(present)))
    for row in rows:
        yield None if getattr(row, track) is None else next(remaining)


def _lines(text: str) -> list[_Tokens]:
    lines: list[_Tokens] = [[]]
    for kind, part in PythonLexer(stripnl=False).get_tokens(text):
        for place, piece in enumerate(part.split("\n")):
            if place:
                lines.append([])
            if piece:
                lines[-1].append((kind, piece))
    return lines


def _html(tokens: _Tokens, marked: Sequence[tuple[int, int]]) -> Markup:
    """A line as `span` elements, and around what differs `mark` elements."""
    spans = _joined("".join(text for _, text in tokens), marked)
    html, column, inside = Markup(), 0, False
    edges = sorted(edge for span in spans for edge in span)
    for kind, text in tokens:
        cuts = [edge - column for edge in edges if 0 < edge - column < len(text)]
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
            within = any(a <= column + start < b for a, b in spans)
            if within != inside:
                html += Markup("<mark>") if within else Markup("</mark>")
                inside = within
            html += _token(kind, text[start:end])
        column += len(text)
    return html + Markup("</mark>") if inside else html


def _joined(line: str, marked: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans without the indentation; those that a dot or blanks part are one.

    A comment that differs is an explanation by itself, and is not marked.
    """
    if _is_comment(line):
        return []
    joined: list[tuple[int, int]] = []
    indent = len(line) - len(line.lstrip())
    for start, end in marked:
        start = max(start, indent)
        if joined and line[joined[-1][1] : start].strip() in ("", "."):
            joined[-1] = (joined[-1][0], end)
        elif start < end:
            joined.append((start, end))
    return joined


def _token(kind: _TokenType, text: str) -> Markup:
    name = "" if kind in _PLAIN else STANDARD_TYPES.get(kind, "")
    if not name or text.strip() in ("", "."):
        return Markup.escape(text)
    return Markup('<span class="{}">{}</span>').format(name, text)


def styles(scheme: str) -> str:
    """CSS of the tokens' colours, light or dark, without what plain names look like."""
    formatter = HtmlFormatter(style=STYLES[scheme])
    rules = formatter.get_style_defs(".code").splitlines()
    wanted = [rule.partition(" /*")[0] for rule in rules if rule.startswith(".code .")]
    return "\n".join(wanted)

"""A lesson as a notebook's cells: its own code, and its prose as Markdown."""

from __future__ import annotations

import dataclasses
from typing import Any

from nbformat import NotebookNode, v4

from shared.lesson import Lesson
from shared.notebook import lesson_source, words
from shared.notebook.prose import escaped, markdown, table

FRAMEWORK = {"tf": "tensorflow", "torch": "torch"}
"""What the notebook of each track imports."""

PARAMETERS = "parameters"
"""The tag of the cell with the settings, as papermill knows it."""


def notebook(lesson: Lesson, tracks: tuple[str, ...], source: str) -> NotebookNode:
    """The lesson's notebook.

    Args:
        lesson: which.
        tracks: one track, or both: then each section comes once for either.
        source: where a machine without twotrack gets it from; "" if not known.

    Returns:
        A notebook in nbformat 4.5, without outputs. The same arguments give the same.
    """
    cells = _Writer(lesson, tracks, source).cells()
    for number, cell in enumerate(cells, start=1):
        cell["id"] = f"cell-{number}"  # nbformat's own are drawn at random
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return v4.new_notebook(cells=cells, metadata={**metadata, "title": lesson.title})


class _Writer:
    """What the cells of one notebook have in common."""

    def __init__(self, lesson: Lesson, tracks: tuple[str, ...], source: str) -> None:
        self.lesson = lesson
        self.tracks = tracks
        self.origin = source
        self.sources = {t: lesson_source.read(t, lesson.slug) for t in tracks}
        self.functions = self.sources[tracks[0]].functions
        self.pair = len(tracks) > 1
        self.varied = any(lesson.variants)
        self.trains = "train" in self.functions

    def cells(self) -> list[NotebookNode]:
        _, _, text = (self.lesson.spec.__doc__ or "").partition("\n")
        return [
            _prose(f"# {escaped(self.lesson.title)}", markdown(text)),
            *(
                _prose(f"## In {source.framework}", markdown(source.text))
                for source in self.sources.values()
            ),
            *self._set_up(),
            *self._sections(),
            *self._settings(),
            *self._run(),
            self._onward(),
        ]

    def _set_up(self) -> list[NotebookNode]:
        slug, first = self.lesson.slug, self.tracks[0]
        needed = [f"{first}_track", *map(FRAMEWORK.__getitem__, self.tracks)]
        install = words.INSTALL.format(
            source=self.origin,
            extras=",".join(self.tracks),
            needed=", ".join(f'"{name}"' for name in needed),
        )
        begin = (words.SIDES if self.pair else words.BEGIN).format(
            slug=slug, track=first, precision=self.lesson.published_precision
        )
        told = words.TWO_SIDES if self.pair else ""
        return [_prose("## Set up", told), _code(install), _code(begin)]

    def _sections(self) -> list[NotebookNode]:
        """Heading, comment and code; of a pair, each track's comment and code."""
        cells = []
        known = dict(words.ENGINE)
        for of_each in zip(*(s.sections for s in self.sources.values()), strict=True):
            used = [call for call in known if any(call in s.code for s in of_each)]
            explained = [known.pop(call) for call in used]
            heading = f"## {escaped(of_each[0].heading)}"
            if not self.pair:
                (section,) = of_each
                cells.append(_prose(heading, escaped(section.comment), *explained))
                cells.append(_code(section.code))
                continue
            cells.append(_prose(heading, *explained))
            for track, section in zip(self.tracks, of_each, strict=True):
                cells.append(self._side(track, section.comment))
                cells.append(_code(section.code, track))
        return cells

    def _side(self, track: str, comment: str = "") -> NotebookNode:
        framework = self.sources[track].framework
        return _prose(f"**{framework}.** {escaped(comment)}".rstrip())

    def _settings(self) -> list[NotebookNode]:
        rows = [
            (f"`{field.name}`", f"`{field.default!r}`", escaped(field.metadata["doc"]))
            for field in dataclasses.fields(self.lesson.config_type)
        ]
        known = table(("setting", "default", "what it is"), rows)
        code = "cfg = Config()"
        if self.varied:
            variants = self.lesson.variants.items()
            lines = [f'    "{name}": {_config(fields)},' for name, fields in variants]
            code = "\n".join(["variants = {", *lines, "}"])
        if self.pair:
            code = f"from shared.lessons.{self.lesson.slug} import Config\n\n{code}"
        cell = _code(code)
        cell["metadata"]["tags"] = [PARAMETERS]
        return [_prose("## Settings", words.SETTINGS, known), cell]

    def _run(self) -> list[NotebookNode]:
        told = _prose("## Run", words.TRAIN if self.trains else words.SHOW)
        code = self._call()
        if not self.pair:
            return [told, _code(code)]
        cells = [told]
        for track in self.tracks:
            cells += [self._side(track), _code(code, track)]
        apart = "notebook.apart(tf_cells.found, torch_cells.found)"
        if self.varied:
            apart = words.APART_EACH
        return [*cells, _prose("## Side by side", words.APART), _code(apart)]

    def _call(self) -> str:
        """Run the lesson with the functions that the cells above define."""
        given = ["cfg", *(f"{name}={name}" for name in self.functions)]
        if not self.varied:
            return f"found = lesson.run({', '.join(given)})"
        given.insert(1, "variant=variant")
        lines = "".join(f"        {argument},\n" for argument in given)
        return words.EACH_VARIANT.format(arguments=lines)

    def _onward(self) -> NotebookNode:
        slug = self.lesson.slug
        kept = words.KEPT["train" if self.trains else ""]
        found = "tf_cells.found" if self.pair else "found"
        if self.varied:
            found += f'["{next(iter(self.lesson.variants))}"]'
        told = [words.CHANGE, kept.format(found=found), words.PROOF.format(slug=slug)]
        if not self.pair:
            (other,) = set(FRAMEWORK) - set(self.tracks)
            told.append(words.OTHER.format(slug=slug, other=other))
        return _prose("## Go on", *told)


def _prose(*paragraphs: str) -> NotebookNode:
    return v4.new_markdown_cell("\n\n".join(filter(None, paragraphs)))


def _code(code: str, track: str = "") -> NotebookNode:
    magic = f"%%{track}\n" if track else ""
    return v4.new_code_cell(magic + code.strip("\n"))


def _config(fields: dict[str, Any]) -> str:
    given = ", ".join(f"{k}={_literal(v)}" for k, v in fields.items())
    return f"Config({given})"


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)

"""What a lesson is called, in English or Korean."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from markupsafe import Markup

from shared.report import korean
from shared.results import Comparison

LANGUAGES = ("en", "ko")


@dataclasses.dataclass(frozen=True)
class Name:
    """A lesson's title and the line that describes it, which may be empty."""

    title: str
    line: str
    lang: str = "en"


def name(text: str, lang: str = "en") -> Name:
    """A title of the form "title: description" in its two parts."""
    title, _, line = text.partition(": ")
    return Name(title, line[:1].upper() + line[1:], lang)


def names(comparison: Comparison, lang: str) -> list[Name]:
    """The lesson's name in English; before it in Korean, where that is asked for."""
    found = [name(comparison.title or comparison.lesson)]
    if lang == "ko" and comparison.lesson in korean.TITLES:
        found.insert(0, name(korean.TITLES[comparison.lesson], lang))
    return found


def speaker(lang: str) -> Callable[[str], str]:
    """What says the pages' headings in that language; the others stay as they are."""

    def say(text: str) -> str:
        if lang != "ko" or text not in korean.HEADINGS:
            return text
        # The words around it are English.
        return Markup('<span lang="ko">{}</span>').format(korean.HEADINGS[text])

    return say

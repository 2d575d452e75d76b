"""A verdict by symbol, by word and in a sentence."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from shared import wording
from shared.report.reading import Entry
from shared.results import Level

FRAMEWORKS = {"tf": "Keras", "torch": "PyTorch"}


def named(text: str) -> str:
    """The text with the frameworks' names for the tracks', and step 1,000 for 1000."""
    text = re.sub(r"\bin (tf|torch)\b", lambda m: f"in {FRAMEWORKS[m[1]]}", text)
    text = re.sub(r"\btorch's\b", "PyTorch's", re.sub(r"\btf's", "Keras'", text))
    return re.sub(r"\bstep (\d{4,})", lambda m: f"step {int(m[1]):,}", text)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a page says first.

    Attributes:
        kind: "pass", "fail" or "none"; the style follows it.
        word: in a word.
        sentence: in one sentence.
        problems: what is missing or does not fit, a line each.
    """

    kind: str
    word: str
    sentence: str = ""
    problems: tuple[str, ...] = ()

    @property
    def symbol(self) -> str:
        return {"pass": "✓", "fail": "✗"}.get(self.kind, "–")


def of_lesson(entry: Entry) -> Verdict:
    """The verdict of one lesson's comparison."""
    found, problems = entry.comparison, list(entry.problems)
    if found.limit is not None:
        problems.append(f"Only {wording.steps(found.limit)} was trained (--smoke).")
    if entry.missing:
        there = [n for t, n in FRAMEWORKS.items() if t not in entry.missing]
        told = f"Only {there[0]} was run" if there else "Neither track was run"
        told = f"{told}, so there is nothing to compare with."
        return Verdict("none", "Not compared", told, tuple(problems))
    if found.mode == "native":
        return Verdict("none", "Not judged", wording.NATIVE, tuple(problems))
    if not found.levels:
        told = "The comparison holds no levels."
        return Verdict("none", "Not judged", told, tuple(problems))
    kind, word = ("pass", "Agree") if found.passed else ("fail", "Disagree")
    return Verdict(kind, word, _sentence(entry), tuple(problems))


def _sentence(entry: Entry) -> str:
    found = entry.comparison
    told = named(wording.sentence(found))
    whole = [
        level.value
        for level in found.levels
        if level.level == "trajectory"
        and level.precision == "float64"
        and level.value is not None
        and not wording.reach(level)
    ]
    if found.passed and any(map(wording.reach, found.levels)):
        told = told.removesuffix(".")
        return f"{told}; the training turns chaotic, and is judged up to there."
    if not found.passed or not whole:
        return told
    worst = max(whole)
    apart = f"stays together to {wording.short(worst)}" if worst else "is the same"
    return f"{told.removesuffix('.')}, and in float64 the whole training {apart}."


def of_all(entries: Sequence[Entry], problems: Sequence[str]) -> Verdict:
    """The verdict of all lessons together."""
    kinds = [of_lesson(entry).kind for entry in entries]
    failed = [
        entry.comparison.lesson
        for entry, kind in zip(entries, kinds, strict=True)
        if kind == "fail"
    ]
    judged = len(kinds) - kinds.count("none")
    count = f"{len(kinds)} lesson{'s' * (len(kinds) > 1)}"
    if failed:
        told = f"{len(failed)} of {count} disagree: {', '.join(failed)}."
        return Verdict("fail", "Disagree", told, tuple(problems))
    if not judged:
        told = f"Of {count} none was judged."
        return Verdict("none", "Not judged", told, tuple(problems))
    which = f"all {count}" if judged > 1 else count
    if judged < len(kinds):
        which = f"the {judged} of {count} that could be judged"
    told = f"The tracks agree on every level of {which}."
    return Verdict("pass", "Agree", told, tuple(problems))


def of_level(levels: list[Level]) -> Verdict:
    """The verdict of one level in all variants and precisions."""
    kind = wording.overall(levels)
    if kind not in ("pass", "fail"):
        return Verdict("none", "n/a")
    return Verdict(kind, kind)

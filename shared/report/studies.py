"""What a study of many seeds found, read back from its study.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.errors import UsageError
from shared.lesson import Lesson
from shared.study.result import Result
from shared.study.units import TRACKS
from shared.study.verdict import Finding, judge


def findings(folder: Path, lesson: Lesson) -> list[Finding]:
    """The verdicts of the lesson's study, a variant each; none without a study.

    Args:
        folder: of the comparison; studies lie in `study/` there or one folder up.
        lesson: whose.

    Raises:
        UsageError: study.json is not what `twotrack study` writes.
    """
    places = [f / "study" / lesson.slug / "study.json" for f in (folder, folder.parent)]
    file = next(filter(Path.is_file, places), None)
    if file is None:
        return []
    try:
        whole = json.loads(file.read_text(encoding="utf-8"))
        return [_finding(lesson, whole, one) for one in whole["variants"]]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise UsageError(f"{file} is not what `twotrack study` writes") from None


def _finding(
    lesson: Lesson, whole: Mapping[str, Any], one: Mapping[str, Any]
) -> Finding:
    """Judged again from the seeds, by the margin that was fixed."""
    results = [
        _result(whole, one, track, seed)
        for track in TRACKS
        for seed in one["tracks"][track]["seeds"]
    ]
    margin = None if one["margin_from"] == "the lesson" else float(one["margin"])
    return judge(lesson, str(one["variant"]), results, margin)


def _result(
    whole: Mapping[str, Any],
    one: Mapping[str, Any],
    track: str,
    seed: Mapping[str, Any],
) -> Result:
    return Result(
        unit="",
        lesson=whole["lesson"],
        variant=one["variant"],
        track=track,
        seed=seed["seed"],
        fields=one["tracks"][track]["fields"],
        init=whole["init"],
        precision=whole["precision"],
        engine="",
        made_with={},
        environment={},
        metrics=seed["metrics"],
        solved=bool(seed["value"]) if one["yes_no"] else None,
        loss=seed["loss"],
        diverged=seed["seed"] in one["tracks"][track]["diverged"],
        trained="",
        seconds={},
        notes=[],
    )

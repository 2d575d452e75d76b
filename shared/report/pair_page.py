"""The page of a user's own pair of models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared import wording
from shared.check.result import LEVELS
from shared.report.render import render
from shared.report.verdicts import Verdict

COLUMNS = ("keras", "torch", "kind", "parameters", "by")
"""Of the table of pairs."""


def page(report: Mapping[str, Any]) -> str:
    """What `twotrack check` found, as one page.

    Args:
        report: plain values, as `shared.check.result.Check.to_json` has them. Whatever
            is missing is left out; besides, "title", "keras" and "torch" may name the
            check and the two models.
    """
    title = str(report.get("title") or "Your Keras and PyTorch models")
    models = [
        (name, str(report[key]))
        for name, key in (("Keras", "keras"), ("PyTorch", "torch"))
        if report.get(key)
    ]
    about = report.get("about") or {}
    return render(
        "pair.html",
        title=title,
        verdict=_verdict(report),
        facts=[*models, *((str(k), str(v)) for k, v in about.items())],
        levels=list(_levels(_all(report, "levels"))),
        causes=[_cause(one) for one in _all(report, "causes")],
        layers=[_layer(one) for one in _all(report, "layers")],
        columns=COLUMNS,
        pairs=[_pair(one) for one in _all(report, "pairs")],
        smallest=report.get("smallest") or {},
        notes=[
            *map(str, report.get("doubts") or ()),
            *map(str, report.get("notes") or ()),
            *map(_told, _all(report, "lint")),
        ],
    )


def _all(report: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    return [one for one in report.get(key) or () if isinstance(one, Mapping)]


def _verdict(report: Mapping[str, Any]) -> Verdict:
    """In one sentence: whether they agree, and if not, where first and why."""
    levels = _all(report, "levels")
    judged = [level for level in levels if level.get("verdict") in ("pass", "fail")]
    if not judged:
        return Verdict("none", "Not judged", "No level could be judged.")
    causes = _all(report, "causes")
    if all(level["verdict"] == "pass" for level in judged):
        return Verdict(
            "pass", "Agree", f"The models agree on all {len(judged)} checks."
        )
    first = report.get("first")
    where = f", first at {first}" if first else ""
    if report.get("unexplained"):
        why = f"; nothing known explains {report['unexplained']}"
    elif causes:
        names = [
            f"{c.get('id')} at {c.get('place') or c.get('torch_place')}" for c in causes
        ]
        why = f": {', '.join(names)}"
    else:
        why = ""
    return Verdict("fail", "Disagree", f"The models disagree{where}{why}.")


def _levels(levels: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of the table; a level is named before its first."""
    for name in dict.fromkeys(level.get("level") for level in levels):
        found = [level for level in levels if level.get("level") == name]
        for place, level in enumerate(found):
            verdict = str(level.get("verdict"))
            measured = verdict in ("pass", "fail") and bool(level.get("precision"))
            yield {
                "level": str(name),
                "about": LEVELS.get(str(name), ""),
                "span": 0 if place else len(found),
                "verdict": verdict,
                "precision": level.get("precision") or "",
                "worst": _number(level.get("value")) if measured else "",
                "allowed": _number(level.get("allowed")) if measured else "",
                "repaired": _number(level.get("repaired")),
                "where": level.get("reason") or level.get("where") or "",
            }


def _cause(cause: Mapping[str, Any]) -> dict[str, str]:
    share = cause.get("share")
    return {
        "id": str(cause.get("id") or ""),
        "place": str(cause.get("place") or ""),
        "torch_place": str(cause.get("torch_place") or ""),
        "keras": str(cause.get("keras") or ""),
        "torch": str(cause.get("torch") or ""),
        "levels": ", ".join(map(str, cause.get("levels") or ())),
        "share": f"{float(share):.0%}" if isinstance(share, (int, float)) else "",
        "remedy": str(cause.get("remedy") or ""),
        "behind": cause.get("behind", ""),
        "harmless": "smaller than float32 can show" if cause.get("harmless") else "",
    }


def _layer(layer: Mapping[str, Any]) -> dict[str, str]:
    errors = {
        name: _number(layer.get(name)) for name in ("local", "inherited", "propagated")
    }
    names = {name: str(layer.get(name) or "") for name in ("keras", "torch", "kind")}
    return names | errors


def _pair(pair: Mapping[str, Any]) -> dict[str, str]:
    """Its columns, as `twotrack convert --json` has them."""
    return {name: _told(pair.get(name, "")) for name in COLUMNS}


def _told(value: Any) -> str:
    """A value in words; of a layer its name, of shapes 3x3x6."""
    if isinstance(value, Mapping):
        named = value.get("name") or value.get("text") or value.get("message")
        parts = (f"{key} {_told(part)}" for key, part in value.items())
        return str(named) if named else ", ".join(parts)
    if isinstance(value, (list, tuple)):
        whole = all(isinstance(part, int) for part in value)
        return ("x" if whole else ", ").join(map(_told, value))
    return str(value)


def _number(value: Any) -> str:
    """Also of infinity and NaN, which in JSON are words."""
    return "" if value is None else wording.short(float(value))

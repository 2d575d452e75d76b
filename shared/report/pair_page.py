"""The page of a user's own pair of models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared import wording
from shared.check.result import LEVELS, VISIBLE
from shared.report import pair_sources
from shared.report.render import render
from shared.report.verdicts import Verdict

COLUMNS = {
    "keras": "Keras",
    "torch": "PyTorch",
    "kind": "kind",
    "parameters": "parameters",
    "by": "paired by",
}
"""Of the table of pairs, each with its heading."""

ERRORS = ("local", "inherited", "propagated")
"""Of a layer."""


def page(report: Mapping[str, Any]) -> str:
    """What `twotrack check` found, as one page.

    Args:
        report: plain values, as `shared.check.result.Check.to_json` has them. Whatever
            is missing is left out; besides, "title", "keras" and "torch" may name the
            check and the two models, "sources" hold the text of their files, and
            "environment" the versions.
    """
    title = str(report.get("title") or "Your Keras and PyTorch models")
    models = [
        (name, str(report[key]))
        for name, key in (("Keras", "keras"), ("PyTorch", "torch"))
        if report.get(key)
    ]
    about = report.get("about") or {}
    causes = _causes(_all(report, "causes"))
    return render(
        "pair.html",
        title=title,
        verdict=_verdict(report, causes),
        facts=[*models, *((str(k), str(v)) for k, v in about.items())],
        levels=list(_levels(_all(report, "levels"))),
        causes=causes,
        files=pair_sources.files(report, causes),
        layers=[_layer(one) for one in _all(report, "layers")],
        columns=COLUMNS,
        errors=ERRORS,
        pairs=[_pair(one) for one in _all(report, "pairs")],
        smallest=report.get("smallest") or {},
        environment=report.get("environment") or {},
        notes=[
            *map(str, report.get("doubts") or ()),
            *map(str, report.get("notes") or ()),
            *map(_told, _all(report, "lint")),
        ],
    )


def _all(report: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    return [one for one in report.get(key) or () if isinstance(one, Mapping)]


def _verdict(report: Mapping[str, Any], causes: Sequence[dict[str, Any]]) -> Verdict:
    """Whether they agree, and if not, where first and why."""
    levels = _all(report, "levels")
    judged = [level for level in levels if level.get("verdict") in ("pass", "fail")]
    if not judged:
        return Verdict("none", "Not judged", "No level could be judged.")
    if all(level["verdict"] == "pass" for level in judged):
        return Verdict(
            "pass", "Agree", f"The models agree on all {len(judged)} checks."
        )
    first, unexplained = report.get("first"), report.get("unexplained")
    where = f", first at {first}" if first else ""
    count = "one cause" if len(causes) == 1 else f"{len(causes)} causes"
    why = f", for {count}:" if causes else "."
    if unexplained:
        known = f". So far {count}:" if causes else "."
        why = f"; nothing known explains {unexplained}{known}"
    names = tuple(
        f"{cause['name']} (harmless)" if cause["harmless"] else cause["name"]
        for cause in causes
    )
    return Verdict("fail", "Disagree", f"The models disagree{where}{why}", names)


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


def _causes(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The causes in words; the same difference at several layers is one."""
    alike: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for one in found:
        kind = tuple(str(one.get(k)) for k in ("id", "keras", "torch", "remedy"))
        alike.setdefault(kind, []).append(one)
    return list(map(_cause, alike.values()))


def _cause(alike: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    cause = alike[0]
    ours, theirs = (
        list(dict.fromkeys(str(one[key]) for one in alike if one.get(key)))
        for key in ("place", "torch_place")
    )
    name = str(cause.get("id") or "").replace("_", " ")
    places = ours or theirs
    return {
        "name": f"{name} at {wording.listed(places)}" if places else name,
        "places": ours,
        "torch_places": theirs,
        "keras": str(cause.get("keras") or ""),
        "torch": str(cause.get("torch") or ""),
        "effect": _effect(alike),
        "remedy": str(cause.get("remedy") or ""),
        "harmless": bool(cause.get("harmless")),
    }


def _effect(alike: Sequence[Mapping[str, Any]]) -> str:
    """What the cause does, in a sentence."""
    cause = alike[0]
    shares = [one.get("share") for one in alike]
    known = [float(share) for share in shares if isinstance(share, (int, float))]
    levels = [*map(str, cause.get("levels") or ())]
    if levels == ["spec"]:
        return "fails spec, whatever the numbers"
    part = f"{_percent(min(known))} of" if known else "part of"
    whose = "its step's own" if cause.get("behind") else "the"
    told = f"{part} {whose} error{' in ' if levels else ''}{', '.join(levels)}"
    if cause.get("harmless"):
        told += "; harmless: float32 cannot show it"
    if cause.get("behind"):
        told += (
            "; what departs before is unexplained, and taken from Keras: "
            f"{cause['behind']}"
        )
    return told


def _percent(share: float) -> str:
    """Never rounded up to all."""
    return "all" if share > 0.999 else f"{int(100 * share)}\N{NO-BREAK SPACE}%"


def _layer(layer: Mapping[str, Any]) -> dict[str, Any]:
    errors = {name: _number(layer.get(name)) or "–" for name in ERRORS}
    names = {name: str(layer.get(name) or "") for name in ("keras", "torch", "kind")}
    local = layer.get("local")
    departs = local is not None and not float(local) <= VISIBLE
    return names | errors | {"departs": departs}


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

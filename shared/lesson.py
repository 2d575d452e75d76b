"""What a lesson is, and how its spec is found, configured and varied.

A spec is a module in `shared/lessons/`. It holds

    docstring          first line: the title; the rest: the mathematics
    Config             a frozen dataclass; each field made by `setting`
    data(cfg)          -> Dataset (mnist_mlp also takes `path`)
    start(cfg, seed)   -> the matched start, {parameter name: array}; if it has any
    score(data, prediction) -> {metric: value}, the first being the one that counts
    PUBLISHED          figures that the lecture notes print; may be empty

and, where they apply, VARIANTS, SCORE_TOLERANCE, NOT_APPLICABLE, PUBLISHED_PRECISION,
reference(cfg, start, data), and for a study over many seeds MARGIN, STUDY and
solved(data, prediction) -> bool. `Lesson` gives each of these its default.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from shared.errors import UsageError

PRECISIONS = ("float64", "float32")


def setting(
    default: Any,
    doc: str,
    *,
    above: float | None = None,
    low: float | None = None,
    below: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of a lesson's Config: its default, what it means, what it may be.

    Args:
        default: the notes' value; its type is the field's type.
        doc: one line that says what the field is, with its unit.
        above, low: a number must be greater than `above`, at least `low`.
        below, high: a number must be less than `below`, at most `high`.
        choices: the strings that are allowed.
    """
    limits = {"above": above, "low": low, "below": below, "high": high}
    metadata = {"doc": doc, "choices": choices, **limits}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Published:
    """A figure printed in the lecture notes, and where ours is found.

    Attributes:
        name: what the figure is, in words.
        quantity: "loss[100]" (the loss at step 100), "result/NAME" (a result of the
            lesson) or "weights/NAME" (a trained parameter).
        printed: the figure, or nested lists of figures.
        digits: how many significant figures must agree.
        decimals: instead, how many decimals must agree.
        variant: the lesson's variant it belongs to; "" for a lesson that has none.
    """

    name: str
    quantity: str
    printed: Any
    digits: int | None = None
    decimals: int | None = None
    variant: str = ""


@dataclasses.dataclass(frozen=True)
class Lesson:
    """A spec module, with the defaults of what it leaves out."""

    slug: str
    spec: ModuleType

    @property
    def title(self) -> str:
        return (self.spec.__doc__ or self.slug).strip().splitlines()[0]

    @property
    def config_type(self) -> type:
        found: type = self.spec.Config
        return found

    @property
    def variants(self) -> dict[str, dict[str, Any]]:
        """Named sets of Config fields; one unnamed set where there are none."""
        return getattr(self.spec, "VARIANTS", {"": {}})

    @property
    def published(self) -> tuple[Published, ...]:
        return getattr(self.spec, "PUBLISHED", ())

    @property
    def published_precision(self) -> str:
        """The precision in which the notes computed their figures."""
        return getattr(self.spec, "PUBLISHED_PRECISION", "float32")

    @property
    def score_tolerance(self) -> float:
        """How far the final score of the two tracks may lie apart."""
        return getattr(self.spec, "SCORE_TOLERANCE", 0.0)

    @property
    def margin(self) -> float:
        """How far the tracks' mean scores may lie apart and still count as equal.

        Fixed before any study: what would make no difference to who uses the model.
        Where the spec has `solved`, it is the share of solved seeds that counts.
        """
        return getattr(self.spec, "MARGIN", 0.01)

    @property
    def study(self) -> dict[str, Any]:
        """Config fields that a study sets, so that each seed has its own start."""
        return getattr(self.spec, "STUDY", {})

    @property
    def not_applicable(self) -> dict[str, str]:
        """Levels of the ladder that do not apply to this lesson, each with why."""
        return getattr(self.spec, "NOT_APPLICABLE", {})

    def optional(self, name: str) -> Callable[..., Any] | None:
        """A function of the spec that not every lesson has."""
        return getattr(self.spec, name, None)

    def data(self, cfg: Any, path: str | None = None) -> Any:
        """The lesson's Dataset, None if it needs none; `path` is the user's own.

        Raises:
            UsageError: the lesson's data is fixed, or the file is not usable.
        """
        if path is None:
            return self.spec.data(cfg)
        if not getattr(self.spec, "TAKES_DATA", False):
            raise UsageError(
                f"{self.slug} has data of its own; --data is for the lessons on "
                "MNIST: leave it out"
            )
        return self.spec.data(cfg, path)

    def configs(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """One Config for each variant that agrees with the user's settings."""
        chosen = {}
        for name, fields in self.variants.items():
            axis = next(iter(fields), None)
            if axis and axis in settings and settings[axis] != fields[axis]:
                continue
            chosen[name] = self.config_type(**{**fields, **settings})
        return chosen or {"": self.config_type(**settings)}


def folder() -> Path:
    """Where the specs lie."""
    return Path(__file__).parent / "lessons"


def slugs() -> tuple[str, ...]:
    """Every lesson, in the order of the curriculum."""
    from shared.lessons import CURRICULUM

    return CURRICULUM


def titles() -> dict[str, str]:
    """Each lesson's title, read without importing the spec (and so NumPy)."""
    found = {}
    for slug in slugs():
        with (folder() / f"{slug}.py").open(encoding="utf-8") as file:
            found[slug] = file.readline().strip().strip('"')
    return found


def find(slug: str) -> Lesson:
    """The lesson of that name.

    Raises:
        UsageError: there is no such lesson; the nearest name is offered.
    """
    if slug not in slugs():
        raise UsageError(
            f"there is no lesson {slug!r}{nearest(slug, slugs())}; "
            "`twotrack list` shows them all"
        )
    return Lesson(slug, importlib.import_module(f"shared.lessons.{slug}"))


def nearest(name: str, known: Iterable[str]) -> str:
    """' (did you mean X?)', or nothing where no known name is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def parse_settings(lesson: Lesson, pairs: Iterable[str]) -> dict[str, Any]:
    """Turn `field=value` strings into checked values of the lesson's Config.

    Raises:
        UsageError: no `=`, an unknown field, or a value of the wrong type or range.
    """
    fields = {f.name: f for f in dataclasses.fields(lesson.config_type)}
    parsed = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"--set {pair}: write it as field=value")
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise UsageError(
                f"{lesson.slug} has no setting {name!r}{nearest(name, fields)}; "
                f"its settings: {known}"
            )
        parsed[name] = _parse(fields[name], text)
    return parsed


def _parse(field: dataclasses.Field[Any], text: str) -> Any:
    kind: Any = type(field.default)
    try:
        value = _truth(text) if kind is bool else kind(text)
    except ValueError:
        raise UsageError(
            f"--set {field.name}={text}: {field.name} is {_kinds[kind]}, "
            f"such as {field.default}"
        ) from None
    problem = _out_of_range(field.metadata, value)
    if problem:
        raise UsageError(f"--set {field.name}={text}: {field.name} must be {problem}")
    return value


_kinds = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}

# More steps would take years; float32 ends at 3e38, and a step multiplies.
_LARGEST = {int: 10**9, float: 1e30}


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _out_of_range(limits: Mapping[str, Any], value: Any) -> str:
    """What the value must be and is not; empty if it is fine."""
    if limits["choices"]:
        allowed = ", ".join(limits["choices"])
        return "" if value in limits["choices"] else f"one of {allowed}"
    if isinstance(value, float) and not math.isfinite(value):
        return "a finite number"
    if limits["above"] is not None and not value > limits["above"]:
        return f"greater than {limits['above']}"
    if limits["low"] is not None and value < limits["low"]:
        return f"{limits['low']} or more"
    if limits["below"] is not None and not value < limits["below"]:
        return f"less than {limits['below']}"
    if limits["high"] is not None and value > limits["high"]:
        return f"{limits['high']} or less"
    largest = _LARGEST.get(type(value))
    if largest is not None and abs(value) > largest:
        return f"no larger than {largest:g}"
    return ""

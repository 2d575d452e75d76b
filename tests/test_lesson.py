"""Specs and their settings: every lesson is well formed, every setting checked."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import lesson as lessons
from shared.datasets import Dataset
from shared.errors import UsageError
from shared.lesson import PRECISIONS, Lesson, nearest, parse_settings, setting
from shared.lessons import CURRICULUM
from shared.wording import LEVELS

ROOT = Path(__file__).parents[1]
TITLE_WIDTH = 78


@dataclasses.dataclass(frozen=True)
class Config:
    """One field of every kind."""

    count: int = setting(3, "how many", low=1, high=10)
    rate: float = setting(0.5, "how much", above=0, below=1)
    shift: float = setting(0.0, "where to")
    fast: bool = setting(False, "whether to hurry")
    kind: str = setting("plain", "which one", choices=("plain", "fancy"))


SPEC = ModuleType("spec")
SPEC.Config = Config  # type: ignore[attr-defined]
LESSON = Lesson("example", SPEC)


def parsed(*pairs: str) -> dict[str, Any]:
    return parse_settings(LESSON, pairs)


def refused(pair: str) -> str:
    with pytest.raises(UsageError) as error:
        parsed(pair)
    return str(error.value)


# Settings


@given(st.integers())
def test_whole_numbers(value: int) -> None:
    if 1 <= value <= 10:
        assert parsed(f"count={value}") == {"count": value}
    else:
        assert re.search("must be (1 or more|10 or less)$", refused(f"count={value}"))


@given(st.floats(allow_subnormal=False))
def test_numbers_between_open_limits(value: float) -> None:
    if 0 < value < 1:
        assert parsed(f"rate={value!r}") == {"rate": value}
    else:
        ends = "greater than 0|less than 1|a finite number"
        assert re.search(f"must be ({ends})$", refused(f"rate={value!r}"))


@given(st.floats(allow_subnormal=False))
def test_numbers_without_limits(value: float) -> None:
    if math.isfinite(value) and abs(value) <= 1e30:
        assert parsed(f"shift={value!r}") == {"shift": value}
    else:
        ends = "a finite number|no larger than 1e.30"
        assert re.search(f"must be ({ends})$", refused(f"shift={value!r}"))


@given(st.sampled_from([f.name for f in dataclasses.fields(Config)]), st.text())
def test_any_text_is_a_value_or_refused(name: str, text: str) -> None:
    """Whatever is typed gives a value of the field's own type, or one clear error."""
    field = next(f for f in dataclasses.fields(Config) if f.name == name)
    try:
        value = parsed(f"{name}={text}")[name]
    except UsageError as error:
        assert str(error).startswith(f"--set {name}={text}: {name} ")
    else:
        assert type(value) is type(field.default)


@given(st.text())
def test_any_text_is_a_setting_or_refused(text: str) -> None:
    try:
        found = parsed(text)
    except UsageError:
        return
    assert found.keys() <= {f.name for f in dataclasses.fields(Config)}


def test_other_kinds() -> None:
    given = ["fast=TRUE", "kind=fancy", "shift= 2 ", "count=1", "count=1_0"]
    assert parsed(*given) == {"fast": True, "kind": "fancy", "shift": 2.0, "count": 10}
    assert "fast is true or false, such as False" in refused("fast=yes")
    assert "kind must be one of plain, fancy" in refused("kind=Fancy")
    assert "kind must be one of plain, fancy" in refused("kind=")


def test_mistakes_are_told() -> None:
    assert refused("count") == "--set count: write it as field=value"
    assert "no setting 'cuont' (did you mean 'count'?)" in refused("cuont=3")
    assert "no setting 'zzz'; its settings: count, rate, " in refused("zzz=3")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("xor_mpl", "xor_mlp"), ("mnist", "mnist_mlp"), ("XOR_mlp", "xor_mlp")],
)
def test_the_nearest_name(typed: str, meant: str) -> None:
    assert nearest(typed, CURRICULUM) == f" (did you mean {meant!r}?)"


@given(st.text(), st.lists(st.text()))
def test_nearest_is_one_that_exists(name: str, known: list[str]) -> None:
    hint = nearest(name, known)
    assert not hint or any(repr(other) in hint for other in known)


# Variants


def with_variants(**variants: dict[str, Any]) -> Lesson:
    spec = ModuleType("spec")
    spec.Config = Config  # type: ignore[attr-defined]
    spec.VARIANTS = variants  # type: ignore[attr-defined]
    return Lesson("example", spec)


def test_a_lesson_without_variants_has_one_configuration() -> None:
    assert LESSON.configs({}) == {"": Config()}
    assert LESSON.configs({"count": 4}) == {"": Config(count=4)}


def test_variants_follow_the_settings() -> None:
    lesson = with_variants(
        plain={"kind": "plain", "rate": 0.1}, fancy={"kind": "fancy", "rate": 0.9}
    )
    assert lesson.configs({}) == {
        "plain": Config(kind="plain", rate=0.1),
        "fancy": Config(kind="fancy", rate=0.9),
    }
    assert list(lesson.configs({"kind": "fancy"})) == ["fancy"]
    assert lesson.configs({"kind": "fancy"})["fancy"].rate == 0.9
    # A field that is not the first is the user's to change in all of them.
    assert [cfg.rate for cfg in lesson.configs({"rate": 0.5}).values()] == [0.5, 0.5]


# Every lesson


def every(slugs: tuple[str, ...] = CURRICULUM) -> Any:
    return pytest.mark.parametrize("slug", slugs)


def test_every_spec_has_its_place() -> None:
    files = {path.stem for path in (ROOT / "shared" / "lessons").glob("*.py")}
    assert files - {"__init__"} == set(CURRICULUM)
    assert len(set(CURRICULUM)) == len(CURRICULUM)
    for track in ("tf_track", "torch_track"):
        files = {path.stem for path in (ROOT / track / "lessons").glob("*.py")}
        assert files - {"__init__"} == set(CURRICULUM)


@every()
def test_titles(slug: str) -> None:
    """`list` reads the file's first line, and finds what the module says."""
    lesson = lessons.find(slug)
    title = lessons.titles()[slug]
    assert lesson.title == title == (lesson.spec.__doc__ or "").splitlines()[0]
    assert 0 < len(title) <= TITLE_WIDTH
    assert not title.endswith(".")
    assert title.isprintable()


@every()
def test_settings_are_told_and_limited(slug: str) -> None:
    """A field says what it is, and its default and its variants are within limits."""
    lesson = lessons.find(slug)
    assert lesson.config_type.__dataclass_params__.frozen
    for field in dataclasses.fields(lesson.config_type):
        limits = field.metadata
        assert limits["doc"].strip() == limits["doc"] != ""
        assert "\n" not in limits["doc"]
        kind = {"int": int, "float": float, "bool": bool, "str": str}[str(field.type)]
        assert type(field.default) is kind
        if kind is str:
            assert field.default in limits["choices"]
        if kind is int:
            assert limits["low"] is not None and limits["low"] >= 0
        if "rate" in field.name.split("_"):
            assert limits["above"] == 0
    for values in ({}, *lesson.variants.values()):
        cfg = dataclasses.asdict(lesson.config_type(**values))
        assert parse_settings(lesson, [f"{k}={v}" for k, v in cfg.items()]) == cfg


@every()
def test_constants(slug: str) -> None:
    lesson = lessons.find(slug)
    assert lesson.published_precision in PRECISIONS
    assert 0 <= lesson.score_tolerance < 0.1
    assert lesson.not_applicable.keys() <= LEVELS.keys()
    assert all(reason.strip() for reason in lesson.not_applicable.values())
    axes = {next(iter(fields), None) for fields in lesson.variants.values()}
    assert len(axes) == 1
    allowed = {"cfg", "path"} if getattr(lesson.spec, "TAKES_DATA", False) else {"cfg"}
    assert set(inspect.signature(lesson.spec.data).parameters) == allowed


@every()
def test_data_and_start(slug: str) -> None:
    """The data is one Dataset; the start depends on the configuration and the seed."""
    lesson = lessons.find(slug)
    for cfg in lesson.configs({}).values():
        data = lesson.data(cfg)
        assert data is None or isinstance(data, Dataset)
        start = lesson.optional("start")
        if start is None:
            continue
        values, again = start(cfg, 5), start(cfg, 5)
        for name, array in values.items():
            assert re.fullmatch(r"(\w+/)?(kernel|bias)", name)
            assert array.dtype == np.float64
            assert np.isfinite(array).all()
            assert (array == again[name]).all()


QUANTITY = r"(loss|prediction|(result|trained)/[\w/]+)(\[\d+\])?"
PUBLISHED = tuple(slug for slug in CURRICULUM if lessons.find(slug).published)


@every(PUBLISHED)
def test_published_figures(slug: str) -> None:
    lesson = lessons.find(slug)
    names = [(figure.variant, figure.name) for figure in lesson.published]
    assert len(set(names)) == len(names)
    for figure in lesson.published:
        assert figure.variant in lesson.variants
        assert re.fullmatch(QUANTITY, figure.quantity)
        assert (figure.digits is None) != (figure.decimals is None)
        assert (figure.digits or 1) >= 1
        assert (figure.decimals or 0) >= 0
        printed = np.asarray(figure.printed, dtype=np.float64)
        assert np.isfinite(printed).all()
        step = re.fullmatch(r"loss\[(\d+)\]", figure.quantity)
        if step:
            cfg = lesson.configs({})[figure.variant]
            assert int(step[1]) < cfg.epochs


def test_an_unknown_lesson() -> None:
    with pytest.raises(UsageError, match="did you mean 'xor_mlp'"):
        lessons.find("xor_mpl")


@every(tuple(slug for slug in CURRICULUM if slug != "mnist_mlp"))
def test_only_mnist_takes_data(slug: str) -> None:
    lesson = lessons.find(slug)
    with pytest.raises(UsageError, match="has data of its own"):
        lesson.data(lesson.config_type(), "file.npz")

"""What the pages are made of: notes, formulas, names, arrays, pictures."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reports
from hypothesis import given
from hypothesis import strategies as st

from shared import lesson as lessons
from shared import twins, wording
from shared.differences.judge import groups
from shared.errors import UsageError
from shared.lessons import CURRICULUM
from shared.plots.losses import apart, both_losses
from shared.plots.style import BLUE, GREY, INK, WHITE, styled, tint
from shared.report import (
    glossary,
    korean,
    mathematics,
    outlines,
    pages,
    reading,
    record,
    svg,
    tables,
)
from shared.report.names import name
from shared.report.sources import TRACKS
from shared.report.tables import metric
from shared.report.verdicts import named

# What is written down for every lesson


def differing() -> Iterator[tuple[str, twins.Row, str]]:
    """Every line that differs, with its lesson and track; no comment, no docstring."""
    for slug in CURRICULUM:
        texts = [twins.source(t, slug).read_text("utf-8") for t in ("tf", "torch")]
        for section in twins.align(*texts):
            for row in section.rows:
                for track in ("tf", "torch"):
                    line = getattr(row, track)
                    spans = row.marked.get(track, ())
                    words = "".join((line or "")[start:end] for start, end in spans)
                    comment = (line or "").lstrip().startswith("#")
                    if section.heading and re.search(r"\w", words) and not comment:
                        yield slug, row, track


def test_every_difference_is_explained() -> None:
    found = list(differing())
    unexplained = [
        (slug, getattr(row, track))
        for slug, row, track in found
        if not any(note.explains(row, track) for note in glossary.NOTES)
    ]
    assert len(found) > 500
    assert unexplained == []


def test_every_note_explains_something() -> None:
    found = list(differing())
    known = {row.slug for rows in groups().values() for row in rows}
    for note in glossary.NOTES:
        assert any(note.explains(row, track) for _, row, track in found), note.title
        assert note.item in ("", *known), note.title
    assert len({note.title for note in glossary.NOTES}) == len(glossary.NOTES)


@pytest.mark.parametrize("slug", CURRICULUM)
def test_formulas(slug: str) -> None:
    lesson = lessons.find(slug)
    doc = (lesson.spec.__doc__ or "").split("\n\n")
    blocks = list(mathematics.words(lesson))
    indented = [block for block in doc if block.startswith("    ")]
    assert len([b for b in blocks if b.formulas or b.verbatim]) == len(indented)
    formulas = [formula for block in blocks for formula in block.formulas]
    assert formulas
    for formula in formulas:
        assert ET.fromstring(formula.mathml).tag.endswith("math")
        assert "\\" not in formula.mathml, formula


def test_formulas_are_those_of_the_lessons() -> None:
    assert list(mathematics._formulas()) == list(CURRICULUM)


def test_a_lesson_without_latex_keeps_its_text() -> None:
    lesson = lessons.find("xor_mlp")
    unknown = lessons.Lesson("of_a_user", lesson.spec)
    blocks = list(mathematics.words(unknown))
    assert "h = sigmoid(x W1 + b1)" in blocks[0].verbatim


def test_korean_names() -> None:
    assert list(korean.TITLES) == list(CURRICULUM)
    for slug, title in korean.TITLES.items():
        found = name(title, "ko")
        assert re.search("[가-힣]", found.title), slug
        assert re.search("[가-힣]", found.line), slug
    folder = Path(str(pages.__file__)).parent
    templates = "".join(path.read_text("utf-8") for path in folder.rglob("*.html"))
    sections = {
        section.heading or "What is learned here"
        for slug in CURRICULUM
        for section in twins.align(*(twins.source(t, slug).read_text() for t in TRACKS))
    }
    ours = sections | set(pages.HEADINGS.values())
    for heading in korean.HEADINGS:
        assert heading in ours or f'say("{heading}")' in templates, heading
    assert ours <= set(korean.HEADINGS)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0"),
        (4e-6, "0.0040 ms"),
        (0.002, "2.0 ms"),
        (0.00234, "2.3 ms"),
        (0.078, "78 ms"),
    ]
    + [(0.204, "200 ms"), (0.9996, "1000 ms"), (1, "1.0 s"), (83.21, "83.2 s")],
)
def test_durations(seconds: float, told: str) -> None:
    assert wording.duration(seconds) == told


def test_names_in_a_row() -> None:
    assert wording.listed(["a"]) == "a"
    assert wording.listed(["a", "b"]) == "a and b"
    assert wording.listed(["a", "b", "c"]) == "a and 2 more"


def test_frameworks_for_tracks() -> None:
    told = named("accuracy .9 in tf, .8 in torch; see torch.in tfx")
    assert told == "accuracy .9 in Keras, .8 in PyTorch; see torch.in tfx"
    told = named("torch's share is below tf's at step 10000 of 20000, not step 999")
    assert (
        told == "PyTorch's share is below Keras' at step 10,000 of 20000, not step 999"
    )


def test_options_are_not_broken_at_their_hyphens() -> None:
    told = mathematics.prose("With `--set start=random --seed 3`, 1e-9 or well-known")
    whole = '<span class="whole">{}</span>'.format
    parts = whole("--set start=random"), whole("--seed"), whole("1e-9")
    assert told == "With <code>{} {} 3</code>, {} or well-known".format(*parts)
    alone = mathematics.prose("by `--seed`.")
    assert alone == f"by <code>{whole('--seed')}</code>."
    command = mathematics.unbroken("twotrack run <x> --track tf")
    assert command.count('class="whole"') == 5
    assert "&lt;x&gt;" in command


@pytest.mark.parametrize(("value", "told"), [(0.0, "no"), (1.0, "yes")])
def test_solved_is_yes_or_no(value: float, told: str) -> None:
    assert metric("solved", value) == told


def test_layers_of_one_name_stand_side_by_side() -> None:
    """However little their lines resemble."""
    tf = """\
        keras.Input((3,)),
        keras.layers.Dense(4, "sigmoid", name="hidden"),
        keras.layers.Dense(2, name="output"),"""
    torch = """\
        hidden=nn.Linear(3, 4),
        hidden_sigmoid=nn.Sigmoid(),
        output=nn.Linear(4, 2),"""
    (top,) = twins.align(tf, torch)
    pairs = [(bool(r.tf), (r.torch or "").strip()) for r in top.rows]
    assert pairs == [
        (True, ""),
        (True, "hidden=nn.Linear(3, 4),"),
        (False, "hidden_sigmoid=nn.Sigmoid(),"),
        (True, "output=nn.Linear(4, 2),"),
    ]


def test_settings_are_told(tmp_path: Path) -> None:
    given = reports.comparison("optimizers", settings={"epochs": 3})
    (entry,) = reading.read(reports.write(tmp_path, given))
    found = {one.name: one for one in tables.settings(entry)}
    assert found["epochs"].value == "3"
    assert found["rule"].value.startswith("full_batch, sgd, momentum")
    assert found["learning_rate"].meaning
    entry.comparison.settings["of_another_version"] = 1
    assert tables.settings(entry) == []


# Arrays


def test_record_comes_back(tmp_path: Path) -> None:
    folder = reports.disagreeing(tmp_path)
    (entry,) = reading.read(folder)
    assert entry.problems == []
    assert entry.record.precisions("") == ["float32"]
    assert entry.record.last("", "tf")["prediction"].shape == (3, 10)
    assert entry.record.last("", "neither") == {}
    assert entry.record.shown("")["images"].shape == (2, 28, 28)
    assert entry.record.dataset("") is None
    assert entry.record.facts[""]["class_names"] == list("0123456789")


def test_record_keeps_the_order(tmp_path: Path) -> None:
    folder = reports.disagreeing(tmp_path)
    (entry,) = reading.read(folder)
    names = ["step", "relu", "a"]
    arrays = {f":float32:tf:{name}": np.zeros(2) for name in names}
    file = record.path(folder, entry.comparison.lesson)
    file.write_bytes(record.Record(arrays, {}).to_bytes(entry.comparison))
    assert [*record.load(file, entry.comparison).trace("", "float32", "tf")] == names


def test_record_of_another_comparison(tmp_path: Path) -> None:
    folder = reports.disagreeing(tmp_path)
    reports.write(folder, reports.comparison("mnist_mlp", date="2020-01-01T00:00"))
    (entry,) = reading.read(folder)
    assert entry.record.arrays == {}
    assert "belongs to another comparison" in entry.problems[0]


@pytest.mark.parametrize("content", [b"", b"{}", b"\x08" + bytes(7) + b"{}garbage"])
def test_record_that_is_broken(tmp_path: Path, content: bytes) -> None:
    folder = reports.disagreeing(tmp_path)
    path = record.path(folder, "mnist_mlp")
    path.write_bytes(content)
    (entry,) = reading.read(folder)
    assert entry.record.arrays == {}
    assert len(entry.problems) == 1
    with pytest.raises(UsageError):
        record.load(path, entry.comparison)


def test_disagreements() -> None:
    tf = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [np.nan, 0.1]])
    torch = np.array([[0.8, 0.2], [0.7, 0.3], [0.1, 0.9], [0.9, 0.1]])
    assert record.disagreements(tf, torch).tolist() == [1, 2]
    assert record.disagreements(tf[:, 0], torch[:, 0]).tolist() == []
    assert record.disagreements(tf, None).tolist() == []
    assert record.disagreements(tf, torch[:2]).tolist() == []


# Pictures


def drawn(colour: Any, text: str = "label") -> Any:
    from matplotlib.figure import Figure

    figure = Figure((3, 2))
    axes = figure.add_subplot(xlabel=text)
    axes.plot(np.arange(50.0), np.arange(50.0), ".-", color=colour)
    return figure


def inlined(colour: Any, **more: Any) -> str:
    with styled():
        return str(svg.inline(drawn(colour, **more), "Title", "Told.", "key"))


def test_svg_names_its_parts_once() -> None:
    root = ET.fromstring(inlined(BLUE))
    assert root.get("role") == "img"
    texts = {e.get("id"): e.text for e in root if e.tag.endswith(("title", "desc"))}
    assert texts == {"key-title": "Title", "key-desc": "Told."}
    assert root.get("aria-labelledby") == "key-title key-desc"
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert all(one.startswith("key-") for one in ids if one)
    links = {e.get("href", "")[1:] for e in root.iter() if e.tag.endswith("use")}
    assert links
    assert links <= set(ids)


def test_svg_keeps_text_and_escapes_it() -> None:
    found = inlined(BLUE, text=reports.HOSTILE)
    assert "<script" not in found
    texts = [e.text for e in ET.fromstring(found).iter() if e.tag.endswith("text")]
    assert reports.HOSTILE in texts
    assert "DejaVu" not in found
    assert "<style" not in found


@pytest.mark.parametrize(
    ("colour", "shown"),
    [
        (BLUE, "var(--series-0)"),
        (INK, "var(--ink)"),
        (GREY, "var(--soft)"),
        ("white", "var(--paper)"),
        (WHITE, "#fff"),
        (tint(BLUE, 0.4), "color-mix(in srgb,var(--series-0) 40%,var(--paper))"),
        (tint(GREY, 0.2), "color-mix(in srgb,var(--soft) 20%,var(--paper))"),
        ("#481b6d", "#481b6d"),
    ],
)
def test_svg_takes_the_colours_of_the_page(colour: Any, shown: str) -> None:
    assert f"stroke:{shown}" in inlined(colour)


points = st.floats(-400, 400).map(lambda x: round(x, 3))


@given(st.lists(st.tuples(points, points), min_size=9, max_size=60))
def test_simplified_outlines_stay_where_they_were(corners: Any) -> None:
    path = "M " + " L ".join(f"{x} {y}" for x, y in corners)
    kept = corners_of(outlines.outline(path))
    assert len(kept) <= len(corners)
    for corner in np.array(corners):
        assert distance(corner, kept) < 0.15 + 0.1


def corners_of(d: str) -> Any:
    """Where an outline turns; after the first corner each is told from the last."""
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", d)]
    return np.array(numbers).reshape(-1, 2).cumsum(axis=0)


def test_dots_become_one_path() -> None:
    """As many as there are, each on the line that they mark, as wide as a disc."""
    found = inlined(BLUE)
    (dots, style), *others = re.findall(r'<path d="([^"]*h0)" style="([^"]*)"', found)
    assert not others
    assert "stroke-width:4;stroke-linecap:round" in style  # 3 of the disc, 1 around it
    places = corners_of(dots.replace("h0", ""))
    assert len(places) == 50
    solid = r"stroke:var\(--series-0\);stroke-width:[\d.]+;stroke-linecap:square"
    (line,) = re.findall(f'<path d="([^"]*)"[^>]*{solid}', found)
    ends = corners_of(line)[[0, -1]]
    assert all(distance(place, ends) < 0.1 for place in places)
    assert places[[0, -1]] == pytest.approx(ends, abs=0.1)


def distance(point: Any, line: Any) -> float:
    """From a point to a line of straight pieces."""
    start, ends = line[:-1], line[1:] - line[:-1]
    length = np.maximum((ends**2).sum(axis=1), 1e-12)
    share = np.clip(((point - start) * ends).sum(axis=1) / length, 0, 1)
    nearest = start + share[:, None] * ends
    return float(np.hypot(*(nearest - point).T).min())


def test_losses_of_both() -> None:
    loss = np.geomspace(1, 0.01, 2000)
    close = {"tf": loss, "torch": loss * (1 + 1e-9)}
    with styled():
        figure = both_losses({"float64": close, "float32": close}, "", 10)
        assert figure is not None
        above, below = figure.axes
        assert [line.get_label() for line in above.lines] == ["Keras", "PyTorch"]
        labels = [line.get_label() for line in below.lines]
        assert {"float64", "float32", "allowed"} <= set(labels)
        one = both_losses({"float32": {"tf": loss}}, "")
        assert one is not None
        assert len(one.axes) == 1
        assert both_losses({}, "") is None
        assert both_losses({"float32": {"tf": loss[:0]}}, "") is None


@pytest.mark.parametrize(("judged", "end"), [({}, 1999), ({"float64": 900}, 900)])
def test_what_is_allowed_ends_where_the_judging_does(
    judged: dict[str, int], end: int
) -> None:
    loss = np.geomspace(1, 0.01, 2000)
    close = {"tf": loss, "torch": loss * (1 + 1e-9)}
    with styled():
        figure = both_losses({"float64": close, "float32": close}, "", judged=judged)
        assert figure is not None
        dotted = [line for line in figure.axes[1].lines if line.get_linestyle() == ":"]
        # One of float64, and the legend's; float32's thirty steps would be a speck.
        assert [[*line.get_xdata()] for line in dotted] == [[0, end], []]


def test_the_first_steps_of_a_long_training_are_seen_one_by_one() -> None:
    loss = np.full(3000, 0.5)
    loss[0] = 9
    with styled():
        figure = both_losses({"float32": {"tf": loss}}, "")
        assert figure is not None
        (line,) = figure.axes[0].lines
        steps = [float(x) for x in line.get_xdata()]
        assert steps[:10] == [*range(10)]
        assert steps[10:12] == [14.5, 24.5]
        assert float(np.asarray(line.get_ydata())[0]) == 9


def test_of_batches_no_step_stands_out() -> None:
    """A mistake is drawn alike in the first epoch and later."""
    loss = np.zeros(1000)
    loss[[0, 500]] = 1
    both = {"tf": loss, "torch": loss}
    with styled():
        figure = both_losses({"float32": both}, "", 100)
        assert figure is not None
        above, below = figure.axes
        heights = np.asarray(above.lines[0].get_ydata())
        assert sorted(heights[heights > 0]) == [0.25, 0.25]
        # Equal throughout is a line, and not a bar of ticks.
        (line,) = [one for one in below.lines if len(one.get_xdata()) == len(heights)]
        assert len(set(line.get_ydata())) == 1


def test_losses_apart() -> None:
    a = np.array([1.0, 2.0, np.nan, 4.0])
    b = np.array([1.0, 2.2, 3.0])
    assert apart({"tf": a, "torch": b}) == pytest.approx([0, 0.2 / 2.2, 1])


def test_metrics_in_words() -> None:
    assert metric("accuracy", 0.97661) == "97.66\N{NO-BREAK SPACE}%"
    assert metric("r2", 0.1234567) == "0.123457"
    assert metric("r2", 0.99996) != "1"
    assert metric("accuracy", float("nan")) == "nan\N{NO-BREAK SPACE}%"

"""Every plot from a small outcome: what is in the file, and what is left behind."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import types
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread

from shared import plots
from shared.datasets import Dataset, load
from shared.errors import UsageError
from shared.job import Outcome
from shared.lesson import Lesson
from shared.parity.trace import Trace
from shared.plane import plane
from shared.plots.style import INK, RED, Scene

X = np.linspace(-3, 3, 31)
SIGMOID = 1 / (1 + np.exp(-X))


def outcome(trace: Trace, steps_per_epoch: int = 1, package: str = "torch") -> Outcome:
    return Outcome(trace, {}, 0, steps_per_epoch, {package: "1.0"}, {}, None)


def lesson(title: str = "Some lesson: what it shows", **attributes: Any) -> Lesson:
    spec = types.ModuleType("spec", title)
    vars(spec).update(attributes)
    return Lesson("some_lesson", spec)


def history(loss: Any) -> Trace:
    loss = np.asarray(loss, dtype=np.float64)
    return {"history/loss": loss, "history/batch": np.full(len(loss), 4)}


def valley(a: Any, b: Any) -> Any:
    return a**2 + 10 * b**2


def images(count: int) -> Dataset:
    pictures = np.arange(count * 16, dtype=np.float64).reshape(count, 4, 4)
    labels = np.arange(count) % 3
    names = ("a", "b", "c")
    return Dataset("images", pictures, labels, class_names=names)


def scores(labels: Any, confidence: Any) -> Any:
    """Three class scores that sum to 1, the label's class being given so much."""
    rest = (1 - np.asarray(confidence)) / 2
    found = np.repeat(rest[:, None], 3, axis=1)
    found[np.arange(len(rest)), labels] = confidence
    return found


def on_plane(data: Dataset, answer: Any) -> Trace:
    return {"grid": answer(plane(data.x_train))}


def ridge(points: Any) -> Any:
    """A probability for XOR, shape (N, 1)."""
    return 1 / (1 + np.exp(8 * (points.sum(axis=1, keepdims=True) - 1) ** 2 - 3))


def cases() -> dict[str, tuple[str, Any]]:
    """For each plot its heading and what to save: outcome, lesson, data."""
    xor = load("xor")
    curves = {"x": X, "sigmoid": SIGMOID, "sigmoid_derivative": SIGMOID * (1 - SIGMOID)}
    path = np.stack([0.8 ** np.arange(10), (-0.5) ** np.arange(10)], axis=1)
    wrong = scores((np.arange(6) + 1) % 3, np.full(6, 0.9))
    drawn = {
        "loss": ("Loss while training", history(1 / np.arange(1, 41)), lesson(), None),
        "decision_regions": ("Decision regions", on_plane(xor, ridge), lesson(), xor),
        "misclassifications": (
            "Wrong answers in each epoch",
            {"result/misclassified": np.array([2.0, 3.0, 1.0, 0.0])},
            lesson(),
            None,
        ),
        "curves": (
            "Functions and their derivatives",
            {f"result/curve/{name}": y for name, y in curves.items()},
            lesson(),
            None,
        ),
        "paths": (
            "Paths downhill",
            {"result/path/gradient_descent": path},
            lesson(valley=valley),
            None,
        ),
        "errors": (
            "6 of 6 test images are misread",
            {"prediction": wrong},
            lesson(),
            images(6),
        ),
    }
    return {name: (d[0], (outcome(d[1]), *d[2:])) for name, d in drawn.items()}


def save(name: str, folder: Path, kind: str = "svg") -> list[Path]:
    found, of, data = cases()[name][1]
    return plots.save(found, of, data, folder, kind)


def texts(path: Path) -> list[str]:
    """What is written in an SVG: matplotlib names each outlined text in a comment."""
    return re.findall(r"<!-- (.*?) -->", path.read_text(encoding="utf-8"), re.DOTALL)


def draw(trace: Trace, folder: Path, data: Dataset | None = None, **more: Any) -> Path:
    """The only plot that such a trace allows."""
    (path,) = plots.save(outcome(trace, **more), lesson(), data, folder)
    return path


def seen(plot: str, trace: Trace, steps_per_epoch: int = 1, **more: Any) -> Any:
    """The figure itself, before it is a file."""
    data = more.pop("data", None)
    scene = Scene(outcome(trace, steps_per_epoch), lesson(**more), data)
    return plots.PLOTS[plot](scene)


def test_the_cases_cover_every_plot() -> None:
    assert list(cases()) == list(plots.PLOTS)


@pytest.mark.parametrize("name", plots.PLOTS)
def test_svg(name: str, tmp_path: Path) -> None:
    heading = cases()[name][0]
    assert save(name, tmp_path) == [tmp_path / f"{name}.svg"]
    assert [p.name for p in tmp_path.iterdir()] == [f"{name}.svg"]
    root = ET.parse(tmp_path / f"{name}.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    title = root.findtext("{http://www.w3.org/2000/svg}title")
    assert title == f"{heading}: Some lesson, in PyTorch"
    assert {heading, "Some lesson, in PyTorch"} <= set(texts(tmp_path / f"{name}.svg"))


@pytest.mark.parametrize("name", plots.PLOTS)
def test_png(name: str, tmp_path: Path) -> None:
    (path,) = save(name, tmp_path, "png")
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) >= (1200, 800)
    assert cases()[name][0].encode() in content
    assert content.endswith(b"IEND\xaeB`\x82")


@pytest.mark.parametrize("kind", plots.KINDS)
def test_the_same_outcome_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    (first,) = save("decision_regions", tmp_path / "first", kind)
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30}):
        (second,) = save("decision_regions", tmp_path / "second", kind)
        assert matplotlib.rcParams["lines.linewidth"] == 9
    assert first.read_bytes() == second.read_bytes()


FRESH = """
import sys
from pathlib import Path
from shared import plots
assert "matplotlib" not in sys.modules, "importing plots imports matplotlib"
import types
import numpy as np
from shared.job import Outcome
from shared.lesson import Lesson
trace = {"history/loss": np.arange(9.0), "history/batch": np.full(9, 4)}
spec = types.ModuleType("spec", "Some lesson: what it shows")
found = Outcome(trace, {}, 0, 3, {"torch": "1.0"}, {}, None)
plots.save(found, Lesson("some_lesson", spec), None, Path(sys.argv[1]))
assert "matplotlib.pyplot" not in sys.modules, "saving imports pyplot"
"""


def test_a_fresh_process_gives_the_same_bytes_without_pyplot(tmp_path: Path) -> None:
    here = draw(history(np.arange(9.0)), tmp_path / "here", steps_per_epoch=3)
    there = tmp_path / "there"
    subprocess.run([sys.executable, "-c", FRESH, there], check=True)
    assert here.read_bytes() == (there / "loss.svg").read_bytes()


def test_nothing_to_draw_writes_nothing(tmp_path: Path) -> None:
    empty = outcome({"prediction": np.ones((4, 1)), "history/loss": np.zeros(0)})
    assert plots.save(empty, lesson(), load("xor"), tmp_path / "new") == []
    assert not (tmp_path / "new").exists()


def test_all_that_the_trace_allows_in_order(tmp_path: Path) -> None:
    x = np.array([[5.0, 1.4], [5.5, 4.0]])
    flowers = Dataset(
        "flowers",
        x,
        np.array([-1.0, 1.0]),
        feature_names=("sepal length (cm)", "petal length (cm)"),
        class_names=("setosa", "versicolor"),
    )
    trace = history([0.0, 1.0]) | {"result/misclassified": np.array([1.0, 0.0])}
    trace |= on_plane(flowers, lambda points: np.sign(points[:, 1] - 2.5))
    drawn = plots.save(outcome(trace), lesson(), flowers, tmp_path)
    stems = [path.stem for path in drawn]
    assert stems == ["loss", "decision_regions", "misclassifications"]
    assert {"setosa", "versicolor", "petal length (cm)"} <= set(texts(drawn[1]))


# The caption


@pytest.mark.parametrize(
    ("package", "caption"),
    [("keras", "Some lesson, in Keras"), ("jax", "Some lesson")],
)
def test_the_caption_names_the_track(
    package: str, caption: str, tmp_path: Path
) -> None:
    assert caption in texts(draw(history([2.0, 1.0]), tmp_path, package=package))


def test_a_long_title_is_wrapped(tmp_path: Path) -> None:
    long = " ".join(["word"] * 20)
    (path,) = plots.save(outcome(history([1.0])), lesson(long), None, tmp_path)
    wrapped = [text for text in texts(path) if text.startswith("word")]
    assert " ".join(wrapped) == f"{long}, in PyTorch" and len(wrapped) == 2


# The loss


@pytest.mark.parametrize(
    ("loss", "logarithmic"),
    [
        ([1.0, 0.5, 0.01], False),
        ([1.0, 0.5, 0.0099], True),
        ([1e9, 1e-9], True),
        ([1.0, 0.5, 0.0], False),
        ([-1.0, 1000.0], False),
        ([0.7], False),
    ],
)
def test_the_loss_axis(loss: list[float], logarithmic: bool, tmp_path: Path) -> None:
    written = texts(draw(history(loss), tmp_path))
    assert ("loss (log scale)" in written) is logarithmic
    assert ("loss" in written) is not logarithmic


def test_epochs_are_means_weighted_by_the_batch() -> None:
    trace = {
        "history/loss": np.array([1.0, 4.0, 2.0, 8.0, 5.0]),
        "history/batch": np.array([30, 10, 30, 10, 30]),
    }
    dots, means = seen("loss", trace, 2).axes[0].lines
    assert dots.get_xdata().tolist() == [0.75, 1.25, 1.75, 2.25, 2.75]
    assert means.get_xdata().tolist() == [1, 2, 3]
    assert means.get_ydata().tolist() == [1.75, 3.5, 5.0]


@pytest.mark.parametrize(
    ("bad", "per_epoch", "note"),
    [
        (np.nan, 1, "Diverged: at step 3 the loss is not a number."),
        (np.inf, 1, "Diverged: at step 3 the loss is infinite."),
        (np.inf, 2, "Diverged: at step 3 (epoch 2) the loss is infinite."),
    ],
)
def test_a_loss_that_diverges(
    bad: float, per_epoch: int, note: str, tmp_path: Path
) -> None:
    trace = history([1.0, 10.0, 1000.0, bad, bad])
    assert note in texts(draw(trace, tmp_path, steps_per_epoch=per_epoch))
    values, *_, cross = seen("loss", trace, per_epoch).axes[0].lines
    assert values.get_ydata().tolist() == [1.0, 10.0, 1000.0]
    assert cross.get_ydata() == [1000.0] and cross.get_xdata() == values.get_xdata()[-1]


@pytest.mark.parametrize("per_epoch", [1, 2])
def test_a_loss_that_is_never_finite(per_epoch: int, tmp_path: Path) -> None:
    path = draw(history([np.nan, np.nan]), tmp_path, steps_per_epoch=per_epoch)
    assert any("Diverged: at step 0" in text for text in texts(path))


# The plane

LEFT_RIGHT = load("study_hours")  # x from 1 to 6 and 1 to 3


def halves(path: Path) -> dict[str, str]:
    """The kind of colour at four places of the plane where no sample lies."""
    picture = imread(path)
    height, width = picture.shape[:2]
    places = {"left": (0.45, 0.2), "right": (0.45, 0.7)}
    places |= {"top": (0.2, 0.42), "bottom": (0.7, 0.42)}
    found = {}
    for place, (down, along) in places.items():
        red, _, blue = picture[int(down * height), int(along * width), :3]
        found[place] = "first" if blue > red else "second"
    return found


@pytest.mark.parametrize(
    "shape",
    [
        lambda v: 1 / (1 + np.exp(-v)),
        lambda v: np.where(v >= 0, 1.0, -1.0)[:, None],
        lambda v: (v >= 0).astype(np.float32),
        lambda v: 0.5 + 3 * v,
        lambda v: np.stack([-v, v], axis=1),
    ],
    ids=["probability", "sign", "bit", "score", "class scores"],
)
def test_regions_lie_where_the_model_says(shape: Any, tmp_path: Path) -> None:
    for axis, (low, high) in enumerate([("left", "right"), ("bottom", "top")]):
        middle = LEFT_RIGHT.x_train[:, axis].mean()
        trace = on_plane(LEFT_RIGHT, lambda p, a=axis, m=middle: shape(p[:, a] - m))
        (path,) = plots.save(outcome(trace), lesson(), LEFT_RIGHT, tmp_path, "png")
        found = halves(path)
        assert (found[low], found[high]) == ("first", "second")


def test_regions_of_three_classes_one_of_which_never_wins(tmp_path: Path) -> None:
    x = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    data = Dataset("three", x, np.arange(3), class_names=("a", "b", "c"))
    answer = np.array([0.4, 0.5, 0.1])
    path = draw(on_plane(data, lambda p: np.tile(answer, (len(p), 1))), tmp_path, data)
    assert {"a", "b", "c", "feature 1", "feature 2"} <= set(texts(path))


def test_no_boundary_is_drawn_through_rounding_errors(tmp_path: Path) -> None:
    data = load("xor")
    rounding = on_plane(data, lambda p: 0.5 + 1e-8 * (p[:, :1] - 0.5))
    slope = on_plane(data, lambda p: 0.5 + 1e-2 * (p[:, :1] - 0.5))
    sizes = [len(draw(t, tmp_path, data).read_text()) for t in (rounding, slope)]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("sign", [1, -1])
def test_rounding_errors_are_one_shade(sign: int, tmp_path: Path) -> None:
    """Whichever way they go; only the words below tell of them."""
    data = load("xor")
    told = []
    for tilt in (0, sign * 1e-8):
        trace = on_plane(data, lambda p, t=tilt: 0.5 + t * (p[:, :1] - 0.5))
        path = draw(trace, tmp_path, data)
        told.append(path.read_bytes())
        assert "(0.5 everywhere, but for rounding)" in texts(path)
    assert told[0] == told[1]


def test_regression_has_a_colour_bar(tmp_path: Path) -> None:
    data = load("four_points")
    path = draw(on_plane(data, lambda p: 5 + p[:, :1] + 2 * p[:, 1:]), tmp_path, data)
    assert {"What the model predicts", "x1", "x2"} <= set(texts(path))
    assert "prediction (circles: target)" in texts(path)


def test_a_plane_that_is_not_finite_is_left_out(tmp_path: Path) -> None:
    data = load("xor")
    broken = on_plane(data, lambda p: np.full((len(p), 1), np.nan))
    assert plots.save(outcome(broken), lesson(), data, tmp_path) == []


# Curves and paths


def test_a_derivative_is_dashed_in_its_functions_panel() -> None:
    names = ["relu_derivative", "sigmoid", "relu", "step", "sigmoid_derivative"]
    trace = {f"result/curve/{name}": X + i for i, name in enumerate(["x", *names])}
    figure = seen("curves", trace)
    shown = {}
    for axes in filter(lambda axes: axes.get_visible(), figure.axes):
        drawn = [line for line in axes.lines if len(line.get_xdata()) == len(X)]
        looks = {(line.get_linestyle(), to_hex(line.get_color())) for line in drawn}
        assert looks <= {("-", INK.lower()), ("--", RED.lower())}
        shown[axes.get_title()] = [line.get_linestyle() for line in drawn]
    assert shown == {"relu": ["-", "--"], "sigmoid": ["-", "--"], "step": ["-"]}


@pytest.mark.parametrize("panels", range(1, 9))
def test_panels_at_the_bottom_have_numbers(panels: int) -> None:
    trace = {f"result/curve/{name}": X for name in ["x", *"abcdefgh"[:panels]]}
    figure = seen("curves", trace)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == panels
    lowest = {axes.get_subplotspec().colspan.start: axes for axes in shown}
    for axes in lowest.values():
        assert axes.xaxis.get_major_ticks()[0].label1.get_visible()
        assert axes.get_xlabel() == "x"


def test_a_path_starts_ends_and_shows_the_valley() -> None:
    path = np.array([[-2.0, 1.0], [-1.0, -0.5], [0.0, 0.25]])
    trace = {"result/path/gradient_descent": path}
    bare, full = seen("paths", trace), seen("paths", trace, valley=valley)
    assert not bare.axes[0].collections and full.axes[0].collections
    steps, start, end = full.axes[0].lines
    assert full.axes[0].get_title() == "gradient descent"
    assert np.array_equal(steps.get_xydata(), path)
    assert start.get_xydata().tolist() == [[-2.0, 1.0]]
    assert end.get_xydata().tolist() == [[0.0, 0.25]]


def test_a_path_that_diverges_is_cut_off(tmp_path: Path) -> None:
    wild = np.outer(10.0 ** np.arange(0, 310, 10), [1, -1])
    wild[-1] = np.inf
    trace = {"result/path/too_fast": wild, "result/path/lost": np.full((3, 2), np.nan)}
    (path,) = plots.save(outcome(trace), lesson(valley=valley), None, tmp_path)
    assert "Diverged, and cut off there: too fast" in texts(path)


# The sheet of errors


def test_the_most_confident_mistakes_come_first(tmp_path: Path) -> None:
    data = images(6)
    said = np.array([0, 2, 1, 1, 1, 2])  # the labels are 0 1 2 0 1 2
    found = scores(said, np.array([0.9, 0.5, 0.8, 0.7, 0.6, 0.9]))
    written = texts(draw({"prediction": found}, tmp_path, data))
    shown = [text for text in written if "sure" in text or "read as" in text]
    assert "\n".join(shown).split("\n") == [
        *("c read as b", "80.0% sure"),
        *("a read as b", "70.0% sure"),
        *("b read as c", "50.0% sure"),
    ]
    assert "3 of 6 test images are misread" in written


def test_the_sheet_holds_four_rows_of_six() -> None:
    trace = {"prediction": scores(np.zeros(60, int), np.full(60, 0.9))}
    assert len(seen("errors", trace, data=images(60)).axes) == 24


@pytest.mark.parametrize("broken", [False, True])
def test_without_mistakes_there_is_no_sheet(broken: bool, tmp_path: Path) -> None:
    data = images(6)
    found = scores(data.y_test, np.full(6, 0.9))
    trace = {"prediction": found * np.nan if broken else found}
    assert plots.save(outcome(trace), lesson(), data, tmp_path) == []


# What may go wrong


def one_line(error: pytest.ExceptionInfo[UsageError], *words: str) -> None:
    text = str(error.value)
    assert "\n" not in text and all(word in text for word in words), text


def test_an_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        plots.save(outcome(history([1.0])), lesson(), None, tmp_path, "gif")
    one_line(error, "gif", "svg", "png")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(UsageError) as error:
        draw(history([1.0]), taken)
    one_line(error, "cannot write", str(taken))
    assert taken.read_text() == "a file"


@pytest.mark.parametrize("function", ["replace", "write_bytes"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = draw(history([1.0]), tmp_path).read_bytes()

    def fail(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os if function == "replace" else Path, function, fail)
    with pytest.raises(UsageError) as error:
        draw(history([2.0, 1.0]), tmp_path)
    one_line(error, "cannot write", "loss.svg", "Permission denied")
    assert [p.name for p in tmp_path.iterdir()] == ["loss.svg"]
    assert (tmp_path / "loss.svg").read_bytes() == old


def test_the_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    mode = draw(history([1.0]), tmp_path).stat().st_mode
    assert mode == (tmp_path / "other").stat().st_mode

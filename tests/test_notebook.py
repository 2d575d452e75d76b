"""Lessons as notebooks: what lies in them, that each runs, and how one is made."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, Answer, environment, python
from markdown_it import MarkdownIt
from nbformat import NotebookNode, v4

from shared import lesson as lessons
from shared.lessons import CURRICULUM
from shared.notebook import lesson_source
from shared.notebook.cells import PARAMETERS, notebook
from shared.notebook.prose import escaped, markdown

KINDS = {"tf": ("tf",), "torch": ("torch",), "both": ("tf", "torch")}
SOURCE = "git+https://example.org/twotrack"
FIRST, FEW = "xor_mlp", 1


def made(slug: str, kind: str, source: str = SOURCE) -> NotebookNode:
    return notebook(lessons.find(slug), KINDS[kind], source)


def code(cells: NotebookNode) -> list[str]:
    return [cell.source for cell in cells.cells if cell.cell_type == "code"]


def prose(cells: NotebookNode) -> str:
    return "\n\n".join(c.source for c in cells.cells if c.cell_type == "markdown")


# ---------------------------------------------------------------- what lies in it


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slug", CURRICULUM)
def test_valid_and_the_same_each_time(slug: str, kind: str) -> None:
    found = made(slug, kind)
    nbformat.validate(found)
    assert nbformat.writes(found) == nbformat.writes(made(slug, kind))
    assert not any(cell.get("outputs") for cell in found.cells)


@pytest.mark.parametrize("track", ["tf", "torch"])
@pytest.mark.parametrize("slug", CURRICULUM)
def test_the_lesson_s_own_code(slug: str, track: str) -> None:
    """Nothing of the file is lost, but for what runs it as a script."""
    path = ROOT / f"{track}_track" / "lessons" / f"{slug}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = [ast.unparse(node) for node in tree.body[1:-1]]
    statements.remove(f"from {track}_track.__main__ import main")
    for kind in (track, "both"):
        cells = [c.removeprefix(f"%%{track}\n") for c in code(made(slug, kind))[2:]]
        if kind == "both":
            own = made(slug, kind)
            cells = [c for c in code(own) if c.startswith(f"%%{track}\n")]
            cells = [c.removeprefix(f"%%{track}\n") for c in cells]
        held = [ast.unparse(node) for cell in cells for node in ast.parse(cell).body]
        assert held[: len(statements)] == statements


@pytest.mark.parametrize("slug", CURRICULUM)
def test_the_lesson_s_own_words(slug: str) -> None:
    """Read as Markdown, the prose is the docstrings' and comments' text."""
    read = words(rendered(prose(made(slug, "both"))))
    spec = lessons.find(slug).spec.__doc__ or ""
    assert words(spec) in read
    for track in KINDS["both"]:
        source = lesson_source.read(track, slug)
        assert words(source.text) in read
        for section in source.sections:
            assert words(section.comment) in read


def rendered(text: str) -> str:
    """What a reader sees of this Markdown, code and all."""
    parts = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        inner = token.children or []
        parts.append(token.content if token.type == "fence" else "")
        parts += [t.content if t.type != "softbreak" else " " for t in inner]
        parts.append("\n")
    return "".join(parts)


def words(text: str) -> str:
    """The text on one line, without the marks of code and bullets."""
    plain = text.replace("`", "").replace("\n  * ", "\n")
    return " ".join(plain.split())


@pytest.mark.parametrize(
    "text",
    [
        "w <- w - rate * dz/dw, *not* _this_ or __that__, x_1 and snake_case",
        "a [link](x), $a$ and $b$, <b>, a|b, ~~c~~, back\\slash, `a*b_` stays",
    ],
)
def test_prose_is_no_markup(text: str) -> None:
    assert words(rendered(escaped(text))) == words(text)


def test_formulas_stand_as_they_are() -> None:
    text = "Before:\n\n    a = b        (4, 2)\n\n    c = *d*\n\nafter\nthat"
    fence = "```text\na = b        (4, 2)\n\nc = *d*\n```"
    assert markdown(text) == f"Before:\n\n{fence}\n\nafter that"


@pytest.mark.parametrize("kind", ["tf", "torch"])
def test_no_name_comes_from_nowhere(kind: str, tmp_path: Path) -> None:
    """And no import is left over."""
    for slug in CURRICULUM:
        nbformat.write(made(slug, kind), tmp_path / f"{slug}.ipynb")
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F,E9", "."],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


# ---------------------------------------------------------------- that each runs


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of executed notebooks, by their kind.

    Each kind has one kernel, which forgets all names in between. The first notebook
    runs as it is, the others with few steps.
    """
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}

    def run(kind: str) -> Answer:
        notebooks = {slug: made(slug, kind, source="") for slug in CURRICULUM}
        for slug in CURRICULUM:
            if slug != FIRST:
                shorten(slug, notebooks[slug])
        notebooks = {FIRST: notebooks.pop(FIRST), **notebooks}
        if kind in PLAYED:
            notebooks[PLAY] = made(FIRST, kind)
            shorten(FIRST, notebooks[PLAY])
            notebooks[PLAY].cells += map(v4.new_code_cell, PLAYED[kind])
        paths = [folders[kind] / f"{name}.ipynb" for name in notebooks]
        for path, cells in zip(paths, notebooks.values(), strict=True):
            nbformat.write(cells, path)
        env = environment(JUPYTER_PLATFORM_DIRS="1", OMP_NUM_THREADS="1")
        return python(ROOT / "tests" / "notebook_runner.py", *paths, env=env)

    with ThreadPoolExecutor(len(KINDS)) as pool:
        for answer in pool.map(run, KINDS):
            assert answer.code == 0, answer.err
    return folders


def shorten(slug: str, cells: NotebookNode) -> None:
    """Few steps, by a cell after that with the settings."""
    lesson = lessons.find(slug)
    if "epochs" not in [f.name for f in dataclasses.fields(lesson.config_type)]:
        return
    at = [c.metadata.get("tags") == [PARAMETERS] for c in cells.cells].index(True)
    few = f"cfg = replace(cfg, epochs={FEW})"
    if any(lesson.variants):
        few = f"for name, cfg in variants.items():\n    variants[name] = {few[6:]}"
    few = f"from dataclasses import replace\n\n{few}"
    cells.cells.insert(at + 1, v4.new_code_cell(few))


def outputs(cells: NotebookNode) -> list[NotebookNode]:
    return [out for cell in cells.cells for out in cell.get("outputs", [])]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slug", CURRICULUM)
def test_runs_from_top_to_bottom(
    executed: dict[str, Path], slug: str, kind: str
) -> None:
    """No error, no warning, nothing on the streams; a picture where there is one."""
    ran = nbformat.read(executed[kind] / f"{slug}.ipynb", as_version=4)
    told = outputs(ran)
    errors = ["\n".join(o.traceback) for o in told if o.output_type == "error"]
    assert errors == []
    assert [o for o in told if o.output_type == "stream"] == []
    assert told
    if slug not in ("logic_gates", "autograd", "forward_pass"):
        assert any("image/svg+xml" in o.data for o in told if "data" in o)


def test_both_frameworks_agree_in_one_kernel(executed: dict[str, Path]) -> None:
    """XOR, all 10,001 steps: the table of differences, and both losses in a picture."""
    told = outputs(nbformat.read(executed["both"] / f"{FIRST}.ipynb", as_version=4))
    (table,) = (o.data["text/markdown"] for o in told if "text/markdown" in o.data)
    _, _, *rows = (re.split(r" *\| *", row)[1:3] for row in table.splitlines())
    assert [name for name, _ in rows] == [
        "loss of every step",
        "trained `hidden/kernel`",
        "trained `hidden/bias`",
        "trained `output/kernel`",
        "trained `output/bias`",
        "prediction",
    ]
    assert all(float(far) < 1e-4 for _, far in rows)
    assert "</svg>" in told[-1].data["image/svg+xml"]
    assert told[-1].data["text/plain"] == "<losses>"


# ---------------------------------------------------------------- what one does with it

PLAY = "play"
NAN = """\
import numpy as np

def nan(model, data, cfg):
    return History(np.array([np.nan]), np.array([4]), 1)
"""
PLAYED = {
    "torch": [
        "found.metrics, found.loss.shape, sorted(found.results)",
        "predict(found.model, lesson.tensor(found.data.x_test)).shape",
        "def predict(model, x):\n    return torch.full((len(x), 1), 0.25)",
        "lesson.run(cfg, build=build, train=train, predict=predict).prediction",
        "lesson.run(Config(hidden=0), build=build, train=train, predict=predict)",
        NAN,
        "lesson.run(cfg, build=build, train=nan, predict=predict)",
        "def build(cfg):\n    return nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())",
        "lesson.run(cfg, build=build, train=train, predict=predict)",
        "given = {'build': build, 'train': train, 'predict': predict}",
        "lesson.run(cfg, matched=False, **given).model[0].weight.shape",
    ],
    "both": [
        "answer = 42",
        "%%tf\nlesson.track, build is not None, answer",
        "%%torch\nanswer = 43\nlesson.track, answer",
        "answer, torch_cells.answer, tf_cells.build is torch_cells.build",
        "%%tf\ndef fails():\n    raise ValueError(answer)\n\nfails()",
        "%%tf\ndef f(x: int) -> None: ...\n\nf.__annotations__['x'] is int",
    ],
}


def played(executed: dict[str, Path], kind: str) -> list[str]:
    """What the cells say that were added to a notebook: a value, an error's line."""
    ran = nbformat.read(executed[kind] / f"{PLAY}.ipynb", as_version=4)
    added = ran.cells[-len(PLAYED[kind]) :]
    return [said(cell.outputs) for cell in added]


def said(outputs: list[NotebookNode]) -> str:
    for output in outputs:
        if output.output_type == "error":
            return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output.traceback))
        if output.output_type == "execute_result":
            return str(output.data["text/plain"])
    return ""


def test_the_notebook_s_own_functions_run(executed: dict[str, Path]) -> None:
    result, shape, _, changed, *_ = played(executed, "torch")
    assert re.fullmatch(r"\(\{'accuracy': [\d.]+\}, \(1,\), \[\]\)", result)
    assert shape == "torch.Size([4, 1])"
    assert changed.count("0.25") == 4


def test_what_goes_wrong_is_one_line(executed: dict[str, Path]) -> None:
    *_, few, _, far, _, misfit, _, _ = played(executed, "torch")
    assert few == "UsageError: --set hidden=0: hidden must be 1 or more"
    assert re.fullmatch(r"Diverged: xor_mlp: the loss left the finite numbers .*", far)
    assert re.fullmatch(r"MisfitError: .*", misfit)


def test_a_model_of_another_shape_runs_natively(executed: dict[str, Path]) -> None:
    assert played(executed, "torch")[-1] == "torch.Size([1, 2])"


def test_each_side_has_its_names_and_sees_those_of_plain_cells(
    executed: dict[str, Path],
) -> None:
    _, tf, torch, plain, error, annotated = played(executed, "both")
    assert tf == "('tf', True, 42)"
    assert torch == "('torch', 43)"
    assert plain == "(42, 43, False)"
    assert annotated == "True"
    # Its lines are counted as in the cell.
    assert "ValueError: 42" in error
    assert re.search(r"-> 3 +raise ValueError\(answer\)", error)


FAKE = """\
import importlib.util
importlib.util.find_spec = lambda name: None
get_ipython().register_magic_function(asked.append, "line", "pip")
"""


def test_first_cell_installs(tmp_path: Path) -> None:
    """Where nothing is found, pip is asked; without an address the cell says so."""
    cells = [f"asked = []\n{FAKE}"]
    cells += [code(made("xor_mlp", kind))[0] for kind in KINDS]
    cells += ["asked", code(made("xor_mlp", "tf", source=""))[0]]
    path = tmp_path / "install.ipynb"
    nbformat.write(v4.new_notebook(cells=[*map(v4.new_code_cell, cells)]), path)
    answer = python(ROOT / "tests" / "notebook_runner.py", path, cwd=tmp_path)
    assert answer.code == 0, answer.err
    ran = nbformat.read(path, as_version=4)
    *quiet, asked, failed = (said(cell.outputs) for cell in ran.cells)
    assert quiet == [""] * len(quiet)
    assert ast.literal_eval(asked) == [
        f'install --quiet "twotrack[{extras}] @ {SOURCE}"'
        for extras in ("tf", "torch", "tf,torch")
    ]
    assert "AssertionError: twotrack is not here, and SOURCE does not say" in failed

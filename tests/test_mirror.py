"""Both tracks tell every lesson alike: same sections, same functions, same order."""

from __future__ import annotations

import ast
import io
import itertools
import re
import tokenize
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.lessons import CURRICULUM

ROOT = Path(__file__).parents[1]
FOLDERS = ("shared/lessons", "tf_track/lessons", "torch_track/lessons")
COLUMNS = 72
# Keras trains in one call what PyTorch writes out; much more than that is another
# lesson. The grace is for sections of a few lines.
FACTOR, GRACE = 2, 4


@dataclass(frozen=True)
class Track:
    """What a lesson of this track says, and what it never says."""

    package: str
    framework: str
    foreign: str


TF = Track("tf_track", "(TensorFlow|Keras|TensorFlow and Keras)", r"\w*torch\w*|nn")
TORCH = Track("torch_track", "PyTorch", r"\w*(tensorflow|keras)\w*|tf(_\w+)?")


# ---------------------------------------------------------------- the rules


def sections(source: str) -> dict[str, int]:
    """Headings in order, each with how many lines of code it has."""
    found = {"": 0}
    for line in source.splitlines():
        if line.startswith("# %%"):
            found[line.removeprefix("# %%").strip()] = 0
        elif line.strip() and not line.lstrip().startswith("#"):
            found[list(found)[-1]] += 1
    del found[""]
    return found


def functions(source: str) -> list[tuple[str, list[str]]]:
    """Top-level functions in order, each with its parameters' names."""
    return [
        (node.name, [n.arg for n in ast.walk(node.args) if isinstance(n, ast.arg)])
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    ]


def first_line(source: str) -> str:
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def names(source: str) -> set[str]:
    """Every word of the code, in lower case; comments and docstrings are none."""
    tree = ast.parse(source)
    prose = {
        node.body[0].lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and ast.get_docstring(node) is not None
    }
    words: set[str] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        spoken = token.type == tokenize.STRING and token.start[0] in prose
        if token.type != tokenize.COMMENT and not spoken:
            words.update(re.findall(r"\w+", token.string.lower()))
    return words


def faults_alone(slug: str, track: Track, source: str) -> list[str]:
    """What is wrong with one track's lesson, whatever the other's is like."""
    found = []
    if not re.fullmatch(rf".+, in {track.framework}\.", first_line(source)):
        found.append(f"the docstring's first line does not end: in {track.framework}.")
    if strangers := sorted(w for w in names(source) if re.fullmatch(track.foreign, w)):
        found.append(f"the code names the other framework: {', '.join(strangers)}")
    run = f'\n# %% Run\nif __name__ == "__main__":\n    main("{slug}")\n'
    if not source.endswith(run):
        found.append(f'the last section is not Run with main("{slug}")')
    if f"\nfrom {track.package}.__main__ import main\n" not in source:
        found.append(f"main is not {track.package}'s")
    if next(iter(sections(source)), None) != "Imports":
        found.append("the first section is not Imports")
    found += [
        f"line {number} has {len(line)} columns"
        for number, line in enumerate(source.splitlines(), start=1)
        if len(line) > COLUMNS
    ]
    return found


def faults_between(tf: str, torch: str) -> list[str]:
    """Where one lesson is not the other's mirror image."""
    found = []
    subjects = [first_line(source).rpartition(", in ")[0] for source in (tf, torch)]
    if subjects[0] != subjects[1]:
        found.append(f"subjects differ: {subjects[0]} | {subjects[1]}")
    ours, theirs = sections(tf), sections(torch)
    if list(ours) != list(theirs):
        found.append(f"sections differ: {list(ours)} | {list(theirs)}")
    for one, other in itertools.zip_longest(functions(tf), functions(torch)):
        if one != other:
            found.append(f"functions differ: {one} | {other}")
    for name in ours.keys() & theirs.keys():
        few, many = sorted((ours[name], theirs[name]))
        if many > FACTOR * few + GRACE:
            found.append(f"section {name}: {ours[name]} lines | {theirs[name]} lines")
    return found


def faults(slug: str, tf: str, torch: str) -> list[str]:
    return [
        *(f"tf: {fault}" for fault in faults_alone(slug, TF, tf)),
        *(f"torch: {fault}" for fault in faults_alone(slug, TORCH, torch)),
        *faults_between(tf, torch),
    ]


# ---------------------------------------------------------------- the lessons


def read(folder: str, slug: str) -> str:
    return (ROOT / folder / f"{slug}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_exactly_the_curriculum(folder: str) -> None:
    found = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}
    assert found == set(CURRICULUM)


def test_no_lesson_twice() -> None:
    assert len(set(CURRICULUM)) == len(CURRICULUM)


@pytest.mark.parametrize("slug", CURRICULUM)
def test_mirror(slug: str) -> None:
    tf, torch = (read(f"{t.package}/lessons", slug) for t in (TF, TORCH))
    assert faults(slug, tf, torch) == []


# ---------------------------------------------------------------- the rules bite

Mutation = tuple[str, str, str, str]

MUTATIONS: list[Mutation] = [
    # track, what is replaced, by what, a part of the fault
    ("tf", "in Keras.", "in PyTorch.", "tf: the docstring's first line"),
    ("tf", '"""XOR with', '"""AND with', "subjects differ: AND with"),
    ("torch", '"""XOR with one hidden layer, in PyTorch.', '"""', "torch: the doc"),
    ("tf", "import keras\n", "import keras\nimport torch\n", "other framework: torch"),
    ("tf", "return model(x", "return nn.Identity()(x", "other framework: nn"),
    (
        "torch",
        "import torch\n",
        "import torch\nimport keras\n",
        "other framework: keras",
    ),
    ("torch", "return model(x)", "return tf.constant(x)", "other framework: tf"),
    ("torch", "from torch_track import", "from tf_track import", "other framework: tf"),
    ("torch", "criterion = ", 'name = "Keras"; criterion = ', "other framework: keras"),
    ("tf", 'main("xor_mlp")', 'main("xor_deep")', "tf: the last section is not Run"),
    ("torch", "# %% Run\n", "# %% Run it\n", "torch: the last section is not Run"),
    ("torch", 'main("xor_mlp")\n', 'main("xor_mlp")\n\n\n', "torch: the last section"),
    ("tf", "tf_track.__main__", "shared.cli", "tf: main is not tf_track's"),
    ("torch", "# %% Imports\n", "", "torch: the first section is not Imports"),
    ("tf", "# %% Train\n", "# %% Training\n", "sections differ"),
    ("torch", "# %% Predict\n", "", "sections differ"),
    ("tf", "def predict(", "def forward(", "functions differ: ('forward'"),
    ("torch", "data: Dataset, cfg: Config", "cfg: Config, data: Dataset", "functions"),
    ("tf", "def build(cfg: Config)", "def build(config: Config)", "functions differ"),
    ("torch", "# %% Run\n", "def more():\n    pass\n\n\n# %% Run\n", "None | ('more'"),
    (
        "tf",
        "# %% Predict\n",
        "# %% Predict\n" + 20 * "print()\n",
        "section Predict: 22",
    ),
    ("tf", "# %% Predict", "# " + 71 * "x" + "\n# %% Predict", "has 73 columns"),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m[0]}: {m[3]}")
def test_rules_catch(mutation: Mutation) -> None:
    track, old, new, fault = mutation
    source = {"tf": read(FOLDERS[1], "xor_mlp"), "torch": read(FOLDERS[2], "xor_mlp")}
    mutated = source[track].replace(old, new)
    assert mutated != source[track]
    found = faults("xor_mlp", **{**source, track: mutated})
    assert any(fault in one for one in found), found


@pytest.mark.parametrize(
    ("track", "change"),
    [
        ("tf", lambda s: s.replace("# %% Train\n", "# %% Train\n# As torch has it.\n")),
        ("torch", lambda s: s.replace('PyTorch.\n"', 'PyTorch.\n\nNot Keras."')),
    ],
    ids=["comment", "docstring"],
)
def test_prose_may_compare(track: str, change: Callable[[str], str]) -> None:
    source = {"tf": read(FOLDERS[1], "xor_mlp"), "torch": read(FOLDERS[2], "xor_mlp")}
    source[track] = change(source[track])
    assert faults_between(**source) == []
    assert not any("framework" in fault for fault in faults("xor_mlp", **source))

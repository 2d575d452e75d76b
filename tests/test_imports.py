"""Who imports whom: the contracts in pyproject.toml, and that they bite."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("shared", "tf_track", "torch_track")
FRAMEWORKS = {"tensorflow", "keras", "torch"}

IMPORT_ALL = """
import importlib, json, pkgutil, sys

for name in {packages}:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the packages in that folder against the contracts that lie there."""
    code = "from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code, "--no-cache"],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def imported_by(*packages: str) -> set[str]:
    """The top-level modules in a process that imported every module of these."""
    found = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL.format(packages=packages)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return set(json.loads(found.stdout.splitlines()[-1]))


@pytest.mark.parametrize("before", ["", "import sklearn, matplotlib"])
def test_keras_loads_without_what_no_lesson_uses(before: str) -> None:
    """And whoever wants it finds it afterwards, or keeps it."""
    code = f"""
import sys
{before}
from tf_track import backend
print(*("sklearn" in sys.modules, "matplotlib" in sys.modules))
import sklearn.base, matplotlib.figure
print(sklearn.base.BaseEstimator.__name__, matplotlib.figure.Figure.__name__)
"""
    told = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    there = str(bool(before))
    assert told.split() == [there, there, "BaseEstimator", "Figure"]


def test_tensorflow_is_told_how_to_load_before_anything_loads_it() -> None:
    code = "import os, sys, tf_track; print('tensorflow' in sys.modules, *os.environ)"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "KERAS"))}
    told = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=env)
    loaded, *names = told.decode().split()
    assert loaded == "False"
    assert {"TF_ENABLE_ONEDNN_OPTS", "TF_CPP_MIN_LOG_LEVEL"} <= set(names)


def test_contracts_hold() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "4 kept, 0 broken" in checked.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    ignore = shutil.ignore_patterns("__pycache__", "*.npz")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("shared/metrics.py", "import torch", "shared knows no framework"),
        (
            "shared/plots/style.py",
            "from keras import ops",
            "shared knows no framework",
        ),
        (
            "shared/worker.py",
            "from tf_track import engine",
            "the tracks stand on shared, side by side",
        ),
        (
            "tf_track/lessons/xor_mlp.py",
            "from torch import nn",
            "tf_track knows no PyTorch",
        ),
        (
            "tf_track/engine.py",
            "def late() -> None:\n    import torch_track.weights",
            "tf_track knows no PyTorch",
        ),
        (
            "torch_track/matched.py",
            "import keras.optimizers",
            "torch_track knows no TensorFlow",
        ),
        (
            "torch_track/lessons/xor_mlp.py",
            "from tf_track.lessons.xor_mlp import build",
            "torch_track knows no TensorFlow",
        ),
    ],
)
def test_contracts_catch(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / module
    source = path.read_text(encoding="utf-8")
    path.write_text(f"{source}\n{line}\n", encoding="utf-8")
    try:
        checked = lint_imports(copy)
    finally:
        path.write_text(source, encoding="utf-8")
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert f"{contract} BROKEN" in checked.stdout


def test_shared_loads_no_framework() -> None:
    assert not imported_by("shared") & {*FRAMEWORKS, "tf_track", "torch_track"}


def test_tf_track_loads_no_pytorch() -> None:
    modules = imported_by("tf_track")
    assert {"tensorflow", "keras"} <= modules
    assert not modules & {"torch", "torch_track"}


def test_torch_track_loads_no_tensorflow() -> None:
    modules = imported_by("torch_track")
    assert "torch" in modules
    assert not modules & {"tensorflow", "keras", "tf_track"}

"""The wheel holds what it should, and works away from the source tree."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from shared.lessons import CURRICULUM

ROOT = Path(__file__).parents[1]
PACKAGES = {"shared", "tf_track", "torch_track"}
TEMPLATES = ("base", "index", "lesson", "pair", "parts")


def run(
    *command: str | Path, cwd: Path, first: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command; `first` goes before everything else that Python imports from."""
    env = os.environ.copy()
    env.pop("PYTHONPATH", None)
    if first is not None:
        env["PYTHONPATH"] = str(first)
    return subprocess.run(
        [str(part) for part in command],
        check=False,
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def pip(*arguments: str | Path, cwd: Path) -> None:
    """Offline: neither an index nor a dependency is asked for."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    command = [sys.executable, "-m", "pip", arguments[0], *quiet, *arguments[1:]]
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build folder left in the tree would go into the wheel."""
    folder = tmp_path_factory.mktemp("a source") / "tree"
    ignore = shutil.ignore_patterns(".*", "__pycache__", "build", "*.egg-info", "*out")
    shutil.copytree(ROOT, folder, ignore=ignore)
    pip("wheel", "--no-build-isolation", "--wheel-dir", "dist", ".", cwd=folder)
    (built,) = folder.joinpath("dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def info(wheel: Path) -> str:
    """The name of the folder in the wheel that holds what is said about it."""
    return "-".join(wheel.name.split("-")[:2]) + ".dist-info"


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path, info: str) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(f"{info}/METADATA").decode())


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is installed; the frameworks stay where they are."""
    folder = tmp_path_factory.mktemp("site")
    pip("install", "--target", folder, wheel, cwd=folder)
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "somewhere else"
    folder.mkdir()
    return folder


def test_top_level(names: set[str], info: str) -> None:
    assert {name.partition("/")[0] for name in names} == {*PACKAGES, info}


def test_every_module(names: set[str]) -> None:
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in ROOT.joinpath(package).rglob("*.py")
    }
    assert {name for name in names if name.endswith(".py")} == modules
    for slug in CURRICULUM:
        assert {f"{package}/lessons/{slug}.py" for package in PACKAGES} <= names


def test_data_and_licences(wheel: Path, names: set[str], info: str) -> None:
    data = {
        "shared/datasets/mnist.npz",
        "shared/datasets/mnist.LICENSE.txt",
        "shared/report/formulas.tex",
        "shared/report/templates/page.css",
        "shared/report/templates/page.js",
        *(f"shared/report/templates/{name}.html" for name in TEMPLATES),
    }
    others = {name for name in names if not name.endswith(".py")}
    assert {name for name in others if not name.startswith(info)} == data
    licences = {"LICENSE", "shared/datasets/mnist.LICENSE.txt"}
    carried = {name: name for name in data}
    carried |= {f"{info}/licenses/{name}": name for name in licences}
    with zipfile.ZipFile(wheel) as archive:
        for name, source in carried.items():
            assert archive.read(name) == ROOT.joinpath(source).read_bytes(), name


def test_metadata(metadata: Message) -> None:
    assert metadata["Name"] == "twotrack"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT AND CC-BY-SA-3.0"
    assert {"tf", "torch", "gpu", "test"} <= {*metadata.get_all("Provides-Extra", [])}
    required = metadata.get_all("Requires-Dist") or []
    always = [name for name in required if "extra ==" not in name]
    assert always
    assert not [n for n in always if n.startswith(("tensorflow", "keras", "torch"))]


def test_entry_points(wheel: Path, info: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"{info}/entry_points.txt").decode()
    points = configparser.ConfigParser()
    points.read_string(text)
    assert {name: dict(points[name]) for name in points.sections()} == {
        "console_scripts": {"twotrack": "shared.cli:main"},
        "twotrack.tracks": {"tf": "tf_track", "torch": "torch_track"},
    }


def test_the_wheel_is_what_runs(site: Path, elsewhere: Path) -> None:
    code = (
        "import shared, tf_track, torch_track\n"
        "from shared.datasets import mnist\n"
        "print(shared.__file__, tf_track.__file__, torch_track.__file__, sep='\\n')\n"
        "print(mnist().x_train.shape)"
    )
    told = run(sys.executable, "-c", code, cwd=elsewhere, first=site)
    assert told.returncode == 0, told.stderr
    *files, shape = told.stdout.splitlines()
    packages = ("shared", "tf_track", "torch_track")
    assert files == [str(site / package / "__init__.py") for package in packages]
    assert shape == "(60000, 28, 28)"


@pytest.mark.parametrize("track", ["tf_track", "torch_track"])
def test_a_lesson_runs(site: Path, elsewhere: Path, track: str) -> None:
    command = (sys.executable, "-m", track, "xor_perceptron", "--set", "epochs=20")
    told = run(*command, cwd=elsewhere, first=site)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "xor_perceptron" in told.stdout


def test_the_command_runs(site: Path, elsewhere: Path) -> None:
    (command,) = site.joinpath("bin").glob("twotrack*")
    listed = run(command, "list", cwd=elsewhere, first=site)
    assert listed.returncode == 0, listed.stderr
    assert [slug for slug in CURRICULUM if slug not in listed.stdout] == []
    compared = run(command, "compare", "logic_gates", cwd=elsewhere, first=site)
    assert compared.returncode == 0, compared.stdout + compared.stderr

"""Lint, format and types, as pyproject.toml asks for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMENT = "# " + "words " * 11 + "words"  # 73 columns


def run(*command: str, source: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        check=False,
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    "command",
    [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)],
    ids=" ".join,
)
def test_clean(command: tuple[str, ...]) -> None:
    checked = run(*command)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("track", ["tf_track", "torch_track"])
def test_lessons_are_narrow(track: str) -> None:
    source = f'"""One lesson."""\n\n{COMMENT}\n'
    for folder, code in ((f"{track}/lessons", 1), (track, 0)):
        name = f"--stdin-filename={folder}/narrow.py"
        checked = run("ruff", "check", name, "-", source=source)
        assert checked.returncode == code, checked.stdout + checked.stderr
        assert ("E501" in checked.stdout) is (code == 1)


def test_types_are_strict(tmp_path: Path) -> None:
    loose = tmp_path / "loose.py"
    loose.write_text("def double(x):\n    return 2 * x\n", encoding="utf-8")
    checked = run("mypy", str(loose))
    assert checked.returncode == 1
    assert "[no-untyped-def]" in checked.stdout

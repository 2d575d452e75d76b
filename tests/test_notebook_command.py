"""`twotrack notebook`: the file it writes, and where it says twotrack comes from."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import Command

from shared import lesson as lessons
from shared.notebook import origin
from shared.notebook.cells import notebook

SOURCE = "git+https://example.org/twotrack"


def test_writes_a_notebook(twotrack: Command, tmp_path: Path) -> None:
    answer = twotrack("notebook", "xor_mlp", "--track", "tf", "--source", SOURCE)
    assert (answer.code, answer.err) == (0, "")
    assert re.fullmatch(r"Wrote xor_mlp_tf.ipynb: \d+ cells; .*\n", answer.out)
    found = nbformat.read(tmp_path / "xor_mlp_tf.ipynb", as_version=4)
    expected = notebook(lessons.find("xor_mlp"), ("tf",), SOURCE)
    assert [cell.source for cell in found.cells] == [c.source for c in expected.cells]
    assert [path.name for path in tmp_path.iterdir()] == ["xor_mlp_tf.ipynb"]


def test_both_tracks_unless_one_is_named(twotrack: Command, tmp_path: Path) -> None:
    assert twotrack("notebook", "autograd", "--out", "a/b c.ipynb").code == 0
    text = (tmp_path / "a" / "b c.ipynb").read_text(encoding="utf-8")
    assert "%%tf" in text
    assert "%%torch" in text


def test_a_notebook_of_one_s_own_is_kept(twotrack: Command, tmp_path: Path) -> None:
    path = tmp_path / "autograd.ipynb"
    path.write_text("mine", encoding="utf-8")
    answer = twotrack("notebook", "autograd")
    answer.complains(2, "autograd.ipynb is there already: give --force")
    assert path.read_text(encoding="utf-8") == "mine"
    assert twotrack("notebook", "autograd", "--force").code == 0
    nbformat.validate(nbformat.read(path, as_version=4))


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["xor_mpl"], "there is no lesson 'xor_mpl' (did you mean 'xor_mlp'?)"),
        (["xor_mlp", "--track", "jax"], "'jax' is not one of 'tf', 'torch', 'both'"),
        (["xor_mlp", "--out", "x.py"], "x.py is no name for a notebook: let --out end"),
        (["xor_mlp", "--out", "."], ". is no name for a notebook"),
        (["xor_mlp", "--out", ""], "is no name for a notebook"),
        (["xor_mlp", "--out", "file/a.ipynb"], "file is not a folder"),
        (["xor_mlp", "--source", "here"], "--source here: give what pip takes"),
        (["xor_mlp", "--source", "https://a/{b}"], "give what pip takes"),
        (["xor_mlp", "--source", 'https://a";x'], "give what pip takes"),
    ],
)
def test_bad_input(
    twotrack: Command, tmp_path: Path, arguments: list[str], fragment: str
) -> None:
    tmp_path.joinpath("file").touch()
    twotrack("notebook", *arguments).complains(2, fragment)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://example.org/a/b.git", "git+https://example.org/a/b.git"),
        ("https://me:secret@example.org/a/b", "git+https://example.org/a/b"),
        ("https://token@example.org:8443/b", "git+https://example.org:8443/b"),
        ("git@example.org:a/b.git", "git+https://example.org/a/b.git"),
        ("ssh://git@example.org:22/a/b.git", "git+https://example.org/a/b.git"),
        ("/srv/git/b.git", ""),
        ("../b", ""),
        ("file:///srv/b", ""),
        ("C:/b", ""),
        ("", ""),
    ],
)
def test_a_remote_as_anyone_reaches_it(remote: str, address: str) -> None:
    assert origin.public(remote) == address


@pytest.mark.parametrize(
    ("noted", "address"),
    [
        (None, ""),
        ({"url": "file:///home/me/twotrack", "dir_info": {"editable": True}}, ""),
        (
            {"url": "https://example.org/t.git", "vcs_info": {"commit_id": "c0ffee"}},
            "git+https://example.org/t.git@c0ffee",
        ),
        ({"url": "file:///srv/t.git", "vcs_info": {"commit_id": "c0ffee"}}, ""),
        (
            {"url": "https://me:secret@example.org/t-0.1.whl", "archive_info": {}},
            "https://example.org/t-0.1.whl",
        ),
    ],
)
def test_where_pip_got_it_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, noted: Any, address: str
) -> None:
    """As pip notes it beside what it installs (PEP 610)."""
    folder = tmp_path / "twotrack-0.1.0.dist-info"
    folder.mkdir()
    if noted is not None:
        text = json.dumps(noted)
        folder.joinpath("direct_url.json").write_text(text, encoding="utf-8")
    found = metadata.Distribution.at(folder)
    monkeypatch.setattr(metadata, "distribution", lambda name: found)
    monkeypatch.setattr(origin, "ROOT", tmp_path)
    assert origin.origin() == address


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_where_a_checkout_came_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From its own repository, and never from that of a folder above it."""
    monkeypatch.setattr(origin, "ROOT", tmp_path / "inner")
    monkeypatch.setattr(origin, "_installed_from", lambda: "")
    origin.ROOT.mkdir()
    remote = ["git", "remote", "add", "origin", "git@example.org:me/twotrack.git"]
    for command in (["git", "init", "-q"], remote):
        subprocess.run(command, check=True, cwd=tmp_path)
    assert origin.origin() == ""
    monkeypatch.setattr(origin, "ROOT", tmp_path)
    assert origin.origin() == "git+https://example.org/me/twotrack.git"
    monkeypatch.setenv("PATH", "")
    assert origin.origin() == ""

"""Every difference is as large as it is known to be, and its remedy repairs it."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from conftest import Command

from shared.differences.difference import Difference
from shared.differences.judge import Demonstration, demonstrate, groups
from shared.runner import TrackProcess

ROOT = Path(__file__).parents[1]
ROWS = [(group, row) for group, rows in groups().items() for row in rows]


@pytest.mark.parametrize(("group", "row"), ROWS, ids=lambda v: getattr(v, "slug", v))
def test_as_known(group: str, row: Difference, tracks: dict[str, TrackProcess]) -> None:
    """A release that changes a default fails here, and the message says which."""
    assert demonstrate(group, row, tracks).surprises == []


@pytest.mark.parametrize(("group", "row"), ROWS, ids=lambda v: getattr(v, "slug", v))
def test_told_in_full(group: str, row: Difference) -> None:
    for text in (row.title, row.keras, row.torch, row.remedy):
        assert text and not text.endswith(".")
    assert set(row.defaults) <= {"tf", "torch"}
    assert row.tolerance <= row.least or not row.least


@pytest.mark.parametrize("group", groups())
def test_the_tracks_mirror_each_other(group: str) -> None:
    """The same functions in the same order, with the row's inputs for arguments."""
    expected = [(row.slug, sorted(row.inputs())) for row in groups()[group]]
    for track in ("tf_track", "torch_track"):
        source = (ROOT / track / "differences" / f"{group}.py").read_text()
        found = [
            (node.name, sorted(argument.arg for argument in node.args.args))
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        ]
        assert found == expected


def test_inputs_never_change() -> None:
    for _, row in ROWS:
        for name, array in row.inputs().items():
            np.testing.assert_array_equal(array, row.inputs()[name])


@pytest.fixture
def eps(tracks: dict[str, TrackProcess]) -> Demonstration:
    row = next(row for _, row in ROWS if row.slug == "batch_norm_epsilon")
    return demonstrate("normalization", row, tracks)


def changed(found: Demonstration, **fields: object) -> list[str]:
    row = dataclasses.replace(found.difference, **fields)  # type: ignore[arg-type]
    return dataclasses.replace(found, difference=row).surprises


def test_surprises(eps: Demonstration) -> None:
    """A changed default, one that no longer differs, one that now does."""
    assert "eps in torch is 1e-05, and was 0.1" in changed(
        eps, defaults={"torch": {"eps": 0.1}}
    )
    assert any("only" in told for told in changed(eps, least=0.9))
    assert any("the two differ by" in told for told in changed(eps, least=0.0))


def test_a_remedy_that_fails(eps: Demonstration) -> None:
    residual = dataclasses.replace(eps.default, tolerance=1e-12)
    (told,) = dataclasses.replace(eps, residual=residual).surprises
    assert "the remedy leaves" in told


def test_the_command(twotrack: Command, tracks: dict[str, TrackProcess]) -> None:
    group = twotrack("differences", "normalization")
    assert group.code == 0
    assert "batch_norm_epsilon" in group.out
    one = twotrack("differences", "batch_norm_epsilon")
    assert one.code == 0
    assert "PyTorch: eps is 1e-5." in one.out
    assert "eps = 1e-05" in one.out
    assert max(map(len, one.out.splitlines())) <= 80
    (found,) = twotrack("differences", "batch_norm_epsilon", "--json").json[
        "differences"
    ]["normalization"]
    assert found["settings"]["torch"] == {"eps": 1e-5}
    assert found["residual"] < 1e-12 < 1e-3 < found["apart"]
    assert found["surprises"] == []


def test_an_unknown_difference(twotrack: Command) -> None:
    answer = twotrack("differences", "batch_norm_epsilom")
    answer.complains(2, "did you mean 'batch_norm_epsilon'?")

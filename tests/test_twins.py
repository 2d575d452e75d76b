"""The two sources side by side: nothing is lost, and what differs is marked."""

from __future__ import annotations

import pytest
from conftest import Command

from shared import show_twins, terminal, twins
from shared.lessons import CURRICULUM

TF = '''"""A lesson, in Keras."""

# %% Model
def build(cfg):
    return keras.Dense(cfg.hidden, "relu")


# %% Run
main("a")
'''
TORCH = '''"""A lesson, in PyTorch."""

# %% Model
def build(cfg):
    model = nn.Linear(2, cfg.hidden)
    return model


# %% Run
main("a")
'''


def lines(sections: list[twins.Section], track: str) -> list[str]:
    """The track's lines under all headings, blank ones left out."""
    found = [getattr(row, track) for section in sections for row in section.rows]
    return [line for line in found if line]


@pytest.mark.parametrize("slug", CURRICULUM)
def test_nothing_is_lost(slug: str) -> None:
    texts = {t: twins.source(t, slug).read_text("utf-8") for t in ("tf", "torch")}
    sections = twins.align(texts["tf"], texts["torch"])
    for track, text in texts.items():
        own = [line for line in text.splitlines() if line and "# %%" not in line]
        assert lines(sections, track) == own
    headings = [s.heading for s in sections]
    assert headings[0] == "" and len(set(headings)) == len(headings) > 3


def test_lines_that_resemble_stand_side_by_side() -> None:
    model = twins.align(TF, TORCH)[1]
    assert model.heading == "Model"
    assert [(row.tf, row.torch) for row in model.rows] == [
        ("def build(cfg):", "def build(cfg):"),
        (
            '    return keras.Dense(cfg.hidden, "relu")',
            "    model = nn.Linear(2, cfg.hidden)",
        ),
        (None, "    return model"),
    ]


def test_tokens_that_differ_are_marked() -> None:
    (row,) = twins.align(TF, TORCH)[0].rows
    marked = {
        track: [getattr(row, track)[a:b] for a, b in row.marked[track]]
        for track in ("tf", "torch")
    }
    assert marked == {"tf": ["Keras"], "torch": ["PyTorch"]}
    assert twins.align(TF, TORCH)[2].rows[0].same


@pytest.mark.parametrize("width", [80, 160])
def test_shown(width: int, twotrack: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.out, "_width", width)
    answer = twotrack("diff", "mnist_mlp")
    assert answer.code == 0
    assert max(map(len, answer.out.splitlines())) <= width
    both = [line for line in answer.out.splitlines() if "keras.Model:" in line]
    assert any("nn.Module:" in line for line in both) is (width > 80)
    for text in ("Model ───", "nn.CrossEntropyLoss()", "model.compile("):
        assert text in answer.out


def test_two_panes_fit_where_they_are_used() -> None:
    assert 2 * show_twins.PANE + 3 <= 147


def test_an_unknown_lesson(twotrack: Command) -> None:
    twotrack("diff", "xor_mpl").complains(2, "did you mean 'xor_mlp'?")

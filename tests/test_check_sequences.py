"""Mistakes planted in models of sequences: each is found, with its cause."""

from __future__ import annotations

import sys

import pytest
from check_planted import Planted, Tally
from check_planted_sequences import PLANTED

TALLY = Tally()


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_planted(planted: Planted) -> None:
    check = planted.check()
    complaints = list(planted.expected.complaints(check))
    TALLY.add(complaints)
    assert not complaints, str(check)


def test_summary() -> None:
    sys.stdout.write(f"{TALLY}\n")
    assert TALLY.rate("detected") == TALLY.rate("place") == 1
    assert TALLY.rate("cause") >= 0.95

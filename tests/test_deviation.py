"""Differences of two arrays: what holds for any numbers at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from shared.parity.deviation import Deviation, elementwise, mismatch, relative, worst

# No quotient of two of them, or of their differences, is rounded to 0.
FINITE = st.floats(-1e100, 1e100).filter(lambda x: x == 0.0 or abs(x) > 1e-100)
ARRAY = arrays.arrays(np.float64, (2, 3), elements=FINITE)


@given(ARRAY, ARRAY)
def test_relative_is_symmetric(a: NDArray[Any], b: NDArray[Any]) -> None:
    assert relative("", a, b, 0.0).value == relative("", b, a, 0.0).value
    assert (relative("", a, b, 0.0).passed) == bool((a == b).all())
    assert 0.0 <= relative("", a, b, 0.0).value <= 2.0
    assert (elementwise(a, b) == elementwise(b, a)).all()


@given(
    ARRAY, st.integers(0, 5), st.sampled_from([np.nan, np.inf, -np.inf]), st.booleans()
)
def test_relative_never_passes_what_is_not_finite(
    a: NDArray[Any], at: int, bad: float, both: bool
) -> None:
    b = a.copy()
    b.flat[at] = bad
    for found in (relative("", b if both else a, b, 1e300), relative("", b, a, 1e300)):
        assert not found.passed
        assert not np.isfinite(found.value)
    assert mismatch(a, b).endswith(f"[{at // 3}, {at % 3}]")


@given(st.lists(st.tuples(st.floats(), st.floats(0, 10))))
def test_the_worst_fails_if_any_does(given: list[tuple[float, float]]) -> None:
    found = [
        Deviation(value, allowed, str(i)) for i, (value, allowed) in enumerate(given)
    ]
    decisive = worst(found)
    assert (decisive is None) == (not found)
    if decisive:
        assert decisive.passed == all(d.passed for d in found)
        if not decisive.passed:
            assert decisive == next(d for d in found if not d.passed)


@given(ARRAY, st.integers(0, 5), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_elementwise_tells_what_is_not_finite(
    a: NDArray[Any], at: int, bad: float
) -> None:
    b = a.copy()
    b.flat[at] = bad
    for found in (elementwise(a, b), elementwise(b, a), elementwise(b, b)):
        assert np.isnan(found.flat[at])
        assert np.isnan(found).sum() == 1

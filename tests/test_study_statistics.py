"""The study's arithmetic, against SciPy's, published examples and plain simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shared.study.shares import Share, Shares
from shared.study.statistics import ALPHA, ENOUGH_POWER, Means, Sample, seeds_needed


def spread(n: int, sd: float = 1.0, mean: float = 0.0) -> Sample:
    return Sample(n, mean, sd, mean - sd, mean + sd)


values = st.lists(st.floats(-100, 100), min_size=2, max_size=30).filter(
    lambda found: np.std(found) > 1e-3
)


@given(values, values, st.floats(0.01, 100))
def test_means_are_those_of_scipy(
    first: list[float], second: list[float], margin: float
) -> None:
    means = Means(Sample.of(first), Sample.of(second))
    welch = stats.ttest_ind(second, first, equal_var=False)
    assert means.difference == pytest.approx(np.mean(second) - np.mean(first), abs=1e-9)
    assert means.interval(0.1) == pytest.approx(
        tuple(welch.confidence_interval(0.9)), rel=1e-6, abs=1e-9
    )
    # Shifted by the margin, the two one-sided tests are plain one-sided Welch tests.
    up = np.asarray(second) + margin
    down = np.asarray(second) - margin
    above = stats.ttest_ind(up, first, equal_var=False, alternative="greater").pvalue
    below = stats.ttest_ind(down, first, equal_var=False, alternative="less").pvalue
    p = means.p_equivalent(margin)
    assert p == pytest.approx(max(above, below), rel=1e-6, abs=1e-12)


@given(values, values, st.floats(0.01, 100))
def test_the_interval_and_the_two_tests_say_the_same(
    first: list[float], second: list[float], margin: float
) -> None:
    means = Means(Sample.of(first), Sample.of(second))
    p = means.p_equivalent(margin)
    assert p is not None
    if abs(p - ALPHA) > 1e-9:
        assert means.interval(2 * ALPHA).within(margin) == (p < ALPHA)


@pytest.mark.parametrize(
    ("n", "margin", "power"),
    [
        (15, 1.0, 0.69),
        (20, 1.0, 0.85),
        (25, 1.0, 0.94),
        (10, 1.5, 0.88),
        (30, 0.75, 0.78),
        (40, 0.75, 0.91),
    ],
)
def test_power_of_known_designs(n: int, margin: float, power: float) -> None:
    means = Means(spread(n), spread(n))
    assert means.power(margin, n) == pytest.approx(power, abs=0.01)


@pytest.mark.parametrize("truth", [0.0, 0.4])
@pytest.mark.parametrize("sds", [(1.0, 1.0), (0.5, 1.5)])
def test_power_is_how_often_it_happens(sds: tuple[float, float], truth: float) -> None:
    n, margin, draws = 14, 1.2, 20_000
    random = np.random.default_rng(1)
    first = random.normal(0, sds[0], (draws, n))
    second = random.normal(truth, sds[1], (draws, n))
    welch = stats.ttest_ind(second, first, axis=1, equal_var=False)
    interval = welch.confidence_interval(1 - 2 * ALPHA)
    equivalent = ((interval.low > -margin) & (interval.high < margin)).mean()
    different = (welch.pvalue < ALPHA).mean()
    means = Means(spread(n, sds[0]), spread(n, sds[1]))
    # Four standard errors, and what a fixed number of degrees of freedom leaves out.
    assert means.power(margin, n, truth) == pytest.approx(equivalent, abs=0.02)
    assert means.power_to_differ(n, truth) == pytest.approx(different, abs=0.02)


def test_equal_constants_are_equivalent() -> None:
    same = Means(Sample.of([0.1] * 7), Sample.of([0.1] * 3))
    assert same.interval(0.1) == (0, 0)
    assert same.p_equivalent(1e-9) == 0
    assert same.power(1e-9, 2) == 1
    assert not same.interval(ALPHA).leaves_out_zero()


def test_unequal_constants_differ() -> None:
    apart = Means(Sample.of([0.1] * 7), Sample.of([0.3] * 7))
    assert apart.interval(ALPHA).leaves_out_zero()
    assert not apart.interval(0.1).within(0.1)
    assert apart.p_equivalent(0.1) == 1
    assert apart.p_equivalent(0.3) == 0
    assert apart.power(0.1, 7, truth=0.2) == 0
    assert apart.power_to_differ(7, truth=0.2) == 1


def test_one_constant_leaves_the_others_spread() -> None:
    means = Means(Sample.of([0.5] * 9), Sample.of([0.4, 0.5, 0.6]))
    half = stats.t.ppf(0.95, 2) * 0.1 / 3**0.5
    assert means.interval(0.1) == pytest.approx((-half, half))


@pytest.mark.parametrize(("count", "n"), [(0, 10), (3, 10), (10, 10), (81, 263)])
def test_a_share_has_wilsons_interval(count: int, n: int) -> None:
    interval = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")
    assert Share(count, n).interval(0.05) == pytest.approx(tuple(interval))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((48, 80), (56, 70), 0.0524, 0.3339),
        ((3, 10), (9, 10), 0.1705, 0.8090),
        ((0, 29), (5, 56), -0.0381, 0.1926),
        ((0, 20), (0, 10), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((0, 20), (10, 10), 0.6791, 1.0000),
    ],
)
def test_newcombes_own_examples(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Statistics in Medicine 17, 873-890 (1998), table II, method 10."""
    shares = Shares(Share(*first), Share(*second))
    assert shares.interval(0.05) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("truth", [0.0, 0.12])
def test_power_of_shares_is_how_often_it_happens(truth: float) -> None:
    found, n, margin, draws = Shares(Share(60, 100), Share(60, 100)), 80, 0.2, 4000
    middle = 120.5 / 201
    random = np.random.default_rng(2)
    equivalent = different = 0
    counts = random.binomial(n, [middle - truth / 2, middle + truth / 2], (draws, 2))
    for first, second in counts:
        drawn = Shares(Share(int(first), n), Share(int(second), n))
        equivalent += drawn.interval(2 * ALPHA).within(margin)
        different += drawn.interval(ALPHA).leaves_out_zero()
    assert found.power(margin, n, truth) == pytest.approx(equivalent / draws, abs=0.03)
    assert found.power_to_differ(n, truth) == pytest.approx(different / draws, abs=0.03)


def test_shares_at_the_end_still_leave_doubt() -> None:
    few, many = (Shares(Share(0, n), Share(0, n)) for n in (10, 100))
    assert not few.interval(2 * ALPHA).within(0.1)
    assert many.interval(2 * ALPHA).within(0.1)
    assert 0 < few.power(0.1, 30) < 1


@pytest.mark.parametrize("margin", [0.3, 1.0, 4.0])
def test_seeds_needed_are_the_fewest(margin: float) -> None:
    means = Means(spread(5), spread(5, sd=2.0))
    enough = seeds_needed(lambda n: means.power(margin, n))
    assert enough is not None
    assert means.power(margin, enough) >= ENOUGH_POWER
    assert enough == 2 or means.power(margin, enough - 1) < ENOUGH_POWER


def test_seeds_needed_may_be_too_many() -> None:
    means = Means(spread(5), spread(5))
    assert seeds_needed(lambda n: means.power(1e-6, n)) is None
    assert seeds_needed(lambda n: 1.0) == 2

"""The shared draws: pinned to the bit, independent, distributed as they should be."""

from __future__ import annotations

import itertools
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shared import lesson as lessons
from shared import randomness
from shared.lessons import CURRICULUM

SEEDS = st.integers(0, 2**32 - 1)
STREAMS = st.text("abcdefgh/_", min_size=1, max_size=20)
COUNTERS = st.integers(0, 10**9)

MANY = 200_000
UNLIKELY = 1e-6
"""How improbable a draw must be for a test to fail; every draw here is fixed."""


# Pinned: a NumPy release that draws otherwise would change every published run.


def test_words_are_pinned() -> None:
    assert randomness.words(0, "order", 0, 4).tolist() == [
        0xD694396960D97472,
        0x77FBC428BBF9A995,
        0xEA0E686710FC9B00,
        0x96D222A5E05E7D24,
    ]
    assert randomness.words(2**32 - 1, "mask/dropout", 700, 3).tolist() == [
        0xA2DD08C7B8882A76,
        0xD70B8BE5B646C284,
        0x57CC1A352350E702,
    ]


def test_draws_are_pinned() -> None:
    """Uniform numbers to the bit, normal ones to what libraries' log and cos allow."""
    assert randomness.uniform(7, "start/hidden/kernel", (2, 2)).tolist() == [
        [0.11933350627618655, 0.9784544883213294],
        [0.9884227075576477, 0.3226884654148774],
    ]
    np.testing.assert_allclose(
        randomness.normal(7, "gradient/bias", (3,), 2),
        [1.3069022299653217, 2.2323847627388402, 0.5554598021889033],
        rtol=1e-14,
    )
    np.testing.assert_allclose(
        randomness.dense(0, "hidden", 2, 2)["hidden/kernel"],
        [
            [-1.1797425116493214, 0.5097409361336248],
            [-0.6250867979992241, 0.16063544082954953],
        ],
        rtol=1e-15,
    )
    assert randomness.batch_order(0, 0, 10).tolist() == [7, 1, 5, 3, 9, 6, 0, 4, 2, 8]
    assert randomness.batch_order(5, 3, 10).tolist() == [3, 7, 1, 0, 6, 8, 4, 2, 5, 9]
    kept = randomness.keep_mask(1, "dropout", 9, (2, 8), 0.5)
    assert kept.astype(int).tolist() == [
        [0, 0, 0, 1, 1, 1, 1, 1],
        [1, 0, 0, 1, 0, 1, 0, 1],
    ]
    assert randomness.apart(3, "tf") == 12563752546029535235
    assert randomness.apart(3, "torch") == 17580148002704588803


# Independent


@given(SEEDS, STREAMS, COUNTERS, st.integers(1, 50), st.integers(1, 50))
def test_a_draw_depends_on_nothing_else(
    seed: int, stream: str, counter: int, few: int, more: int
) -> None:
    """Not on how much is drawn at once, nor on what was drawn before."""
    whole = randomness.words(seed, stream, counter, few + more)
    randomness.words(seed, stream, counter + 1, more)
    part = randomness.words(seed, stream, counter, few)
    assert whole.dtype == np.uint64
    assert (whole[:few] == part).all()


def test_counters_seeds_and_streams_do_not_overlap() -> None:
    """No 64-bit word comes twice in a million: not within a stream, not across."""
    kinds = itertools.product((0, 1, 2**32 - 1), ("order", "mask/a"), (0, 1, 2, 1000))
    drawn = [randomness.words(s, name, c, 40_000) for s, name, c in kinds]
    found = np.concatenate(drawn)
    assert len(np.unique(found)) == len(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, "a", 0), (1, "a", 0)),
        ((0, "a", 0), (0, "b", 0)),
        ((0, "a", 0), (0, "a", 1)),
        ((0, "start/hidden/kernel", 0), (0, "start/output/kernel", 0)),
        ((randomness.apart(0, "tf"), "a", 0), (randomness.apart(0, "torch"), "a", 0)),
        ((0, "a", 0), (randomness.apart(0, "tf"), "a", 0)),
    ],
)
def test_streams_are_uncorrelated(
    one: tuple[int, str, int], other: tuple[int, str, int]
) -> None:
    a, b = (randomness.uniform(s, name, (MANY,), c) for s, name, c in (one, other))
    assert stats.pearsonr(a, b).pvalue > UNLIKELY


def test_a_seed_for_each_track() -> None:
    """As different as the seeds that they come from, and within one word."""
    found = {randomness.apart(s, n) for s in range(1000) for n in ("tf", "torch", "x")}
    assert len(found) == 3000
    assert max(found) < 2**64


def test_no_two_streams_in_use_share_a_key() -> None:
    names = {"order"}
    for slug in CURRICULUM:
        lesson = lessons.find(slug)
        start = lesson.optional("start")
        for cfg in lesson.configs({}).values():
            for parameter in start(cfg, 0) if start else ():
                names |= {f"start/{parameter}", f"gradient/{parameter}"}
                names.add(f"mask/{parameter.partition('/')[0]}")
    names |= {f"mask/dropout_{number}" for number in range(100)}
    assert len({zlib.crc32(name.encode()) for name in names}) == len(names)


# Distributions


@given(SEEDS, STREAMS, COUNTERS)
def test_uniform_stays_in_its_interval(seed: int, stream: str, counter: int) -> None:
    found = randomness.uniform(seed, stream, (3, 4), counter)
    assert found.shape == (3, 4)
    assert found.dtype == np.float64
    assert ((found >= 0.0) & (found < 1.0)).all()


def test_the_largest_word_stays_below_one(monkeypatch: pytest.MonkeyPatch) -> None:
    last = np.full(4, 2**64 - 1, np.uint64)
    monkeypatch.setattr(randomness, "words", lambda *_: last)
    assert (randomness.uniform(0, "a", (4,)) == 1.0 - 2.0**-53).all()
    assert np.isfinite(randomness.normal(0, "a", (2,))).all()


def test_uniform_is_uniform() -> None:
    found = randomness.uniform(0, "uniform", (MANY,))
    assert stats.kstest(found, "uniform").pvalue > UNLIKELY


def test_normal_is_normal() -> None:
    found = randomness.normal(0, "normal", (MANY,))
    assert stats.kstest(found, "norm").pvalue > UNLIKELY
    assert abs(found.mean()) < 5 / np.sqrt(MANY)
    assert abs(found.var() - 1) < 5 * np.sqrt(2 / MANY)


def test_glorot_fills_its_interval() -> None:
    """Keras' GlorotUniform, and zero biases."""
    start = randomness.dense(3, "hidden", 300, 500)
    kernel, limit = start["hidden/kernel"], np.sqrt(6 / 800)
    assert kernel.shape == (300, 500)
    spread = stats.uniform(-limit, 2 * limit)
    assert stats.kstest(kernel.ravel(), spread.cdf).pvalue > UNLIKELY
    assert np.abs(kernel).max() <= limit
    assert start["hidden/bias"].tolist() == [0.0] * 500


@given(SEEDS, COUNTERS, st.integers(1, 300))
def test_an_order_is_a_permutation(seed: int, epoch: int, samples: int) -> None:
    order = randomness.batch_order(seed, epoch, samples)
    assert order.dtype == np.int64
    assert sorted(order) == list(range(samples))


def test_every_order_is_as_likely() -> None:
    orders = [tuple(randomness.batch_order(0, epoch, 3)) for epoch in range(6000)]
    counts = [orders.count(order) for order in itertools.permutations(range(3))]
    assert sum(counts) == 6000
    assert stats.chisquare(counts).pvalue > UNLIKELY


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.2, 0.5, 0.9])
def test_a_mask_drops_its_share(rate: float) -> None:
    kept = randomness.keep_mask(0, "dropout", 0, (MANY // 100, 100), rate)
    assert kept.dtype == np.bool_
    dropped = int((~kept).sum())
    if not rate:
        assert dropped == 0
        return
    assert stats.binomtest(dropped, MANY, rate).pvalue > UNLIKELY


def test_a_mask_is_its_own_at_every_step_and_layer() -> None:
    masks = [
        randomness.keep_mask(seed, layer, step, (20, 20), 0.5).tobytes()
        for seed in (0, 1)
        for layer in ("first", "second")
        for step in range(50)
    ]
    assert len(set(masks)) == len(masks)

"""Figures of an evaluation against values known from elsewhere or counted by hand."""

from __future__ import annotations

import math

import pytest


@pytest.fixture(scope="module")
def measures(script):
    return script("measures")


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 1 - 0.1611, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson(measures, hits, n, low, high):
    assert measures.wilson(hits, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (0, 6, 2 / 2**6),
        (1, 9, 2 * (1 + 10) / 2**10),
        (9, 1, 2 * (1 + 10) / 2**10),
    ],
)
def test_mcnemar_counts_changed_items_alone(measures, gained, lost, p):
    one = [False] * gained + [True] * lost + [True, False] * 50
    other = [True] * gained + [False] * lost + [True, False] * 50
    assert measures.mcnemar(one, other) == pytest.approx(p)


def test_mcnemar_agrees_with_scipy(measures):
    from scipy.stats import binomtest

    one, other = [True] * 30 + [False] * 14, [False] * 30 + [True] * 14
    assert measures.mcnemar(one, other) == pytest.approx(binomtest(14, 44).pvalue)


def test_ratio_is_of_sums(measures):
    value, low, high = measures.ratio([1.0, 9.0], [1.0, 3.0])
    assert value == 2.5
    assert (low, high) == (1.0, 3.0)


def test_the_interval_of_a_mean_is_that_of_the_normal_law(measures):
    values = [n % 2 for n in range(400)]
    value, low, high = measures.ratio(values, [1] * 400)
    half = 1.96 * 0.5 / math.sqrt(400)
    assert (value, low, high) == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=0.005)


def test_the_same_draw_gives_the_same_interval(measures):
    assert measures.ratio([1, 2, 3], [1, 1, 1]) == measures.ratio([1, 2, 3], [1, 1, 1])


# --- groups: the replies of one thread are alike ----------------------------------------------


def test_an_interval_over_groups_is_that_of_the_groups(measures):
    """Each item ten times over says no more than once."""
    one, ten = [n % 2 for n in range(40)], [n % 2 for n in range(40) for _ in range(10)]
    threads = [n for n in range(40) for _ in range(10)]
    assert measures.ratio(ten, [1] * 400, threads) == measures.ratio(one, [1] * 40)
    assert measures.mcnemar([0] * 400, ten, threads) == pytest.approx(2**-19, abs=2e-4)
    narrow, wide = measures.share(ten), measures.share(ten, threads)
    assert wide[0] == narrow[0] == 0.5
    assert wide[2] - wide[1] > 2.5 * (narrow[2] - narrow[1])


def test_ratio_draws_groups_whole(measures):
    value, low, high = measures.ratio([1.0, 9.0, 2.0], [1.0, 3.0, 1.0], ["a", "b", "a"])
    assert value == 12 / 5
    assert (low, high) == (1.5, 3.0)


@pytest.mark.parametrize("hit", [True, False])
def test_a_share_without_spread_is_not_certain(measures, hit):
    """Twenty hits of four threads say what four hits say."""
    threads = [n // 5 for n in range(20)]
    found = measures.share([hit] * 20, threads)
    assert found == (float(hit), *measures.wilson(4 * hit, 4))


def test_single_items_are_groups_of_their_own(measures):
    hits = [True] * 15 + [False] * 133
    assert measures.share(hits, range(148)) == measures.share(hits)
    assert measures.share(hits)[1:] == measures.wilson(15, 148)
    other = [False] * 30 + [True] * 118
    assert measures.mcnemar(hits, other, range(148)) == measures.mcnemar(hits, other)


def test_pairs_of_one_thread_are_one_change(measures):
    """Six threads that all gain three items: of 2 ** 6 signs two are as far out."""
    gained, threads = [True] * 18, [n // 3 for n in range(18)]
    assert measures.mcnemar([False] * 18, gained, threads) == pytest.approx(2 / 2**6)


@pytest.mark.parametrize(
    ("ps", "adjusted"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # as R's p.adjust has it
        ([0.9, 0.8], [1.0, 1.0]),
    ],
)
def test_holm(measures, ps, adjusted):
    assert measures.holm(ps) == pytest.approx(adjusted)


def test_bleu_is_over_characters(measures):
    same = measures.character_bleu(["头痛三天，去看医生"], ["头痛三天，去看 医生"])
    assert same == pytest.approx({f"bleu-{n}": 100.0 for n in (1, 2, 3, 4)})
    # 3 of 4 characters and 1 of 3 pairs are found; both texts are of one length.
    found = measures.character_bleu(["头痛就医"], ["头痛去医"])
    assert found["bleu-1"] == pytest.approx(75)
    assert found["bleu-2"] == pytest.approx(100 * math.sqrt(3 / 4 * 1 / 3))


def test_rouge_is_over_characters(measures):
    found = measures.character_rouge(["头痛就医"], ["头痛去医院"])
    # Of 4 and 5 characters 3 are common, in order; of 3 and 4 pairs 1.
    assert found["rouge1"] == found["rougeL"] == pytest.approx(100 * 2 * 3 / 9)
    assert found["rouge2"] == pytest.approx(100 * 2 * 1 / 7)


def test_legacy_bleu_counts_the_spaces_between(measures):
    found = measures.legacy_bleu(["头痛"], ["头晕"])
    # "头 痛" beside "头 晕": of three tokens 头 and the space are found, of two pairs "头 ".
    assert found["legacy-bleu-1"] == pytest.approx(100 * math.sqrt(2 / 3 * 1 / 2))
    assert measures.character_bleu(["头痛"], ["头晕"])["bleu-2"] < found["legacy-bleu-1"]

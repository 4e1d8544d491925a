"""Figures of an evaluation: intervals, tests and overlap of texts.

Every interval is one of 95 %. Items of one group (the replies of a thread, the sections of a book)
are alike: where groups are given, whole groups are drawn, never single items of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from scipy import stats

Groups = Sequence[Hashable] | None
"""The group of each item; None: each item is one by itself."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return Wilson's interval of the share ``hits / n``; the whole range where n is 0."""
    if n == 0:
        return 0.0, 1.0
    interval = stats.binomtest(hits, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def share(hits: Sequence[bool], groups: Groups = None) -> tuple[float, float, float]:
    """Return the share of hits and its interval: Wilson's where each item is a group, else the
    bootstrap over groups (Wilson's for so many groups where all items are hits, or none is)."""
    n, right = len(hits), sum(hits)
    number = len(hits) if groups is None else len(set(groups))
    if number == n:
        return (right / n, *wilson(right, n))
    if right in (0, n):
        return (right / n, *wilson(number * right // n, number))
    return ratio([float(hit) for hit in hits], [1.0] * n, groups)


def mcnemar(
    one: Sequence[bool], other: Sequence[bool], groups: Groups = None, *, seed: int = 42
) -> float:
    """Return the two-sided p of "both are right equally often" on the same items: McNemar's exact
    test, or where groups are given the same test with the sign of whole groups drawn."""
    gaps = np.asarray(other, int) - np.asarray(one, int)
    sums = by_group(gaps, groups)
    sums = sums[sums != 0]
    if len(sums) == 0:
        return 1.0
    if np.abs(sums).max() == 1:
        return float(stats.binomtest(int((sums > 0).sum()), len(sums)).pvalue)
    drawn = stats.permutation_test((sums,), np.sum, permutation_type="samples", rng=seed)
    return float(drawn.pvalue)


def holm(ps: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p for each of several tests that are told together."""
    order = np.argsort(ps, kind="stable")
    steps = (len(ps) - np.arange(len(ps))) * np.asarray(ps, float)[order]
    adjusted = np.empty(len(ps))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()


def by_group(values: Sequence[float] | np.ndarray, groups: Groups = None) -> np.ndarray:
    """Return the sums of ``values`` over each group, the groups in the order they come in."""
    if groups is None:
        return np.asarray(values, float)
    number: dict[Hashable, int] = {}
    place = [number.setdefault(group, len(number)) for group in groups]
    return np.bincount(place, weights=np.asarray(values, float))


def ratio(
    tops: Sequence[float],
    bottoms: Sequence[float],
    groups: Groups = None,
    *,
    draws: int = 2000,
    seed: int = 42,
) -> tuple[float, float, float]:
    """Return sum(tops) / sum(bottoms) and its bootstrap interval over groups.

    With tops the nats of a text and bottoms its characters this is nats per character; with tops
    the *difference* of two models' nats it is the paired difference; with bottoms all 1, a mean.
    (scipy's bootstrap draws single items: it knows no groups.)
    """
    top, bottom = by_group(tops, groups), by_group(bottoms, groups)
    drawn = np.random.default_rng(seed).integers(len(top), size=(draws, len(top)))
    values = top[drawn].sum(1) / bottom[drawn].sum(1)
    low, high = np.quantile(values, (0.025, 0.975))
    return float(top.sum() / bottom.sum()), float(low), float(high)


def gap(
    one: Sequence[float], other: Sequence[float], *, draws: int = 2000, seed: int = 42
) -> tuple[float, float, float]:
    """Return mean(one) - mean(other) of independent groups, with its bootstrap interval."""
    samples = np.asarray(one, float), np.asarray(other, float)
    if min(map(len, samples)) < 2:
        return (float(samples[0].mean() - samples[1].mean()), -1.0, 1.0)
    found = stats.bootstrap(
        samples,
        lambda a, b, axis: a.mean(axis) - b.mean(axis),
        n_resamples=draws,
        method="percentile",
        rng=seed,
    ).confidence_interval
    return (float(samples[0].mean() - samples[1].mean()), float(found.low), float(found.high))


def character_bleu(answers: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Return corpus BLEU-1 to BLEU-4 over characters, from 0 to 100 (sacrebleu)."""
    from sacrebleu.metrics import BLEU

    spaced = [" ".join("".join(text.split())) for text in answers]
    wanted = [[" ".join("".join(text.split())) for text in references]]
    return {
        f"bleu-{n}": BLEU(tokenize="none", max_ngram_order=n, force=True)
        .corpus_score(spaced, wanted)
        .score
        for n in (1, 2, 3, 4)
    }


class _Characters:
    """A tokenizer for rouge_score, whose own drops all that is not a Latin letter or digit."""

    def tokenize(self, text: str) -> list[str]:
        return list("".join(text.split()))


def character_rouge(answers: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Return the mean F1 of ROUGE-1, -2 and -L over characters, from 0 to 100."""
    from rouge_score.rouge_scorer import RougeScorer

    names = ("rouge1", "rouge2", "rougeL")
    scorer = RougeScorer(names, tokenizer=_Characters())
    scores = [scorer.score(ref, ans) for ref, ans in zip(references, answers, strict=True)]
    return {name: 100 * sum(s[name].fmeasure for s in scores) / len(scores) for name in names}


def legacy_bleu(answers: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Return BLEU as older tables of this line of work have it, in order to read those tables.

    NLTK expects lists of tokens; here it is handed *strings* of characters parted by spaces, so
    that every second "token" is a space that always matches, and "BLEU-1" and "BLEU-2" weigh
    2- and 3-grams of that. The values are far too high: compare them with nothing else.
    """
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    smooth = SmoothingFunction().method1
    weights = {"legacy-bleu-1": (0.5, 0.5), "legacy-bleu-2": (1 / 3, 1 / 3, 1 / 3)}
    pairs = [(" ".join(a), " ".join(r)) for a, r in zip(answers, references, strict=True)]
    return {
        name: 100
        * sum(sentence_bleu([r], a, weights=w, smoothing_function=smooth) for a, r in pairs)
        / len(pairs)
        for name, w in weights.items()
    }

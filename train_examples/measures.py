"""Figures of an evaluation: intervals, tests and overlap of texts.

Every interval is one of 95 %. Items are resampled or counted as they are: none is weighted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Z = 1.959963984540054
"""The normal quantile of a two-sided interval of 95 %."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return Wilson's interval of the share ``hits / n``; the whole range where n is 0."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar(one: Sequence[bool], other: Sequence[bool]) -> float:
    """Return the exact two-sided p of "both are right equally often" on the same items."""
    pairs = list(zip(one, other, strict=True))
    gained = sum(b and not a for a, b in pairs)
    lost = sum(a and not b for a, b in pairs)
    n = gained + lost
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / 2**n)


def ratio(
    tops: Sequence[float], bottoms: Sequence[float], *, draws: int = 2000, seed: int = 42
) -> tuple[float, float, float]:
    """Return sum(tops) / sum(bottoms) and its bootstrap interval over items.

    With tops the nats of a text and bottoms its characters this is nats per character; with tops
    the *difference* of two models' nats it is the paired difference; with bottoms all 1, a mean.
    """
    top, bottom = np.asarray(tops, float), np.asarray(bottoms, float)
    drawn = np.random.default_rng(seed).integers(len(top), size=(draws, len(top)))
    values = top[drawn].sum(1) / bottom[drawn].sum(1)
    low, high = np.quantile(values, (0.025, 0.975))
    return float(top.sum() / bottom.sum()), float(low), float(high)


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

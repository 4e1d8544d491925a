"""How often a linear classifier over n-grams finds the preferred side of a pair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from ..built.bias import read

CLASSIFIED_PAIRS, FEWEST_THREADS, FOLDS = 4000, 50, 5
"""The text classifier takes at most so many pairs, needs so many threads, parts them in folds."""


def text_classifier(files: Sequence[Path], seed: int = 42) -> dict[str, Any] | None:
    """Return how often a linear classifier over character n-grams (TF-IDF) finds the chosen side.

    Threads are parted into five folds; each pair is judged by a classifier that saw no pair of
    its thread: ``{"pairs": n, "accuracy": 0 to 1}``. None where scikit-learn is not installed
    or there are too few threads.
    """
    try:
        from scipy.sparse import vstack
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        return None
    *texts, names = _sample(files, CLASSIFIED_PAIRS, seed)
    threads, thread = np.unique(names, return_inverse=True)
    if len(threads) < FEWEST_THREADS:
        return None
    words = HashingVectorizer(
        analyzer="char", ngram_range=(1, 2), n_features=2**16, norm=None, alternate_sign=False
    )
    chosen, rejected = (words.transform(side) for side in texts)
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(threads))[thread]
    right = 0.0
    for number in range(FOLDS):
        test = fold == number
        weigh = TfidfTransformer(sublinear_tf=True)
        seen = weigh.fit_transform(vstack([chosen[~test], rejected[~test]]))
        label = np.repeat([1, 0], np.count_nonzero(~test))
        model = LogisticRegression(solver="liblinear", random_state=0).fit(seen, label)
        sides = (model.decision_function(weigh.transform(s[test])) for s in (chosen, rejected))
        margin = np.subtract(*sides)
        right += np.count_nonzero(margin > 0) + np.count_nonzero(margin == 0) / 2
    return {"pairs": len(thread), "accuracy": round(float(right) / len(thread), 4)}


def _sample(files: Sequence[Path], most: int, seed: int) -> tuple[list[str], list[str], np.ndarray]:
    """Return chosen texts, rejected texts and threads of at most ``most`` pairs of all shards."""
    starts = np.cumsum([0, *(pq.read_metadata(path).num_rows for path in files)])
    drawn = np.sort(np.random.default_rng(seed).permutation(starts[-1])[:most])
    parts = []
    for path, start, end in zip(files, starts[:-1], starts[1:], strict=True):
        some = drawn[(drawn >= start) & (drawn < end)] - start
        parts.append([column.take(some) for column in read(path)[:5]])
    if not parts:
        return [], [], np.array([], object)
    chosen, rejected, _, _, thread = zip(*parts, strict=True)
    better, worse = (
        [text for part in side for text in part.to_pylist()] for side in (chosen, rejected)
    )
    return better, worse, np.concatenate(thread)

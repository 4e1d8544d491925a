"""Labels on a record: department, domain and keyphrases, and where each is from."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from .declaration import Row

DOMAINS = ("tcm", "modern")
WORD_BITS = 20
"""Words are counted by a hash of as many bits."""
RAREST = 2000
"""A keyphrase occurs in one record of as many, and in two at least."""
_WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]{2,}")


class Labels(NamedTuple):
    """What the stage found; arrays have one entry for each record of the build.

    departments: the names that ``department`` (int16, -1 for none) is an index into.
    domain:      int8, an index into :data:`DOMAINS`, -1 for none.
    keyphrases:  how many a record gets; ``texts`` were counted, ``words`` (int32) by hash.
    """

    departments: tuple[str, ...]
    department: np.ndarray
    domain: np.ndarray
    keyphrases: int
    texts: int
    words: np.ndarray
    figures: dict[str, Any]


@lru_cache(maxsize=1)
def _tagger() -> Callable[[str], Iterable[tuple[str, str]]]:
    """Return rjieba's words with their kinds, or those of jieba."""
    try:
        import rjieba
    except ImportError:
        import jieba.posseg

        jieba.setLogLevel("WARNING")
        return lambda text: ((pair.word, pair.flag) for pair in jieba.posseg.cut(text))
    return rjieba.tag


def nouns(text: str) -> list[str]:
    """Return the nouns of two Chinese characters or more, in their order; no names of persons."""
    return [
        word
        for word, kind in _tagger()(text)
        if kind.startswith(("n", "vn")) and kind[:2] != "nr" and _WORD.fullmatch(word)
    ]


def slot(word: str) -> int:
    return zlib.crc32(word.encode()) >> (32 - WORD_BITS)


def spoken(record: Row) -> str:
    if "messages" in record:
        return "\n".join(message["content"] for message in record["messages"])
    if "stem" in record:
        texts = [record["shared_stem"], record["stem"], record["explanation"]]
        return "\n".join([text or "" for text in texts] + [o["text"] for o in record["options"]])
    answers = (answer["text"] for answer in record["answers"])
    return "\n".join([record["title"] or "", record["question"], *answers])


def keyphrases(record: Row, labels: Labels) -> list[str]:
    """Return the nouns of a record with the greatest TF-IDF, the first of equals first. A word of
    few records says more of its writer, or of the segmenter, than of its matter."""
    counts = Counter(nouns(spoken(record)))
    weights = {}
    for word, count in counts.items():
        texts = int(labels.words[slot(word)])
        if texts > 1 and texts * RAREST >= labels.texts:
            weights[word] = count * math.log(labels.texts / texts)
    best = sorted(weights, key=lambda word: -weights[word])  # stable
    return [word for word in best[: labels.keyphrases] if weights[word] > 0]


def labelled(
    batch: pa.RecordBatch, indices: np.ndarray | None = None, labels: Labels | None = None
) -> list[Row]:
    """Return the records of a batch as a builder's ``to_row`` gets them.

    Each is a dict with the fields of its kind's schema (`records.arrow`), in which ``domain`` is
    never None, and beside them ``label_origin``, a dict that says where each label is from:

        domain       "stated" by the source or its entry in the recipe, or "classifier"
        department   "source", "classifier" or, where there is none, None
        keyphrases   "source", "tfidf" or None; neither this nor department in a document's

    indices: int64[rows], each row's place in ``labels``; ascending. Needed only with them.
    labels:  what the stage `label` found for the records of a build, put where they lack a label.
    """
    records: list[Row] = batch.to_pylist()
    places = range(len(records)) if indices is None else indices.tolist()
    for record, index in zip(records, places, strict=True):
        _add_labels(record, index, labels)
    return records


def _add_labels(record: Row, index: int, labels: Labels | None) -> None:
    origin: dict[str, str | None] = {"domain": "stated"}
    record["label_origin"] = origin
    if "department" in record:
        origin["department"] = "source" if record["department"] else None
        origin["keyphrases"] = "source" if record["keyphrases"] else None
    if labels is None:
        return
    if labels.domain[index] >= 0:
        record["domain"], origin["domain"] = DOMAINS[labels.domain[index]], "classifier"
    if labels.department[index] >= 0:
        record["department"] = labels.departments[labels.department[index]]
        origin["department"] = "classifier"
    if labels.keyphrases and "keyphrases" in record and not record["keyphrases"]:
        record["keyphrases"] = keyphrases(record, labels)
        origin["keyphrases"] = "tfidf" if record["keyphrases"] else None

"""Texts inside other texts: what is kept of each, which pairs may be, which are."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from chimed_datasets.records import codepoints
from chimed_datasets.stages.near import containment
from chimed_datasets.stages.near.containment import Lists, Pairs
from chimed_datasets.stages.text.grams import fold, grams_of
from chimed_datasets.stages.text.inside import MOSTLY, NGRAM
from tests.common.text import prose


def found(texts: list[str], pieces: int = 1) -> Pairs:
    """All pairs, by the way of a build, in one process."""
    order = sorted(range(len(texts)), key=lambda i: (-len(texts[i]), i))
    array = pa.array([texts[i] for i in order], pa.string())
    sample = containment.sampled(*grams_of(fold(codepoints(array)), 5))
    number = np.arange(len(texts))
    both = containment.packed(sample.keys, np.repeat(number, sample.counts))
    several = containment.in_several(both)
    total = np.bincount(containment.owners(both), minlength=len(texts))
    known = np.bincount(containment.with_longer(several), minlength=len(texts))
    some = np.flatnonzero(containment.may_be_inside(known, total))
    place = np.full(len(texts), -1)
    place[some] = np.arange(len(some))
    mine = both[place[containment.owners(both)] >= 0]
    mine = containment.packed(mine >> np.uint64(32), place[containment.owners(mine)])
    cuts = np.searchsorted(several, [np.uint64((n << 32) // pieces << 32) for n in range(pieces)])
    lists = Lists(np.split(several, cuts[1:]))
    apart = lambda text, holder: text != holder  # noqa: E731
    pairs = containment.candidates(mine, some, lists, apart)
    chars = np.array([len(text) for text in array.to_pylist()])
    pairs = containment.verified(pairs, lambda i: array.take(pa.array(i)), chars)
    back = np.array(order, np.int64)
    return Pairs(back[pairs.text], back[pairs.holder], pairs.share)


def brute(texts: list[str]) -> dict[tuple[int, int], float]:
    letters = ["".join(filter(str.isalnum, text)) for text in texts]
    grams = [{text[i : i + NGRAM] for i in range(len(text) - NGRAM + 1)} for text in letters]
    return {
        (i, j): len(mine & theirs) / len(mine)
        for i, mine in enumerate(grams)
        for j, theirs in enumerate(grams)
        if (len(texts[j]), -j) > (len(texts[i]), -i) and len(mine & theirs) >= MOSTLY * len(mine)
    }


def library(seed: int, letters: int) -> list[str]:
    """Long texts, and pieces of them: whole, with a word changed, with a sentence of their own, or
    too little of one."""
    draw = random.Random(seed)
    books = [prose(1000 * seed + n, 600) for n in range(12)]
    texts = list(books)
    for n in range(60):
        book = draw.choice(books)
        at = draw.randrange(len(book) - letters)
        piece = book[at : at + letters]
        match n % 4:
            case 1:
                middle = letters // 2
                piece = piece[:middle] + "改" + piece[middle + 1 :]
            case 2:
                piece += prose(77_000 + n, letters)[: letters // 8]
            case 3:
                piece = piece[: letters // 2] + prose(88_000 + n, letters)[: letters // 2]
        texts.append(piece)
    draw.shuffle(texts)
    return texts


@pytest.mark.parametrize(("letters", "least"), [(30, 0.8), (60, 0.95), (150, 1.0), (400, 0.99)])
def test_no_pair_is_wrong_and_few_are_missed(letters, least):
    hits = every = 0.0
    for seed in range(3):
        texts = library(seed, letters)
        pairs = found(texts)
        told = {
            (text, holder): share
            for text, holder, share in zip(*(c.tolist() for c in pairs), strict=True)
        }
        right = brute(texts)
        assert told.keys() <= right.keys()
        for pair, share in told.items():
            assert share == pytest.approx(right[pair])
        assert len(right) > 25
        sure = {pair for pair, share in right.items() if share >= 0.9}
        assert len(sure) > 10
        hits += len(sure & told.keys()) / len(sure)
        every += len(told) / len(right)
    assert hits / 3 >= least
    assert every / 3 >= least - 0.05  # of those at the border a sample may say too little


def test_pieces_of_the_key_space_change_nothing():
    texts = library(5, 80)
    whole = found(texts)
    for column, other in zip(whole, found(texts, pieces=7), strict=True):
        np.testing.assert_array_equal(column, other)


def test_nothing_to_find():
    for texts in ([], [""], ["短"], ["", prose(1, 50)], [prose(1, 50), prose(2, 80)]):
        assert len(found(texts).text) == 0


def pairs_of(*rows: tuple[int, int, float]) -> Pairs:
    text, holder, share = zip(*rows, strict=True)
    return Pairs(np.array(text), np.array(holder), np.array(share))


@pytest.mark.parametrize(
    ("pairs", "lane", "chars", "kept"),
    [
        ([(1, 0, 1.0)], [0, 0], [9, 5], [-1, 0]),
        ([(1, 0, 1.0)], [0, 1], [9, 5], [-1, -1]),  # of another lane
        ([(1, 0, 1.0), (2, 1, 0.9)], [0, 0, 0], [9, 5, 3], [-1, 0, 0]),  # a chain
        ([(2, 1, 1.0), (2, 0, 0.9)], [0, 0, 0], [5, 9, 3], [-1, -1, 1]),  # the largest share
        ([(0, 1, 1.0), (2, 0, 0.9)], [0, 0, 0], [5, 9, 3], [1, -1, 1]),
    ],
)
def test_what_is_kept_instead(pairs, lane, chars, kept):
    out = containment.kept_for(pairs_of(*pairs), np.array(lane), np.array(chars))
    assert out.tolist() == kept


def test_a_phrase_joins_nothing():
    few, many = containment.FEW, containment.FEW + 1
    rows = [(50, n, 1.0) for n in range(few)] + [(51, n, 1.0) for n in range(many)]
    root = np.arange(60)
    out = containment.joined(pairs_of(*rows), root)
    assert set(out.text.tolist()) == {50}
    assert out.everywhere.tolist() == [51]
    root[:many] = 0  # copies of one text count once
    assert containment.joined(pairs_of(*rows), root).everywhere.tolist() == []

"""Texts inside other texts: what is kept of each, which pairs may be, which are."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from chimed_datasets.records import codepoints
from chimed_datasets.stages.near import containment
from chimed_datasets.stages.near.containment import Pairs, Sampled, Wanted
from chimed_datasets.stages.text.grams import fold, grams_of
from chimed_datasets.stages.text.inside import MOSTLY, NGRAM
from tests.common.text import prose


def found(texts: list[str], sought: np.ndarray | None = None, pieces: int = 1) -> Pairs:
    """All pairs of which one is sought (int64, indices; None: all), by the way of a build."""
    array = pa.array(texts, pa.string())
    sample = containment.sampled(*grams_of(fold(codepoints(array)), 5))
    owner = np.repeat(np.arange(len(texts)), sample.counts)
    mine = np.ones(len(owner), bool) if sought is None else np.isin(owner, sought)
    table = containment.table(sample.keys[mine], owner[mine])
    every = Wanted(np.ones(len(texts), bool), np.arange(len(texts)))
    tasks = [np.zeros((2, 0), np.int64)]
    for numbers in np.array_split(np.arange(len(texts)), pieces):
        here = Sampled(sample.keys[np.isin(owner, numbers)], sample.counts[numbers])
        first = int(numbers.min(initial=len(texts)))
        tasks.append(containment.met(table, here, first, every))
    text, holder = np.concatenate(tasks, axis=1)
    chars = np.array([len(text) for text in texts], np.int64)
    fetch = lambda i: array.take(pa.array(i))  # noqa: E731
    return containment.ordered([containment.verified(text, holder, fetch, chars)])


def brute(texts: list[str]) -> dict[tuple[int, int], float]:
    letters = ["".join(filter(str.isalnum, text)) for text in texts]
    grams = [{text[i : i + NGRAM] for i in range(len(text) - NGRAM + 1)} for text in letters]
    return {
        (i, j): len(mine & theirs) / len(mine)
        for i, mine in enumerate(grams)
        for j, theirs in enumerate(grams)
        if i != j and mine and len(mine & theirs) >= MOSTLY * len(mine)
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


@pytest.mark.parametrize(("letters", "least"), [(30, 0.6), (60, 0.9), (150, 0.99), (400, 0.99)])
@pytest.mark.parametrize("every", [True, False])
def test_no_pair_is_wrong_and_few_are_missed(letters, least, every):
    hits, sure, some, right_ones = 0, 0, 0, 0
    for seed in range(6):
        texts = library(seed, letters)
        sought = np.arange(0, len(texts), 1 if every else 4)
        pairs = found(texts, sought)
        told = {
            (text, holder): share
            for text, holder, share in zip(*(c.tolist() for c in pairs), strict=True)
        }
        wanted = set(sought.tolist())
        right = {pair: share for pair, share in brute(texts).items() if wanted & {*pair}}
        assert told.keys() <= right.keys()
        for pair, share in told.items():
            assert share == pytest.approx(right[pair])
        nearly_whole = {pair for pair, share in right.items() if share >= 0.9}
        hits, sure = hits + len(nearly_whole & told.keys()), sure + len(nearly_whole)
        some, right_ones = some + len(told), right_ones + len(right)
    assert sure > 30
    assert right_ones > 75
    assert hits / sure >= least
    assert some / right_ones >= least - 0.05  # at the border a sample may say too little


def test_pieces_and_what_is_held_at_a_time_change_nothing(monkeypatch):
    texts = library(5, 80)
    whole = found(texts)
    monkeypatch.setattr(containment, "LISTED", 20)
    for column, other in zip(whole, found(texts, pieces=7), strict=True):
        np.testing.assert_array_equal(column, other)


def test_n_grams_of_all_tell_nothing(monkeypatch):
    """What many sought texts have is left out on both sides: the rest decides."""
    monkeypatch.setattr(containment, "COMMON", 3)
    head = prose(1, 200)
    texts = [head + prose(100 + n, 300) for n in range(12)]
    texts += [texts[0][150:400], texts[1][:450], head]
    told = {*zip(*(c.tolist() for c in found(texts)[:2]), strict=True)}
    assert {(12, 0), (13, 1)} <= told
    assert not any(14 in pair for pair in told)


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

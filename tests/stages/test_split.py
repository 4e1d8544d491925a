"""The split: groups stay whole, shares are near the asked ones, records stay where they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chimed_datasets.errors import RecipeError
from chimed_datasets.settings import checked
from chimed_datasets.stages.split import SPLITS, Split

TRAIN, VALIDATION, TEST = range(3)


def ids_of(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


def alone(n: int, stage: Split | None = None, seed: int = 42, ids: np.ndarray | None = None):
    """The splits of n records that are groups by themselves."""
    ids = ids_of(n) if ids is None else ids
    lane, prompt = np.zeros(n, np.int8), np.zeros(n, np.uint64)
    _, split = (stage or Split()).assign(np.arange(n), prompt, ids, lane, seed)
    return split


@st.composite
def some_records(draw):
    n = draw(st.integers(0, 40))
    numbers = st.lists(st.integers(0, 8), min_size=n, max_size=n)
    cluster = draw(numbers)
    root = np.array([cluster.index(c) if c else i for i, c in enumerate(cluster)], np.int64)
    prompt = np.array(draw(numbers), np.uint64)
    lane = np.array([k % 3 for k in draw(numbers)], np.int8)
    return root, prompt, ids_of(n, draw(st.integers(0, 99))), lane


SHARES = st.sampled_from([Split(), Split(0.3, 0.6), Split(0.45, 0.45), Split(0, 0.1), Split(0, 0)])


@given(some_records(), SHARES, st.integers(0, 2**31))
def test_a_group_is_never_in_two_splits(records, stage, seed):
    root, prompt, ids, lane = records
    group, split = stage.assign(root, prompt, ids, lane, seed)
    assert group.shape == split.shape == root.shape
    for i in range(len(root)):
        assert group[group[i]] == group[i] <= i
        assert split[i] == split[group[i]]
        for j in range(i):
            if root[i] == root[j] or prompt[i] == prompt[j] != 0:
                assert group[i] == group[j]
    unlinked = [i for i in range(len(root)) if not prompt[i] and (root == root[i]).sum() == 1]
    assert len({int(group[i]) for i in unlinked}) == len(unlinked)
    for share, name in ((stage.validation, VALIDATION), (stage.test, TEST)):
        assert share or name not in split


def test_a_chain_of_clusters_and_questions_is_one_group():
    root = np.array([0, 0, 2, 2, 4])
    prompt = np.array([0, 7, 7, 9, 9], np.uint64)
    group, split = Split(0.4, 0.4).assign(root, prompt, ids_of(5), np.zeros(5, np.int8), 1)
    assert group.tolist() == [0] * 5
    assert len(set(split.tolist())) == 1


@pytest.mark.parametrize("shares", [(0.02, 0.02), (0.1, 0.2), (0, 0.1), (0.5, 0)])
def test_shares_are_near_the_asked_ones(shares):
    n = 50_000
    found = np.bincount(alone(n, Split(*shares)), minlength=3) / n
    assert abs(found[VALIDATION] - shares[0]) < 0.006
    assert abs(found[TEST] - shares[1]) < 0.006


def test_large_groups_count_once():
    """A share is of groups: one cluster of 5,000 does not fill a split by itself."""
    root = np.concatenate([np.zeros(5000, np.int64), np.arange(5000, 10_000)])
    stage = Split(0.1, 0.1)
    _, split = stage.assign(
        root, np.zeros(10_000, np.uint64), ids_of(10_000), np.zeros(10_000, np.int8), 3
    )
    assert abs((split[5000:] == TEST).mean() - 0.1) < 0.02


def test_records_stay_where_they_are_when_sources_come_or_go():
    ids = ids_of(6000)
    whole = alone(6000, ids=ids)
    assert (alone(4000, ids=ids[:4000]) == whole[:4000]).all()
    order = np.random.default_rng(5).permutation(6000)
    assert (alone(6000, ids=ids[order]) == whole[order]).all()
    assert (alone(6000, ids=ids, seed=43) != whole).sum() > 300


def test_a_group_goes_by_its_smallest_id():
    ids = ids_of(4000)
    ids[2000:] |= np.uint64(1 << 63)
    ids[:2000] &= np.uint64((1 << 63) - 1)
    before = alone(2000, Split(0.2, 0.2), ids=ids[:2000])
    root = np.concatenate([np.arange(2000), np.arange(2000)])  # each gets a twin with a larger id
    _, after = Split(0.2, 0.2).assign(
        root, np.zeros(4000, np.uint64), ids, np.zeros(4000, np.int8), 42
    )
    assert (after[:2000] == before).all()
    assert (after[2000:] == before).all()


@pytest.mark.parametrize("shares", [(0.02, 0.02), (0.3, 0.3), (0.3, 0.6), (0.6, 0.3)])
@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (0, set()),
        (1, {TRAIN}),
        (2, {TRAIN, TEST}),
        (3, {TRAIN, VALIDATION, TEST}),
        (4, {TRAIN, VALIDATION, TEST}),
        (7, {TRAIN, VALIDATION, TEST}),
    ],
)
def test_small_sets_fill_their_splits(shares, n, expected):
    for seed in range(60):
        found = set(alone(n, Split(*shares), seed, ids_of(n, seed)).tolist())
        if n == 2:  # two that fell to train and validation stay there
            assert found in ({TRAIN, TEST}, {TRAIN, VALIDATION})
        else:
            assert found == expected, seed


def test_a_split_of_no_share_stays_empty():
    for n in range(6):
        assert VALIDATION not in alone(n, Split(0, 0.1))
        assert set(alone(n, Split(0, 0)).tolist()) <= {TRAIN}


def test_each_lane_fills_its_own_splits():
    lane = np.array([0] * 3 + [1] * 3 + [2] * 4000, np.int8)
    n = len(lane)
    for seed in range(20):
        _, split = Split().assign(np.arange(n), np.zeros(n, np.uint64), ids_of(n), lane, seed)
        for number in range(3):
            assert set(split[lane == number].tolist()) == {TRAIN, VALIDATION, TEST}


@hypothesis_settings(max_examples=30)
@given(some_records(), st.integers(0, 99))
def test_the_same_input_gives_the_same_splits(records, seed):
    for one, other in zip(
        Split().assign(*records, seed), Split().assign(*records, seed), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("given_", "complaint"),
    [
        ({"validation": 1}, "validation: must be less than 1"),
        ({"test": -0.1}, "test: "),
        ({"validation": 0.5, "test": 0.5}, "must leave something to train on"),
        ({"tset": 0.1}, "Did you mean 'test'?"),
    ],
)
def test_settings_are_checked(given_, complaint):
    with pytest.raises(RecipeError) as error:
        checked(Split, given_, "stages.split")
    assert complaint in str(error.value)


def test_the_names_of_the_splits():
    assert SPLITS == ("train", "validation", "test")


# --- whole works -----------------------------------------------------------------------------------


@given(some_records(), st.integers(0, 2**31), st.data())
def test_a_work_that_is_held_out_is_whole(records, seed, data):
    """No record of a test work is elsewhere, whatever groups tie it to; groups stay whole."""
    root, prompt, ids, lane = records
    numbers = st.lists(st.integers(0, 5), min_size=len(root), max_size=len(root))
    work = np.array(data.draw(numbers), np.uint64)
    group, split = Split(0.2, 0.3).assign(root, prompt, ids, lane, seed, work)
    for i in range(len(root)):
        assert split[i] == split[group[i]]
    own = {w: split[(work == w)] for w in set(work.tolist()) - {0}}
    free = Split(0.2, 0.3).assign(
        np.arange(len(root)), 0 * prompt, ids, lane, seed, np.where(work > 0, work, 0)
    )[1]
    for w, splits in own.items():
        (alone_,) = set(free[work == w].tolist())  # without groups a work is in one split
        assert splits.min() >= alone_


def test_works_have_something_in_every_split():
    n, works = 300, np.repeat(np.arange(1, 6, dtype=np.uint64), 60)
    where, prompt = np.arange(n), np.zeros(n, np.uint64)
    _, split = Split().assign(where, prompt, ids_of(n), np.zeros(n, np.int8), 3, works)
    assert set(split.tolist()) == {TRAIN, VALIDATION, TEST}
    assert all(len(set(split[works == w].tolist())) == 1 for w in range(1, 6))
    again = Split().assign(
        where[:60], prompt[:60], ids_of(60), np.zeros(60, np.int8), 3, works[:60]
    )
    assert set(again[1].tolist()) == {TRAIN}  # one work alone


# --- pairs of records of which one stands mostly inside the other ---


T, V, E = TRAIN, VALIDATION, TEST


@pytest.mark.parametrize(
    ("group", "split", "pairs", "work", "after"),
    [
        ([0, 1, 2], [E, T, V], [(0, 1)], None, [T, T, V]),
        ([0, 1, 2], [E, T, V], [(1, 0)], None, [T, T, V]),  # either way
        ([0, 1, 2], [E, V, V], [(0, 1)], None, [T, T, V]),
        ([0, 1, 2], [E, E, V], [(0, 1)], None, [E, E, V]),
        ([0, 1, 2], [E, E, T], [(0, 1), (1, 2)], None, [T, T, T]),  # what is joined goes as well
        ([0, 0, 2, 3], [E, E, T, E], [(1, 2)], None, [T, T, T, E]),  # and whole groups
        ([0, 1, 2], [E, T, V], [], None, [E, T, V]),
        ([0, 1, 2], [E, T, T], [(1, 0)], [7, 8, 8], [E, E, T]),  # a work that is held out stays
        ([0, 1, 2], [E, T, V], [(1, 0), (2, 1)], [7, 8, 9], [E, E, V]),
        ([0, 1, 2], [E, T, T], [(1, 0)], [0, 8, 8], [T, T, T]),  # no work: it is not held out
        ([*range(12)], [E, *[T] * 11], [(0, n) for n in range(1, 9)], [7, *[8] * 11],
         [*[E] * 9, T, T, T]),
        ([*range(12)], [E, *[T] * 11], [(0, n) for n in range(1, 10)], [7, *[8] * 11],
         [E, *[T] * 11]),  # a phrase holds out nothing
    ],
)  # fmt: skip
def test_no_pair_is_in_two_splits(group, split, pairs, work, after):
    text, holder = np.array(pairs, np.int64).reshape(-1, 2).T
    works = None if work is None else np.array(work, np.uint64)
    out = Split().settle(np.array(group), np.array(split, np.int8), text, holder, works)
    assert out.tolist() == after


@given(some_records(), SHARES, st.data())
def test_after_that_only_mixed_components_have_moved(records, stage, data):
    root, prompt, ids, lane = records
    group, split = stage.assign(root, prompt, ids, lane, 42)
    some = st.integers(0, max(len(root) - 1, 0))
    pairs = data.draw(st.lists(st.tuples(some, some), max_size=6)) if len(root) else []
    text, holder = np.array(pairs, np.int64).reshape(-1, 2).T
    out = stage.settle(group, split, text, holder)
    assert (out[text] == out[holder]).all()
    assert (out == out[group]).all()
    assert set(out[out != split].tolist()) <= {TRAIN}
    near = {int(group[i]) for pair in pairs for i in pair}
    assert {int(group[i]) for i in np.flatnonzero(out != split)} <= near


def test_a_lane_that_lost_a_split_gets_it_again_of_what_is_known():
    stage = Split(0.2, 0.2)
    before = np.array([E, V, T, T, T, T, T, E, V], np.int8)
    lane = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1], np.int8)
    after = np.array([T, V, T, T, T, T, T, E, V], np.int8)
    assert stage.emptied(before, after, lane, None) == [0]
    assert stage.emptied(before, after, np.where(lane == 0, -1, lane), None) == []
    works = np.array([1, 0, 0, 0, 0, 0, 0, 0, 0], np.uint64)
    assert stage.emptied(before, after, lane, works) == []
    unit = np.array([0, 1, 0, 3, 3, 5, 6, 7, 8])
    closed = np.zeros(9, bool)
    closed[[0, 5]] = True  # of 0 and 2, and of 5, it is not known what they are joined to
    mine = np.where(lane == 0, lane, -1)
    out = stage.fill_again(unit, after, ids_of(9), mine, 42, closed)
    moved = np.flatnonzero(out != after).tolist()
    assert moved in ([3, 4], [6])
    assert set(out[moved].tolist()) == {TEST}
    closed[:] = True
    assert (stage.fill_again(unit, after, ids_of(9), mine, 42, closed) == after).all()

"""Deduplicate: features, clusters against brute force, and who is kept."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chimed_datasets.errors import RecipeError
from chimed_datasets.records import (
    Answer,
    Batch,
    Dialogue,
    Document,
    Message,
    QAThread,
    codepoints,
    from_codepoints,
)
from chimed_datasets.settings import checked
from chimed_datasets.stages.deduplicate import Deduplicate, Features
from chimed_datasets.stages.near import chunks as chunks_module
from chimed_datasets.stages.near import clusters as clusters_module
from chimed_datasets.stages.near import jaccard as jaccards
from chimed_datasets.stages.near.clusters import cluster, keepers
from chimed_datasets.stages.near.components import join
from chimed_datasets.stages.near.jaccard import (
    Sketches,
    jaccard,
    jaccard_at_most,
    no_sketches,
    sketches,
)
from chimed_datasets.stages.near.minhash import band_keys
from chimed_datasets.stages.near.stock import plain
from chimed_datasets.stages.text.grams import fold, gram_hashes, grams_of
from tests.common.files import read_jsonl
from tests.common.stages import batch_of

STAGE = Deduplicate()


def documents_of(texts: list[str]) -> Batch:
    return Batch(batch_of(*texts))


def features_of(batches: list[Batch], stage: Deduplicate = STAGE) -> Features:
    columns = zip(*(stage.features(batch) for batch in batches), strict=True)
    return Features(*(np.concatenate(column) for column in columns))


def clusters_of(texts: list[str], stage: Deduplicate = STAGE, fetched: list | None = None):
    features = features_of([documents_of(texts)], stage)
    column = pa.array(texts, pa.string())

    def fetch(index: np.ndarray) -> pa.StringArray:
        if fetched is not None:
            fetched.append(index)
        return column.take(pa.array(index))

    known = Sketches(features.sketch, features.windows)
    return cluster(features.exact, features.bands, fetch, stage, features.chars, known)


def grams(text: str, n: int = 5) -> set[str]:
    """The n-grams by the book: letters and digits, lower case."""
    letters = "".join(c for c in text.lower() if c.isalnum())
    return {letters[i : i + n] for i in range(len(letters) - n + 1)}


def similarity(a: str, b: str) -> float:
    one, other = grams(a), grams(b)
    return len(one & other) / len(one | other) if one | other else 0.0


class Writer:
    """Chinese-looking text from a vocabulary of its own: Zipf words of one to three characters."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.chars = [chr(c) for c in self.rng.choice(np.arange(0x4E00, 0x9FA5), 1500, False)]
        self.words = [
            "".join(self.rng.choice(self.chars, self.rng.integers(1, 4))) for _ in range(3000)
        ]
        odds = 1 / np.arange(1, 3001)
        self.odds = odds / odds.sum()

    def text(self, length: int) -> str:
        out = ""
        while len(out) < length:
            out += "".join(self.rng.choice(self.words, 20, p=self.odds))
        return out[:length]

    def edit(self, text: str, times: int) -> str:
        chars = list(text)
        for _ in range(times):
            at, kind = self.rng.integers(len(chars)), self.rng.integers(3)
            if kind < 2:
                chars[at : at + kind] = [str(self.rng.choice(self.chars))]
            else:
                del chars[at]
        return "".join(chars)


def components(pairs: list[tuple[int, int]], n: int) -> list[int]:
    root = list(range(n))

    def find(i: int) -> int:
        while root[i] != i:
            i = root[i]
        return i

    for a, b in pairs:
        a, b = sorted((find(a), find(b)))
        root[b] = a
    return [find(i) for i in range(n)]


# --- the text and the features of a record ---------------------------------------------------


def test_record_texts_of_each_kind():
    thread = QAThread("1", "问题", [Answer("答一"), Answer("答二")], title="标题")
    bare = QAThread("2", "只有问题", [])
    dialogue = Dialogue(
        "1",
        [Message("user", "你好"), Message("assistant", "请讲"), Message("user", "头痛")],
        [Answer("甲"), Answer("乙")],
        keyphrases=["不算在内"],
    )
    document = Document("1", "正文", title="书名", metadata={"author": "某人"})
    for records, expected in [
        ([thread, bare], ["标题\n问题\n答一\n答二", "只有问题"]),
        ([dialogue], ["你好\n请讲\n头痛\n甲\n乙"]),
        ([document], ["正文"]),
    ]:
        compared = Batch(batch_of(*records)).compared
        assert from_codepoints(compared).to_pylist() == expected


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("高血压怎么办", "高血压 怎么\n办", True),
        ("高血压怎么办", "高血压\u3000怎么办", True),
        ("高血压怎么办", "高血压怎么办？", False),
        ("好", "好 ", True),
        ("", "", False),
        (" \n", "", False),
    ],
)
def test_exact_is_up_to_white_space_and_never_for_empty_texts(one, other, equal):
    exact = STAGE.features(documents_of([one, other])).exact
    assert (bool((exact[0] == exact[1]).all()) and bool(exact[0].any())) is equal


@pytest.mark.parametrize("text", ["", "血压", "血压高吗", "？？？！！！……", "A b c d"])
def test_less_than_an_ngram_has_no_bands(text):
    assert not STAGE.features(documents_of([text, "一二三四五"])).bands[0].any()


def test_prompts():
    def thread(question: str, title: str | None = None) -> QAThread:
        return QAThread("k", question, [Answer("答" + question)], title=title)

    threads = [
        thread("高血压吃什么药？"),
        thread("高血压，吃什么药"),
        thread("高血压吃什么药好"),
        thread("你好？？？？？"),
        thread(" ", title="高血压吃什么药"),
    ]
    dialogues = [
        Dialogue("a", [Message("system", "你是医生"), Message("user", "高血压吃什么药！")]),
        Dialogue("b", [Message("assistant", "请问哪里不舒服")]),
        Dialogue("c", [Message("user", "高血压吃什么药"), Message("user", "另一个")]),
    ]
    of_threads = STAGE.features(Batch(batch_of(*threads))).prompt
    of_dialogues = STAGE.features(Batch(batch_of(*dialogues))).prompt
    same = of_threads[0]
    assert same != 0
    assert of_threads.tolist() == [same, same, of_threads[2], 0, same]
    assert of_threads[2] not in (0, same)
    assert of_dialogues.tolist() == [same, 0, same]
    assert not STAGE.features(documents_of(["高血压吃什么药"])).prompt.any()


TEXTS = st.lists(
    st.text(st.sampled_from("甲乙丙丁a，。 \n𠀀"), max_size=30), min_size=1, max_size=12
)


@given(TEXTS, st.lists(st.integers(0, 12), max_size=4))
def test_features_do_not_depend_on_batches(texts, cuts):
    whole = documents_of(texts)
    edges = sorted({0, len(texts), *(c for c in cuts if c <= len(texts))})
    sliced = [Batch(whole.table.slice(a, b - a)) for a, b in pairwise(edges)]
    alone = [documents_of([text]) for text in texts]
    for parts in (sliced, alone):
        for expected, found in zip(features_of([whole]), features_of(parts), strict=True):
            np.testing.assert_array_equal(expected, found)


def test_features_of_sliced_threads_and_dialogues():
    threads = [
        QAThread(str(i), f"问题{i}怎么办呢", [Answer(f"答{j}") for j in range(i)], title=f"题{i}")
        for i in range(6)
    ]
    dialogues = [
        Dialogue(str(i), [Message("system", "医生")] * i + [Message("user", f"第{i}次头痛怎么办")])
        for i in range(6)
    ]
    for records in (threads, dialogues):
        batch = batch_of(*records)
        for expected, found in zip(
            features_of([Batch(batch)]),
            features_of([Batch(batch.slice(*some)) for some in ((0, 1), (1, 3), (4,))]),
            strict=True,
        ):
            np.testing.assert_array_equal(expected, found)


@given(st.text(st.sampled_from("甲乙丙丁戊"), max_size=40), st.integers(1, 20))
def test_a_gram_hash_is_of_its_window_alone(text, n):
    points = np.array([ord(c) for c in text], np.uint32)
    for dtype in (np.uint32, np.uint64):
        hashes = gram_hashes(points, n, dtype)
        assert len(hashes) == max(len(text) - n + 1, 0)
        windows = [text[i : i + n] for i in range(len(hashes))]
        seen = dict(zip(windows, hashes.tolist(), strict=True))
        assert [seen[w] for w in windows] == hashes.tolist()
        assert len(set(seen.values())) == len(seen)


def test_bands_collide_as_often_as_minhash_should():
    """A band of 4 rows is shared with probability J^4."""
    writer = Writer(3)
    originals = [writer.text(90) for _ in range(1500)]
    edited = [writer.edit(text, int(writer.rng.integers(1, 6))) for text in originals]
    text = fold(codepoints(pa.array(originals + edited)))
    keys = band_keys(*grams_of(text, 5), 16, 4, 42)
    true = jaccard(text, np.arange(1500), np.arange(1500, 3000), 5)
    shared = (keys[:1500] == keys[1500:]).mean(axis=1)
    assert abs((shared - true**4).mean()) < 0.015
    near = true >= 0.8
    assert near.sum() > 300
    assert (shared[near] > 0).mean() > 0.995


# --- Jaccard and union-find ------------------------------------------------------------------


@given(TEXTS, st.integers(1, 7), st.integers(1, 40))
def test_jaccard_is_that_of_the_gram_sets_in_any_number_of_passes(texts, n, pass_chars):
    left, right = (i.ravel() for i in np.indices((len(texts), len(texts))))
    expected = []
    for a, b in zip(left, right, strict=True):
        one, other = grams(texts[a], n), grams(texts[b], n)
        expected.append(len(one & other) / max(len(one | other), 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaccards, "PASS_CHARS", pass_chars)
        found = jaccard(fold(codepoints(pa.array(texts))), left, right, n)
    np.testing.assert_allclose(found, expected)


@hypothesis_settings(max_examples=50, deadline=None)
@given(TEXTS, st.integers(1, 7), st.sampled_from([1, 40]))
def test_sketches_bound_the_similarity(texts, n, times):
    text = fold(codepoints(pa.array([text * times for text in texts])))
    left, right = (i.ravel() for i in np.indices((len(texts), len(texts))))
    known = sketches(*grams_of(text, n))
    assert (jaccard_at_most(known, left, right) >= jaccard(text, left, right, n)).all()
    assert (jaccard_at_most(no_sketches(len(texts)), left, right) == 1).all()


def test_sketches_do_not_depend_on_the_texts_beside(monkeypatch):
    monkeypatch.setattr(jaccards, "TEXTS_AT_ONCE", 3)
    monkeypatch.setattr(jaccards, "SKETCHED", 200)
    writer = Writer(6)
    texts = [writer.text(size) for size in (10, 300, 0, 4, 205, 100, 204, 7, 400, 30)]
    together = sketches(*grams_of(fold(codepoints(pa.array(texts))), 5))
    assert together.windows.tolist() == [6, -1, 0, 0, -1, 96, 200, 3, -1, 26]
    for i, text in enumerate(texts):
        alone = sketches(*grams_of(fold(codepoints(pa.array([text]))), 5))
        assert (alone.bits[0] == together.bits[i]).all()
        assert together.bits[i].any() == (together.windows[i] > 0)


def test_sketches_tell_unlike_texts_apart():
    writer = Writer(4)
    texts = [writer.text(int(size)) for size in writer.rng.integers(100, 900, 60)]
    text = fold(codepoints(pa.array(texts)))
    left, right = np.triu_indices(60, 1)
    assert (jaccard_at_most(sketches(*grams_of(text, 5)), left, right) < 0.8).mean() > 0.99


@given(
    st.integers(1, 30).flatmap(
        lambda n: st.tuples(
            st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))
        )
    )
)
def test_join_finds_components(case):
    n, pairs = case
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T
    half = len(pairs) // 2
    root = join(np.arange(n), left[:half], right[:half])
    assert join(root, left[half:], right[half:]).tolist() == components(pairs, n)


# --- clusters --------------------------------------------------------------------------------


def test_planted_near_duplicates_against_brute_force():
    writer = Writer(7)
    texts = []
    for _ in range(320):
        original = writer.text(int(writer.rng.integers(12, 160)))
        texts.append(original)
        for _ in range(writer.rng.integers(0, 4)):
            texts.append(
                writer.edit(original, int(writer.rng.integers(1, 3 + len(original) // 30)))
            )
    texts = [texts[i] for i in writer.rng.permutation(len(texts))]
    sets = [grams(text) for text in texts]
    true, close = [], 0
    for b in range(len(texts)):
        for a in range(b):
            common = len(sets[a] & sets[b])
            value = common / (len(sets[a]) + len(sets[b]) - common) if common else 0
            close += 0.7 <= value < 0.8
            if value >= 0.8:
                true.append((a, b))
    assert len(true) > 150
    assert close > 50
    found = clusters_of(texts)
    together = sum(found.root[a] == found.root[b] for a, b in true)
    assert together / len(true) >= 0.99
    by_force = components(true, len(texts))
    for i, root in enumerate(found.root):
        assert by_force[i] == by_force[root]  # precision: no cluster without a chain of true pairs
    for i in np.flatnonzero(found.partner >= 0):
        partner = int(found.partner[i])
        assert found.root[i] == found.root[partner]
        assert found.similarity[i] == pytest.approx(similarity(texts[i], texts[partner]))
        assert found.similarity[i] >= 0.8
    assert not found.exact[found.similarity < 1].any()


GREETINGS = ("您好，", "你好，很高兴为您解答。", "感谢您的咨询！", "")
WISHES = ("。祝您早日康复！", "。如有不适请及时就医。", "。平时注意休息，清淡饮食。", "")
AMOUNTS = (("每日三次", "每天3次", "一日3次"), ("5毫升", "五毫升", "5 ml"), ("两周", "14天", "2周"))


def dressed(writer: Writer, text: str) -> str:
    """The text, cut at each |, with a greeting and a wish, amounts in any writing, marks of a
    list."""
    pick = writer.rng.choice
    clauses = text.split("|")
    for n in range(0, len(clauses), 2):
        clauses[n] += str(pick(AMOUNTS[n % 3]))
    if writer.rng.random() < 0.3:
        clauses = [f"{n}、{clause}" for n, clause in enumerate(clauses, 1)]
    return str(pick(GREETINGS)) + str(pick(["，", "。", "\n"])).join(clauses) + str(pick(WISHES))


def jaccard_by_force(texts: list[str]) -> dict[tuple[int, int], float]:
    """The similarity of all pairs that share something, by sets of strings."""
    sets = [{text[i : i + 5] for i in range(len(text) - 4)} for text in texts]
    found = {}
    for b in range(len(texts)):
        for a in range(b):
            if common := len(sets[a] & sets[b]):
                found[a, b] = common / (len(sets[a]) + len(sets[b]) - common)
    return found


def test_every_pair_that_is_near_is_found():
    """Near are two that reach the threshold without numerals, by all letters and digits, or
    without what has no weight, and 0.8 of it without numerals. The bands are made to miss none."""
    stage = Deduplicate(bands=64, rows=2)
    writer = Writer(8)
    texts = []
    for _ in range(250):
        words = writer.text(int(writer.rng.integers(8, 110)))
        base = "|".join(words[at : at + 12] for at in range(0, len(words), 12))
        for _ in range(writer.rng.integers(1, 5)):
            edits = int(writer.rng.integers(0, 2 + len(base) // 40))
            texts.append(dressed(writer, writer.edit(base, edits)))
    # Of these little or nothing is left: they are compared by all letters and digits.
    numbers = [f"{n}/{n + 40}，{n * 7}.{n}，" * 4 for n in range(10, 30)]
    texts += [GREETINGS[1] + WISHES[2], GREETINGS[1] + WISHES[2].replace("，", " "), *numbers]
    texts += [text.replace("，", "；") for text in numbers]
    texts = [texts[i] for i in writer.rng.permutation(len(texts))]
    given = codepoints(pa.array(texts))
    searched, letters, bare = (
        jaccard_by_force(from_codepoints(one).to_pylist())
        for one in (stage.searched(given), fold(given), plain(given, stage.ngram))
    )
    near = {
        pair
        for pair, value in searched.items()
        if value >= 0.64 and max(value, letters.get(pair, 0), bare.get(pair, 0)) >= 0.8
    }
    assert len(near) > 150
    assert sum(letters.get(pair, 0) < 0.8 for pair in near) > 50
    assert sum(searched[pair] < 0.8 for pair in near) > 10
    found = clusters_of(texts, stage)
    assert [pair for pair in near if found.root[pair[0]] != found.root[pair[1]]] == []
    assert found.root.tolist() == components([*near], len(texts))
    for i in np.flatnonzero((found.partner >= 0) & ~found.exact):
        first, last = sorted((int(i), int(found.partner[i])))
        assert found.similarity[i] == pytest.approx(searched.get((first, last), 1))


@pytest.mark.parametrize("bands", [1, 16])
def test_within_a_bucket_no_true_pair_is_missed(bands):
    """A drifting family: neighbours are near, the ends are far; one bucket holds them all."""
    writer = Writer(11)
    for size in (12, 60):
        texts = [writer.text(80)]
        for _ in range(size - 1):
            texts.append(writer.edit(texts[int(writer.rng.integers(len(texts)))], 2))
        true = [
            (a, b) for b in range(size) for a in range(b) if similarity(texts[a], texts[b]) >= 0.8
        ]
        column = pa.array(texts)
        found = cluster(
            np.stack([np.arange(1, size + 1)] * 2, axis=1).astype(np.uint64),
            np.ones((size, bands), np.uint64),
            lambda index: column.take(pa.array(index)),  # noqa: B023
            Deduplicate(bands=bands),
        )
        expected = components(true, size)
        assert found.root.tolist() == expected
        assert 1 < len(set(expected)) < size


def at_most(loose: bool):
    """What a search knows before it compares: nothing, or the loosest of useful bounds."""

    def bound(verify, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.where(loose & (verify(left, right)[0] < 0.79), 0.79, 1)

    return bound


@pytest.mark.parametrize("seed", [3, 4])
def test_sketches_change_no_cluster(seed, monkeypatch):
    """Drifting families in one large bucket and several small ones: the clusters stay those of
    comparing the texts each time, and every link is a true one.

    Of a bucket that is parted further, a bound decides who is left: here none is."""
    monkeypatch.setattr(clusters_module, "SMALL", 1000)
    writer = Writer(seed)
    texts: list[str] = []
    for base in [writer.text(60) for _ in range(3)]:
        for _ in range(40):
            parent = base if writer.rng.random() < 0.5 or not texts else texts[-1]
            texts.append(writer.edit(parent, int(writer.rng.integers(1, 5))))
    texts = [texts[i] for i in writer.rng.permutation(len(texts))]
    keys = writer.rng.integers(1, 4, (len(texts), STAGE.bands)).astype(np.uint64)
    keys[:, 0] = 1
    exact = np.arange(2, 2 * len(texts) + 2, dtype=np.uint64).reshape(-1, 2)
    column = pa.array(texts)
    found = [cluster(exact, keys, lambda i: column.take(pa.array(i)), STAGE)]
    for loose in (False, True):
        monkeypatch.setattr(clusters_module.Verify, "at_most", at_most(loose))
        found.append(cluster(exact, keys, lambda i: column.take(pa.array(i)), STAGE))
    for other in found:
        np.testing.assert_array_equal(other.root, found[0].root)
        for i in np.flatnonzero(other.partner >= 0):
            assert other.root[other.partner[i]] == other.root[i]
            true = similarity(texts[i], texts[other.partner[i]])
            assert other.similarity[i] == pytest.approx(true)
    assert 0.2 < (found[0].partner >= 0).mean() < 0.9


def test_a_bound_is_not_taken_for_a_distance(monkeypatch):
    """a and b, too far to be compared, become one cluster by the link of others in that round;
    how far b is from a then tells whether b can be near c."""
    letters = list(map(chr, range(0x8400, 0x8464)))  # no numerals among them

    def edited(*places: int) -> str:
        text = letters.copy()
        for place in places:
            text[place * 12] = "好"
        return "".join(text)

    a, x, y, b, c = (edited(*range(1, n + 1)) for n in (0, 2, 3, 4, 6))
    keys = np.array([[1, 3], [1, 4], [2, 4], [2, 3], [5, 3]], np.uint64)
    column = pa.array([a, x, y, b, c])
    exact = np.arange(1, 11, dtype=np.uint64).reshape(-1, 2)
    monkeypatch.setattr(clusters_module.Verify, "at_most", at_most(loose=True))
    found = cluster(
        exact, keys, lambda i: column.take(pa.array(i)), Deduplicate(bands=2, weigh=False)
    )
    assert found.root.tolist() == [0] * 5


def test_copies_cost_one_comparison_each():
    fetched: list[np.ndarray] = []
    text = Writer(1).text(100)
    found = clusters_of([text] * 400, Deduplicate(exact=False), fetched)
    assert not found.root.any()
    assert sum(map(len, fetched)) == 400


def test_texts_of_one_template_cost_no_square_of_comparisons():
    """600 texts that share three quarters of their n-grams, and among them 30 true pairs."""
    writer = Writer(2)
    head, tail = writer.text(50), writer.text(60)
    texts = [head + writer.text(14) + tail for _ in range(600)]
    texts += [writer.edit(text, 1) for text in texts[:30]]
    fetched: list[np.ndarray] = []
    found = clusters_of(texts, STAGE, fetched)
    assert sum(map(len, fetched)) < 150 * len(texts)  # by brute force it is 630 each
    true = [i for i in range(30) if similarity(texts[i], texts[600 + i]) >= 0.8]
    assert len(true) > 25
    assert sum(found.root[i] == found.root[600 + i] for i in true) >= 0.9 * len(true)


def test_punctuation_width_and_case_do_not_count_but_letters_do():
    texts = [
        "少阴病，吐利，躁烦，四逆者，死。",
        "少阴病吐利躁烦四逆者。死",
        "少阴病，吐利，手足不逆冷，反发热者，不死。",
        "服用阿司匹林ASPIRIN一片",
        "服用阿司匹林　ａｓｐｉｒｉｎ，一片！",
    ]
    found = clusters_of(texts)
    assert found.root.tolist() == [0, 0, 2, 3, 3]
    assert not found.exact.any()
    assert found.similarity.tolist() == [1, 1, 0, 1, 1]


@hypothesis_settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("好的是 \n。吗"), max_size=7), max_size=25))
def test_short_and_empty_texts_join_only_their_equals(texts):
    texts = [text for text in texts if len("".join(c for c in text if c.isalnum())) < 5]
    found = clusters_of(texts) if texts else None
    bare = ["".join(text.split()) for text in texts]
    for i, text in enumerate(bare):
        assert found.root[i] == (bare.index(text) if text else i)
        assert found.exact[i] == (bool(text) and bare.index(text) < i)


@hypothesis_settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.text(st.sampled_from("甲乙丙，"), min_size=4, max_size=14), min_size=2, max_size=30
    ),
    st.integers(1, 6),
)
def test_partition_does_not_depend_on_batches_or_chunks(texts, chunk):
    whole = clusters_of(texts)
    features = features_of([documents_of([text]) for text in texts])
    column = pa.array(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks_module, "CHUNK_CHARS", chunk)
        again = cluster(
            features.exact,
            features.bands,
            lambda index: column.take(pa.array(index)),
            STAGE,
            features.chars,
        )
    for expected, found in zip(whole, again, strict=True):
        np.testing.assert_array_equal(expected, found)


def test_text_is_fetched_within_bounds(monkeypatch):
    writer = Writer(5)
    long = writer.text(5000)
    texts = [writer.edit(long, 20) for _ in range(4)]
    for _ in range(60):
        texts += [(base := writer.text(100)), writer.edit(base, 2)]
    monkeypatch.setattr(chunks_module, "CHUNK_CHARS", 1000)
    fetched: list[np.ndarray] = []
    clusters_of(texts, STAGE, fetched)
    assert len(fetched) > 15
    for index in fetched:
        assert len(index) <= 2 or sum(len(texts[i]) for i in index) <= 1000


@pytest.mark.parametrize(
    ("stage", "roots"),
    [
        (Deduplicate(), [0, 0, 0, 3]),
        (Deduplicate(near=False), [0, 0, 2, 3]),
        (Deduplicate(exact=False), [0, 0, 0, 3]),
        (Deduplicate(exact=False, near=False), [0, 1, 2, 3]),
        (Deduplicate(threshold=1), [0, 0, 2, 3]),
        (Deduplicate(ngram=1, threshold=0.3, rows=1), [0, 0, 0, 0]),
    ],
)
def test_settings(stage, roots):
    text = "慢性胃炎患者平时应当注意饮食规律，少吃辛辣刺激的食物，避免饮酒，按时服药并定期复查"
    other = "慢性胃炎患者应当少吃辛辣"
    assert clusters_of([text, text, text + "为好", other], stage).root.tolist() == roots


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": "high"}, "threshold"),
        ({"ngram": 0}, "ngram"),
        ({"treshold": 0.8}, "Did you mean 'threshold'"),
    ],
)
def test_wrong_settings_are_named(given, named):
    with pytest.raises(RecipeError, match=named):
        checked(Deduplicate, given, "stages.deduplicate")


def test_no_records():
    nothing = cluster(
        np.zeros((0, 2), np.uint64), np.zeros((0, 16), np.uint64), lambda index: None, STAGE
    )
    assert len(nothing.root) == 0


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_order_of_records_changes_no_cluster(data):
    """Families of near copies, short texts, empty ones: any order gives the same partition."""
    writer = Writer(data.draw(st.integers(0, 99)))
    texts = ["", "", "好", "好的", "好 ", "？"]
    for _ in range(data.draw(st.integers(1, 6))):
        base = writer.text(data.draw(st.integers(8, 120)))
        texts += [base] + [
            writer.edit(base, data.draw(st.integers(0, 6)))
            for _ in range(data.draw(st.integers(0, 5)))
        ]
    order = data.draw(st.permutations(range(len(texts))))
    straight = clusters_of(texts).root
    turned = clusters_of([texts[i] for i in order]).root
    for i in range(len(texts)):
        for j in range(i):
            a, b = order[i], order[j]
            assert (turned[i] == turned[j]) == (straight[a] == straight[b])
    assert (straight[[0, 1, 2, 3, 5]] == [0, 1, 2, 3, 5]).all()
    assert straight[4] == 2


# --- who is kept -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "lane", "twin"),
    [
        ([0, 1, 2], [0, 0, 0], [-1, -1, -1]),
        ([0, 0, 0], [0, 0, 0], [-1, 0, 0]),
        ([0, 0, 0, 0], [0, 1, 0, 1], [-1, -1, 0, 1]),
        ([0, 1, 0, 1, 1], [2, 0, 2, 1, 0], [-1, -1, 0, -1, 1]),
        ([], [], []),
    ],
)
def test_keepers(root, lane, twin):
    keep, twins = keepers(np.array(root, np.int64), np.array(lane, np.int8))
    assert twins.tolist() == twin
    assert keep.tolist() == [t == -1 for t in twin]


# --- real data -------------------------------------------------------------------------------


@pytest.mark.real_data
def test_two_llm_sources_that_overlap(shared_data):
    """The second file repeats over 40 % of its rows from the first."""
    texts = []
    for row in read_jsonl(shared_data / "llm_generated/huatuo_llama_med.jsonl"):
        texts.append(row["instruction"] + "\n" + row["output"])
    first = len(texts)
    for row in read_jsonl(shared_data / "llm_generated/med_chatglm.jsonl"):
        question = row["context"].removeprefix("问题：").removesuffix("\n回答: ")
        texts.append(question + "\n" + row["target"])
    keep, _ = keepers(clusters_of(texts).root, np.zeros(len(texts), np.int8))
    assert 0.4 < 1 - keep[first:].mean() < 0.95
    assert keep[:first].mean() > 0.9

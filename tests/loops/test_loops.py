"""The compiled loops do what NumPy does, on any text; a build has the same bytes with both."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from chimed_datasets import build, load_recipe, loops
from chimed_datasets.built.statistics import characters
from chimed_datasets.loops import library
from chimed_datasets.records import (
    Codepoints,
    codepoints,
    counts_of,
    from_codepoints,
    places_of,
)
from chimed_datasets.records.points import gathered, joined, only, only_strings, put, spliced
from chimed_datasets.samples import RECIPE
from chimed_datasets.stages.filter import (
    different_grams,
    kind_table,
    line_sizes,
    suspected_repetition,
)
from chimed_datasets.stages.leaks.grams import Grams, Places
from chimed_datasets.stages.near import containment
from chimed_datasets.stages.near.containment import sampled
from chimed_datasets.stages.near.jaccard import SKETCHED, jaccard, lacking, sketches
from chimed_datasets.stages.near.minhash import band_keys
from chimed_datasets.stages.near.signs import Neighbours
from chimed_datasets.stages.near.stock import without_numerals
from chimed_datasets.stages.personal.hints import hints, windows
from chimed_datasets.stages.text import no_content
from chimed_datasets.stages.text.characters import NEWLINE, normalise
from chimed_datasets.stages.text.grams import fold, gram_hashes, grams_of, without_space
from chimed_datasets.stages.text.seen import seen
from tests.common import twins

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = ROOT / "tests" / "recipes" / "everything.yaml"

pytestmark = pytest.mark.skipif(
    loops.compiled() is None, reason="the loops are not compiled here: pip install -e ."
)

CASES = twins.every_case()
CLASSES = np.arange(0x110000, dtype=np.uint32).astype(np.uint8) % 8


def known_grams(text: Codepoints, n: int) -> Grams:
    """Return some of a text's own n-grams, as those of benchmarks are kept."""
    whole = np.arange(max(len(text.points) - n + 1, 0))[::7]
    numbers = np.arange(len(whole), dtype=np.int32)
    around = text.points[whole[:, None] + np.arange(n)]
    return Grams.of(n, Places(numbers, numbers, numbers, around))


def joined_by_chance(text: Codepoints) -> Codepoints:
    many = len(text.offsets) - 1
    random = np.random.default_rng(many)
    pieces = random.integers(0, many, 2 * many) if many else np.zeros(0, np.int64)
    cuts = np.sort(random.integers(0, 2 * many + 1, many // 2))
    return joined(text, pieces, np.array([0, 0, *cuts, 2 * many]))


def lines_of(text: Codepoints) -> tuple[np.ndarray, np.ndarray]:
    table = (np.arange(0x110000) == NEWLINE).astype(np.uint8)
    return line_sizes(from_codepoints(text), text, counts_of(text, table)[:, 1])


def replies(text: Codepoints) -> np.ndarray:
    return np.arange(len(text.offsets) - 1) % 3 > 0


def pairs_of(text: Codepoints) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of texts by chance, ascending by the first, each with itself as well."""
    every = np.arange(len(text.offsets) - 1)
    random = np.random.default_rng(len(text.points))
    left = np.sort(random.choice(every, 3 * len(every))) if len(every) else every
    right = random.choice(every, len(left)) if len(every) else every
    return np.concatenate([left, every]), np.concatenate([right, every])


def met_of(text: Codepoints) -> list:
    """Return the pairs that may stand inside one another, of which every second text is sought."""
    sample = sampled(*grams_of(text, 5))
    many = len(sample.counts)
    owner = np.repeat(np.arange(many), sample.counts)
    table = containment.table(sample.keys[owner % 2 == 0], owner[owner % 2 == 0])
    wanted = containment.Wanted(np.arange(many) % 5 > 0, np.arange(many) // 3)
    return sorted(containment.met(table, sample, 0, wanted).T.tolist())


def neighbours_of(text: Codepoints) -> np.ndarray:
    near = Neighbours(
        [("", "头", "痛"), (r"\n", r"\w", ""), ("^三", "\u4e00-\u9fff", ""), ("", "", "0")]
    )
    return near.of(from_codepoints(text).to_pylist()).bits


def by_chance(text: Codepoints, many: int) -> tuple[np.ndarray, Codepoints, np.ndarray]:
    """Return numbers of texts, ascending, other texts for them, and which of all are to stay."""
    random = np.random.default_rng(len(text.points) + many)
    every = len(text.offsets) - 1
    rows = np.flatnonzero(random.random(every) < 1 / many)
    back = text.points[: text.offsets[-1]][::-1]
    cuts = np.sort(random.integers(0, len(back) + 1, len(rows) + 1))
    return rows, Codepoints(back, cuts), random.random(every) < 0.6


def spliced_by_chance(text: Codepoints) -> list:
    made = [only(text, by_chance(text, 2)[2])]
    for many in (1, 2, 9):
        rows, new, stay = by_chance(text, many)
        made += [spliced(text, rows, new), spliced(text, rows, new, stay)]
    return made


def strings_put(text: Codepoints) -> list[pa.StringArray]:
    """Return strings with others in the place of some, of a slice that has nulls as well."""
    texts = from_codepoints(text)
    made = []
    for strings in (texts, pa.concat_arrays([texts, pa.nulls(2, pa.string()), texts])[1:]):
        rows, __, stay = by_chance(codepoints(strings), 3)
        rows = rows[strings.take(pa.array(rows)).is_valid().to_numpy(zero_copy_only=False)]
        new = pa.array(["头𠀀痛" * (row % 4) for row in rows.tolist()], pa.string())
        made += [put(strings, rows, new), put(strings, rows, new, stay)]
        made.append(only_strings(strings, stay))
    return made


def put_together(text: Codepoints) -> pa.StringArray:
    """Return texts that are put together from two files, in another order."""
    data = text.points.view(np.uint8)
    files = [data % 128, data[: len(data) // 2] % 64]
    random = np.random.default_rng(len(data))
    many = len(text.offsets) - 1
    source = random.integers(0, 2, many)
    cuts = np.concatenate([[0], np.cumsum(random.integers(0, 4, many))])
    lengths = np.repeat([len(files[number]) for number in source], np.diff(cuts))
    begins = (random.random(len(lengths)) * lengths).astype(int)
    sizes = (random.random(len(lengths)) * np.minimum(lengths - begins, 50)).astype(int)
    return gathered(files, source, (cuts, begins, sizes), random.permutation(many))


TWINS = {
    **{
        f"jaccard of {n}": lambda text, n=n: jaccard(text, *pairs_of(text), n)
        for n in (1, 2, 5, 64)
    },
    "jaccard of others": lambda text: jaccard(text, *pairs_of(text)[::-1], 5),
    "shares": lambda text: containment.shares(text, *pairs_of(text)),
    "lacking": lambda text: lacking(sketches(*grams_of(text, 5)).bits, *pairs_of(text)),
    "met": met_of,
    "gathered": put_together,
    "beside": neighbours_of,
    "spliced": spliced_by_chance,
    "strings put": strings_put,
    "from_codepoints": from_codepoints,
    "joined": joined_by_chance,
    "codepoints": lambda text: codepoints(from_codepoints(text)),
    "codepoints of a slice": lambda text: codepoints(from_codepoints(text)[1:-1]),
    "characters": lambda text: characters(from_codepoints(text)),
    "characters of a slice": lambda text: characters(from_codepoints(text)[1:-1]),
    "places_of": lambda text: places_of(text.points, CLASSES),
    "places_of by bool": lambda text: places_of(text.points, CLASSES > 3),
    "counts_of": lambda text: counts_of(text, CLASSES),
    "counts_of kinds": lambda text: counts_of(text, kind_table()),
    "seen": seen,
    "normalise": normalise,
    "hints": hints,
    "windows": lambda text: sorted(windows(text, hints(text)[1]).items()),
    "suspected_repetition": lambda text: suspected_repetition(text, 0.05),
    "suspected_repetition of half": lambda text: suspected_repetition(text, 0.5),
    "lines": lines_of,
    "suspects": no_content.suspects,
    "suspects of some": lambda text: no_content.suspects(
        text, at=np.arange(len(text.offsets) - 1)[::-2]
    ),
    "judge": lambda text: no_content.judge(no_content.fold(text), replies(text), -2.0),
    "different_grams": lambda text: different_grams(
        text, np.flatnonzero(np.diff(text.offsets) > 7)
    ),
    **{
        f"grams of {n} found": lambda text, n=n: known_grams(text, n).find(text) for n in (1, 5, 13)
    },
    "fold": fold,
    "fold without numerals": lambda text: fold(text, without_numerals()),
    "fold by a short table": lambda text: fold(text, np.arange(0x110000, dtype=np.uint32)),
    "without_space": without_space,
    **{
        f"gram_hashes {n} {np.dtype(kind)}": lambda text, n=n, kind=kind: gram_hashes(
            text.points, n, kind
        )
        for n in (1, 2, 5, 8, 13, 64)
        for kind in (np.uint32, np.uint64)
    },
    **{f"grams_of {n}": lambda text, n=n: grams_of(text, n) for n in (1, 3, 5, 13, 64, 1024)},
    **{
        f"band_keys {bands} {rows} of {n}": lambda text, n=n, bands=bands, rows=rows: band_keys(
            *grams_of(text, n), bands, rows, 42
        )
        for n, bands, rows in ((5, 16, 4), (1, 1, 1), (3, 9, 8), (5, 3, 64), (5, 65, 1))
    },
    "sketches": lambda text: sketches(*grams_of(text, 5)),
    "sketches of 1": lambda text: sketches(*grams_of(text, 1)),
    "sampled": lambda text: sampled(*grams_of(text, 5)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", TWINS)
def test_both_do_the_same(name, case):
    twins.assert_alike(TWINS[name], CASES[case])


@pytest.mark.parametrize("made", [fold, without_space])
def test_points_behind_the_texts(made):
    twins.assert_alike(made, twins.behind())


@pytest.mark.parametrize("seed", range(12))
def test_both_do_the_same_by_chance(seed):
    text = twins.batch_of(np.random.default_rng(seed), 60)
    for made in TWINS.values():
        twins.assert_alike(made, text)


NEAR = "vVwWxXeiIcCoOmMn0N19.:/@`|\\=-_+ \n12345ｖＷｘ５＠．＋＊一零①½微信加的走❤\ufe0f¥号頭𠀀"


@pytest.mark.parametrize("seed", range(150))
def test_signs_that_stand_near_one_another(seed):
    random = np.random.default_rng(seed)
    signs = NEAR if seed % 3 else NEAR[:30]  # texts of signs alone as well
    sizes = random.integers(0, 40, int(random.integers(1, 60)))
    texts = ["".join(random.choice([*signs], size)) for size in sizes]
    text = codepoints(pa.array(texts))
    twins.assert_alike(hints, text)
    twins.assert_alike(lambda text: sorted(windows(text, hints(text)[1]).items()), text)


JUNK = (
    *"&<[sS/\\nutxU\"'%_0aF烫屯葺铪聽?锟斤拷閿锘ï¿½é×÷°·±ÿÀäÃ€™\ufffd鈥滅梾娌荤枟涓浗浏览每 \n\t`a。",
    *("\\u4e2d", "_x000D_", "u4e2du6587", "医生回复：", "追问", "点击咨询", "责任编辑：", "采纳"),
    *("加我微信", "æ‚£è€…", "  ", "\n\n", "\n  - ", "一段话说的是别的" * 20),
)


@pytest.mark.parametrize("seed", range(150))
def test_what_a_text_is_searched_for(seed):
    random = np.random.default_rng(seed)
    junk = JUNK[seed % 7 * 8 :] if seed % 2 else JUNK
    sizes = random.integers(0, 30, int(random.integers(1, 60)))
    texts = ["".join(random.choice(np.array(junk, object), size)) for size in sizes]
    twins.assert_alike(seen, codepoints(pa.array(texts)))


def test_texts_in_utf_8_with_bytes_under_a_null():
    whole = pa.array(["头痛", "三天", "𠀀"])
    valid = pa.py_buffer(bytes([0b101]))
    hidden = pa.StringArray.from_buffers(3, *whole.buffers()[1:], valid)
    assert hidden.to_pylist() == ["头痛", None, "𠀀"]
    twins.assert_alike(lambda _: codepoints(hidden), CASES["no text"])
    twins.assert_alike(lambda _: codepoints(hidden[1:]), CASES["no text"])
    for kind in (pa.nulls(3, pa.string()), pa.array([], pa.string()), whole[3:], whole[1:2]):
        twins.assert_alike(lambda _, kind=kind: codepoints(kind), CASES["no text"])
        twins.assert_alike(lambda _, kind=kind: characters(kind), CASES["no text"])
    twins.assert_alike(lambda _: characters(hidden), CASES["no text"])


def test_every_character_is_chinese_or_not():
    """Each by itself, at the end of a text and before another."""
    every = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    for texts in (every, [f"{one}头" for one in every], ["".join(every)]):
        twins.assert_alike(lambda _, texts=texts: characters(pa.array(texts)), CASES["no text"])


NO_UTF_8 = [
    b"\x80", b"\xe5\xa4", b"\xe5\xa4a", b"\xe5a\xb4", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x9f\xbf",
    b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80",
    b"\xff", b"\xf0\x9f\x99", b"\xc3", b"\xc3(", b"a\xe5", b"\xe5\xa4\xb4\xe5\xa4",
]  # fmt: skip


@pytest.mark.parametrize("data", NO_UTF_8)
def test_what_is_no_utf_8_is_refused(data):
    made = loops.compiled()
    behind = data + "头痛".encode()  # what would make it whole lies behind the text
    found = made.decoded(np.frombuffer(behind, np.uint8), np.array([0, len(data)]))
    assert found is None
    assert made.decoded(np.frombuffer(behind, np.uint8), np.array([len(data), len(behind)]))


@pytest.mark.parametrize("point", [0xD800, 0xDFFF, 0x110000, 0xFFFFFFFF])
def test_what_is_no_character_is_refused(point):
    points = np.array([65, point, 66], np.uint32)
    assert loops.compiled().encoded(points, np.array([0, 3])) is None
    with pytest.raises(UnicodeDecodeError):
        from_codepoints(Codepoints(points, np.array([0, 3])))


def test_every_character_comes_back():
    points = np.r_[0:0xD800, 0xE000:0x110000].astype(np.uint32)
    text = Codepoints(points, np.array([0, 0x80, 0x800, 0xFFFF, len(points)]))
    twins.assert_alike(from_codepoints, text)
    back = codepoints(from_codepoints(text))
    assert (back.points == points).all()
    assert (back.offsets == text.offsets).all()


@pytest.mark.parametrize("length", range(7, 13))
@pytest.mark.parametrize("begin", range(9))
def test_runs_at_any_place(begin, length):
    """And over the end of a text, which the places of the other texts tell."""
    points = np.arange(40, dtype=np.uint32)
    points[begin : begin + length] = 99
    for cuts in ([40], [begin, 40], [begin + 1, begin + 1, 40], [begin + length // 2, 30]):
        offsets = np.array([0, 0, *cuts])
        found = loops.compiled().runs(points, offsets, 9)
        begins = [i for i in range(32) if len(set(points[i : i + 9])) == 1]
        bounds = list(itertools.pairwise(offsets))
        assert found.tolist() == [any(a <= i < b for i in begins) for a, b in bounds]


def test_sketches_at_their_limit():
    sizes = [SKETCHED + more for more in (-1, 0, 1)] + [0, 127, 128]
    hashes = np.random.default_rng(1).integers(0, 1 << 32, sum(sizes), np.uint32)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    twins.assert_alike(lambda _: sketches(hashes, offsets), CASES["no text"])


@pytest.mark.parametrize(
    "offsets",
    [[-1, 2], [0, 9], [0, 3, 2], [3, 2, 5], []],
    ids=["before", "behind", "down", "up", "none"],
)
def test_offsets_that_do_not_fit_are_refused(offsets):
    points, offsets = np.full(5, 65, np.uint32), np.array(offsets, np.int64)
    made = loops.compiled()
    table = np.ones(9, np.uint32)
    for call in (
        lambda: made.folded(points, offsets, table),
        lambda: made.left(points, offsets, table.astype(bool)),
        lambda: made.grams(points, offsets, 2),
        lambda: made.bands(points, offsets, table[:4], 2, 2),
        lambda: made.sketches(points, offsets, 9),
        lambda: made.sampled(points, offsets, 9, 3, 5),
        lambda: made.spliced(
            (points, offsets),
            np.zeros(0, np.int64),
            (points, np.zeros(1, np.int64)),
            np.ones(max(len(offsets) - 1, 0), bool),
        ),
    ):
        with pytest.raises(ValueError, match="offsets"):
            call()


@pytest.mark.parametrize("rows", [[-1], [2], [1, 1], [1, 0]])
def test_rows_that_there_are_not_are_refused(rows):
    points, offsets = np.full(5, 65, np.uint32), np.array([0, 2, 5])
    new = points, np.arange(len(rows) + 1)
    with pytest.raises(ValueError, match="offsets"):
        loops.compiled().spliced((points, offsets), np.array(rows), new, np.ones(2, bool))


def test_points_beyond_a_table_are_none_of_it():
    points, offsets = np.array([0, 8, 9, 0xFFFFFFFF], np.uint32), np.array([0, 2, 4])
    made = loops.compiled()
    left, ends = made.folded(points, offsets, np.arange(1, 10, dtype=np.uint32))
    assert (left.tolist(), ends.tolist()) == ([1, 9], [0, 2, 2])
    left, ends = made.left(points, offsets, np.ones(9, bool))
    assert (left.tolist(), ends.tolist()) == ([0, 8], [0, 2, 2])


def test_neighbours_are_not_told_where_one_of_them_is_not_known():
    table, none = np.array([0, 3, 1], np.uint32), np.zeros(3, np.uint32)
    made = loops.compiled()
    assert made.beside(np.array([1, 2, 1, 1], np.uint32), table, table, table).tolist() == [1, 1]
    assert made.beside(np.array([1, 2], np.uint32), none, table, none).tolist() == []
    assert made.beside(np.zeros(0, np.uint32), none, none, none).tolist() == []
    for points in ([1, 0, 1], [1, 2, 3], [0xFFFFFFFF]):
        assert made.beside(np.array(points, np.uint32), table, table, table) is None
    with pytest.raises(ValueError, match="another size"):
        made.beside(np.array([1], np.uint32), table, table, table[:2])


# --- which of the two runs ---------------------------------------------------------------------


def version(**env: str) -> str:
    code = "from chimed_datasets.cli import app; app(['--version'])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
    )  # fmt: skip
    return run.stdout


def test_the_version_says_which_loops_run():
    assert version(CHIMED_LOOPS="").endswith(f"\nloops: {loops.state()}\n")
    assert loops.state().startswith("compiled")
    assert version(CHIMED_LOOPS="off").endswith("\nloops: NumPy (CHIMED_LOOPS=off)\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "NumPy (not compiled)"), (b"no library", "NumPy (_compiled.abi3.so cannot be loaded)")],
    ids=["none", "broken"],
)
def test_what_cannot_be_used_is_told(content, told, tmp_path, monkeypatch):
    if content is not None:
        (tmp_path / "_compiled.abi3.so").write_bytes(content)
    monkeypatch.setattr(library, "HOME", tmp_path)
    library.found.cache_clear()
    try:
        assert loops.state() == told
    finally:
        library.found.cache_clear()


def test_a_library_of_other_sources_is_not_used(tmp_path, monkeypatch):
    made = next(library.HOME.glob("_compiled*"))
    (tmp_path / made.name).write_bytes(made.read_bytes())
    (tmp_path / "loops.c").write_text("/* changed since */", "utf-8")
    monkeypatch.setattr(library, "HOME", tmp_path)
    library.found.cache_clear()
    try:
        assert loops.state() == f"NumPy ({made.name} is of another loops.c: install again)"
    finally:
        library.found.cache_clear()


@pytest.mark.whole
@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_the_sanitizers_find_nothing():
    fuzz = [sys.executable, Path(__file__).with_name("fuzz_loops.py"), "--minutes", "0.1"]
    done = subprocess.run(fuzz, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "nothing found" in done.stdout


# --- whole builds ------------------------------------------------------------------------------


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_samples_have_the_same_bytes(tmp_path):
    recipe = load_recipe(RECIPE)
    for on in (True, False):
        with loops.switched(on=on):
            build(recipe, tmp_path / str(on))
    assert hashes(tmp_path / "True") == hashes(tmp_path / "False")


@pytest.mark.whole
@pytest.mark.real_data
@pytest.mark.timeout(900)
def test_real_data_has_the_same_bytes(shared_data, tmp_path):
    code = "import sys; from chimed_datasets import *; build(load_recipe(sys.argv[1]), sys.argv[2], workers=2)"
    for state in ("on", "off"):
        subprocess.run(
            [sys.executable, "-c", code, EVERYTHING, tmp_path / state], check=True, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "CHIMED_LOOPS": state},
        )  # fmt: skip
    assert hashes(tmp_path / "on") == hashes(tmp_path / "off")

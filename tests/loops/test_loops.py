"""The compiled loops do what NumPy does, on any text; a build has the same bytes with both."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chimed_datasets import build, load_recipe, loops
from chimed_datasets.loops import library
from chimed_datasets.samples import RECIPE
from chimed_datasets.stages.near.containment import sampled
from chimed_datasets.stages.near.jaccard import SKETCHED, sketches
from chimed_datasets.stages.near.minhash import band_keys
from chimed_datasets.stages.near.stock import without_numerals
from chimed_datasets.stages.text.grams import fold, gram_hashes, grams_of, without_space
from tests.common import twins

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = ROOT / "tests" / "recipes" / "everything.yaml"

pytestmark = pytest.mark.skipif(
    loops.compiled() is None, reason="the loops are not compiled here: pip install -e ."
)

CASES = twins.every_case()
TWINS = {
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
    ):
        with pytest.raises(ValueError, match="offsets"):
            call()


def test_points_beyond_a_table_are_none_of_it():
    points, offsets = np.array([0, 8, 9, 0xFFFFFFFF], np.uint32), np.array([0, 2, 4])
    made = loops.compiled()
    left, ends = made.folded(points, offsets, np.arange(1, 10, dtype=np.uint32))
    assert (left.tolist(), ends.tolist()) == ([1, 9], [0, 2, 2])
    left, ends = made.left(points, offsets, np.ones(9, bool))
    assert (left.tolist(), ends.tolist()) == ([0, 8], [0, 2, 2])


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

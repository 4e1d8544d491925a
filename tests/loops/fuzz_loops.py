"""Fuzz the compiled loops under AddressSanitizer and UndefinedBehaviorSanitizer.

    make fuzz-loops            one minute; or, with more of it and other data:
    nice python tests/loops/fuzz_loops.py --minutes 10 [--seed 1]

Compiles ``loops.c`` with both sanitizers (gcc) and starts itself again with that library. Each case
calls every loop on texts that are cut, doubled, empty, astral or no texts at all, in buffers of just
the right size, so that what is read or written one place beyond ends the run; with offsets and tables
that do not fit as well. What comes back is compared with NumPy where it is right to ask. Exit 1 with
the report of the sanitizer, or with what differs.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "chimed_datasets" / "loops" / "loops.c"
FLAGS = [
    *("-g", "-O2", "-std=c11", "-shared", "-fPIC", "-DLOOPS_ONE_CPU", "-march=native"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--library", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.library:
        sys.path.insert(0, str(ROOT))
        fuzz(asked.library, asked.minutes, asked.seed)
        return
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "loops.so")
        subprocess.run(["gcc", *FLAGS, "-o", library, SOURCE], check=True)
        found = (["gcc", f"-print-file-name=lib{name}.so"] for name in ("asan", "ubsan"))
        preload = [subprocess.check_output(command, text=True).strip() for command in found]
        again = [sys.executable, __file__, "--library", library, "--minutes", str(asked.minutes)]
        env = {
            **os.environ,
            "LD_PRELOAD": " ".join(preload),
            # Python itself keeps what it has; its allocator would hide where a buffer ends.
            "ASAN_OPTIONS": "detect_leaks=0",
            "PYTHONMALLOC": "malloc",
            "CHIMED_LOOPS": "off",
        }
        sys.exit(subprocess.run([*again, "--seed", str(asked.seed)], env=env).returncode)


def fuzz(path: str, minutes: float, seed: int) -> None:
    from chimed_datasets.loops import Loops

    made = Loops(ctypes.CDLL(path))
    random = np.random.default_rng(seed)
    end, cases = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end:
        one_case(made, random)
        cases += 1
    print(f"{cases:,} cases of all loops in {minutes:g} minutes, seed {seed}: nothing found")


def exact(values: np.ndarray) -> np.ndarray:
    """Return a copy in a buffer of its own, at whose end the sanitizer looks."""
    return np.array(values, copy=True)


def one_case(made, random: np.random.Generator) -> None:
    from chimed_datasets import loops
    from chimed_datasets.stages.text.cues import cue_tables
    from chimed_datasets.stages.text.seen import table
    from tests.common import twins

    text = twins.batch_of(random, int(random.integers(0, 40)))
    points, offsets = exact(text.points), exact(text.offsets)
    if len(points) and random.random() < 0.3:  # no characters at all
        where = random.integers(0, len(points), len(points) // 5)
        points[where] = random.integers(0, 1 << 32, len(where), np.uint32)
    if random.random() < 0.3:  # texts in other places, and out of order or place
        offsets = np.sort(random.integers(0, len(points) + 1, len(offsets)))
    if random.random() < 0.2 and len(offsets):
        at = random.integers(0, len(offsets))
        offsets[at] += int(random.choice([-(1 << 40), -3, -1, 1, 3, 1 << 40]))
    size = int(random.choice([0, 1, 50, 0x5000, 0x110000]))
    classes = exact(random.integers(0, 8, size).astype(np.uint8))
    wide = exact(random.integers(0, 3, size).astype(np.uint32) * 0x4E00)
    n = int(random.choice([1, 2, 3, 4, 5, 8, 13, 64, 1024]))
    bands, rows = int(random.integers(1, 30)), int(random.integers(1, 9))
    factors = random.integers(0, 1 << 32, bands * rows, np.uint32) | np.uint32(1)
    hashes = exact(random.integers(0, 1 << 32, len(points), np.uint32) >> random.integers(0, 30))
    junk = hits_of(made, random, points, classes if random.random() < 0.5 else exact(table()))
    calls = [
        lambda: made.folded(points, offsets, wide),
        lambda: made.left(points, offsets, classes > 2),
        lambda: made.hashes(points, n, np.uint32),
        lambda: made.hashes(points, n, np.uint64),
        lambda: made.grams(points, offsets, n),
        lambda: made.bands(hashes, offsets, factors, bands, rows),
        lambda: made.sketches(hashes, offsets, int(random.integers(-1, 500))),
        lambda: made.sampled(hashes, offsets, 1 << 28, int(random.integers(0, 5)), 0x9E3779B1),
        lambda: made.places(points, classes),
        lambda: made.counted(points, offsets, classes),
        lambda: made.runs(points, offsets, int(random.integers(2, 12))),
        lambda: made.repeats(points, offsets, int(random.integers(8, 60))),
        lambda: made.lines(
            points, offsets, 10, int(random.integers(0, 6)), int(random.choice([1, 9, 5000]))
        ),
        lambda: made.gates(points, offsets, numbers(random, offsets), wide, *gates(random)),
        lambda: made.near(points, hashes.astype(np.int64) % 50 - 9, classes > 6, -32, 4),
        lambda: made.scored(points, offsets, *scales(random, len(offsets) - 1)),
        lambda: made.different(points, offsets, numbers(random, offsets), n),
        lambda: made.encoded(points, offsets),
        lambda: made.signs(points, offsets, *hits_of(made, random, points, classes)),
        lambda: made.seen(points, offsets, *junk, *cue_tables()),
        lambda: made.joined(points, offsets, *pieces(random, len(offsets) - 1), 10),
        lambda: made.shared((points, offsets), *some_pairs(random, len(offsets) - 1), n, n % 2 > 0),
        lambda: made.lacking(
            exact(random.integers(0, 1 << 63, (9, 16)).astype(np.uint64)), *some_pairs(random, 9)
        ),
        lambda: splice(made, random, points, offsets),
        lambda: beside(made, random, points),
        lambda: gather(made, random),
        lambda: meet(made, random, hashes, offsets),
        lambda: decode(made, random, points),
        lambda: probe(made, random, points, n),
    ]
    for call in calls:
        try:
            call()
        except ValueError as error:
            if "offsets" not in str(error):
                raise
    decode(made, random, text.points)
    read(made, random)
    found = made.encoded(*text)
    with loops.switched(on=False):
        from chimed_datasets.records import from_codepoints

        assert (
            found[0].tobytes() == from_codepoints(text).buffers()[2].to_pybytes()[: len(found[0])]
        )


def pieces(random: np.random.Generator, texts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of texts, and where they are cut; now and then some that do not fit."""
    many = int(random.integers(0, 9))
    numbers = random.integers(0, max(texts, 1), many)
    cuts = np.array([0, *np.sort(random.integers(0, many + 1, 4)), many])
    if random.random() < 0.2:
        cuts[random.integers(0, len(cuts))] += int(random.choice([-5, 5]))
    if random.random() < 0.2 and many:
        numbers[random.integers(0, many)] += int(random.choice([-texts - 1, texts]))
    return numbers, cuts


def hits_of(
    made, random: np.random.Generator, points: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return places and their classes, 1 to 8; now and then some that do not fit."""
    hits, kinds = (exact(one) for one in made.places(points, classes))
    kinds += kinds > 6
    if random.random() < 0.2 and len(hits):
        hits[random.integers(0, len(hits))] += int(random.choice([-(1 << 40), -1, 1, 1 << 40]))
    return hits, kinds


def numbers(random: np.random.Generator, offsets: np.ndarray) -> np.ndarray:
    """Return numbers of texts; now and then one that there is not."""
    found = random.integers(0, max(len(offsets) - 1, 1), int(random.integers(0, 9)))
    if random.random() < 0.2 and len(found):
        found[0] = int(random.choice([-1, len(offsets) - 1, 1 << 40]))
    return exact(found)


def scales(
    random: np.random.Generator, texts: int
) -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
    begin, salts = random.integers(0, 9, (2, texts), np.uint32)
    shape = int(random.integers(0, 4)), 1 << int(random.integers(1, 12))
    return exact(begin), exact(salts), 3, random.integers(-128, 128, shape).astype(np.int8)


def gates(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    bits = int(random.integers(1, 17))
    return tuple(
        random.integers(-(1 << 15), 1 << 15, 1 << size).astype(np.int16) for size in (16, bits)
    )


def some_pairs(random: np.random.Generator, texts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of texts twice; now and then one that there is not."""
    one, other = random.integers(0, max(texts, 1), (2, int(random.integers(0, 9))))
    if random.random() < 0.2 and len(one):
        other[random.integers(0, len(one))] += int(random.choice([-texts - 1, texts]))
    return one, np.sort(other)


def gather(made, random: np.random.Generator) -> None:
    """Gather pieces of files; now and then of some that are not in them, or with too little room."""
    files = [exact(random.integers(0, 256, size).astype(np.uint8)) for size in (0, 1, 300)]
    many = int(random.integers(0, 6))
    source = random.integers(0, 3, many)
    cuts = np.concatenate([[0], np.cumsum(random.integers(0, 4, many))])
    lengths = np.repeat([len(files[number]) for number in source], np.diff(cuts)).astype(int)
    begins = (random.random(len(lengths)) * (lengths + 1)).astype(int)
    sizes = (random.random(len(lengths)) * (lengths - begins + 1)).astype(int)
    texts = [
        b"\n".join(
            files[source[i]][begins[j] :][: sizes[j]].tobytes() for j in range(*cuts[i : i + 2])
        )
        for i in range(many)
    ]
    at = np.concatenate([[0], np.cumsum([*map(len, texts)])]).astype(int)
    pieces = exact(cuts), exact(begins), exact(sizes)
    room = int(at[-1])
    found = made.gathered(files, source, pieces, at[:-1], room)
    assert found.tobytes() == b"".join(texts)
    if many and len(sizes):
        wrong = [source, *pieces, at][int(random.integers(0, 5))]
        wrong[random.integers(0, len(wrong))] += int(random.choice([-400, -1, 1, 400, 1 << 62]))
        made.gathered(files, source, pieces, at[:-1], max(room - int(random.integers(0, 2)), 0))


def meet(made, random: np.random.Generator, keys: np.ndarray, offsets: np.ndarray) -> None:
    """Look keys up in a table of some of them; now and then in one that does not fit."""
    from chimed_datasets.stages.near.containment import Wanted, table

    counts = np.diff(offsets)
    if len(counts) and counts.min() >= 0 and len(keys) >= counts.sum():
        owner = np.repeat(np.arange(len(counts)), counts)
        known = [exact(one) for one in table(keys[: len(owner)], owner)]
    else:
        known = [exact(one) for one in table(keys, np.zeros(len(keys), np.int64))]
    wanted = Wanted(
        exact(random.integers(0, 2, len(counts)).astype(bool)),
        exact(random.integers(0, 3, len(counts))),
    )
    least = exact(np.maximum(known[6] // 2, 1))
    if random.random() < 0.3:
        wrong = known[int(random.integers(1, 6))]
        if len(wrong):
            wrong[random.integers(0, len(wrong))] += int(random.choice([5, 77]))
    made.met(known, (keys, counts), int(random.integers(0, 2)), least, wanted, 500)


def splice(made, random: np.random.Generator, points: np.ndarray, offsets: np.ndarray) -> None:
    """Put other texts in the place of some; now and then in that of one that there is not."""
    many = len(offsets) - 1
    rows = np.flatnonzero(random.random(many) < random.random())
    kind = random.choice([np.uint32, np.uint8])
    units = exact(points.astype(kind))
    others = exact(random.integers(0, 200, int(random.integers(0, 90))).astype(kind))
    cuts = exact(np.sort(random.integers(0, len(others) + 1, len(rows) + 1)))
    stay = exact(random.random(many) < random.random())
    if random.random() < 0.2 and len(rows):
        rows[random.integers(0, len(rows))] += int(random.choice([-many, -1, 1, many, 1 << 40]))
    if random.random() < 0.2:
        cuts[random.integers(0, len(cuts))] += int(random.choice([-3, 3, 1 << 40]))
    found, ends = made.spliced((units, offsets), exact(rows), (others, cuts), stay)
    texts = [units[a:b] for a, b in pairwise(offsets)]
    for row, (a, b) in zip(rows.tolist(), pairwise(cuts), strict=True):
        texts[row] = others[a:b]
    left = [text for text, stays in zip(texts, stay, strict=True) if stays]
    assert found.tolist() == [one for text in left for one in text.tolist()]
    assert np.diff(ends).tolist() == [*map(len, left)]


def beside(made, random: np.random.Generator, points: np.ndarray) -> None:
    """Look at neighbours by three tables; now and then some that not all points are in."""
    sound = exact(points[points < 0x3000])
    size = 0x3000 if random.random() < 0.8 else int(random.integers(0, 0x3000))
    tables = [exact(random.integers(0, 1 << 32, size, np.uint32) | 1) for _ in range(3)]
    found = made.beside(sound, *tables)
    if size < 0x3000 and len(sound) and sound.max() >= size:
        assert found is None
        return
    before, at, behind = (table[sound] for table in tables)
    assert (found == (before[:-2] & at[1:-1] & behind[2:])[: len(found)]).all()
    made.beside(points, *tables)


def decode(made, random: np.random.Generator, points: np.ndarray) -> None:
    """Decode bytes that were UTF-8, compare with what Python says of them."""
    sound = points[(points < 0xD800) | ((points > 0xDFFF) & (points < 0x110000))]
    data = np.frombuffer(sound.tobytes().decode("utf-32-le").encode(), np.uint8).copy()
    if len(data) and random.random() < 0.5:
        where = random.integers(0, len(data), int(random.integers(1, 4)))
        data[where] = random.integers(0, 256, len(where))
    data = exact(data[: random.integers(0, len(data) + 1)])
    bounds = np.sort(random.integers(0, len(data) + 1, int(random.integers(1, 9)))).astype(np.int32)
    found = made.decoded(data, bounds)
    chars, han = made.chinese(data, bounds)
    assert (chars <= np.diff(bounds)).all()
    assert 0 <= han <= chars.sum() + len(data)
    pieces = [data[a:b].tobytes() for a, b in pairwise(bounds)]
    try:
        told = [piece.decode() for piece in pieces]
    except UnicodeDecodeError:
        assert found is None, pieces
        return
    assert found is not None, pieces
    assert found[0].tobytes().decode("utf-32-le") == "".join(told)
    assert np.diff(found[1]).tolist() == [*map(len, told)]
    if random.random() < 0.1:
        bounds[random.integers(0, len(bounds))] += int(random.choice([-9, 9, 1 << 20]))
        made.decoded(data, bounds)
        with suppress(ValueError):
            made.chinese(data, bounds)


def read(made, random: np.random.Generator) -> None:
    """Read lines of JSON, plain ones, odd ones and harmed ones, compare with what orjson says of them;
    texts at places and with marks that do not fit."""
    from tests.common import json_lines

    plain, odd = json_lines.lines(random), json_lines.lines(random, 0.1)
    harm = json_lines.harmed(random, plain if random.random() < 0.5 else odd)
    for data, must in ((plain, True), (odd, False), (harm, False)):
        json_lines.check(made, data, plain=must)
    spans = random.integers(-2, len(harm) + 3, (5, 2)).astype(np.int32)
    marks = random.integers(0, 16, 5).astype(np.uint8)
    whole = exact(np.frombuffer(harm, np.uint8))
    with suppress(ValueError):
        made.texts(whole, exact(spans), exact(marks), int(random.integers(0, 20)))


def probe(made, random: np.random.Generator, points: np.ndarray, n: int) -> None:
    known = np.unique(made.hashes(points, n, np.uint32)[:: int(random.integers(1, 9))])
    sieve = np.zeros(1 << 21, bool)
    sieve[known >> 11] = True
    first = np.searchsorted(known, np.arange(1 << 16, dtype=np.uint32) << np.uint32(16))
    first = np.append(first, len(known)).astype(np.int32)
    bits = np.packbits(sieve, bitorder="little").view("<u4").astype(np.uint32)
    at, slots = made.probed(points, n, bits, exact(known), first)
    hashes = made.hashes(points, n, np.uint32)
    assert at.tolist() == np.flatnonzero(np.isin(hashes, known)).tolist()
    assert (known[slots] == hashes[at]).all()
    if random.random() < 0.2:
        first[random.integers(0, len(first))] += int(random.choice([-5, 5]))
        made.probed(points, n, bits, known, first)


if __name__ == "__main__":
    main()

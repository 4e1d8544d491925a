"""No file takes the machine along: memory and time for files that no line or value ends in."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time

import pytest

from chimed_datasets.sources import FileReport, SourceFile
from chimed_datasets.sources.files.decoding import decode, line_blocks, texts

MIB = 1 << 20
READ = """
import resource, sys
from pathlib import Path
from chimed_datasets.records import Malformed
from chimed_datasets.sources import FileReport, layout
from chimed_datasets.sources.files.opening import SourceFile
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
key, small, large = sys.argv[1:]
found = layout(key)
own = {"kind": "thread", "fields": {"question": "q", "answer": "a"}}
options = found.options(own if "kind" in found.own_keys() else {})
def read(place):
    file = SourceFile(Path(place).name, place, Path(place).stat().st_size)
    return [m.rule for m in found.read([file], options, FileReport()) if isinstance(m, Malformed)]
read(small)
before = peak()
print(*sorted(set(read(large))), peak() - before)
"""
CONTENT = {
    "NULs": (b"", b"\0"),
    "one word": (b"", b"a"),
    "broken bytes": ("头痛\n".encode(), b"\xff"),
    "a list that does not end": (b"[", b"1"),
    "a text that does not end": (b'{"q": "', "热".encode()),
    "GBK": ("头痛发热三天怎么办\n".encode("gb18030"), "热".encode("gb18030")),
}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("jsonl", "one word"),
        ("jsonl", "a list that does not end"),
        ("jsonl", "a text that does not end"),
        ("jsonl", "GBK"),
        ("csv", "NULs"),
        ("csv", "broken bytes"),
    ],
)
def test_a_line_that_does_not_end_is_not_held(tmp_path, key, name):
    """200 MiB: more than three times what a line may have. Held as text it would be 400 and more."""
    head, filler = CONTENT[name]
    small, large = tmp_path / f"small.{key}", tmp_path / f"large.{key}"
    for place, size in ((small, MIB), (large, 200 * MIB)):
        with open(place, "wb") as out:
            out.write(b"q,a\n1,2\n" if key == "csv" else b"")
            out.write(head)
            for _ in range(size // MIB):
                out.write(filler * (MIB // len(filler)))
    done = subprocess.run(
        [sys.executable, "-c", READ, key, small, large], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    *rules, grown = done.stdout.split()
    assert {"too_long", "json_invalid"} & set(rules)
    assert int(grown) < 600, done.stdout


def test_a_small_file_of_one_huge_line(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"a" * (150 * MIB), 1))
    (row,) = line_blocks(SourceFile(path.name, str(path), path.stat().st_size), FileReport())
    assert row[1].rule == "too_long"


@pytest.mark.parametrize(
    "line",
    [
        b"\xff" * 50,
        "头痛".encode()[:-1],
        "头".encode() + b"\xff",
        "ö".encode() + "热".encode("gbk"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b" "])
def test_time_grows_with_the_size_alone(line, end):
    """However many lines are broken, or of however long lines they are."""
    took = []
    for size in (MIB, 4 * MIB):
        data = (line + end) * (size // len(line + end))
        start = time.process_time()
        decode(data)
        took.append(time.process_time() - start)
    assert took[1] < 12 * took[0] + 0.2


def test_pieces_without_an_end_are_cut_between_characters(tmp_path):
    for shift in range(3):
        path = tmp_path / "a.json"
        path.write_bytes(b"a" * shift + "热".encode() * (3 * MIB))
        pieces = list(texts(SourceFile(path.name, str(path), 9 * MIB), FileReport()))
        assert max(map(len, pieces)) < 3 * MIB
        assert "".join(pieces) == "a" * shift + "热" * (3 * MIB)

"""The beginnings of files: bounded, whatever the files are."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from chimed_datasets.errors import SourceError
from chimed_datasets.sources.files.finding import resolve
from chimed_datasets.sources.files.heads import (
    HEAD_BYTES,
    LEAST_BYTES,
    MEMBERS,
    first_files,
    heads,
)

ROW = json.dumps(
    {"instruction": "感冒怎么办？", "output": "多喝水，注意休息。"}, ensure_ascii=False
)
LINES = (ROW + "\n").encode()


def tar_of(place: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(place, "w:gz") as out:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return place


def test_a_small_file_is_read_where_it_is(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(LINES)
    [head] = heads("a.jsonl", tmp_path, tmp_path / "s").heads
    assert (head.file.url, head.cut, head.data) == (str(tmp_path / "a.jsonl"), False, LINES)


@pytest.mark.parametrize("packed", [False, True])
def test_of_a_large_file_whole_lines_of_the_beginning_are_copied(packed, tmp_path):
    data = LINES * 20_000
    name = "a.jsonl.gz" if packed else "a.jsonl"
    (tmp_path / name).write_bytes(gzip.compress(data, 1) if packed else data)
    [head] = heads(name, tmp_path, tmp_path / "s").heads
    assert head.cut
    assert head.compression == (".gz" if packed else "")
    assert head.file.name == "a.jsonl"
    assert head.file.read() == head.data == data[: len(head.data)]
    assert HEAD_BYTES - len(LINES) < len(head.data) <= HEAD_BYTES
    assert head.data.endswith(b"\n")


def test_a_file_of_many_gigabytes_takes_no_longer(tmp_path):
    place = tmp_path / "a.jsonl"
    place.write_bytes(LINES * 20_000)
    with place.open("r+b") as file:
        file.truncate(1 << 40)
    [head] = heads("a.jsonl", tmp_path, tmp_path / "s").heads
    assert len(head.data) <= HEAD_BYTES


def test_several_files_share_the_bytes_and_are_taken_from_all_over(tmp_path):
    for n in range(100):
        (tmp_path / f"{n:03d}.jsonl").write_bytes(LINES * 3000)
    (tmp_path / "README.md").write_text("about")
    found = heads(".", tmp_path, tmp_path / "s")
    assert found.found == 100
    assert len(found.heads) <= 32
    assert found.heads[-1].file.name > "090"
    assert all(len(head.data) <= LEAST_BYTES for head in found.heads)


def test_of_an_archive_the_first_members_are_read(tmp_path):
    members = {f"{n:02d}.jsonl": LINES * 9000 for n in range(20)}
    tar_of(tmp_path / "a.tar.gz", members)
    found = heads("a.tar.gz", tmp_path, tmp_path / "s")
    assert found.found is None
    assert [head.file.name for head in found.heads] == [
        f"a.tar.gz/{n:02d}.jsonl" for n in range(MEMBERS)
    ]
    assert all(len(head.data) <= LEAST_BYTES and head.cut for head in found.heads)


def test_what_cannot_be_read_is_told_beside_the_rest(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(LINES)
    (tmp_path / "b.zip").write_bytes(b"no archive")
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(LINES * 9)[:30])
    found = heads(".", tmp_path, tmp_path / "s")
    assert [head.file.name for head in found.heads] == ["a.jsonl"]
    assert sorted(found.faults) == ["b.zip", "c.jsonl.gz"]
    with pytest.raises(SourceError, match="no such file"):
        heads("none", tmp_path, tmp_path / "s")


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_the_first_files_have_the_names_of_a_build(kind, tmp_path):
    members = {f"{n:02d}.jsonl": LINES * n for n in range(1, 20)} | {"x.txt": b"x"}
    if kind == "tar":
        name = tar_of(tmp_path / "a.tar.gz", members).name
    else:
        name = "a.zip"
        with zipfile.ZipFile(tmp_path / name, "w") as out:
            for member, data in members.items():
                out.writestr(member, data)
    some = first_files(name, tmp_path, tmp_path / "s", (".jsonl",))
    every = resolve(name, tmp_path, tmp_path / "t", (".jsonl",))
    assert [file.name for file in some] == [file.name for file in every][:MEMBERS]
    assert [file.read() for file in some] == [file.read() for file in every][:MEMBERS]

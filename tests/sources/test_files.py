"""Files of a source: what a path stands for, in which order, and what goes wrong with it."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import pickle
from pathlib import Path

import fsspec
import pytest
import zstandard

from chimed_datasets.errors import SourceError
from chimed_datasets.sources.files import opening
from chimed_datasets.sources.files.finding import find, not_read, resolve
from chimed_datasets.sources.files.opening import FileReport, SourceFile, sha256

TEXT = "浮脉主表，沉脉主里。\n".encode() * 50
PACK = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def names(path: str, base: Path, suffixes: tuple[str, ...] = (".txt",)) -> list[str]:
    return [file.name for file in resolve(path, base, base / "staging", suffixes)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "卷二.txt", "卷一.txt", "sub/附录.TXT", "sub/deep/注.txt.xz", "notes.md",
        ".DS_Store.txt", "sub/._卷一.txt", "__MACOSX/卷一.txt", ".git/卷一.txt",
    ):  # fmt: skip
        place = tmp_path / "books" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(lzma.compress(TEXT) if name.endswith(".xz") else TEXT)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("books", ["sub/deep/注.txt.xz", "sub/附录.TXT", "卷一.txt", "卷二.txt"]),
        ("books/卷一.txt", ["卷一.txt"]),
        ("books/notes.md", ["notes.md"]),  # a file that was named is taken whatever it is called
        ("books/*.txt", ["卷一.txt", "卷二.txt"]),
        ("books/**/*.txt*", ["sub/deep/注.txt.xz", "卷一.txt", "卷二.txt"]),
        ("books/s*", ["sub/deep/注.txt.xz", "sub/附录.TXT"]),
        ("*/sub/*", ["books/sub/deep/注.txt.xz", "books/sub/附录.TXT"]),
    ],
)
def test_a_path_stands_for_files_sorted_by_name(tree, path, found):
    assert names(path, tree) == found
    assert names(str(tree / path), Path("/elsewhere")) == found


def test_a_path_with_glob_characters_in_its_name_is_found_as_it_is(tmp_path):
    (tmp_path / "data[1].txt").write_bytes(TEXT)
    assert names("data[1].txt", tmp_path) == ["data[1].txt"]


def test_a_file_name_in_gbk_is_read_as_chinese(tmp_path):
    (tmp_path / "books").mkdir()
    odd = bytes(tmp_path / "books") + b"/" + "伤寒论.txt".encode("gb18030")
    with open(odd, "wb") as out:
        out.write(TEXT)
    (file,) = resolve("books", tmp_path, tmp_path, (".txt",))
    assert file.name == "伤寒论.txt"
    assert file.read() == TEXT


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("nowhere", r"nowhere: there is no such file or folder \(looked in .*\)"),
        ("books/*.csv", r"books/\*\.csv: nothing matches"),
        ("empty", r"empty: no file ending in \.txt; it is empty"),
        ("csvs", r"csvs: no file ending in \.txt; it is empty"),
        ("memory://nowhere/a.txt", "memory://nowhere/a.txt: there is no such file or folder"),
        ("nosuch://a/b", "nosuch://a/b: cannot be read .*[Pp]rotocol"),
    ],
)
def test_a_path_that_leads_nowhere_is_named(tree, path, complaint):
    (tree / "empty").mkdir()
    (tree / "csvs" / ".hidden").mkdir(parents=True)
    (tree / "csvs" / ".hidden" / "a.txt").write_bytes(TEXT)
    with pytest.raises(SourceError, match=complaint) as error:
        names(path, tree)
    assert "\n" not in str(error.value)


def test_a_folder_without_the_wanted_files_tells_what_it_has(tmp_path):
    (tmp_path / "a.csv").touch()
    (tmp_path / "b.json.gz").touch()
    with pytest.raises(SourceError, match=r"no file ending in \.txt or \.md; it has \.csv, \.json"):
        names(".", tmp_path, (".txt", ".md"))


def test_files_that_are_passed_over_are_named(tmp_path):
    for name in ("a.txt", "sheet.xlsx", "old.rar", "new.txt.7z", "b.csv", "pic/x.PNG", "odd.abc",
                 "README.md", "load.py", "LICENSE", ".gitattributes", ".git/c.txt", "none"):  # fmt: skip
        place = tmp_path / "in" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(TEXT)
    (tmp_path / "in" / "d.zip").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    found = find("in", tmp_path, tmp_path, (".txt",))
    assert [file.name for file in found.files] == ["a.txt"]
    assert list(found.passed) == sorted(found.passed)
    assert set(found.passed) == {
        "sheet.xlsx", "old.rar", "new.txt.7z", "b.csv", "pic/x.PNG", "odd.abc", "none", "d.zip",
        "README.md", "load.py", "LICENSE",
    }  # fmt: skip
    assert found.passed["sheet.xlsx"] == "a workbook: layout csv reads its sheets"
    assert found.passed["odd.abc"] == "its ending is none of .txt"
    told = not_read(found.passed)
    assert told.startswith("8 files are not read: b.csv (layout csv reads it), d.zip (this is a po")
    assert told.endswith(" and 3 more")
    assert not_read({"README.md": "x", "LICENSE": "x", "sub/load.py": "x"}) == ""
    assert not_read({}) == ""


def test_where_nothing_is_read_it_is_said_why(tmp_path):
    (tmp_path / "sheet.xlsx").touch()
    with pytest.raises(
        SourceError, match=r"has \.xlsx\. 1 file is not read: sheet\.xlsx \(a workb"
    ):
        names(".", tmp_path)


def test_an_empty_file_is_kept(tmp_path):
    (tmp_path / "a.txt").touch()
    (file,) = resolve(".", tmp_path, tmp_path, (".txt",))
    assert (file.name, file.size, file.read()) == ("a.txt", 0, b"")


# --- addresses -------------------------------------------------------------------------------


def test_addresses_of_any_file_system(tmp_path):
    fs = fsspec.filesystem("memory")
    fs.pipe({"/library/b.txt.gz": gzip.compress(TEXT), "/library/sub/a.txt": TEXT,
             "/library/.x/a.txt": TEXT, "/library/c.md": TEXT})  # fmt: skip
    (tmp_path / "d.txt").write_bytes(TEXT)
    try:
        for path, found in {
            "memory://library": ["b.txt.gz", "sub/a.txt"],
            "memory://library/c.md": ["c.md"],
            "memory://library/*.gz": ["b.txt.gz"],
            "memory://lib*": ["library/b.txt.gz", "library/sub/a.txt"],
            f"file://{tmp_path}/d.txt": ["d.txt"],
            f"simplecache::file://{tmp_path}/d.txt": ["d.txt"],
        }.items():
            files = resolve(path, Path("/"), tmp_path, (".txt",))
            assert [file.name for file in files] == found
            assert {file.read() for file in files} == {TEXT}
    finally:
        fs.rm("/library", recursive=True)


# --- bytes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_files_open_decompressed(tmp_path, suffix):
    stored = PACK[suffix](TEXT) + PACK[suffix](TEXT)  # as `cat a.gz b.gz` makes them
    (tmp_path / f"a.jsonl{suffix}").write_bytes(stored)
    (file,) = resolve(".", tmp_path, tmp_path, (".jsonl",))
    assert file.size == len(stored)
    assert file.read() == TEXT * 2
    with pickle.loads(pickle.dumps(file)).open() as stream:
        assert stream.read(9) == TEXT[:9]
    assert sha256(file) == hashlib.sha256(stored).hexdigest()


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b[:-3], lambda b: b"?" * 40]
)
def test_a_damaged_file_is_named(tmp_path, suffix, damage):
    noise = hashlib.shake_256(b"seed").digest(300_000)
    (tmp_path / f"卷一.txt{suffix}").write_bytes(damage(PACK[suffix](noise)))
    (file,) = resolve(".", tmp_path, tmp_path, (".txt",))
    with pytest.raises(SourceError, match=f"^卷一.txt{suffix}: cannot be read"):
        file.read()


@pytest.mark.parametrize("suffix", PACK)
def test_a_bomb_is_stopped_before_it_fills_memory(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(opening, "RATIO_FLOOR", 4 * 1024 * 1024)
    (tmp_path / f"a.txt{suffix}").write_bytes(PACK[suffix](bytes(16 * 1024 * 1024)))
    (file,) = resolve(".", tmp_path, tmp_path, (".txt",))
    with file.open() as stream:
        with pytest.raises(SourceError, match="decompression bomb"):
            stream.read()
        assert stream.raw.out <= 8 * 1024 * 1024


def test_more_than_the_allowed_bytes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "MAX_BYTES", 1000)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(TEXT))
    with pytest.raises(SourceError, match="becomes more than 1,000 bytes"):
        resolve(".", tmp_path, tmp_path, (".txt",))[0].read()


def test_a_file_that_vanished_is_named(tmp_path):
    gone = SourceFile("a.txt", str(tmp_path / "a.txt"), 3)
    for read in (gone.open, gone.read, lambda: sha256(gone)):
        with pytest.raises(SourceError, match=r"a\.txt: there is no such file"):
            read()


def test_a_report_adds_up_what_was_replaced():
    report = FileReport()
    report.note("a", "utf-8", 2)
    report.note("a", "utf-8", 3)
    report.note("b", "big5hkscs")
    assert report == FileReport({"a": "utf-8", "b": "big5hkscs"}, {"a": 5})

"""What every layout keeps, over the fixture folder that bears its name."""

from __future__ import annotations

import gzip
import io
import lzma
import pickle
import re
import tarfile
from pathlib import Path

import pytest
from layout_reading import FIXTURES, read

from chimed_datasets.errors import SourceError
from chimed_datasets.records import Malformed, record_id
from chimed_datasets.sources import FileReport, layout, layouts
from chimed_datasets.sources.files.decoding import decode
from chimed_datasets.sources.files.opening import is_archive, wanted

READ_WITH_COLLECT = {"html", "warc"}
"""Layouts whose pages and site files are in tests/collect."""
KEYS = [key for key in layouts() if key not in READ_WITH_COLLECT]
OWN = {
    "jsonl": {"id": "clause_id", "fields": {"text": "original_text"}},
    "csv": {"id": "commentary_id", "fields": {"text": "commentary_text"}},
    "parquet": {"kind": "thread", "fields": {"question": "q", "answer": "a"}},
}
"""Keys of the layouts that need some."""
ONLY = {"jsonl": "clauses.jsonl", "csv": "commentaries.csv"}
"""Where a fixture folder has files of several mappings, the one that OWN reads."""
every_layout = pytest.mark.parametrize("key", KEYS)


def fixture(key: str) -> Path:
    return FIXTURES / key / ONLY.get(key, "")


def fixture_files(key: str) -> list[Path]:
    place = fixture(key)
    return sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]


def read_fixture(key: str, path: Path | None = None, report: FileReport | None = None) -> list:
    return read(key, path or fixture(key), report, **OWN.get(key, {}))


def test_the_layouts_that_users_are_promised_are_there():
    assert {
        "tcm_classics", "qa_csv", "qa_blocks", "chimed_pages", "instruction", "sharegpt",
        "query_response", "preference_pairs", "ranked", "scored", "entities", "text", "parquet",
        "jsonl", "csv", "generated",
    } <= set(KEYS)  # fmt: skip
    others = READ_WITH_COLLECT | {"builds", "traces"}
    assert {p.name for p in FIXTURES.iterdir()} - others == set(KEYS)


@pytest.mark.parametrize("key", layouts())
def test_a_layout_says_what_it_is_in_a_line(key):
    found = layout(key)
    assert re.fullmatch(r"[A-Z'][^\n]{10,99}\.", found.summary)
    assert found.suffixes
    assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in found.suffixes)
    assert pickle.loads(pickle.dumps(found.options_type)) is found.options_type


@every_layout
def test_a_folder_is_the_sum_of_its_files(key):
    whole = FileReport()
    made = read_fixture(key, report=whole)
    assert {type(m) for m in made} - {Malformed}
    assert read_fixture(key) == made  # the same again
    for m in made:
        assert m.key.count("#") >= 1
        assert re.fullmatch(rf"s-{'[0-9a-f]' * 20}", record_id("s", m.key))
        if isinstance(m, Malformed):
            assert re.fullmatch("[a-z_]+", m.rule)
            assert m.evidence.strip()
    files = fixture_files(key)
    for path in files:
        assert wanted(path.name, layout(key).suffixes) or is_archive(path.name)
    if layout(key).joined or len(files) == 1:
        return
    parts = []
    for path in files:
        name = path.relative_to(FIXTURES / key).as_posix()
        for m in read_fixture(key, path):
            m.key = m.key.replace(path.name, name, 1)
            parts.append(m)
    assert sorted(parts, key=lambda m: m.key) == sorted(made, key=lambda m: m.key)
    assert sum(whole.replaced.values()) == 0
    assert len(whole.encodings) >= len(files)


@every_layout
def test_every_key_names_its_file(key):
    if layout(key).joined:
        return
    names = [path.name for path in fixture_files(key)]
    for m in read_fixture(key):
        assert any(name in m.key.partition("#")[0] for name in names)


def copies(key: str) -> list[tuple[str, bytes]]:
    """Return (name, content) of the fixture's files that are no archives."""
    place = fixture(key)
    root = place if place.is_dir() else place.parent
    plain = [path for path in fixture_files(key) if not is_archive(path.name)]
    return [(path.relative_to(root).as_posix(), path.read_bytes()) for path in plain]


@every_layout
@pytest.mark.parametrize("packed", ["a.tar.xz", "gz"])
def test_an_archive_or_compressed_files_say_the_same(tmp_path, key, packed):
    expected = [m for m in read_fixture(key) if not is_archive(m.key.partition("/")[0])]
    if packed == "gz":
        for name, content in copies(key):
            place = tmp_path / f"{name.removesuffix('.xz')}.gz"
            place.parent.mkdir(parents=True, exist_ok=True)
            content = lzma.decompress(content) if name.endswith(".xz") else content
            place.write_bytes(gzip.compress(content))
        made = read_fixture(key, tmp_path)
    else:
        with tarfile.open(tmp_path / packed, "w:xz") as tar:
            for name, content in copies(key):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        made = read_fixture(key, tmp_path / packed)
    for m in (*made, *expected):  # keys differ by the files' names alone
        m.key = re.sub(r"\.[gx]z#", "#", m.key.removeprefix(f"{packed}/"))
    assert made == expected


@every_layout
@pytest.mark.parametrize("codec", ["utf-8-sig", "gb18030", "utf-16-le", "utf-16"])
def test_another_encoding_says_the_same(tmp_path, key, codec):
    if key in ("parquet", "pdf"):
        return
    files = [(name, content) for name, content in copies(key) if not name.endswith(".xz")]
    for name, content in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        # As Windows would: a mark where the encoding has one, and its line ends.
        text = decode(content).text.replace("\n", "\r\n")
        (tmp_path / name).write_bytes(text.encode(codec))
    if not files:
        return
    made = read_fixture(key, tmp_path)
    assert made == read_fixture(key)


@every_layout
def test_a_file_with_nothing_in_it_is_told_of(tmp_path, key):
    suffix = layout(key).suffixes[0]
    if key == "parquet":
        return  # which is damaged, then
    (tmp_path / f"a{suffix}").touch()
    (tmp_path / f"b{suffix}").write_bytes(b" \n\n")
    (tmp_path / f"c{suffix}.gz").write_bytes(gzip.compress(b""))
    made = read_fixture(key, tmp_path)
    assert [(m.key, m.rule) for m in made] == [
        (f"a{suffix}#0", "no_records"),
        (f"b{suffix}#0", "no_records"),
        (f"c{suffix}.gz#0", "no_records"),
    ]
    assert made[0].evidence == "0 bytes"


@every_layout
def test_an_empty_folder_is_refused(tmp_path, key):
    with pytest.raises(SourceError, match=f"no file ending in \\{layout(key).suffixes[0]}.*empty"):
        read_fixture(key, tmp_path)

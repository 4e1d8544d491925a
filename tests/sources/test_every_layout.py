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

from chimed_datasets.errors import RecipeError, SourceError
from chimed_datasets.records import (
    Dialogue,
    Document,
    ExamItem,
    Malformed,
    QAThread,
    Record,
    record_id,
)
from chimed_datasets.sources import FileReport, layout, layouts
from chimed_datasets.sources.files.decoding import decode
from chimed_datasets.sources.files.opening import is_archive, wanted
from chimed_datasets.sources.parsing.ends import stripped

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
NO_TEXT = {"parquet", "pdf", "docx", "epub", "mediawiki"}
"""Layouts whose files are not text in some encoding."""
every_layout = pytest.mark.parametrize("key", KEYS)


def fixture(key: str) -> Path:
    return FIXTURES / key / ONLY.get(key, "")


def fixture_files(key: str) -> list[Path]:
    place = fixture(key)
    return sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]


def read_fixture(
    key: str, path: Path | None = None, report: FileReport | None = None, **more: object
) -> list:
    return read(key, path or fixture(key), report, **OWN.get(key, {}) | more)


def test_the_layouts_that_users_are_promised_are_there():
    assert {
        "tcm_classics", "qa_csv", "qa_blocks", "chimed_pages", "instruction", "sharegpt",
        "query_response", "preference_pairs", "ranked", "scored", "entities", "text", "parquet",
        "jsonl", "csv", "generated", "exam",
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
    if key in NO_TEXT:
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


# --- a condition, and texts that are cut -----------------------------------------------------

A_FIELD = {
    "chimed_pages": "title",
    "cirrussearch": "title",
    "csv": "commentary_text",
    "docx": "book",
    "epub": "book",
    "mediawiki": "title",
    "dialogue_blocks": "id",
    "entities": "name",
    "exam": "answer",
    "generated": "kind",
    "instruction": "output",
    "jsonl": "original_text",
    "parquet": "a",
    "pdf": "book",
    "preference_pairs": "chosen",
    "qa_blocks": "answer",
    "qa_csv": "title",
    "query_response": "query",
    "ranked": "output",
    "scored": "id",
    "sharegpt": "conversations",
    "tcm_classics": "book",
    "text": "book",
}
"""What a condition may ask for, of each layout."""


def test_every_layout_says_what_it_chooses_and_cuts():
    assert set(A_FIELD) == set(KEYS)
    for key in layouts():
        assert {"where", "strip"} <= set(layout(key).own_keys()), key


@every_layout
def test_what_a_condition_does_not_choose_is_told_row_by_row(key):
    made = read_fixture(key)
    name = A_FIELD[key]
    every = read_fixture(key, where=f"{name}? != '没有这样的'")
    assert every == made
    none = read_fixture(key, where=f"{name}? == '没有这样的'")
    assert {type(m) for m in none} == {Malformed}
    told = {m.key: m for m in none if m.rule == "not_selected"}
    assert all(m.evidence.startswith(f"where {name}? == ") for m in told.values())
    lost = {m.key for m in made if not isinstance(m, Malformed)} - told.keys()
    assert all(record_of_several_rows(key, one) for one in lost)
    assert len(told) >= sum(not isinstance(m, Malformed) for m in made)


def record_of_several_rows(layout_key: str, key: str) -> bool:
    """Its rows are told of under keys of their own."""
    return layout_key == "scored" and ".json" not in key


def texts_of(record: Record) -> list[tuple[str, str]]:
    """Return (whose text, the text) of a record, by the names of ``strip``."""
    if isinstance(record, Document):
        return [("text", record.text)]
    if isinstance(record, QAThread):
        return [("question", record.question), *(("answer", a.text) for a in record.answers)]
    if isinstance(record, ExamItem):
        found = {name: getattr(record, name) for name in ("stem", "shared_stem", "explanation")}
        return [(name, text) for name, text in found.items() if text is not None]
    assert isinstance(record, Dialogue)
    said = [(message.role, message.content) for message in record.messages]
    return said + [("assistant", candidate.text) for candidate in record.candidates]


@every_layout
def test_texts_are_cut_at_both_ends_in_every_layout(key):
    made = [m for m in read_fixture(key) if not isinstance(m, Malformed)]
    ends: dict[str, list[str]] = {}
    for record in made:
        for whose, text in texts_of(record):
            if len(text) > 4:
                ends.setdefault(whose, []).extend((text[:2].strip(), text[-2:].strip()))
    cut = {m.key: m for m in read_fixture(key, strip=ends)}
    for record in made:
        left = cut[record.key]
        texts = texts_of(record)
        expected = [(whose, stripped(text, ends.get(whose, []))) for whose, text in texts]
        if all(text for _, text in expected):
            assert texts_of(left) == expected
        else:
            assert isinstance(left, Malformed)


@pytest.mark.parametrize("key", layouts())
def test_what_cannot_be_cut_or_asked_for_is_told_with_what_is_known(key):
    own = OWN.get(key, {}) | ({"site": "s.yaml"} if key == "html" else {})
    with pytest.raises(RecipeError, match=r"strip: .*Known: ") as raised:
        layout(key).options(own | {"strip": {"nobody's": ["x"]}})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "where", "told"),
    [
        ("text", "boook == 甲", "where: there is no 'boook'. Did you mean 'book'?"),
        ("tcm_classics", "dinasty == 清", "no 'dinasty'. Did you mean 'dynasty'?"),
        ("qa_blocks", "department == 内科", "Known: answer, question, title"),
        ("dialogue_blocks", "hospital == 甲", "Known: description, dialogue, faculty, id"),
    ],
)
def test_a_field_that_no_file_of_a_layout_has(key, where, told):
    with pytest.raises(RecipeError, match=re.escape(told)):
        layout(key).options({"where": where})


def test_a_field_that_none_of_the_first_rows_has():
    with pytest.raises(SourceError, match=r"no column 'anser' \(where anser\). Did you mean 'ans"):
        read_fixture("scored", FIXTURES / "scored" / "rows.jsonl", where="anser == 1")

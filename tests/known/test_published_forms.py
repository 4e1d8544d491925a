"""Every published form is whole: its files exist and pack, and each row has an expectation."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.known import make

NAMES = make.names()
LEAST = {"corpus": 69, "benchmark": 26}
KEYS = {"repository", "purpose", "verified", "source", "note", "rows", "files", "expect"}
FILE_KEYS = {
    "path", "member", "local", "encoding", "newline", "gzip", "parquet", "zip", "rar",
    "hex", "kind", "rows",
}  # fmt: skip
NEEDS = {
    "thread": {"question", "answers"},
    "dialogue": {"turns"},
    "preference": {"turns", "ranked"},
    "exam": {"stem", "options", "answers"},
    "question": set(),
    "document": set(),
}
RECORD_KEYS = {
    "record", "of", "key", "subject", "meta", "title", "department", "question", "answers", "turns",
    "ranked", "origin", "stem", "options", "shared", "explanation", "answer", "text", "parts",
    "absent",
}  # fmt: skip


def test_the_corpora_are_many() -> None:
    purposes = [make.form(name)["purpose"] for name in NAMES]
    assert purposes.count("corpus") >= LEAST["corpus"]
    assert purposes.count("benchmark") >= LEAST["benchmark"]


@pytest.mark.parametrize("name", NAMES)
def test_the_form_says_what_it_must(name: str) -> None:
    form = make.form(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert set(form) <= KEYS
    assert KEYS - {"note"} <= set(form), f"form.yaml lacks {KEYS - {'note'} - set(form)}"
    assert form["purpose"] in {"corpus", "benchmark"}
    assert form["verified"] in {"seen", "described", "from memory"}
    where = r"(huggingface|github|modelscope|drive|tianchi):"
    assert re.match(where, form["repository"]), f"repository begins with none of {where}"
    for file in form["files"]:
        assert set(file) <= FILE_KEYS
        for leaf in make.leaves(file):
            assert set(leaf) <= FILE_KEYS
            assert leaf["kind"] == "aside" or leaf["rows"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_missing_and_none_is_left_over(name: str) -> None:
    form = make.form(name)
    used = {make.local(leaf) for file in form["files"] for leaf in make.leaves(file)}
    folder = make.PUBLISHED / name
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == used | {"form.yaml"}


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_an_expectation(name: str) -> None:
    form = make.form(name)
    counted = 0
    for file in form["files"]:
        for leaf in make.leaves(file):
            if leaf["kind"] != "aside":
                found = len(rows(leaf["kind"], make.text(name, leaf)))
                assert found == leaf["rows"], make.local(leaf)
                counted += found
    assert counted == form["rows"]
    assert sum(each.get("of", 1) for each in form["expect"]) == form["rows"]


@pytest.mark.parametrize("name", NAMES)
def test_expectations_are_of_a_known_shape(name: str) -> None:
    for each in make.refused(name):
        assert set(each) <= {"refused", "of", "key"}
        assert len(each["refused"]) > 10
    for record in make.wanted(name):
        assert set(record) <= RECORD_KEYS
        assert set(record) >= NEEDS[record["record"]]
        assert record["record"] != "document" or ("text" in record) != ("parts" in record)
        assert record["record"] != "question" or ("question" in record) != ("turns" in record)
        if record["record"] == "exam":
            assert set(record["answers"]) <= set(record["options"])
            assert all(record["options"].values())


@pytest.mark.parametrize("name", NAMES)
def test_the_expected_texts_stand_in_the_files(name: str) -> None:
    form = make.form(name)
    strings: list[str] = []
    for file in form["files"]:
        for leaf in make.leaves(file):
            content = make.text(name, leaf).replace("\r\n", "\n")
            strings.append(content)
            if leaf["kind"] not in {"text", "blocks"}:
                strings += leaf_strings(loose(leaf["kind"], content))
    everything = "\x00".join(strings)
    for record in make.wanted(name):
        for expected in texts_of(record):
            for line in expected.split("\n"):  # instruction and input are joined by a line end
                assert line in everything


@pytest.mark.parametrize("name", NAMES)
def test_the_files_pack_and_open_again(name: str, tmp_path: Path) -> None:
    make.lay_out(name, tmp_path)
    for file in make.form(name)["files"]:
        content = (tmp_path / file["path"]).read_bytes()
        assert content == make.packed(name, file)  # the same bytes at every call
        for leaf, got in opened(file, content):
            if "parquet" in leaf:
                lines = [json.loads(line) for line in make.text(name, leaf).splitlines()]
                assert filled(pq.read_table(io.BytesIO(got)).to_pylist()) == filled(lines)
            elif "hex" not in leaf:
                assert got.decode(leaf.get("encoding", "utf-8")) == make.text(name, leaf)


def opened(file: make.Form, content: bytes) -> Iterator[tuple[make.Form, bytes]]:
    if "zip" in file:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in file["zip"]:
                yield from opened(member, archive.read(member["member"]))
    elif "rar" in file:
        assert content.startswith(b"Rar!\x1a\x07\x01\x00")
    else:
        yield file, gzip.decompress(content) if file.get("gzip") else content


def rows(kind: str, content: str) -> list[Any]:
    """The rows of a text, counted without any reader of the product."""
    if kind == "jsonl":
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    if kind == "list":
        loaded = json.loads(content)
        assert isinstance(loaded, list)
        return loaded
    if kind == "list:*":
        return [item for items in json.loads(content).values() for item in items]
    if kind.startswith("list:"):
        return list(json.loads(content)[kind.removeprefix("list:")])
    if kind == "keyed":
        return list(json.loads(content).values())
    if kind in {"csv", "csv-bare", "tsv", "tsv-bare"}:
        if kind.startswith("csv"):
            table = list(csv.reader(io.StringIO(content, newline="")))
        else:
            table = [line.split("\t") for line in content.splitlines() if line]
        return table if kind.endswith("bare") else table[1:]
    if kind == "blocks":
        return re.findall(r"^id=\d+$", content, re.MULTILINE)
    assert kind == "text"
    return [content]


def loose(kind: str, content: str) -> Any:
    """All that a text holds, for looking a string up; a table of another file is read too."""
    if kind != "aside":
        return rows(kind, content)
    for other in ("list", "keyed", "jsonl", "csv"):
        try:
            return rows(other, content)
        except (ValueError, AssertionError, AttributeError, KeyError):
            continue
    return []


def leaf_strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in leaf_strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in leaf_strings(item)]
    return []


def texts_of(record: make.Form) -> list[str]:
    skipped = {
        "record",
        "of",
        "key",
        "meta",
        "origin",
        "answers",
        "subject",
        "answer",
        "department",
    }
    found = leaf_strings({key: value for key, value in record.items() if key not in skipped})
    if record["record"] == "thread":
        found += [answer["text"] for answer in record["answers"]]
    return found


def filled(value: Any) -> Any:
    """JSON without the keys that hold nothing: Parquet gives a null where a key is absent."""
    if isinstance(value, dict):
        return {key: filled(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [filled(item) for item in value]
    return value

"""`chimed known`: the list, an entry, and an entry held against files on a Hub of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from chimed_datasets import known
from chimed_datasets.cli import app
from chimed_datasets.detection.published import check
from chimed_datasets.errors import SourceError
from tests.known import make
from tests.known.hub_server import put, put_form, served_hub
from tests.known.reading import fixture_of
from tests.publish.hub import Hub


@pytest.fixture
def hub(monkeypatch) -> Iterator[Hub]:
    """A Hub that this process's `huggingface_hub` speaks to."""
    with served_hub(monkeypatch) as server:
        yield server


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["known", *words])
    return result.exit_code, result.output


def test_all_are_listed_and_one_is_shown():
    code, said = run()
    assert code == 0, said
    assert all(name in said for name in (*known.names("sources"), *known.names("benchmarks")))
    code, said = run("huatuo26m-lite")
    assert code == 0
    assert "apache-2.0, stated by its card on the Hub" in said
    code, said = run("huatuo26m-lite", "--json")
    (one,) = json.loads(said)
    assert one["tier"] == "public"
    code, said = run("--json")
    assert len(json.loads(said)) == len(known.names("sources")) + len(known.names("benchmarks"))


def test_an_entry_is_as_its_files_on_the_hub(hub, tmp_path):
    put_form(hub, "huatuo26m-lite", tmp_path)
    code, said = run("huatuo26m-lite", "--check")
    assert "format_data.jsonl: " in said
    assert "records of the first rows: 5" in said
    assert "differs: 1 of the first rows are no record (no_answer)" in said
    assert code == 1  # the fixture has a row without an answer


def test_what_is_not_as_the_entry_says_is_told(hub, tmp_path):
    rows = [{"question": "痒？", "reply": "别抓。", "label": "皮肤科", "id": n} for n in range(3)]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "format_data.jsonl").write_text(lines, "utf-8")
    put(hub, "FreedomIntelligence/Huatuo26M-Lite", tmp_path)
    look = check(known.entry("sources", "huatuo26m-lite"))
    assert "no field answer, score, related_diseases; there are question, reply, label, id" in (
        look.differences
    )
    assert "fields that the entry does not name: reply" in look.differences
    (tmp_path / "format_data.jsonl").rename(tmp_path / "data.jsonl")
    look = check(known.entry("sources", "huatuo26m-lite"), str(tmp_path))
    assert look.differences == ["no file is format_data.jsonl"]


def test_fields_that_the_entry_does_not_name_at_all_are_told(tmp_path):
    make.lay_out(fixture_of("tcmbench", "benchmarks"), tmp_path)
    assert not known.entry("benchmarks", "tcmbench").columns
    code, said = run("tcmbench", "--check", "--path", str(tmp_path))
    assert code == 0, said
    assert "(not compared: the entry has no `columns`)" in said
    assert "differs: fields" not in said


def test_a_repository_that_is_not_there_is_one_line(hub):
    with pytest.raises(SourceError, match="Huatuo26M-Lite"):
        check(known.entry("sources", "huatuo26m-lite"))
    code, said = run("--check")
    assert code == 1
    assert "known: --check needs a NAME." in said.replace("\n", " ")


EVERY = [(kind, name) for kind in known.KINDS for name in known.names(kind)]
WHOLE = {"zy-bert-corpus"}
"""Its fixture is an archive that must be unpacked."""


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_the_fields_of_each_entry_are_those_of_its_form(kind, name, tmp_path):
    entry = known.entry(kind, name)
    if entry.refused or name in WHOLE:
        return
    make.lay_out(fixture_of(name, kind), tmp_path)
    look = check(entry, str(tmp_path))
    assert not [line for line in look.differences if line.startswith("no field")]
    patterns = [line for line in look.differences if line.startswith("no file is")]
    assert len(patterns) < max(1, len(entry.files))  # a fixture has some of the files
    assert look.records

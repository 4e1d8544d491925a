"""What was lost while a source was read is said, and a source of which nothing is left stops."""

from __future__ import annotations

import gzip
import json
import logging
import re
import subprocess
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from chimed_datasets import build, validate
from chimed_datasets.building import dry_run, prepared
from chimed_datasets.building.progress import Warn
from chimed_datasets.cli import app
from chimed_datasets.errors import BuildError, ChimedError, SourceError
from chimed_datasets.recipe import parse
from chimed_datasets.sources.files import opening
from tests.common.files import write_jsonl
from tests.common.text import prose

PHONE = "13912345678"


def asked(count: int, start: int = 0) -> list[dict]:
    """Rows of the layout query_response that are sound."""
    return [{"query": prose(n, 20), "response": prose(5000 + n, 40)}
            for n in range(start, start + count)]  # fmt: skip


def renamed(count: int) -> list[dict]:
    return [{"Query": row["query"], "Response": row["response"]} for row in asked(count)]


def content(folder: Path, **sources: object) -> dict:
    """Write each source's rows, or take the rest of its entry; return a recipe."""
    entries = []
    for name, given in sources.items():
        entry = {
            "name": name,
            "layout": "query_response",
            "path": f"{name}.jsonl",
            "license": "mit",
        }
        if isinstance(given, dict):
            entry |= given
        else:
            write_jsonl(folder / f"{name}.jsonl", given)
        entries.append(entry)
    return {"name": "small", "sources": entries}


def recipe_of(folder: Path, **sources: object):
    return parse(content(folder, **sources), folder)


def told_by(recipe, out: Path, **more: object) -> list[str]:
    lines: list[str] = []
    build(recipe, out, tell=lines.append, progress=False, **more)
    return [line for line in lines if isinstance(line, Warn)]


def stopped(recipe, out: Path, **more: object) -> str:
    with pytest.raises(ChimedError) as caught:
        build(recipe, out, progress=False, **more)
    assert not out.exists()
    said = str(caught.value)
    assert "\n" not in said
    return said


# --- a great loss ----------------------------------------------------------------------------


@pytest.mark.parametrize(("bad", "great"), [(0, False), (10, False), (11, True), (39, True)])
def test_more_than_a_fifth_is_told(tmp_path, bad, great):
    rows = [*asked(40), *({"query": prose(900 + n, 20), "response": ""} for n in range(bad))]
    (lines,) = [told_by(recipe_of(tmp_path, one=rows, other=asked(5, 70)), tmp_path / "out")]
    assert len(lines) == great
    for line in lines:
        assert line.startswith(f"source 'one': {100 * bad // (40 + bad)} % was lost while it was")
        assert f"{bad} of {40 + bad} records (read/no_answer {bad}: one.jsonl#40: " in line
        assert line.endswith("layout query_response, encoding utf-8, fields of one.jsonl: query, "
                             "response.")  # fmt: skip


def test_what_the_recipe_filters_is_no_loss(tmp_path):
    rows = asked(5) * 6 + [{"query": "头痛", "response": "好"}] * 20
    assert told_by(recipe_of(tmp_path, one=rows), tmp_path / "out") == []


def test_the_three_rules_that_cost_most_are_told(tmp_path):
    faults = {
        "no_answer": {"query": "头痛怎么办", "response": ""},
        "wrong_type": {"query": {"a": "b"}, "response": "休息"},
        "not_an_object": ["头痛"],
        "missing_field": {"query": "头痛"},
    }
    bad = [row for n, row in enumerate(faults.values()) for _ in range(9 - n)]
    (line,) = told_by(recipe_of(tmp_path, one=asked(20) + bad), tmp_path / "out")
    assert re.findall(r"read/(\w+) (\d+): one\.jsonl#(\d+): ", line) == [
        ("no_answer", "9", "20"), ("wrong_type", "8", "29"), ("not_an_object", "7", "37"),
    ]  # fmt: skip
    assert "missing_field" not in line


def test_nothing_private_is_told(tmp_path):
    """The line has the evidence as the ledger has it; keys and names of fields are masked too."""
    rows = [*asked(20), *({"id": f"{PHONE}-{n}", "query": f"电话{PHONE}，{prose(n)}", "response": "",
                           "a\x1b[31m": ""} for n in range(15))]  # fmt: skip
    (line,) = told_by(recipe_of(tmp_path, one=rows), tmp_path / "out")
    assert PHONE not in line
    assert "[手机号]" in line
    write_jsonl(tmp_path / "two.jsonl", [{f"a\x1b[31m{PHONE}": "", "response": ""}] * 3)
    said = stopped(recipe_of(tmp_path, two={}), tmp_path / "two")
    assert PHONE not in said
    assert "\x1b" not in said


def test_units_are_told_of_together(tmp_path, monkeypatch):
    monkeypatch.setattr("chimed_datasets.building.plan.UNIT_BYTES", 2000)
    for n in range(4):
        rows = [*asked(10, 20 * n), *({"query": prose(n), "response": ""} for _ in range(4))]
        write_jsonl(tmp_path / "in" / f"{n}.jsonl", rows)
    (line,) = told_by(recipe_of(tmp_path, one={"path": "in"}), tmp_path / "out", workers=2)
    assert "16 of 56 records (read/no_answer 16: 0.jsonl#10: " in line


def test_the_line_is_yellow_on_a_terminal_and_a_warning_in_a_log(tmp_path, caplog):
    rows = [*asked(20), *({"query": prose(n), "response": ""} for n in range(15))]
    recipe = recipe_of(tmp_path, one=rows)
    with caplog.at_level(logging.INFO, "chimed_datasets"):
        build(recipe, tmp_path / "logged", progress=False)
    assert [r.levelname for r in caplog.records if "was lost" in r.message] == ["WARNING"]
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(content(tmp_path, one={})), "utf-8")
    command = f"chimed build --recipe {path} --out {tmp_path / 'shown'}"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"], capture_output=True, text=True, check=True
    )
    assert "\x1b[33msource 'one': 42 % was lost" in done.stdout


# --- nothing is left of a source -------------------------------------------------------------

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
EMPTY = {
    "few rows of other fields": ("a.jsonl", json.dumps({"ask": "热", "reply": "水"}).encode(), {},
                                 r"read/missing_field 1: a\.jsonl#0: no '.+'; fields: ask, reply"),
    "an empty file": ("a.jsonl", b"", {}, r"read/no_records 1: a\.jsonl#0: 0 bytes"),
    "broken JSON": ("a.jsonl", b'{"a": \n' * 500, {}, r"all 500 were dropped .*read/json_invalid"),
    "no JSON": ("a.jsonl", "你好。\n".encode() * 3, {}, r"read/json_invalid 3: a\.jsonl#0: "),
    "empty replies": ("a.jsonl", b'{"query": "a", "response": ""}\n' * 400, {},
                      r"all 400 were dropped while it was read \(read/no_answer 400: "),
    "CSV of other columns": ("a.csv", "题目,解答\n热,水\n".encode() * 2,
                             {"layout": "qa_csv"}, r"layout qa_csv"),
}  # fmt: skip


@pytest.mark.parametrize("case", EMPTY)
@pytest.mark.parametrize("alone", [True, False])
def test_a_source_without_a_record_stops_the_build(tmp_path, case, alone):
    name, data, own, said = EMPTY[case]
    (tmp_path / name).write_bytes(data)
    others = {} if alone else {"good": asked(5)}
    recipe = recipe_of(tmp_path, **others, bad={"path": name, **own})
    line = stopped(recipe, tmp_path / "out")
    assert line.startswith("source 'bad': ")
    assert re.search(said, line), line
    assert "--allow-empty" in line
    rows = pq.read_table(tmp_path / "out.ledger" / "dropped.parquet").to_pylist()
    assert {(row["source"], row["stage"]) for row in rows} == {("bad", "read")}
    assert "out.ledger/dropped.parquet" in line
    if not alone:
        manifest = build(recipe, tmp_path / "out", allow_empty=True)
        assert [source["out"] for source in manifest["sources"]] == [5, 0]
        assert validate(tmp_path / "out") == []
        assert not (tmp_path / "out.ledger").exists()


def test_a_source_taken_down_whole_is_no_loss(tmp_path):
    recipe = recipe_of(tmp_path, good=asked(5), bad=[{"query": "热", "response": ""}] * 3)
    stopped(recipe, tmp_path / "out")
    rows = pd.read_parquet(tmp_path / "out.ledger" / "dropped.parquet")
    (tmp_path / "takedowns.txt").write_text("\n".join(rows["id"]), "utf-8")
    assert told_by(recipe_of(tmp_path, good={}, bad={}), tmp_path / "out") == []


def test_all_that_was_dropped_is_told_where_nothing_is_left(tmp_path):
    """The stages took everything: the line has the first evidence of each rule, the ledger all."""
    rows = [{"query": "cough", "response": "rest"}] * 3 + [{"query": "热", "response": ""}] * 2
    said = stopped(recipe_of(tmp_path, one=rows), tmp_path / "out")
    assert said.startswith("no record came through: 5 were dropped (")
    assert re.search(r"filter/\w+ \d: one\.jsonl#0: .+ \| read/no_answer 2: one\.jsonl#3: 热", said)
    assert len(pq.read_table(tmp_path / "out.ledger" / "dropped.parquet")) == 5


def test_the_ledger_that_is_left(tmp_path):
    """Git does not see it, the next stop replaces it, and a folder of the user's stays."""
    recipe = recipe_of(tmp_path, bad=[{"query": "热", "response": ""}] * 3)
    stopped(recipe, tmp_path / "out")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    seen = subprocess.run(["git", "-C", str(tmp_path), "status", "--short", "--untracked-files=all"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert "ledger" not in seen.stdout
    stopped(recipe_of(tmp_path, bad=[{"query": "热", "response": ""}] * 2), tmp_path / "out")
    assert len(pq.read_table(tmp_path / "out.ledger" / "dropped.parquet")) == 2
    (tmp_path / "out.ledger" / "mine.txt").write_text("x")
    said = stopped(recipe, tmp_path / "out")
    assert "out.ledger" not in said
    assert len(pq.read_table(tmp_path / "out.ledger" / "dropped.parquet")) == 2
    build(recipe_of(tmp_path, good=asked(5)), tmp_path / "out")
    assert (tmp_path / "out.ledger" / "mine.txt").exists()


# --- a look at the first records -------------------------------------------------------------


def never(*_: object) -> None:
    raise AssertionError("it came so far")


def in_zip(path: Path, rows: list) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w") as file:
        file.writestr("in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def test_a_wrong_field_stops_before_anything_is_hashed(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "check_shared", never)
    monkeypatch.setattr("chimed_datasets.building.plan.sha256", never)
    write_jsonl(tmp_path / "a.jsonl", renamed(300))
    text = (tmp_path / "a.jsonl").read_bytes()
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text))
    in_zip(tmp_path / "a.zip", renamed(300))
    for path in ("a.jsonl", "a.jsonl.gz", "a.zip", f"file://{tmp_path}/a.jsonl"):
        recipe = recipe_of(tmp_path, good=asked(5), bad={"path": path})
        said = stopped(recipe, tmp_path / "out")
        assert "source 'bad': none of the first 20 records can be read (read/missing_field" in said
        assert "fields: Query, Response" in said
        assert "did you mean" in said
        with pytest.raises(BuildError, match="none of the first 20"):
            dry_run(recipe)


def test_a_mapped_column_that_no_file_has(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "check_shared", never)
    pq.write_table(pa.table({"body": ["热"] * 30}), tmp_path / "a.parquet")
    recipe = recipe_of(tmp_path, bad={"layout": "parquet", "path": "a.parquet"})
    with pytest.raises(SourceError, match=r"source 'bad': a\.parquet: no column 'text'") as caught:
        build(recipe, tmp_path / "out")
    assert caught.value.source == "bad"


LATER = {
    "broken JSON at the start": [*["{"] * 25, *asked(9)],
    "empty replies at the start": [{"query": prose(n), "response": ""} for n in range(25)]
    + asked(9),
    "one sound row": [*renamed(19), *asked(9)],
    "broken JSON among wrong fields": [*renamed(19), "{", *renamed(9), *asked(9)],
}


@pytest.mark.parametrize("case", LATER)
def test_what_may_get_better_goes_on(tmp_path, case):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in LATER[case]]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), "utf-8")
    manifest = build(recipe_of(tmp_path, one={"path": "a.jsonl"}), tmp_path / "out")
    assert manifest["sources"][0]["out"] == 9


def test_another_file_may_have_the_rows(tmp_path):
    write_jsonl(tmp_path / "in" / "about.jsonl", renamed(30))
    write_jsonl(tmp_path / "in" / "data.jsonl", asked(9))
    manifest = build(recipe_of(tmp_path, one={"path": "in"}), tmp_path / "out")
    assert manifest["sources"][0]["out"] == 9


def test_a_limit_bounds_the_look_too(tmp_path):
    rows = [*asked(3), *renamed(40)]
    build(recipe_of(tmp_path, one=rows), tmp_path / "out", limit=3)
    said = stopped(recipe_of(tmp_path, two=rows[3:]), tmp_path / "two", limit=3)
    assert "all 3 were dropped" in said


def test_only_the_start_of_a_far_file_is_read(tmp_path, monkeypatch):
    """And it is closed at once."""
    write_jsonl(tmp_path / "far.jsonl", asked(20_000))
    opened = []
    real = opening.open_stored

    def noted(url: str):
        opened.append(real(url))
        return opened[-1]

    monkeypatch.setattr(opening, "open_stored", noted)
    recipe = recipe_of(tmp_path, one={"path": f"file://{tmp_path}/far.jsonl"})
    (line,) = dry_run(recipe)[1:]
    assert line == "  the first 20 records: 20 can be read (dialogue 20)"
    assert opened
    assert all(stream.closed for stream in opened)


def test_a_dry_run_says_what_the_first_records_are(tmp_path):
    some = [*asked(12), *({"query": prose(n), "response": ""} for n in range(5))]
    lines = dry_run(recipe_of(tmp_path, few=asked(3), one=asked(1, 50), some=some))
    assert lines[1::2] == [
        "  all 3 records: 3 can be read (dialogue 3)",
        "  all 1 record: 1 can be read (dialogue 1)",
        f"  all 17 records: 12 can be read (dialogue 12), 5 cannot (read/no_answer 5: some.jsonl#12: "
        f"{prose(0)})",
    ]
    assert [isinstance(line, Warn) for line in lines] == [False] * 5 + [True]


def test_the_command_line_goes_on_where_it_is_told_to(tmp_path):
    path = tmp_path / "recipe.yaml"
    given = content(tmp_path, good=asked(5), bad=renamed(3))
    path.write_text(yaml.safe_dump(given, allow_unicode=True), "utf-8")
    command = ["build", "--recipe", str(path), "--out", str(tmp_path / "out")]
    for more in ([], ["--dry-run"]):
        done = CliRunner().invoke(app, [*command, *more])
        assert done.exit_code == 1
        assert "source 'bad': no record came through" in done.stderr
    done = CliRunner().invoke(app, [*command, "--allow-empty", "--dry-run"])
    assert done.exit_code == 0
    assert "all 3 records: 0 can be read, 3 cannot" in done.stdout
    done = CliRunner().invoke(app, [*command, "--allow-empty"])
    assert done.exit_code == 0
    assert "source 'bad': 100 % was lost while it was read" in done.stderr

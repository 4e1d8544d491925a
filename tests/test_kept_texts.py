"""The texts of dropped records that a build keeps: which ones, masked, and out of whose reach."""

from __future__ import annotations

import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.building import plan
from chimed_datasets.building.kept import Keep, Least, hash_of, hashes, least
from chimed_datasets.built import texts
from chimed_datasets.errors import RecipeError
from chimed_datasets.export import format_of, write_export
from chimed_datasets.publish.hub import outgoing
from chimed_datasets.publish.withholding import withhold
from chimed_datasets.recipe import parse
from chimed_datasets.records import record_id, record_ids
from chimed_datasets.records.ledger import READ_CHARS
from tests.common.files import write_jsonl
from tests.common.sources import page, recipe
from tests.common.text import prose

PHONE = "13812345678"
SHORT, HARD, ADVERT = 120, 3, 2


@pytest.fixture
def mine(tmp_path):
    """Two sources: short documents of which most are dropped, and threads in two files."""
    short = [{"id": f"s{i}", "text": f"脈浮，電話{PHONE}，{i}。"} for i in range(SHORT)]
    long = [{"id": f"l{i}", "text": prose(i, 80)} for i in range(30)]
    copies = [{"id": f"c{i}", "text": prose(i, 80)} for i in range(HARD)]
    write_jsonl(tmp_path / "docs" / "a.jsonl", [*short[:60], *long])
    write_jsonl(tmp_path / "docs" / "b.jsonl", [*short[60:], *copies, 5, {"id": "x", "tel": PHONE}])
    write_jsonl(tmp_path / "qa.jsonl", [
        {"ask": prose(900 + i), "answer": prose(800 + i)} for i in range(20)
    ] + [{"ask": prose(7), "tel": f"手机{PHONE}", "reply": "好" * 5_000}])  # fmt: skip
    sources = [
        {"name": "docs", "layout": "jsonl", "path": "docs", "license": "mit", "fields": {"text": "text"}},
        {"name": "qa", "layout": "jsonl", "path": "qa.jsonl", "license": "proprietary", "kind": "thread",
         "fields": {"question": "ask", "answer": "answer"}},
    ]  # fmt: skip
    content = {"name": "mine", "sources": sources, "stages": {"filter": {"min_document_chars": 40}}}

    def made(name: str = "out", workers: int = 1, **more):
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({**content, **more}, allow_unicode=True), "utf-8")
        build(load_recipe(path), tmp_path / name, workers=workers)
        return open_built(tmp_path / name)

    return made


def content(built) -> bytes:
    return (built.folder / texts.FILE).read_bytes()


def by_rule(built) -> Counter:
    return Counter((r["source"], r["stage"], r["rule"]) for r in texts.kept(built.folder))


# --- which ones ------------------------------------------------------------------------------


def test_a_sample_of_each_rule_and_source(mine):
    built = mine()
    assert validate(built.folder) == []
    assert by_rule(built) == {
        ("docs", "filter", "too_short"): texts.SAMPLE,
        ("docs", "deduplicate", "exact"): HARD,
        ("docs", "read", "not_an_object"): 1,
        ("docs", "read", "missing_field"): 1,
        ("qa", "read", "missing_field"): 1,
    }
    dropped = {row["id"]: row for row in built.ledger("dropped").to_pylist()}
    for row in texts.kept(built.folder):
        told = dropped[row["id"]]
        assert [row[n] for n in ("key", "stage", "rule")] == [
            told[n] for n in ("key", "stage", "rule")
        ]
    short = [r["id"] for r in dropped.values() if r["rule"] == "too_short"]
    ranked = sorted(zip(hashes(pa.array(short), 42).tolist(), short, strict=True))
    sample = [row["id"] for row in texts.kept(built.folder) if row["rule"] == "too_short"]
    assert sample == [name for _, name in ranked[: texts.SAMPLE]]


def test_the_same_bytes_with_two_workers_and_however_the_work_is_cut(mine, monkeypatch):
    one = mine("one")
    assert content(mine("two", workers=2)) == content(one)
    monkeypatch.setattr(plan, "UNIT_BYTES", 1)
    assert content(mine("cut")) == content(one)
    assert content(mine("seed", seed=1)) != content(one)


def test_all_and_none(mine):
    every = mine("all", ledger={"texts": "all"})
    assert {row["id"] for row in texts.kept(every.folder)} == {
        row["id"] for row in every.ledger("dropped").to_pylist()
    }
    assert every.manifest["measured"]["texts"] == SHORT + HARD + 3
    assert validate(every.folder) == []
    none = mine("none", ledger={"texts": "none"})
    assert not (none.folder / texts.FILE).exists()
    assert texts.kept(none.folder) == []
    assert "texts" not in none.manifest["measured"]
    assert validate(none.folder) == []


def test_the_data_is_the_same_whatever_is_kept(mine):
    built = [mine(name, ledger={"texts": name}) for name in ("all", "sample", "none")]
    first, *others = (dict(b.manifest["configs"]) for b in built)
    assert others == [first, first]
    files = [{k: v for k, v in b.manifest["files"].items() if k != texts.FILE} for b in built]
    assert files[1:] == [files[0], files[0]]


def test_an_unknown_word(tmp_path):
    with pytest.raises(RecipeError, match=r"ledger\.texts: must be all, sample or none"):
        load_recipe(recipe(tmp_path, ledger={"texts": "some"}))


@pytest.mark.parametrize("n", [0, 1, 50, 300])
def test_the_least_hashes_of_any_cut_hold_the_sample(n):
    ids = record_ids("a", map(str, range(n)))
    sample = {ids[row] for row in least(50, 7, ["r"] * n, pa.array(ids, pa.string()))}
    assert len(sample) == min(n, 50)
    for step in (7, 64, 1000):
        taken: set[str] = set()
        for start in range(0, n, 100):  # units
            held = Least(Keep(50, 7))
            for at in range(start, min(start + 100, n), step):
                part = ids[at : min(at + step, start + 100)]
                rows = held.takes("filter", ["r"] * len(part), pa.array(part))
                taken |= {part[row] for row in rows}
        assert sample <= taken


def test_few_are_taken_of_very_many():
    held = Least(Keep(50, 1))
    taken = 0
    for start in range(0, 400_000, 4_000):
        ids = pa.array(record_ids("a", map(str, range(start, start + 4_000))))
        taken += len(held.takes("filter", ["too_short"] * 4_000, ids))
    assert taken < 50 * 15


def test_a_hash_of_the_id_and_the_seed():
    ids = pa.array(["x-0", *record_ids("a", ["1", "2"]), *record_ids("longer-name", ["1"])])
    found = hashes(ids, 3).tolist()
    assert len(set(found)) == 4
    assert hashes(ids[1:3], 3).tolist() == found[1:3]
    assert [hash_of(name, 3) for name in ids.to_pylist()[1:]] == found[1:]
    assert set(hashes(ids, 4).tolist()).isdisjoint(found)


# --- what of them ----------------------------------------------------------------------------


def test_how_it_was_and_what_changed_it(mine):
    row = next(r for r in texts.kept(mine().folder) if r["rule"] == "too_short")
    number = row["key"].partition("#s")[2]
    assert row["kind"] == "document"
    assert row["texts"] == [("text", f"脉浮，电话[手机号]，{number}。")]
    ((stage, before, after),) = texts.states(row)
    assert stage == "simplify"
    assert before == [("text", f"脈浮，電話[手机号]，{number}。")]
    assert after == row["texts"]


def test_what_is_dropped_beside_all_others_is_as_it_then_was(mine):
    rows = [r for r in texts.kept(mine().folder) if r["rule"] == "exact"]
    assert {r["before"] for r in rows} == {None}
    for row in rows:
        assert row["texts"] == [("text", prose(int(row["key"].partition("#c")[2]), 80))]


def test_a_row_that_is_no_record_keeps_a_cut_of_what_was_read(mine):
    rows = {r["key"]: r for r in texts.kept(mine().folder) if r["stage"] == "read"}
    assert rows["b.jsonl#x"]["texts"] == [("read", '{"id": "x", "tel": "[手机号]"}')]
    assert (rows["b.jsonl#x"]["kind"], rows["b.jsonl#x"]["before"]) == (None, [])
    ((_, text),) = rows["qa.jsonl#20"]["texts"]
    assert "手机[手机号]" in text
    assert text.endswith("好…")
    assert len(text) < READ_CHARS + 10


def test_nothing_is_masked_where_the_recipe_masks_nothing(mine):
    whole = mine("open", stages={"mask": False, "filter": {"min_document_chars": 40}})
    kept = json.dumps(texts.kept(whole.folder), ensure_ascii=False)
    assert PHONE in kept
    assert PHONE not in json.dumps(texts.kept(mine().folder), ensure_ascii=False)


def test_a_state_in_which_a_number_hides_is_not_kept(tmp_path):
    """Markup within a number keeps it from being known for one until the text is cleaned."""
    hidden = f"<b>138</b>&#49;<i>2345</i>67{'&#56;'}"
    docs = [{"id": i, "text": prose(i, 80)} for i in range(9)]
    write_jsonl(tmp_path / "a.jsonl", [*docs, {"id": "h", "text": f"电话{hidden}。"}])
    source = {"name": "a", "layout": "jsonl", "path": "a.jsonl", "license": "mit",
              "fields": {"text": "text"}}  # fmt: skip
    stages = {"filter": {"min_document_chars": 40}}
    build(parse({"name": "a", "sources": [source], "stages": stages}, tmp_path), tmp_path / "out")
    (row,) = texts.kept(tmp_path / "out")
    assert row["texts"] == [("text", "电话[手机号]。")]
    assert row["before"] == []


def test_a_long_text_is_cut_in_a_sample_alone(tmp_path):
    long = prose(1, 30_000)
    write_jsonl(tmp_path / "a.jsonl", [{"id": 0, "text": long}, {"id": 1, "text": long}])
    source = {"name": "a", "layout": "jsonl", "path": "a.jsonl", "license": "mit",
              "fields": {"text": "text"}}  # fmt: skip
    for which, size in (("sample", texts.KEPT_CHARS + 1), ("all", len(long))):
        made = {"name": "a", "sources": [source], "ledger": {"texts": which}}
        build(parse(made, tmp_path), tmp_path / which)
        (row,) = texts.kept(tmp_path / which)
        assert len(row["texts"][0][1]) == size


# --- out of whose reach ----------------------------------------------------------------------


def test_a_withheld_source_keeps_none(mine, tmp_path):
    built = mine()
    copy = withhold(built, ["qa"], tmp_path / "copy")
    assert {row["source"] for row in texts.kept(built.folder)} == {"docs", "qa"}
    assert {row["source"] for row in texts.kept(copy.folder)} == {"docs"}
    assert copy.manifest["measured"]["texts"] == built.manifest["measured"]["texts"] - 1
    assert validate(copy.folder) == []


@pytest.mark.parametrize("which", ["sample", "all"])
def test_a_record_that_was_taken_down_and_who_says_the_same_keep_none(tmp_path, which):
    path = recipe(tmp_path, ledger={"texts": which})
    rows = [{"id": i, "text": prose(i, 80)} for i in range(40)]
    twins = [{"id": name, "text": "甲乙丙丁戊己庚"} for name in ("short", "again")]
    write_jsonl(tmp_path / "docs.jsonl", [*rows, *twins, {"id": "other", "text": "子丑寅卯辰"}])
    listed = [
        record_id("pages", "pages.jsonl#copy"),
        record_id("docs", "docs.jsonl#short"),
        record_id("pages", "pages.jsonl#61"),
    ]
    build(load_recipe(path), tmp_path / "before")
    told = json.dumps(texts.kept(tmp_path / "before"), ensure_ascii=False)
    words = [page(3)["answers"][0]["answer"], "甲乙丙丁戊己庚", "not a page"]
    assert all(word in told for word in words)
    (tmp_path / "takedowns.txt").write_text("\n".join(listed), "utf-8")
    build(load_recipe(path), tmp_path / "after")
    told = json.dumps(texts.kept(tmp_path / "after"), ensure_ascii=False)
    assert [word for word in words if word in told] == []
    assert "子丑寅卯辰" in told
    assert validate(tmp_path / "after") == []


def test_a_push_leaves_them_at_home_unless_asked(mine, tmp_path):
    built = mine()
    with outgoing(built.folder, vouched=["proprietary"]) as what:
        assert texts.FILE not in {file.name for file in what.files}
        for file in what.files:
            (tmp_path / "there" / file.name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "there" / file.name).write_bytes(file.path.read_bytes())
    assert validate(tmp_path / "there") == []
    assert texts.kept(tmp_path / "there") == []
    with outgoing(built.folder, vouched=["proprietary"], dropped_texts=True) as what:
        assert texts.FILE in {file.name for file in what.files}
    with outgoing(built.folder, withhold=True, dropped_texts=True) as what:
        assert what.withheld == ["qa"]
        assert {row["source"] for row in texts.kept(what.built.folder)} == {"docs"}


def test_an_export_has_none(mine, tmp_path):
    built = mine()
    write_export(built, format_of("jsonl"), tmp_path / "export")
    told = "".join(path.read_text("utf-8") for path in (tmp_path / "export").rglob("*.jsonl"))
    assert prose(20, 80) in told
    assert "脉浮" not in told


def test_a_changed_file_is_found(mine):
    built = mine()
    table = built.ledger(texts.NAME)
    pq.write_table(table.slice(1), built.folder / texts.FILE)
    assert any(texts.FILE in line for line in validate(built.folder))


def test_the_schema_is_the_one_that_is_documented(mine):
    assert pq.read_schema(mine().folder / texts.FILE).equals(texts.SCHEMA)

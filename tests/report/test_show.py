"""`chimed show` finds rows and dropped records; `chimed explain` shows their texts."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from rich.cells import cell_len
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe, open_built
from chimed_datasets.built import texts
from chimed_datasets.built.changes import marked, shared
from chimed_datasets.cli import app
from chimed_datasets.cli.fitting import cut_to
from tests.common.files import write_jsonl
from tests.common.sources import page
from tests.common.text import prose

STEM = "下列哪一种药物最适合用来治疗幽门螺杆菌感染引起的胃溃疡病人"
PHONE = "13812345678"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A build of three sources with a benchmark, and its recipe."""
    folder = tmp_path_factory.mktemp("show")
    base = prose(5, 100)
    docs = [
        *({"id": i, "text": prose(i, 80)} for i in range(20)),
        {"id": "trad", "text": f"太陽病，電話{PHONE}。"},
        {"id": "near-a", "text": base + "呢" + base[::-1]},
        {"id": "near-b", "text": base + "吧" + base[::-1]},
        {"id": "sugar", "text": prose(77, 90) + "糖尿病" + prose(78, 90)},
    ]
    write_jsonl(folder / "docs.jsonl", docs)
    leak = {**page(50), "id": "leak", "title": "", "question_content": f"请问：{STEM}？"}
    write_jsonl(folder / "pages.jsonl", [*(page(i) for i in range(12)), leak, {"x": 1}])
    options = dict(zip("ABCD", ("阿莫西林", "青霉素", "庆大霉素", "头孢"), strict=True))
    write_jsonl(folder / "exam.jsonl", [{"question": STEM, **options, "answer": "A"}])
    content = {
        "name": "shown",
        "sources": [
            {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "mit",
             "domain": "tcm", "fields": {"text": "text"}},
            {"name": "pages", "layout": "chimed_pages", "path": "pages.jsonl", "license": "mit"},
        ],
        "benchmarks": [{"name": "exam", "layout": "mcq", "path": "exam.jsonl"}],
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    build(load_recipe(folder / "recipe.yaml"), folder / "out")
    return folder


def chimed(*words: object, code: int = 0, columns: int = 0) -> str:
    env = {"COLUMNS": str(columns)} if columns else {}
    done = CliRunner().invoke(app, list(map(str, words)), env=env)
    assert done.exit_code == code, done.output
    return done.output


def ids(made, ledger: str, key: str) -> str:
    rows = open_built(made / "out").ledger(ledger).to_pylist()
    return next(row["id"] for row in rows if row["key"].endswith(f"#{key}"))


# --- show ------------------------------------------------------------------------------------


def test_rows_of_each_config_and_dropped_records(made):
    said = chimed("show", made / "out", "-n", 2)
    heads = [line for line in said.splitlines() if line and not line.startswith(" ")]
    assert [head.partition(":")[0] for head in heads] == [
        "pretrain",
        "sft",
        "preference",
        "dropped",
    ]
    assert "pretrain: 2 of 22 rows" in said
    assert "dropped: 2 of 4 records" in said
    known = {row["id"] for name in ("kept", "dropped")
             for row in open_built(made / "out").ledger(name, ["id"]).to_pylist()}  # fmt: skip
    found = re.findall(r"^  (\S+)  ", said, re.M)
    assert len(found) == 8
    assert all(one in known or one.rpartition("-")[0] in known for one in found)


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("--config", "sft", "-n", 1), ["sft: 1 of 12 rows"]),
        (("--rule", "near"), ["dropped: 1 of 1 records", "deduplicate/near", "kept instead"]),
        (("--rule", "deduplicate"), ["dropped: 1 of 1 records"]),
        (("--rule", "deduplicate/near"), ["dropped: 1 of 1 records"]),
        (("--rule", "read"), ["dropped: 1 of 1 records", "read/missing_field", '{"x": 1}']),
        (("--source", "docs", "--config", "pretrain"), ["pretrain: 5 of 22 rows"]),
        (("--grep", "糖尿病"), ["pretrain: 1 of 22 rows with '糖尿病'", "sft: 0 of 12 rows"]),
        (("--grep", "#NEAR"), ["dropped: 1 of 4 records with '#NEAR'"]),
    ],
)
def test_what_is_asked_for(made, words, lines):
    said = chimed("show", made / "out", *words)
    assert [line for line in lines if line not in said] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--config", "stf"), "has no config 'stf'. Did you mean 'sft'?"),
        (("--source", "doc"), "has no source 'doc'. Did you mean 'docs'?"),
        (("--rule", "nearr"), "has no rule 'nearr'. Did you mean 'near'?"),
        (("--rule", "near", "--config", "sft"), "give one of the two"),
    ],
)
def test_what_there_is_not(made, words, told):
    assert told in " ".join(chimed("show", made / "out", *words, code=1).split())


def test_lines_fit_the_screen_and_ids_are_whole(made):
    for columns in (40, 80):
        said = chimed("show", made / "out", "--grep", "糖尿病", columns=columns)
        texts_ = [line for line in said.splitlines() if line.startswith("    ")]
        assert max(map(cell_len, texts_)) <= columns
        assert "糖尿病" in said.partition("\n    ")[2]
        assert ids(made, "kept", "sugar") in said
        assert "\x1b" not in said


@pytest.mark.parametrize(
    ("text", "columns", "cut"),
    [
        ("发热头痛三天", 7, "发热头…"),
        ("发热头痛三天", 8, "发热头…"),
        ("发热头痛三天", 12, "发热头痛三天"),
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("", 3, ""),
    ],
)
def test_wide_characters_are_counted(text, columns, cut):
    assert cut_to(text, columns) == cut


def test_json_has_whole_texts(made):
    data = json.loads(chimed("show", made / "out", "--rule", "near", "--json"))
    assert data["rows"] == []
    (one,) = data["dropped"]
    assert one["id"] == ids(made, "dropped", "near-b")
    assert one["texts"] == [{"place": "text", "text": prose(5, 100) + "吧" + prose(5, 100)[::-1]}]
    rows = json.loads(chimed("show", made / "out", "--config", "sft", "-n", 3, "--json"))["rows"]
    assert [len(row["texts"]) for row in rows] == [2, 2, 2]


def test_a_build_without_kept_texts_is_shown_too(made, tmp_path):
    recipe = yaml.safe_load((made / "recipe.yaml").read_text("utf-8"))
    recipe["ledger"] = {"texts": "none"}
    (made / "none.yaml").write_text(yaml.safe_dump(recipe, allow_unicode=True), "utf-8")
    build(load_recipe(made / "none.yaml"), tmp_path / "none")
    said = chimed("show", tmp_path / "none", "--rule", "near", "-n", 9)
    assert "dropped: 1 of 1 records" in said
    assert "Jaccard" in said
    told = chimed("explain", tmp_path / "none", ids(made, "dropped", "trad"), "--recipe",
                  made / "none.yaml")  # fmt: skip
    assert "Its text, read again from docs.jsonl#trad:" in told
    assert "simplify changes text" in told
    away = chimed("explain", tmp_path / "none", ids(made, "dropped", "trad"))
    assert "Its text is not kept, and source 'docs' is not at hand" in away
    assert "pass --recipe FILE" in away
    assert "Its text" not in chimed("explain", tmp_path / "none", ids(made, "dropped", "trad"),
                                    "--brief")  # fmt: skip


# --- explain ---------------------------------------------------------------------------------


def test_before_and_after_each_stage(made):
    said = chimed("explain", made / "out", ids(made, "dropped", "trad"))
    assert "It was dropped by filter, rule 'advert'." in said
    assert "Its text, as the build kept it:" in said
    assert "太陽病，電話[手机号]。" in said
    assert "simplify changes text: 太[-陽-]{+阳+}病，[-電話-]{+电话+}[手机号]。" in said
    assert PHONE not in said


def test_a_twin_stands_beside_it(made):
    said = chimed("explain", made / "out", ids(made, "dropped", "near-b"))
    twin = ids(made, "kept", "near-a")
    assert f"Kept instead: {twin}" in said
    assert f"Beside {twin}, which was kept instead" in said
    assert "[-呢-]{+吧+}" in said
    assert "What the stages made of it, read again from docs.jsonl#near-b:" in said
    assert "unchanged by clean, simplify" in said


def test_an_exam_item_stands_beside_it(made):
    said = chimed("explain", made / "out", ids(made, "dropped", "leak"))
    assert "of benchmark exam; marked is what the record holds, too:" in said
    assert f"[={STEM}=]⏎阿莫西林" in re.sub(r"\s*\n\s*", "", said)


def test_a_benchmark_that_is_away(made, tmp_path):
    (made / "out").rename(tmp_path / "moved")
    try:
        said = chimed("explain", tmp_path / "moved", ids_in(tmp_path / "moved", "leak"))
    finally:
        (tmp_path / "moved").rename(made / "out")
    assert "Its text, as the build kept it:" in said
    assert "Its benchmark is not at hand" in said
    assert "How it was before the stages" not in said


def ids_in(folder, key: str) -> str:
    rows = open_built(folder).ledger("dropped").to_pylist()
    return next(row["id"] for row in rows if row["key"].endswith(f"#{key}"))


def test_a_kept_record_is_read_again(made):
    name = ids(made, "kept", "3")
    said = chimed("explain", made / "out", name, "--recipe", made / "recipe.yaml")
    assert "It is in split" in said
    assert "Its text, read again from docs.jsonl#3:" in said
    assert "unchanged by clean, simplify, filter, mask, decontaminate" in said


def test_a_source_that_has_changed(made):
    path = made / "docs.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"id": "new", "text": "x"}\n')
    try:
        said = chimed("explain", made / "out", ids(made, "kept", "3"))
    finally:
        path.write_bytes(whole)
    assert "docs.jsonl has changed since the build." in said


def test_no_address_of_a_manifest_is_opened(made, tmp_path):
    """A manifest may be another's: what is far away is read by the user's own recipe alone."""
    folder = tmp_path / "out"
    folder.mkdir()
    for path in (made / "out").rglob("*"):
        if path.is_file() and path.name != "texts.parquet":
            (folder / path.relative_to(made / "out")).parent.mkdir(parents=True, exist_ok=True)
            (folder / path.relative_to(made / "out")).write_bytes(path.read_bytes())
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for one in (manifest["sources"][0], manifest["recipe"]["sources"][0]):
        one["path"] = "http://127.0.0.1:9/docs.jsonl"
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    said = chimed("explain", folder, ids(made, "dropped", "trad"))
    assert "http://127.0.0.1:9/docs.jsonl is an address" in said


# --- what differs and what is shared ---------------------------------------------------------


def test_pieces_make_up_the_texts():
    for before, after in (("甲乙丙丁", "甲丙丁戊"), ("", "甲"), ("甲" * 90, "甲" * 80 + "乙")):
        pieces = marked(before, after, 1_000)
        assert "".join(p.text for p in pieces if p.sign in "=-") == before
        assert "".join(p.text for p in pieces if p.sign in "=+") == after


def test_what_two_texts_share_is_marked_in_any_order():
    one, two = "一二三四五六七", "子丑寅卯辰巳午"
    pieces = shared(f"问{one}答{two}", f"{two}，{one}")
    assert [(p.sign, p.text) for p in pieces] == [("=", "问"), ("*", one), ("=", "答"), ("*", two)]
    assert [p.sign for p in shared("甲乙丙", "子丑寅卯辰巳")] == ["="]
    assert shared("", "甲") == []
    assert [p.sign for p in shared("甲乙丙", "乙")] == ["=", "*", "="]
    far = shared("前" * 500 + one + "后" * 500, one)
    assert [p.sign for p in far] == ["…", "=", "*", "=", "…"]


def test_kept_texts_of_these_ids(made):
    name = ids(made, "dropped", "near-b")
    assert [row["id"] for row in texts.kept(made / "out", [name])] == [name]
    assert texts.kept(made / "out", []) == []

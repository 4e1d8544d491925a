"""Builds whose documents share footers: what is cut, what stays, and what is told of it."""

from __future__ import annotations

import filecmp
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.building.decide import passages as deciding
from chimed_datasets.publish.rehydrate import rehydrate
from chimed_datasets.publish.withholding import withhold
from chimed_datasets.report import tables
from tests.common.files import write_jsonl

# `page_lines` of the stage clean knows neither.
FOOTER = "健康知识网的科普文章供读者参考，不能代替医生面诊。"
OTHER = "乘车路线：乘坐公交五路到市中医院站，下车向东步行即到。"
SIGNS = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈"
OFF = {"filter": False, "simplify": False, "deduplicate": False}


def body(number: int) -> str:
    """Two lines that no other document has."""
    at = [(number * k + k * k) % len(SIGNS) for k in range(1, 25)]
    said = "".join(SIGNS[place] for place in at)
    return f"{said}{number}\n{said[::-1]}{number}。"


def built(folder: Path, sources: dict[str, list[str]], workers: int = 1, **stages: Any):
    entries = []
    for name, texts in sources.items():
        write_jsonl(
            folder / f"{name}.jsonl", [{"id": str(n), "text": t} for n, t in enumerate(texts)]
        )
        entries.append(
            {"name": name, "layout": "jsonl", "path": f"{name}.jsonl", "license": "cc0-1.0", "id": "id"}
        )  # fmt: skip
    recipe = {"name": "passages", "sources": entries, "stages": {**OFF, **stages}}
    (folder / "recipe.yaml").write_text(json.dumps(recipe), "utf-8")
    out = folder / f"out-{workers}"
    build(load_recipe(folder / "recipe.yaml"), out, workers=workers)
    assert list(validate(out)) == []
    return open_built(out)


def texts_of(dataset: Any) -> dict[str, str]:
    """The texts of a build by source and number, as s:0, in that order."""
    kept = {row["id"]: row for row in dataset.ledger("kept").to_pylist()}
    out = {}
    for _, _, entry in dataset.files():
        for row in pq.read_table(dataset.folder / entry["file"]).to_pylist():
            assert row["num_chars"] == len(row["text"])
            key = kept[row["id"]]["key"].rpartition("#")[2]
            out[f"{row['source']}:{key}"] = row["text"]
    return dict(sorted(out.items(), key=lambda item: (item[0][0], int(item[0][2:]))))


def told(dataset: Any) -> dict[str, Any]:
    return dataset.manifest["measured"]["passages"]


def with_footer(many: int, of: int, footer: str = FOOTER) -> list[str]:
    return [body(n) + (f"\n{footer}" if n < many else "") for n in range(of)]


@pytest.mark.parametrize(
    ("many", "of", "stage", "is_cut"),
    [
        (19, 40, {}, False),
        (20, 40, {}, True),
        (20, 201, {"share": 0.1}, False),
        (20, 200, {"share": 0.1}, True),
        (2, 5, {"documents": 2}, True),
        (5, 5, {"documents": 2, "chars": 100}, False),
        (30, 30, False, False),
    ],
)
def test_how_many_documents_it_takes(tmp_path, many, of, stage, is_cut):
    dataset = built(tmp_path, {"s": with_footer(many, of)}, passages=stage)
    found = texts_of(dataset)
    for number in range(of):
        whole = with_footer(many, of)[number]
        assert found[f"s:{number}"] == (body(number) if is_cut else whole)
    if is_cut:
        assert told(dataset) == {
            "passages": 1,
            "documents": many,
            "chars": many * (len(FOOTER) + 1),
            "examples": [{"source": "s", "text": FOOTER, "documents": many}],
        }
        assert dataset.manifest["stages"]["passages"]["changed"] == {"cut": many}
        (table,) = tables.passages(dataset.manifest)
        assert [*table.columns[1].cells] == [
            FOOTER,
            f"1 passage, {many * (len(FOOTER) + 1)} characters",
        ]
        assert f"cut from the ends of {many} documents" in (dataset.folder / "README.md").read_text(
            "utf-8"
        )
    elif stage is False:
        assert "passages" not in dataset.manifest["measured"]
        assert dataset.manifest["stages"]["passages"] is None
    else:
        assert told(dataset)["passages"] == 0
        assert tables.passages(dataset.manifest) == []


@pytest.mark.parametrize(
    "line",
    [
        "【用法用量】",
        "对本品过敏者禁用，过敏体质者慎用。",
        "水煎服。",
        "上为细末，每服二钱，水一盏，煎七分，去滓温服。",
        "本站内容：口服，一次2片，一日3次。",
    ],
)
def test_what_is_repeated_and_content_stays(tmp_path, line):
    texts = [f"{line}\n{body(n)}\n{line}" for n in range(30)]
    assert list(texts_of(built(tmp_path, {"s": texts})).values()) == texts


def test_a_notice_in_the_middle_stays(tmp_path):
    texts = ["\n".join([body(n)] * 4 + [FOOTER] + [body(n)] * 4) for n in range(30)]
    dataset = built(tmp_path, {"s": texts}, clean=False)
    assert told(dataset)["passages"] == 0


def test_spellings_of_one_footer_and_a_head(tmp_path):
    spelt = [
        FOOTER,
        f"　　{FOOTER}",
        FOOTER.replace("，", ","),
        FOOTER.replace("科普", "科 普"),
        f"【{FOOTER}】",
    ]
    texts = [f"{OTHER}\n{body(n)}\n\n{spelt[n % 5]}\n" for n in range(40)]
    dataset = built(tmp_path, {"s": texts}, clean=False)
    assert list(texts_of(dataset).values()) == [body(n) for n in range(40)]
    assert {one["text"]: one["documents"] for one in told(dataset)["examples"]} == {
        OTHER: 40,
        FOOTER: 40,
    }


def test_a_line_under_the_notice_stays(tmp_path):
    texts = [f"{body(n)}\n{FOOTER}\n浏览：{n}" for n in range(30)]
    found = texts_of(built(tmp_path, {"s": texts}, clean=False))
    assert list(found.values()) == [f"{body(n)}\n浏览：{n}" for n in range(30)]


def test_each_source_is_counted_by_itself(tmp_path):
    dataset = built(
        tmp_path,
        {
            "a": [*with_footer(30, 30), f"{body(100)}\n{OTHER}"],
            "b": [*with_footer(25, 30, OTHER), f"{body(200)}\n{FOOTER}"],
        },
    )
    found = texts_of(dataset)
    assert found["a:0"] == found["b:0"] == body(0)
    assert found["a:30"] == f"{body(100)}\n{OTHER}", "in one document of this source"
    assert found["b:30"] == f"{body(200)}\n{FOOTER}"
    assert [(one["source"], one["documents"]) for one in told(dataset)["examples"]] == [
        ("a", 30),
        ("b", 25),
    ]


@pytest.mark.parametrize("deduplicate", [False, {}])
def test_a_document_that_is_but_the_footer(tmp_path, deduplicate):
    short = "甲乙丙。"
    texts = [*with_footer(30, 40), FOOTER, f"{short}\n{FOOTER}", FOOTER, short + body(7)]
    dataset = built(
        tmp_path, {"s": texts}, filter={"min_document_chars": 10}, deduplicate=deduplicate
    )
    dropped = dataset.ledger("dropped").to_pylist()
    assert [(row["key"][-2:], row["stage"], row["rule"]) for row in dropped] == [
        (number, "passages", "only_passages") for number in ("40", "41", "42")
    ]
    assert [row["evidence"] for row in dropped] == [FOOTER, f"{short} {FOOTER}", FOOTER]
    assert told(dataset) | {"examples": []} == {
        "passages": 1, "documents": 30, "chars": 30 * (len(FOOTER) + 1), "examples": [],
    }  # fmt: skip


def test_without_the_filter_something_is_enough(tmp_path):
    dataset = built(tmp_path, {"s": [*with_footer(30, 40), f"甲。\n{FOOTER}", FOOTER]})
    assert texts_of(dataset)["s:40"] == "甲。"
    assert len(dataset.ledger("dropped")) == 1


def test_answers_are_not_cut(tmp_path):
    rows = [
        {"id": str(n), "question": body(n), "answer": f"{body(n)}\n{FOOTER}"} for n in range(30)
    ]
    write_jsonl(tmp_path / "s.jsonl", rows)
    source = {"name": "s", "layout": "jsonl", "path": "s.jsonl", "license": "mit", "kind": "thread"}
    fields = {"question": "question", "answer": "answer"}
    recipe = {"sources": [source | {"fields": fields}], "stages": {**OFF, "clean": False}}
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe), "utf-8")
    build(load_recipe(tmp_path / "recipe.yaml"), tmp_path / "out")
    dataset = open_built(tmp_path / "out")
    assert told(dataset)["passages"] == 0
    for _, _, entry in dataset.files():
        for row in pq.read_table(dataset.folder / entry["file"]).to_pylist():
            assert row["messages"][-1]["content"].endswith(FOOTER)


def test_ids_groups_and_splits_are_those_of_the_whole_text(tmp_path):
    for name in ("on", "off"):
        (tmp_path / name).mkdir()
    texts = {"s": with_footer(30, 60)}
    cut = built(tmp_path / "on", texts, deduplicate={})
    whole = built(tmp_path / "off", texts, deduplicate={}, passages=False)
    assert told(cut)["documents"] == 30
    assert cut.ledger("kept").equals(whole.ledger("kept"))


def test_a_withheld_source_gets_its_cut_rows_back(tmp_path):
    dataset = built(tmp_path, {"a": with_footer(30, 30), "b": [body(n) for n in range(50, 90)]})
    shown = withhold(dataset, ["a"], tmp_path / "shown")
    assert FOOTER not in (shown.folder / "manifest.json").read_text("utf-8")
    assert told(shown)["examples"] == [{"source": "a", "text": "", "documents": 30}]
    done = rehydrate(shown.folder, {"a": str(tmp_path / "a.jsonl")}, tmp_path / "again")
    assert (done.differ, done.missing) == (0, 0)
    assert done.made == 30
    again = open_built(tmp_path / "again")
    for _, _, entry in dataset.files():
        whole, copy = (pq.read_table(one.folder / entry["file"]) for one in (dataset, again))
        assert copy.to_pylist() == whole.to_pylist()


def test_an_older_build_was_not_cut(tmp_path):
    """What `rehydrate` makes again is what was built before there was the stage."""
    dataset = built(tmp_path, {"a": with_footer(30, 30), "b": [body(99)]}, passages=False)
    shown = withhold(dataset, ["a"], tmp_path / "shown")
    path = shown.folder / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    del content["stages"]["passages"]
    path.write_text(json.dumps(content), "utf-8")
    done = rehydrate(shown.folder, {"a": str(tmp_path / "a.jsonl")}, tmp_path / "again")
    assert (done.differ, done.missing) == (0, 0)


def test_workers_and_parts_do_not_change_bytes(tmp_path, monkeypatch):
    """Files of several units, and parts that several workers look at."""
    monkeypatch.setattr("chimed_datasets.building.plan.UNIT_BYTES", 2_000)
    monkeypatch.setattr(deciding, "AT_ONCE", 7)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for part in range(3):
            rows = [{"text": text} for text in with_footer(60, 60)[part::3]]
            write_jsonl(tmp_path / name / f"{part}.jsonl", rows)
    source = {"layout": "jsonl", "license": "mit"}
    recipe = {
        "sources": [source | {"name": name, "path": name} for name in ("one", "two")],
        "stages": OFF,
    }
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe), "utf-8")
    for workers in (1, 2):
        build(load_recipe(tmp_path / "recipe.yaml"), tmp_path / str(workers), workers=workers)
    dataset = open_built(tmp_path / "1")
    assert told(dataset)["documents"] == 120
    assert [one["documents"] for one in told(dataset)["examples"]] == [60, 60]
    for _, _, entry in dataset.files():
        rows = pq.read_table(dataset.folder / entry["file"])["text"].to_pylist()
        assert not any(FOOTER in text for text in rows)
    names = [p.relative_to(tmp_path / "1") for p in (tmp_path / "1").rglob("*") if p.is_file()]
    same, *others = filecmp.cmpfiles(tmp_path / "1", tmp_path / "2", names, shallow=False)
    assert (len(same), others) == (len(names), [[], []])

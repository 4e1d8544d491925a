"""Reasoning traces through a whole build: what the stages do to them, and who tells of them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset

from chimed_datasets import build, records, validate
from chimed_datasets.built.checks import check_conversations
from chimed_datasets.built.dataset import open_built
from chimed_datasets.records import Answer, Batch, Dialogue, Message, QAThread, TextField
from chimed_datasets.report import tables
from chimed_datasets.report.page import page
from tests.common import pages
from tests.common.files import write_jsonl
from tests.common.text import prose

COMMON = {"source": "s", "license": "mit", "domain": "modern"}


def talk(key: str, trace: str | None, *candidates: Answer) -> Dialogue:
    said = [Message("user", "问"), Message("assistant", "答", trace)]
    return Dialogue(key, said[: 1 if candidates else 2], list(candidates))


def batch_of(*given) -> Batch:
    return Batch(records.to_batch(list(given), **COMMON))


# --- the batch -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        [talk("0", None), talk("1", "想一"), talk("2", "想二")],
        [talk("0", None, Answer("甲", reasoning_content="想"), Answer("乙")), talk("1", "想一")],
        [QAThread("0", "问", [Answer("甲"), Answer("乙", reasoning_content="想")], "题")],
    ],
)
def test_a_trace_is_a_text_of_the_batch(given):
    batch = batch_of(*given)
    assert batch.thinks
    texts = batch.leaves.texts.to_pylist()
    assert sum(text is not None and text.startswith("想") for text in texts) >= 1
    same = batch.with_texts(batch.leaves.texts)
    assert same.table.equals(batch.table)
    changed = batch.with_texts(batch.leaves.texts.cast("string").take(list(range(len(texts)))))
    assert changed.table.equals(batch.table)
    for gone in range(batch.num_rows):
        left = batch.without([gone])
        assert left.with_texts(left.leaves.texts).table.equals(left.table)
        fresh = Batch(left.table)
        assert [t for t in left.leaves.texts.to_pylist() if t] == [
            t for t in fresh.leaves.texts.to_pylist() if t
        ]
        assert left.searched.points.tolist() == fresh.searched.points.tolist()


def test_most_batches_have_no_room_for_traces():
    batch = batch_of(talk("0", None), talk("1", None))
    assert not batch.thinks
    assert batch.leaves.texts.drop_null().to_pylist() == ["问", "答"] * 2
    assert TextField.REASONING not in batch.leaves.field
    assert batch.searched is batch.compared


# --- the build -------------------------------------------------------------------------------


def made(folder: Path, rows: list[dict], more: dict | None = None, layout="instruction") -> Path:
    write_jsonl(folder / "rows.jsonl", rows)
    source = {"name": "s", "layout": layout, "path": "rows.jsonl", "license": "mit"}
    content = {"name": "thinking", "sources": [source], **(more or {})}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    build(path, folder / "out", progress=False)
    assert validate(folder / "out") == []
    return folder / "out"


def rows_of(folder: Path, config: str = "sft") -> list[dict]:
    return [row for split in load_dataset(str(folder), config).values() for row in split]


def row(n: int, trace: str = "", **more) -> dict:
    given = {"instruction": f"{prose(n, 15)}？", "output": prose(1000 + n, 25), **more}
    return given | ({"reasoning_content": trace} if trace else {})


def test_the_stages_see_a_trace(tmp_path):
    benchmark = [{"question": f"{prose(70_000, 60)}", "options": ["甲", "乙"], "answer": "A"}]
    write_jsonl(tmp_path / "exam.jsonl", benchmark)
    rows = [
        row(1, f"电话13812345678。{prose(1, 20)}"),
        row(2, f"<b>頭痛</b>，發熱&nbsp;，{prose(2, 20)}"),
        row(3, f"题目说：{benchmark[0]['question']}，所以选甲。"),
        row(4, "想" + prose(4, 900)),
        row(5, "The patient has a fever. It may be influenza, so rest is the first advice."),
        row(6, "重复。" * 40),
        row(7),
        row(8, "先这样想。", id="one"),
        {**row(8, "又那样想了一遍，想得不同。"), "id": "two"},
    ]
    folder = made(
        tmp_path,
        rows,
        {
            "benchmarks": [{"name": "exam", "layout": "mcq", "path": "exam.jsonl"}],
            "stages": {"filter": {"max_chars": 800}},
        },
    )
    built = open_built(folder)
    dropped = {(one["stage"], one["rule"]) for one in built.ledger("dropped").to_pylist()}
    assert {("filter", "too_long"), ("deduplicate", "near")} & dropped == {("filter", "too_long")}
    assert ("deduplicate", "exact") in dropped, "judged by question and reply alone"
    assert any(stage == "decontaminate" for stage, _ in dropped)
    assert len(dropped) == 3
    traces = [m["reasoning_content"] for r in rows_of(folder) for m in r["messages"][1:]]
    assert sum(trace is None for trace in traces) == 1
    said = "\n".join(filter(None, traces))
    assert "[手机号]" in said
    assert "13812345678" not in said
    assert "头痛，发热 ，" in said
    assert "The patient has a fever" in said, "another language is a flag, no reason to drop"
    assert "重复。重复。" in said


PAIRS = [
    {
        "prompt": f"{prose(100 + n, 15)}？",
        "chosen": (f"<think>{prose(200 + n, 20)}</think>" if n % 3 else "") + prose(300 + n, 25),
        "rejected": (f"<think>{prose(400 + n, 20)}</think>" if n % 2 else "") + prose(500 + n, 25),
    }
    for n in range(30)
]


@pytest.mark.parametrize("how", ["keep", "inline", "drop"])
def test_what_becomes_of_traces(how, tmp_path):
    given = [row(n, prose(900 + n, 20) if n % 2 else "") for n in range(30)]
    folder = made(tmp_path, given, {"builders": {"sft": {"reasoning": how}}})
    rows = rows_of(folder)
    expected = {r["output"]: r.get("reasoning_content") for r in given}
    for one in rows:
        reply = one["messages"][-1]
        if how == "inline" and reply["content"].startswith("<think>"):
            head, _, tail = reply["content"].removeprefix("<think>\n").partition("\n</think>\n\n")
            assert (expected[tail], reply["reasoning_content"]) == (head, None)
        elif how == "keep":
            assert expected[reply["content"]] == reply["reasoning_content"]
        else:
            assert reply["content"] in expected
            assert reply["reasoning_content"] is None
    thinks = [
        r for r in rows
        if r["messages"][-1]["reasoning_content"] or "<think>" in r["messages"][-1]["content"]
    ]  # fmt: skip
    assert len(thinks) == (0 if how == "drop" else 15)
    figures = open_built(folder).statistics()["sft"]["all"]
    assert figures["reasoning"] == ({} if how == "drop" else {"s": 15})
    assert (figures["reasoning_chars"] > 0) == (how == "keep")


@pytest.mark.parametrize("how", ["keep", "inline", "drop", None])
def test_what_becomes_of_the_traces_of_pairs(how, tmp_path):
    more = {"builders": {"preference": {"reasoning": how}}} if how else {}
    folder = made(tmp_path, PAIRS, more, "preference_pairs")
    for one in rows_of(folder, "preference"):
        (given,) = [p for p in PAIRS if p["prompt"] == one["prompt"][0]["content"]]
        for side in ("chosen", "rejected"):
            trace, mark, text = given[side].removeprefix("<think>").rpartition("</think>")
            (reply,) = one[side]
            kept = trace if mark and how == "keep" else None
            inline = f"<think>\n{trace}\n</think>\n\n" if mark and how in ("inline", None) else ""
            assert (reply["content"], reply["reasoning_content"]) == (inline + text, kept)
    bias = open_built(folder).manifest["measured"]["preference"]["all"]
    assert bias["mean_chars"] == {"chosen": 26.0, "rejected": 26.0}, "the traces are not measured"
    assert bias["thinks"] == {
        side: 0.0 if how == "drop" else round(share, 4)
        for side, share in (("chosen", 20 / 30), ("rejected", 15 / 30))
    }
    # of n = 0 to 29 there are 10 with a trace on the chosen side alone, and 5 on the other alone
    assert bias["thinks_wins"] == (None if how == "drop" else round(10 / 15, 4))


def test_who_tells_of_traces(tmp_path):
    rows = [row(1, "想一。"), {**row(2), "output": f"<think>想二。</think>{prose(2, 20)}"},
            {**row(3), "output": "<think>没想完"}, {**row(4), "output": f"<think></think>{prose(4)}"},
            row(5)]  # fmt: skip
    folder = made(tmp_path, rows)
    built = open_built(folder)
    (source,) = built.manifest["sources"]
    assert source["reasoning"] == {
        "<think>": 1, "empty": 1, "reasoning_content": 1, "unfinished": 1,
    }  # fmt: skip
    titles = [str(t.title) for t in tables.closing(built.manifest, built.statistics())]
    assert "Reasoning traces, as the sources spell them" in titles
    assert "Rows with reasoning" in titles
    card = (folder / "README.md").read_text("utf-8")
    assert "Rows with a reasoning trace: 2 of 4 (50.0%), by source: s 2." in card
    assert "Reasoning traces, as the sources spell them" in page(built, built.statistics())
    (lost,) = built.ledger("dropped").to_pylist()
    assert (lost["rule"], lost["evidence"]) == ("unfinished_thought", "<think>没想完")


def test_no_word_of_traces_where_there_are_none(tmp_path):
    folder = made(tmp_path, [row(n) for n in range(5)])
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert "reasoning" not in manifest["sources"][0]
    assert "with a reasoning trace" not in (folder / "README.md").read_text("utf-8")


FAULTS = {
    "empty or not of the assistant": {"role": "user", "content": "问", "reasoning_content": "想"},
    "stray marks": {"role": "assistant", "content": "答</think>", "reasoning_content": None},
}


@pytest.mark.parametrize("said", FAULTS)
def test_validate_looks_at_traces(said, tmp_path):
    folder = made(tmp_path, [row(n, prose(n)) for n in range(5)])
    path = next((folder / "sft").glob("train-*.parquet"))
    table = pq.read_table(path)
    rows = table.to_pylist()
    messages = rows[0]["messages"]
    messages[0 if FAULTS[said]["role"] == "user" else 1] = FAULTS[said]
    pq.write_table(table.from_pylist(rows, table.schema), path)
    assert any(said in complaint for complaint in check_conversations(open_built(folder)))


def test_the_page_on_traces(tmp_path, monkeypatch, capsys):
    """Its recipe builds, and its script runs, as printed."""
    text = (pages.ROOT / "docs" / "how-to" / "reasoning.md").read_text("utf-8")
    printed = dict(pages.blocks(text))
    rows = [
        {"Question": f"{prose(n, 15)}？", "Complex_CoT": prose(100 + n, 30),
         "Response": prose(200 + n, 25)}
        for n in range(20)
    ]  # fmt: skip
    write_jsonl(tmp_path / "medical_o1.jsonl", rows)
    (tmp_path / "recipe.yaml").write_text(printed["yaml"], "utf-8")
    monkeypatch.chdir(tmp_path)
    made = build("recipe.yaml", progress=False)
    assert made.manifest["sources"][0]["reasoning"] == {"Complex_CoT": 20}
    assert {m["reasoning_content"] for r in rows_of(made.folder) for m in r["messages"][1:]} == {
        row["Complex_CoT"] for row in rows
    }
    exec(compile(printed["python"], "sound.py", "exec"), {})
    assert int(capsys.readouterr().out) > 0

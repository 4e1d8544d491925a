"""The config `unpaired`: what marks a reply, which replies become rows, and where the config goes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from chimed_datasets.builders import unpaired as declared
from datasets import load_dataset
from typer.testing import CliRunner

from chimed_datasets import build, dataset_builder, load_recipe, open_built, validate
from chimed_datasets.built import card, manifest
from chimed_datasets.built.bias import measure_labels
from chimed_datasets.cli import app
from chimed_datasets.errors import RecipeError
from chimed_datasets.publish.croissant import croissant
from chimed_datasets.publish.gate import ours
from chimed_datasets.publish.rehydrate import rehydrate
from chimed_datasets.publish.withholding import withhold
from chimed_datasets.recipe import parse
from chimed_datasets.records import Answer, Dialogue, Message, QAThread, to_batch
from chimed_datasets.report.diff import compare
from chimed_datasets.report.explain import explain
from chimed_datasets.report.page import page as report_page
from chimed_datasets.rows import Refusal, builder_settings
from chimed_datasets.rows.labels import labelled
from tests.common.files import write_jsonl
from tests.common.sources import page
from tests.common.text import prose

A, B, C = "多喝水。", "去看医生。", "捂一捂就好了。"
SCORES = {"scores": {"s": {"high": 8, "low": 3}}}


def setting(unpaired=True, **more):
    return builder_settings({"preference": {"unpaired": unpaired, **more}})["unpaired"]


def batch(*made, source="s", origin="human"):
    return to_batch(list(made), source=source, license="mit", domain="modern", origin=origin)


def thread(*answers):
    return QAThread("t", "头痛怎么办？", list(answers))


def dialogue(*candidates, **about):
    return Dialogue("d", [Message("user", "头痛怎么办？")], list(candidates), metadata=about)


def given(made, settings, **more):
    """Return (text, label, mark) of a record's rows, or the rule of a refusal."""
    (record,) = labelled(batch(made, **more))
    return [
        one.rule
        if isinstance(one, Refusal)
        else (one["completion"][0]["content"], one["label"], one["mark"])
        for one in declared.to_row(record, settings)
    ]


# --- one record ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "unpaired", "rows"),
    [
        # All that is marked is good: no pair, but labels.
        (thread(Answer(A, adopted=True)), True, [(A, True, "adopted")]),
        (thread(Answer(A, recommended=True)), True, [(A, True, "recommended")]),
        (
            thread(Answer(A, adopted=True), Answer(B, adopted=True)),
            True,
            [(A, True, "adopted"), (B, True, "adopted")],
        ),
        # Two are adopted, which makes no pair; the third was passed over.
        (
            thread(Answer(A, adopted=True), Answer(B, adopted=True), Answer(C, adopted=False)),
            True,
            [(A, True, "adopted"), (B, True, "adopted"), (C, False, "not_adopted")],
        ),
        # Nothing is adopted: the asker may never have come back.
        (thread(Answer(A, adopted=False)), True, ["no_mark"]),
        (thread(Answer(A, adopted=False), Answer(B, adopted=False)), True, ["no_mark"]),
        (thread(Answer(A), Answer(B)), True, ["no_mark"]),
        # What the page does not say is not "not adopted".
        (
            thread(Answer(A, adopted=True), Answer(B, adopted=True), Answer(C)),
            True,
            [(A, True, "adopted"), (B, True, "adopted")],
        ),
        # A pair has both.
        (thread(Answer(A, adopted=True), Answer(B, adopted=False)), True, ["all_paired"]),
        (
            thread(Answer(A, adopted=True), Answer(B, adopted=False)),
            {"repeat_paired": True},
            [(A, True, "adopted"), (B, False, "not_adopted")],
        ),
        # Marks that disagree on one text say nothing of it.
        (
            thread(
                Answer(A, adopted=True),
                Answer(B, adopted=True),
                Answer(C, adopted=False, recommended=True),
            ),
            True,
            [(A, True, "adopted"), (B, True, "adopted"), "marks_disagree"],
        ),
        (thread(Answer(A, adopted=True), Answer(A, adopted=False)), True, ["marks_disagree"]),
        (thread(Answer(A, adopted=True, score=1.0)), SCORES, ["marks_disagree"]),
        # Equal replies count once.
        (thread(Answer(A, adopted=True), Answer(A, adopted=True)), True, [(A, True, "adopted")]),
        # Only the marks that the recipe takes.
        (thread(Answer(A, recommended=True)), {"marks": ["adopted"]}, ["no_mark"]),
        # A score counts by the thresholds of its source, and by no other.
        (dialogue(Answer(A, score=9.0)), True, ["no_mark"]),
        (dialogue(Answer(A, score=9.0)), {"scores": {"x": {"high": 8}}}, ["no_mark"]),
        (dialogue(Answer(A, score=8.0)), SCORES, [(A, True, "score_high")]),
        (dialogue(Answer(A, score=3.0)), SCORES, [(A, False, "score_low")]),
        (dialogue(Answer(A, score=5.0)), SCORES, ["no_mark"]),
        (dialogue(Answer(A, score=3.0)), {"scores": {"s": {"high": 8}}}, ["no_mark"]),
        (
            dialogue(Answer(A, score=9.0), Answer(B, score=9.0)),
            SCORES,
            [(A, True, "score_high"), (B, True, "score_high")],
        ),
        (dialogue(Answer(A, score=9.0), Answer(B, score=1.0)), SCORES, ["all_paired"]),
        (dialogue(Answer(A, ratings=[9.0, None, 8.0])), SCORES, [(A, True, "score_high")]),
        # A rank compares and does not judge; a dialogue's own reply is for sft.
        (dialogue(Answer(A, rank=0)), SCORES, ["no_mark"]),
        (
            Dialogue("d", [Message("user", A), Message("assistant", B)]),
            SCORES,
            ["no_candidate"],
        ),
    ],
)
def test_what_a_record_gives(made, unpaired, rows):
    settings = setting(unpaired)
    assert given(made, settings) == rows
    # The look at a whole batch says the same of the records that it refuses.
    for _, refusal in declared.BUILDER.sift(batch(made), settings).items():
        assert [refusal.rule] == rows
        (record,) = labelled(batch(made))
        assert list(declared.to_row(record, settings)) == [refusal]


def test_what_the_recipe_cuts_from_the_pairs_does_not_come_back():
    settings = setting(origins={"adopted_vs_unadopted": {"limit": 0}})
    pair = thread(Answer(A, adopted=True), Answer(B, adopted=False))
    assert given(pair, settings) == ["all_paired"]
    # Where the recipe makes no pairs of the origin, the marks are free.
    settings = setting(origins={"scored": None})
    assert given(pair, settings) == [(A, True, "adopted"), (B, False, "not_adopted")]
    # A planted defect makes no use of a mark.
    settings = setting(origins={"corrupted": None})
    text = "成人每次服0.5克，每日3次。若高热不退请立即就医。"
    assert given(thread(Answer(text, adopted=True)), settings) == [(text, True, "adopted")]


@pytest.mark.parametrize(
    ("reasoning", "content", "trace"),
    [("inline", f"<think>\n{C}\n</think>\n\n{A}", None), ("keep", A, C), ("drop", A, None)],
)
def test_a_row(reasoning, content, trace):
    marked = Answer(A, score=9.0, model="m", reasoning_content=C)
    made = dialogue(marked, Answer(B, score=5.0))
    (record,) = labelled(batch(made))
    settings = setting(SCORES, origins={"ranked": None}, reasoning=reasoning)
    (row,) = declared.to_row(record, settings)
    assert list(row) == declared.COLUMNS.names
    assert row["id"] == f"{record['id']}-0"
    assert row["thread_id"] == record["id"]
    assert row["prompt"] == [{"role": "user", "content": "头痛怎么办？", "reasoning_content": None}]
    assert row["completion"] == [
        {"role": "assistant", "content": content, "reasoning_content": trace}
    ]
    assert (row["score"], row["model"]) == (9.0, "m")
    assert row["label_origin"] == {"department": None}


@pytest.mark.parametrize(
    ("builders", "message"),
    [
        ({"unpaired": {}}, r"builders.unpaired: .* `builders: {preference: {unpaired: true}}`"),
        ({"preference": {"unpaired": {"mark": []}}}, "unpaired: unknown key 'mark'"),
        (
            {"preference": {"unpaired": {"marks": ["best"]}}},
            "unpaired.marks, entry 1: must be adopted, ",
        ),
        ({"preference": {"unpaired": {"scores": {"s": {}}}}}, "give high, low or both"),
        ({"preference": {"unpaired": {"scores": {"s": {"high": 2, "low": 3}}}}}, r"low \(3\) must"),
        ({"preference": {"unpaired": {"scores": {"s": {"high": float("nan")}}}}}, "finite"),
        (
            {"preference": {"unpaired": {"scores": {"page": {"high": 2}}}}},
            r"unknown source 'page'. Did you mean 'pages'\?",
        ),
        ({"preference": {"unpaired": 3}}, "unpaired"),
    ],
)
def test_settings_that_are_refused(builders, message):
    sources = [{"name": "pages", "layout": "chimed_pages", "path": "x", "license": "mit"}]
    with pytest.raises(RecipeError, match=message):
        parse({"sources": sources, "builders": builders}, Path.cwd())


def test_only_a_recipe_that_asks_for_it_makes_it():
    for unpaired in (False, None):
        assert "unpaired" not in builder_settings({"preference": {"unpaired": unpaired}})
    assert list(builder_settings({})) == ["pretrain", "sft", "preference"]
    assert list(builder_settings({"preference": {"unpaired": True}}))[3:] == ["unpaired"]


# --- a build ---------------------------------------------------------------------------------


def recipe(folder: Path, unpaired: object = None) -> Path:
    """Write pages with all marks, single scored replies (half of them with a trace), documents, and
    a recipe over them."""
    marks = (("True",), ("True", "True", "False"), ("True", "False"), ("False", "False"))
    write_jsonl(folder / "pages.jsonl", [page(i, marks[i % 4]) for i in range(80)])
    scored = []
    for n in range(44):  # the last four are neither good nor bad
        think = f"<think>{prose(33_000 + n, 15)}</think>" if n % 2 else ""
        reply = {
            "text": think + prose(31_000 + n, 20 + 20 * (n % 2)),
            "score": 5 if n >= 40 else 1 + 8 * (n % 2),
        }
        scored.append({"prompt": prose(30_000 + n, 15), "responses": [{"model": "m", **reply}]})
    write_jsonl(folder / "scored.jsonl", scored)
    write_jsonl(folder / "docs.jsonl", [{"text": prose(i, 80)} for i in range(10)])
    if unpaired is None:
        unpaired = {"scores": {"scored": {"high": 8, "low": 3}}}
    content = {
        "name": "small",
        "sources": [
            {"name": "pages", "layout": "chimed_pages", "path": "pages.jsonl", "license": "mit"},
            {"name": "scored", "layout": "scored", "path": "scored.jsonl", "license": "mit",
             "origin": "llm"},
            {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "mit",
             "kind": "document", "fields": {"text": "text"}},
        ],
        "stages": {"split": {"validation": 0.15, "test": 0.15}},
        "builders": {"preference": {"unpaired": unpaired}},
    }  # fmt: skip
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("unpaired")
    build(load_recipe(recipe(folder)), folder / "out", progress=False)
    return folder / "out"


def rows(folder: Path) -> list[dict]:
    files = sorted((folder / "unpaired").glob("*.parquet"))
    return [row for path in files for row in pq.read_table(path).to_pylist()]


def test_the_rows_of_a_build(made):
    assert validate(made) == []
    found = [(row["source"], row["mark"], row["label"]) for row in rows(made)]
    assert {one: found.count(one) for one in found} == {
        ("pages", "adopted", True): 60,
        ("pages", "not_adopted", False): 20,
        ("scored", "score_high", True): 20,
        ("scored", "score_low", False): 20,
    }
    kept = open_built(made).ledger("kept").to_pylist()
    assert list(kept[0])[5:9] == ["pretrain", "sft", "preference", "unpaired"]
    alone = [row for row in kept if row["source"] == "scored"]  # those without a label are not
    assert len(alone) == 40
    assert all((r["sft"], r["preference"], r["unpaired"]) == (0, 0, 1) for r in alone)
    split_of = {row["id"]: row["split"] for row in kept}
    for path in (made / "unpaired").glob("*.parquet"):
        split = path.name.partition("-")[0]
        assert {split_of[i] for i in pq.read_table(path)["thread_id"].to_pylist()} == {split}
    paired = {
        (row["thread_id"], row[side][0]["content"])
        for path in (made / "preference").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
        for side in ("chosen", "rejected")
    }
    assert paired
    assert not paired & {(r["thread_id"], r["completion"][0]["content"]) for r in rows(made)}
    refused = open_built(made).ledger("refused").to_pylist()
    why = [row["rule"] for row in refused if row["config"] == "unpaired"]
    assert {rule: why.count(rule) for rule in why} == {"all_paired": 20, "no_mark": 20}


def test_the_other_configs_are_as_without_it(made, tmp_path):
    build(load_recipe(recipe(tmp_path, False)), tmp_path / "out", progress=False)
    assert not (tmp_path / "out" / "unpaired").exists()
    assert "unpaired" not in open_built(tmp_path / "out").ledger("kept").column_names
    assert "unpaired" not in open_built(tmp_path / "out").manifest["measured"]
    for config in ("pretrain", "preference"):
        for path in (tmp_path / "out" / config).glob("*.parquet"):
            assert path.read_bytes() == (made / config / path.name).read_bytes()
    old, new = (
        open_built(folder).ledger("dropped").to_pylist() for folder in (tmp_path / "out", made)
    )
    gone = [row for row in old if row not in new]
    assert [row for row in new if row not in old] == []
    assert {(r["source"], r["stage"], r["rule"]) for r in gone} == {
        ("scored", "preference", "one_answer")
    }
    assert (len(gone), len(new)) == (40, 4)
    changes = compare(open_built(tmp_path / "out"), open_built(made))
    assert [s.after for s in changes.splits if s.config == "unpaired"]
    assert {(r.what, r.source, r.why, r.records) for r in changes.reasons} == {
        ("added", "scored", "preference: one_answer", 40)
    }


def test_two_workers_write_the_same(made, tmp_path):
    build(load_recipe(made.parent / "recipe.yaml"), tmp_path / "two", workers=2, progress=False)
    assert (tmp_path / "two" / "manifest.json").read_bytes() == (
        made / "manifest.json"
    ).read_bytes()


def test_datasets_loads_and_streams_it(made, tmp_path):
    found = load_dataset(str(made), "unpaired", cache_dir=str(tmp_path))
    assert set(found) == {"train", "validation", "test"}
    assert found["train"].features == declared.BUILDER.features
    streamed = load_dataset(str(made), "unpaired", streaming=True)
    for split, table in found.items():
        assert list(streamed[split]) == list(table)


def test_a_builder_of_the_config(made, tmp_path):
    builder = dataset_builder("unpaired", made.parent / "recipe.yaml", cache_dir=tmp_path / "c")
    builder.download_and_prepare()
    ids = {row["id"] for split in builder.as_dataset().values() for row in split}
    assert ids == {row["id"] for row in rows(made)}
    with pytest.raises(RecipeError, match="does not ask for the config 'unpaired'"):
        dataset_builder("unpaired", recipe(tmp_path, False), cache_dir=tmp_path / "d")


def test_the_figures_of_the_labels(made):
    measured = open_built(made).manifest["measured"]["unpaired"]
    assert measured == measure_labels(sorted((made / "unpaired").glob("*.parquet")))
    assert list(measured["sources"]) == ["pages", "scored"]
    assert [f["true"] for f in measured["sources"].values()] == [0.75, 0.5]
    scored = measured["sources"]["scored"]["labels"]
    lengths = {True: [], False: []}
    for row in rows(made):
        if row["source"] == "scored":
            text = row["completion"][0]["content"].rpartition("</think>\n\n")[2]
            lengths[row["label"]].append(len(text))
    for label, sizes in lengths.items():
        told = scored[str(label).lower()]
        assert told["rows"] == 20
        assert told["mean_chars"] == pytest.approx(sum(sizes) / 20, abs=0.06)
        middle = sorted(sizes)
        assert told["median_chars"] == (middle[9] + middle[10]) / 2
        assert told["thinks"] == float(label)
    assert measured["all"]["labels"]["true"]["rows"] == 80
    assert measure_labels([]) is None


def test_where_it_is_told_of(made):
    built = open_built(made)
    text = (made / "README.md").read_text("utf-8")
    assert "### unpaired" in text
    assert "In source scored a score of 8 or more is good, and one of 3 or less is bad." in text
    assert "| scored | false | 20 | 50.0% |" in text
    assert {"unpaired-preference", "kto"} <= set(card.metadata(built.manifest)["tags"])
    shown = CliRunner().invoke(app, ["stats", str(made), "--bias"], terminal_width=80)
    table = shown.output.partition("Bias of unpaired")[2]
    assert "scored  false" in table
    assert max(map(len, table.splitlines())) <= 80
    row = next(row for row in rows(made) if row["source"] == "scored")
    lines = explain(built, row["id"])
    assert any(line.startswith("unpaired/") and row["id"] in line for line in lines)
    assert any(line.startswith("No row in preference: one_answer") for line in lines)
    html = report_page(built, built.statistics())
    assert "Bias of unpaired" in html
    assert '["bad",' in html
    assert built.statistics()["unpaired"]["all"]["origin"]["score_low"] == 20
    assert ours("unpaired/train-00000-of-00001.parquet")


def test_bias_of_labels_alone(tmp_path):
    folder = tmp_path / "alone"
    path = recipe(folder)
    content = yaml.safe_load(path.read_text("utf-8"))
    content["sources"] = content["sources"][1:]
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    build(load_recipe(path), folder / "out", progress=False)
    shown = CliRunner().invoke(app, ["stats", str(folder / "out"), "--bias"])
    assert shown.exit_code == 0
    assert "Bias of unpaired" in shown.output
    assert "Bias of preference" not in shown.output


def test_the_croissant_file(made):
    pytest.importorskip("mlcroissant")
    found = croissant(open_built(made))
    assert "unpaired" in [one["name"] for one in found["recordSet"]]
    assert "Labels of single replies" in json.dumps(found["rai:dataAnnotationProtocol"])
    assert "scored 50.0%" in json.dumps(found["rai:dataBiases"])


@pytest.mark.parametrize("source", ["scored", "pages"])
def test_withheld_rows_come_back(made, tmp_path, source):
    sent = withhold(open_built(made), [source], tmp_path / "sent")
    assert validate(sent.folder) == []
    assert {row["source"] for row in rows(sent.folder)} == {"pages", "scored"} - {source}
    assert source not in sent.manifest["measured"]["unpaired"]["sources"]
    done = rehydrate(sent.folder, {source: made.parent / f"{source}.jsonl"}, tmp_path / "whole")
    assert done[1:] == (0, 0, 0)
    assert validate(tmp_path / "whole") == []
    whole, built = open_built(tmp_path / "whole").manifest, open_built(made).manifest
    assert whole["configs"] == built["configs"]
    kept = {"texts": whole["measured"].pop("texts"), "of it all": built["measured"].pop("texts")}
    assert kept["texts"] <= kept["of it all"]  # those of a source that was withheld stay away
    assert whole["measured"] == built["measured"]


def test_nothing_is_said_of_labels_that_are_all_withheld(made, tmp_path):
    sent = withhold(open_built(made), ["pages", "scored"], tmp_path / "sent")
    assert validate(sent.folder) == []
    assert "unpaired" not in sent.manifest["measured"]
    assert "Labels of the single replies" not in (sent.folder / "README.md").read_text("utf-8")


def no_text(row: dict) -> None:
    row["completion"][0]["content"] = ""


def two_replies(row: dict) -> None:
    row["completion"] *= 2


def of_the_user(row: dict) -> None:
    row["completion"][0]["role"] = "user"


def other_label(row: dict) -> None:
    row["label"] = not row["label"]


def no_label(row: dict) -> None:
    row["label"] = None


def unknown_mark(row: dict) -> None:
    row["mark"] = "liked"


def no_question(row: dict) -> None:
    row["prompt"] = []


def half_a_trace(row: dict) -> None:
    row["completion"][0]["content"] = "</think>好。"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (no_text, "is not one reply with a text"),
        (two_replies, "is not one reply with a text"),
        (of_the_user, "is not one reply with a text"),
        (other_label, "does not give"),
        (no_label, "the label of .* is None"),
        (unknown_mark, "which its mark 'liked' does not give"),
        (no_question, "does not end with the user"),
        (half_a_trace, "has stray marks of a trace"),
    ],
)
def test_validate_names_a_faulty_row(made, tmp_path, change, said):
    folder = tmp_path / "out"
    shutil.copytree(made, folder)
    path = sorted((folder / "unpaired").glob("train-*"))[0]
    table = pq.read_table(path)
    found = table.to_pylist()
    change(found[0])
    pq.write_table(type(table).from_pylist(found, table.schema), path)
    built = open_built(folder)
    for _, _, entry in built.files():
        entry |= manifest.describe(folder / entry["file"])
    told = manifest.signed(manifest.unsigned(built.manifest))
    (folder / "manifest.json").write_text(manifest.to_json(told), "utf-8")
    card.write(open_built(folder))
    (complaint,) = validate(folder)
    assert found[0]["id"] in complaint
    assert re.search(said, complaint)

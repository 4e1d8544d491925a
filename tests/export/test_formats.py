"""Each format: its lines are of the trainer's form, and what the trainer would bend is told."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from chimed_datasets.built.dataset import open_built
from chimed_datasets.cli import app
from chimed_datasets.errors import ExportError, RecipeError
from chimed_datasets.export import LOST, format_of, formats, remarks, write_export, writers, xlsx
from chimed_datasets.publish.withholding import withhold
from chimed_datasets.rows import Refusal
from tests.common import exports
from tests.common.exports import (
    ASK,
    FAULTS,
    KNOWN,
    PAIR,
    RULES,
    SAY,
    SINGLE,
    TALK,
    THOUGHT,
    A,
    bare,
    message,
    talk,
)  # fmt: skip
from tests.common.files import read_jsonl

TRAINERS = sorted(set(formats()) - {"jsonl", "xlsx"})


def rows_of(built, config, split=None) -> list[dict]:
    return [
        row
        for one, part, entry in built.files()
        if one == config and split in (None, part)
        for row in pq.read_table(built.folder / entry["file"]).to_pylist()
    ]


def lines_of(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


# --- lines ---------------------------------------------------------------------------------------

EARLIER = "<think>\n问病程。\n</think>\n\n多久了？"
TURNS = [
    bare("system", RULES), bare("user", "咳嗽。"), bare("assistant", EARLIER), bare("user", ASK),
    bare("assistant", THOUGHT + SAY),
]  # fmt: skip
PROMPT = [bare("system", RULES), bare("user", ASK)]
GOOD, BAD = bare("assistant", THOUGHT + SAY), bare("assistant", "没事。")
KTO = [
    {"messages": [*PROMPT, GOOD], "label": True},
    {"messages": [*PROMPT, BAD], "label": False},
]
TEXT = {**KNOWN, "text": "甲乙丙。"}
LINES = [
    *((form, "pretrain", TEXT, [{"text": "甲乙丙。"}])
      for form in ("llama-factory", "ms-swift", "axolotl", "openrlhf")),
    *((form, "sft", TALK, [{"messages": TURNS}])
      for form in ("llama-factory", "ms-swift", "axolotl", "openrlhf", "verl")),
    *((form, "preference", PAIR, [{"messages": PROMPT, "chosen": GOOD, "rejected": BAD}])
      for form in ("llama-factory", "axolotl")),
    ("ms-swift", "preference", PAIR, [{"messages": [*PROMPT, GOOD], "rejected_response": "没事。"}]),
    ("llama-factory", "kto", PAIR, KTO),
    ("ms-swift", "kto", PAIR, KTO),
    ("trl-kto", "kto", PAIR, [
        {"prompt": PROMPT, "completion": [GOOD], "label": True},
        {"prompt": PROMPT, "completion": [BAD], "label": False},
    ]),
    *((form, "unpaired", SINGLE, KTO[1:]) for form in ("llama-factory", "ms-swift")),
    ("trl-kto", "unpaired", SINGLE, [{"prompt": PROMPT, "completion": [BAD], "label": False}]),
    ("openrlhf", "preference", PAIR, [{"chosen": [*PROMPT, GOOD], "rejected": [*PROMPT, BAD]}]),
    ("verl", "rl", TALK, [{
        "data_source": "s", "prompt": TURNS[:-1], "ability": "medical",
        "reward_model": {"style": "rule", "ground_truth": SAY}, "extra_info": {"id": "x"},
    }]),
    ("sharegpt", "sft", TALK, [{
        "conversations": [
            {"from": "human", "value": "咳嗽。"}, {"from": "gpt", "value": EARLIER},
            {"from": "human", "value": ASK}, {"from": "gpt", "value": THOUGHT + SAY},
        ],
        "system": RULES,
    }]),
    ("sharegpt", "preference", PAIR, [{
        "conversations": [{"from": "human", "value": ASK}], "system": RULES,
        "chosen": {"from": "gpt", "value": THOUGHT + SAY},
        "rejected": {"from": "gpt", "value": "没事。"},
    }]),
    ("alpaca", "sft", TALK, [{
        "instruction": ASK, "input": "", "output": THOUGHT + SAY, "system": RULES,
        "history": [["咳嗽。", EARLIER]],
    }]),
    ("alpaca", "preference", PAIR, [{
        "instruction": ASK, "input": "", "chosen": THOUGHT + SAY, "rejected": "没事。",
        "system": RULES, "history": [],
    }]),
]  # fmt: skip


@pytest.mark.parametrize(("form", "name", "row", "lines"), LINES)
def test_the_lines_of_a_row(form, name, row, lines):
    assert list(format_of(form).convert(name, row)) == lines


def test_every_file_of_every_format_has_a_line_above():
    told = {(form, name) for form, name, *_ in LINES}
    for key in TRAINERS:
        form = format_of(key)
        for config in form.configs:
            for name in form.files.get(config, (config,)):
                assert (key, name) in told


# --- rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", TRAINERS)
@pytest.mark.parametrize(("config", "row", "rule"), FAULTS)
def test_what_a_trainer_would_not_take_is_refused(key, config, row, rule):
    form = format_of(key)
    for name in form.files.get(config, (config,)) if config in form.configs else ():
        made = list(form.convert(name, row))
        assert made
        assert {(type(one), one.rule) for one in made} == {(Refusal, rule)}


IDX, ROUND = "第{{idx}}次？", "第{{ROUND0}}次？"


@pytest.mark.parametrize(
    ("key", "asked", "refused"),
    [
        ("llama-factory", IDX, True), ("sharegpt", IDX, True), ("alpaca", IDX, True),
        ("llama-factory", ROUND, False), ("ms-swift", IDX, False), ("ms-swift", ROUND, True),
        ("ms-swift", "<img>a.png</img>？", True), ("axolotl", IDX, False), ("verl", ROUND, False),
    ],
)  # fmt: skip
def test_placeholders_are_the_trainers_own(key, asked, refused):
    form = format_of(key)
    rows = {"sft": talk(("user", asked), A),
            "preference": {**PAIR, "prompt": [message("user", asked)]},
            "unpaired": {**SINGLE, "prompt": [message("user", asked)]}}  # fmt: skip
    for config in set(rows) & set(form.configs):
        for name in form.files.get(config, (config,)):
            made = list(form.convert(name, rows[config]))
            rules = {one.rule for one in made if isinstance(one, Refusal)}
            assert rules == ({"placeholder"} if refused else set())


@pytest.mark.parametrize("name", ["preference", "kto", "unpaired"])
def test_the_traces_of_a_prompt(name):
    """LLaMA-Factory takes them off: the file is as it reads it, and the ledger tells. Others keep."""
    row = {**PAIR, **SINGLE, "prompt": TALK["messages"][:-1]}
    refused, *lines = format_of("llama-factory").convert(name, row)
    assert refused.rule == "prompt_trace"
    for line in lines:
        assert line["messages"][2] == bare("assistant", "多久了？")
    for line in format_of("ms-swift").convert(name, row):
        assert line["messages"][2] == bare("assistant", EARLIER)


# --- a whole build -------------------------------------------------------------------------------


def texts(value) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


def kinds(value):
    """The types of a value, keys and all; a list by what its items have in common."""
    if isinstance(value, dict):
        return {key: kinds(one) for key, one in value.items()}
    if isinstance(value, list):
        return [kinds(value[0])] if value else []
    return type(value).__name__


@pytest.mark.parametrize("key", formats())
def test_rows_in_are_rows_out_and_rows_lost(key, full, tmp_path):
    form = format_of(key)
    files = write_export(full, form, tmp_path / "to")
    lost = lines_of(tmp_path / "to" / LOST)
    assert Counter(one["file"] for one in lost if one["whole"]) == Counter(
        {file.file: file.gone for file in files if file.gone}
    )
    for file in files:
        rows = rows_of(full, file.config, file.split)
        assert file.rows == len(rows)
        assert file.gone + file.out == file.rows
        told = Counter(one["rule"] for one in lost if one["file"] == file.file)
        assert told == file.lost
        parts = [one for one in lost if one["file"] == file.file and not one["whole"]]
        assert Counter(one["rule"] for one in parts) == +file.parts
        known = {row["id"]: (row["source"], row["license"]) for row in rows}
        assert all(
            known[o["id"]] == (o["source"], o["license"]) for o in lost if o["file"] == file.file
        )


@pytest.mark.parametrize("key", TRAINERS)
def test_columns_have_one_type_and_no_null(key, full, tmp_path):
    for file in write_export(full, format_of(key), tmp_path / "to"):
        lines = lines_of(tmp_path / "to" / file.file)
        shapes = [kinds(line) for line in lines]
        for line, shape in zip(lines, shapes, strict=True):
            assert "NoneType" not in str(shape)
            assert "reasoning_content" not in str(shape)
            assert {k: type(v) for k, v in shape.items()} == {
                k: type(v) for k, v in shapes[0].items()
            }
            assert line.keys() == lines[0].keys()
        traces = [text for line in lines for text in texts(line) if text.startswith("<think>\n")]
        if file.name in ("sft", "preference", "kto") and file.split == "train":
            assert traces


def test_the_same_bytes_twice(full, tmp_path):
    for key in formats():
        for name in ("one", "two"):
            write_export(full, format_of(key), tmp_path / name / key)
    one, two = ({p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*.*")
                 if p.is_file()} for n in ("one", "two"))  # fmt: skip
    assert one == two


def test_what_llama_factory_is_told(full, tmp_path):
    files = write_export(full, format_of("llama-factory"), tmp_path / "to")
    told = json.loads((tmp_path / "to" / "dataset_info.json").read_text("utf-8"))
    assert {entry["file_name"] for entry in told.values()} == {file.file for file in files}
    assert {name.partition("-")[0] for name in told} == {
        "pretrain", "sft", "preference", "kto", "unpaired",
    }  # fmt: skip
    for name, entry in told.items():
        (first, *_) = lines_of(tmp_path / "to" / entry["file_name"])
        assert set(entry["columns"].values()) == set(first), "a column without a row stops it"
        if not name.startswith("pretrain"):
            assert entry["formatting"] == "sharegpt", "openai changes the system prompts"
            assert len(entry["tags"]) == 7, "a tag left out is unset"
        assert entry.get("ranking", False) == name.startswith("preference")


def test_what_ms_swift_is_told(full, tmp_path):
    files = write_export(full, format_of("ms-swift"), tmp_path / "to")
    told = json.loads((tmp_path / "to" / "dataset_info.json").read_text("utf-8"))
    assert [entry["dataset_path"] for entry in told] == [file.file for file in files]


# --- workbooks -----------------------------------------------------------------------------------


def test_a_workbook_is_to_be_read(full, tmp_path):
    files = write_export(full, format_of("xlsx"), tmp_path / "to")
    (cut,) = lines_of(tmp_path / "to" / LOST)
    assert (cut["rule"], cut["whole"], cut["evidence"]) == (
        "cell_cut",
        False,
        "reply: 33,001 characters",
    )
    seen = []
    for file in files:
        sheet = openpyxl.load_workbook(tmp_path / "to" / file.file).active
        head, *rows = sheet.iter_rows(values_only=True)
        assert sheet.freeze_panes == "B2"
        assert head[0] == "id"
        assert len(rows) == file.rows
        cells = [
            cell for row in sheet.iter_rows(min_row=2) for cell in row if cell.value is not None
        ]
        assert all(cell.data_type == "s" and cell.alignment.wrap_text for cell in cells)
        assert all(len(cell.value) <= xlsx.CELL for cell in cells)
        seen += [str(value) for row in rows for value in row]
        if file.name == "sft":
            wide = sheet.column_dimensions["B"].width
            assert wide > sheet.column_dimensions["A"].width
            by_id = {row["id"]: row for row in rows_of(full, "sft", file.split)}
            for row in rows:
                told = dict(zip(head, row, strict=True))
                last = by_id[told["id"]]["messages"][-1]
                assert told["reply"] == last["content"][: xlsx.CELL]
                assert told["reasoning"] == last["reasoning_content"]
                for said in by_id[told["id"]]["messages"][:-1]:
                    assert said["content"] in told["question"]
    assert any(text.startswith("=") for text in seen), "a text that begins with = stays a text"


def test_texts_that_a_workbook_could_take_for_something_else(tmp_path):
    odd = [
        "=1+1",
        "+1",
        "-1",
        "@a",
        "12",
        "http://a.cn",
        "_x0041_",
        "a\x0bb",
        "字" * 40,
        "😀",
        " a ",
        "a\nb",
    ]
    book = writers.Workbook(tmp_path / "odd.xlsx")
    for text in odd:
        assert book.write({"text": text}) is None
    book.close()
    sheet = openpyxl.load_workbook(tmp_path / "odd.xlsx").active
    read = [openpyxl.utils.escape.unescape(cell.value) for (cell,) in sheet.iter_rows(min_row=2)]
    assert read == odd
    assert {cell.data_type for (cell,) in sheet.iter_rows(min_row=2)} == {"s"}
    assert {cell.hyperlink for (cell,) in sheet.iter_rows(min_row=2)} == {None}


@pytest.mark.parametrize(
    ("text", "kept"),
    [("字" * xlsx.CELL, xlsx.CELL), ("字" * (xlsx.CELL + 1), xlsx.CELL), ("😀" * 20_000, 16_383)],
)
def test_a_cell_holds_utf_16_units(text, kept):
    *lost, line = format_of("xlsx").convert("pretrain", {"id": "x", "text": text})
    assert line["text"] == text[:kept]
    assert [one.rule for one in lost] == (["cell_cut"] if kept < len(text) else [])


def test_a_sheet_that_is_full(full, tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "SHEET_ROWS", 5)
    files = write_export(full, format_of("xlsx"), tmp_path / "to", configs=["pretrain"])
    (train,) = (file for file in files if file.split == "train")
    assert (train.out, train.lost) == (4, {"sheet_full": train.rows - 4})
    sheet = openpyxl.load_workbook(tmp_path / "to" / train.file).active
    assert sheet.max_row == 5


def test_without_the_extra(full, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(ExportError, match=r"pip install 'chimed-datasets\[xlsx\]'"):
        write_export(full, format_of("xlsx"), tmp_path / "to")
    assert not (tmp_path / "to").exists()


# --- guests --------------------------------------------------------------------------------------

GUEST = '''"""Two files a config."""
import pyarrow as pa
CONFIGS = ("sft",)
FILES = {"sft": ("asked", "said")}
WRITES = "parquet"
SCHEMAS = {"asked": pa.schema([("text", pa.string())]), "said": pa.schema([("text", pa.string())])}
def convert(name, row):
    yield {"text": row["messages"][0 if name == "asked" else -1]["content"]}
'''


def test_a_guest_may_write_several_files_of_a_config(full, tmp_path):
    (tmp_path / "two.py").write_text(GUEST, "utf-8")
    files = write_export(
        full, format_of(str(tmp_path / "two.py"), allow_code=True), tmp_path / "to"
    )
    assert {file.file for file in files} == {
        f"{name}-{split}.parquet"
        for name in ("asked", "said")
        for split in ("train", "validation", "test")
    }
    rows = rows_of(full, "sft", "train")
    said = [line["text"] for line in lines_of(tmp_path / "to" / "said-train.parquet")]
    assert said == [row["messages"][-1]["content"] for row in rows]


@pytest.mark.parametrize(
    ("old", "new", "error", "told"),
    [
        ('WRITES = "parquet"', 'WRITES = "csv"', RecipeError, "it can be jsonl, parquet, xlsx"),
        ("SCHEMAS = {", "OTHERS = {", ExportError, "no columns for it in SCHEMAS"),
    ],
)
def test_faults_of_a_guest(old, new, error, told, full, tmp_path):
    (tmp_path / "two.py").write_text(GUEST.replace(old, new), "utf-8")
    with pytest.raises(error, match=told):
        write_export(full, format_of(str(tmp_path / "two.py"), allow_code=True), tmp_path / "to")


# --- licences, and what is withheld --------------------------------------------------------------


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """A build with a source under contract, and a copy of it without that source's texts."""
    folder = tmp_path_factory.mktemp("held")
    whole = open_built(exports.made(folder, licence="contract"))
    return whole, withhold(whole, ["talks"], folder / "copy")


@pytest.mark.parametrize("key", formats())
def test_no_withheld_row_leaves_by_this_door(key, held, tmp_path):
    whole, copy = held
    form = format_of(key)
    if form.configs is not None and not set(form.configs) & set(copy.manifest["configs"]):
        with pytest.raises(ExportError, match="takes sft"):
            write_export(copy, form, tmp_path / "to")
        return
    files = write_export(copy, form, tmp_path / "to")
    assert "talks" not in {source for file in files for source, _ in file.licences}
    said = "\n".join(remarks(copy, form, files))
    assert f"{copy.manifest['withheld']['rows']:,} rows of talks are withheld" in said
    secret = {text[:12] for row in rows_of(whole, "sft") for text in texts(row["messages"])
              if len(text) > 12}  # fmt: skip
    for path in (tmp_path / "to").iterdir():
        if path.suffix == ".xlsx":
            sheet = openpyxl.load_workbook(path).active
            found = str([*sheet.values])
        else:
            found = (
                json.dumps(lines_of(path), ensure_ascii=False)
                if path.suffix != ".json"
                else path.read_text()
            )
        assert not [text for text in secret if text in found]


def test_licences_are_told(held, tmp_path):
    whole, _ = held
    form = format_of("llama-factory")
    said = "\n".join(remarks(whole, form, write_export(whole, form, tmp_path / "to")))
    assert "cc0-1.0 (texts); contract (talks); mit (pairs, scored)" in said
    assert "source talks may not be handed on: contract" in said
    only = write_export(whole, form, tmp_path / "only", configs=["pretrain"])
    assert "contract" not in "\n".join(remarks(whole, form, only))


def test_restricted_rows_and_taken_down_records_stay_here(held, tmp_path, capsys):
    """By the same judgement as a push; their texts are nowhere in the folder."""
    whole, _ = held
    talks = [
        row
        for config, _, entry in whole.files()
        if config == "sft"
        for row in pq.read_table(whole.folder / entry["file"]).to_pylist()
        if row["source"] == "talks"
    ]
    other = next(
        row["id"]
        for config, _, entry in whole.files()
        if config == "pretrain"
        for row in pq.read_table(whole.folder / entry["file"]).to_pylist()
    )
    (tmp_path / "takedowns.txt").write_text(f"{other} asked for\n", "utf-8")
    with pytest.raises(SystemExit) as ended:
        app(["export", str(whole.folder), "--to", "jsonl", "--out", str(tmp_path / "to"),
             "--withhold", "--takedowns", str(tmp_path / "takedowns.txt")])  # fmt: skip
    assert ended.value.code == 0
    assert "withheld" in capsys.readouterr().out
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "to").iterdir())
    assert talks
    assert not [row["id"] for row in talks if row["messages"][-1]["content"] in written]
    lost = read_jsonl(tmp_path / "to" / "lost.jsonl")
    assert {(one["rule"], one["evidence"]) for one in lost} == {
        ("withheld", "the source's licence"),
        ("taken_down", "asked for"),
    }
    assert {row["id"] for row in talks} <= {one["id"] for one in lost}
    assert other in {one["id"] for one in lost}
    vouched = ["--withhold", "--vouch", "contract"]
    with pytest.raises(SystemExit):
        app(
            ["export", str(whole.folder), "--to", "jsonl", "--out", str(tmp_path / "all"), *vouched]
        )
    assert (tmp_path / "all" / "lost.jsonl").read_text("utf-8") == ""


def test_the_command_tells(held, tmp_path, capsys):
    whole, _ = held
    with pytest.raises(SystemExit) as ended:
        app(["export", str(whole.folder), "--to", "axolotl", "--config", "sft", "--cutoff", "2000",
             "--out", str(tmp_path / "to")])  # fmt: skip
    assert ended.value.code == 0
    said = capsys.readouterr()
    out = " ".join((said.out + said.err).split())
    assert "control_mark" in out
    assert "rows have more than 2,000 characters: a trainer may cut them." in out
    assert "source talks may not be handed on" in out
    assert "axolotl was not tried" in out

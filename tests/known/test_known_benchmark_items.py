"""Items of every known benchmark are those of the fixture's own key, whole; and one that is planted in
training text is found there, whatever its dress."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from chimed_datasets import known
from chimed_datasets.cli import app
from chimed_datasets.recipe import Benchmark, Source
from chimed_datasets.records import Batch, batches
from chimed_datasets.sources import FileReport, exams
from chimed_datasets.sources.exams import ExamItem
from chimed_datasets.sources.files.finding import resolve
from chimed_datasets.stages.decontaminate import Decontaminate, Index
from tests.common.exam_dresses import dressed
from tests.known import make
from tests.known.reading import fixture_of, read_benchmark

NAMES = known.names("benchmarks")
REFUSED_YET_LOOKED_FOR = {"cmedqa2": 1, "mlec-qa": 1, "webmedqa": 1}
"""Rows that are no training item (a picture, no answer), and whose text must not be trained on."""


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def numberless(text: str) -> str:
    """Without the number that a question has among those of its case or paper."""
    return re.sub(r"^[（(]?\d{1,2}[)）]?[.．、]?", "", bare(text))


def expected(name: str) -> list[dict[str, Any]]:
    form = make.form(fixture_of(name, "benchmarks"))
    return [one for each in form["expect"] for one in each.get("several", [each])]


def question_of(want: dict[str, Any]) -> str:
    if "turns" in want:  # what was said before is no question of the benchmark's
        return [turn["user"] for turn in want["turns"] if "user" in turn][-1]
    return want.get("question", "")


def is_item(item: ExamItem, want: dict[str, Any]) -> bool:
    """Whether an item is the expected one: its stem, and its options in their order."""
    if want.get("record") != "exam":
        stem, asked = bare(item.stem), bare(question_of(want))
        return bool(asked) and stem.endswith(asked) and not item.options
    shared = bare(want.get("shared", ""))
    stem = bare(item.stem)
    return (
        stem.startswith(shared)
        and numberless(stem.removeprefix(shared)) == numberless(want["stem"])
        and list(item.options) == list(want["options"].values())
    )


def letters(item: ExamItem) -> list[str]:
    """The right letters, whether the file gives letters or the text of an option."""
    by_text = dict(zip(item.options, "ABCDEFGH", strict=False))
    said = (item.answer or "").strip()
    if said in by_text and len(said) > 1:
        return [by_text[said]]
    return sorted(re.findall("[A-H]", said))


WITHHELD = {"cmb-exam"}
"""Its answers lie in another repository."""
TEXTS = {"medqa-zh-parquet"}
"""Choices without letters: the answer is a text, also where it is one letter."""


@pytest.mark.parametrize("name", NAMES)
def test_no_item_is_lost_and_no_option_or_answer_is_changed(tmp_path, name):
    items = read_benchmark(name, tmp_path)
    left = list(items)
    for want in expected(name):
        if "refused" in want:
            continue
        found = [item for item in left if is_item(item, want)]
        assert found, want
        left.remove(found[0])
        if want.get("record") == "exam" and name not in WITHHELD:
            if name in TEXTS:
                assert found[0].answer == want["options"][want["answers"][0]]
            else:
                assert letters(found[0]) == want["answers"]
    assert len(left) == REFUSED_YET_LOOKED_FOR.get(name, 0), left


def test_fifteen_benchmarks_and_more_are_read():
    assert len(NAMES) >= 15
    forms = {ending for name in NAMES for ending in endings(fixture_of(name, "benchmarks"))}
    assert forms >= {"csv", "json", "jsonl", "parquet", "txt"}


def endings(form: str) -> set[str]:
    leaves = [leaf for file in make.form(form)["files"] for leaf in make.leaves(file)]
    return {(leaf.get("path") or leaf["member"]).rpartition(".")[2] for leaf in leaves}


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_item_of_every_benchmark_is_found(tmp_path, name):
    """In a thread, a dialogue, a page, an item whose options are turned, an explanation. One that is
    too short to be found in the midst of a page, or cannot be looked for, is counted as such."""
    questions = read_benchmark(name, tmp_path)
    index = Index.build({name: questions}, Decontaminate())
    stage, reach = Decontaminate().against(index), index.reach()[name]
    missed = in_pages = 0
    for question in questions:
        found = {}
        for dress, record in dressed(question).items():
            table = next(batches([record], source="s", license="l", domain="modern"))
            found[dress] = len(stage(Batch(table)).drops) > 0
        in_pages += not found.pop("page")
        missed += not all(found.values())
    assert missed <= reach.never
    assert in_pages <= reach.whole + reach.never


# --- forms and files ------------------------------------------------------------------------------

FORMS: dict[str, list[dict[str, Any]]] = {
    "columns": [{"question": "坏血病是缺哪种维生素所致", "A": "B1", "B": "C", "C": "D", "answer": "B"}],
    "key and value": [
        {"Question": "坏血病是缺哪种维生素所致", "Answer": "B",
         "Options": [{"key": "A", "value": "B1"}, {"key": "B", "value": "C"}, {"key": "C", "value": "D"}]},
    ],
    "label and text": [
        {"question": "坏血病是缺哪种维生素所致", "answerKey": "B", "answer": "B",
         "choices": {"label": ["A", "B", "C"], "text": ["B1", "C", "D"]}},
    ],
    "qtext": [
        {"qid": "1", "qtype": "A1型题", "qtext": "坏血病是缺哪种维生素所致", "answer": "B",
         "options": {"A": "B1", "B": "C", "C": "D"}},
    ],
    "input": [
        {"input": "坏血病是缺哪种维生素所致", "target": "B", "options": {"A": "B1", "B": "C", "C": "D"}},
    ],
    "messages": [
        {"prompt": [{"role": "user", "content": "坏血病是缺哪种维生素所致"}], "answer": "B",
         "options": ["B1", "C", "D"]},
    ],
    "one text": [
        {"question": "坏血病是缺哪种维生素所致", "options": "A B1\nB C\nC D", "answer": "B"},
    ],
    "inside the question": [
        {"question": "坏血病是缺哪种维生素所致\nA．B1\nB．C\nC．D", "answer": "B"},
    ],
    "shared stem": [
        {"share_content": "患者牙龈出血。", "question": [
            {"sub_question": "坏血病是缺哪种维生素所致\nA．B1\nB．C\nC．D", "answer": "B"}]},
    ],
}  # fmt: skip


def write(rows: list[dict[str, Any]], path: Path) -> None:
    """Write rows as a file of its ending; a cell of CSV that holds more than a text is JSON."""
    import csv

    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    else:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            for row in rows:
                table.writerow({
                    key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                    for key, value in row.items()
                })  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_the_same_in_every_file(tmp_path, form, suffix):
    """An option of one character stays what it is: B1, C and D are vitamins here, and no letters."""
    write(FORMS[form], tmp_path / f"b{suffix}")
    one = Benchmark(name="b", layout="mcq", path=str(tmp_path))
    files = resolve(one.path, tmp_path, tmp_path / "unpacked", exams.SUFFIXES, [])
    (item,) = exams.read("mcq", files, FileReport(), one.form)
    assert item.options == ("B1", "C", "D")
    assert item.answer == "B"
    shared = "患者牙龈出血。" if form == "shared stem" else ""
    assert bare(item.stem) == shared + "坏血病是缺哪种维生素所致"


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
@pytest.mark.parametrize("form", FORMS)
def test_a_training_item_is_the_same_in_every_file(tmp_path, form, suffix):
    write(FORMS[form], tmp_path / f"b{suffix}")
    given = {"name": "e", "license": "x", "layout": "exam", "path": str(tmp_path)}
    source = Source.model_validate(given)
    reader = source.reader
    files = resolve(source.path, tmp_path, tmp_path / "unpacked", reader.suffixes, source.files)
    (item,) = reader.read(files, source.options, FileReport())
    letters = [(option.letter, option.text) for option in item.options]
    assert letters == [("A", "B1"), ("B", "C"), ("C", "D")]
    assert item.answer == ["B"]
    assert (item.shared_stem or "") == ("患者牙龈出血。" if form == "shared stem" else "")


def test_a_build_prints_what_cannot_be_looked_for(tmp_path, capsys):
    """And the manifest and the card count it."""
    rows = [
        {"question": "？", "options": ["+", "±"], "answer": "A"},  # no letter, no digit
        {"question": "肺", "options": ["金", "木"], "answer": "A"},
        {"question": "治疗支气管哮喘急性发作首选的药物是", "options": ["沙丁胺醇", "青霉素"], "answer": "A"},
    ]  # fmt: skip
    write(rows, tmp_path / "bench.jsonl")
    write(
        [{"question": "孩子咳嗽三天怎么办", "answer": "多喝水，观察体温。"}], tmp_path / "qa.jsonl"
    )
    content = {
        "sources": [{"name": "qa", "layout": "jsonl", "kind": "thread", "path": "qa.jsonl",
                     "license": "x"}],
        "benchmarks": [{"name": "bench", "layout": "mcq", "path": "bench.jsonl"}],
    }  # fmt: skip
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    with pytest.raises(SystemExit) as ended:
        app(["build", "--recipe", str(path), "--out", str(tmp_path / "out")])
    assert not ended.value.code
    told = capsys.readouterr()
    found = re.search(
        r"benchmark bench: of 3 items .* (\d) cannot be looked for",
        " ".join((told.out + told.err).split()),
    )
    assert found is not None
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["benchmarks"]["bench"]["not_searched"] == int(found[1]) > 0
    assert "bench" in (tmp_path / "out" / "README.md").read_text("utf-8")

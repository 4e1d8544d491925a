"""The real files beside the project: each row of theirs is a record or told of, and says the same.

Rows are counted here without the library: by Python's own `csv` and `json`.
"""

from __future__ import annotations

import csv
import json
import lzma
import re
import tarfile
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from layout_reading import read

from chimed_datasets.records import Document, Malformed
from chimed_datasets.sources import FileReport, layout
from chimed_datasets.sources.files.finding import resolve
from chimed_datasets.sources.files.opening import SourceFile

pytestmark = pytest.mark.real_data
CHINESE = re.compile("[\u3400-\u9fff]")
EVERY = 15
"""Of the books and entities, which take the longest, one in so many is read; all with -m slow."""


def json_lines(path: Path) -> list:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]


def table(path: Path, encoding: str) -> list[dict]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def blocks(path: Path) -> list[str]:
    text = path.read_bytes().decode("gb18030").replace("\r\n", "\n")
    return [block for block in re.split(r"\n\s*\n", text) if block.strip()]


# --- tables, lists, lines --------------------------------------------------------------------

COMMENTARIES = {"id": "commentary_id", "fields": {"text": "commentary_text", "book": "book"}}
CLAUSES = {"id": "clause_id", "fields": {"text": "original_text", "title": "chapter"}}
TARGETS = {
    "kind": "thread",
    "fields": {"question": "context", "answer": "target"},
    "strip": {"question": ["问题：", "问题:", "回答:", "回答："]},
}
ROWS = [
    ("qa_csv", "qa_csv/internal_medicine_sample.csv", lambda p: table(p, "gb18030"), {}),
    ("qa_blocks", "qa_csv/internal_medicine_blocks.txt", blocks, {}),
    ("instruction", "dialogue/cmtmedqa_test.json", lambda p: json.loads(p.read_text("utf-8")), {}),
    ("instruction", "llm_generated/huatuo_llama_med.jsonl", json_lines, {}),
    ("jsonl", "llm_generated/med_chatglm.jsonl", json_lines, TARGETS),
    ("jsonl", "tao_shanghan/03_clauses/clauses.jsonl", json_lines, CLAUSES),
    ("csv", "tao_shanghan/03_clauses/clauses.csv", lambda p: table(p, "utf-8-sig"), CLAUSES),
    ("jsonl", "tao_shanghan/04_commentaries/commentaries.jsonl", json_lines, COMMENTARIES),
    (
        "csv",
        "tao_shanghan/04_commentaries/commentaries.csv",
        lambda p: table(p, "utf-8-sig"),
        COMMENTARIES,
    ),
    ("jsonl", "tao_shanghan/07_unified_records/unified_text_records.jsonl", json_lines, {}),
    ("ranked", "preference/oaast_rm_zh.json", lambda p: json.loads(p.read_text("utf-8")), {}),
    (
        "preference_pairs",
        "preference/dpo_zh_demo.json",
        lambda p: json.loads(p.read_text("utf-8")),
        {},
    ),
    ("preference_pairs", "preference/dpo_zh_500.jsonl", json_lines, {}),
]


@pytest.mark.parametrize(("key", "path", "rows", "own"), ROWS, ids=[row[1] for row in ROWS])
def test_each_row_is_a_record_or_told_of(shared_data, key, path, rows, own):
    report = FileReport()
    made = read(key, shared_data / path, report, **own)
    given = rows(shared_data / path)
    assert len(made) == len(given)
    assert not report.replaced
    # Of these files every row is sound; one that is not would have to be seen here first.
    assert not [m for m in made if isinstance(m, Malformed)]


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_rows_say_what_the_table_says(shared_data):
    path = shared_data / "qa_csv/internal_medicine_sample.csv"
    made = read("qa_csv", path)
    for record, row in zip(made, table(path, "gb18030"), strict=True):
        assert record.department == row["department"]
        assert squeezed(record.answers[0].text) == squeezed(row["answer"])
        asked = row["ask"] if row["ask"].strip() not in ("", "无", "无。") else row["title"]
        assert squeezed(record.question) == squeezed(asked)
        assert record.answers[0].adopted is record.answers[0].recommended is None  # it is not said


def test_the_blocks_repeat_the_table(shared_data):
    said = {
        squeezed(m.answers[0].text)
        for m in read("qa_csv", shared_data / "qa_csv/internal_medicine_sample.csv")
    }
    made = read("qa_blocks", shared_data / "qa_csv/internal_medicine_blocks.txt")
    assert sum(squeezed(m.answers[0].text) in said for m in made) == 4043


def test_clauses_are_the_same_as_jsonl_and_as_csv(shared_data):
    folder = shared_data / "tao_shanghan"
    for own, stem in (
        (CLAUSES, "03_clauses/clauses"),
        (COMMENTARIES, "04_commentaries/commentaries"),
    ):
        lines, cells = (
            {m.key.split("#")[1]: m for m in read(key, folder / f"{stem}.{key}", **own)}
            for key in ("jsonl", "csv")
        )
        assert lines.keys() == cells.keys()
        assert all(squeezed(lines[k].text) == squeezed(cells[k].text) for k in lines)
    made = read("jsonl", folder / "03_clauses/clauses.jsonl", **CLAUSES)
    assert made[0].key == "clauses.jsonl#SHL_SONGBEN_0001"
    assert made[0].title == "辨太陽病脈證並治上"
    assert "太陽之為病" in made[0].text  # traditional as it stands; another stage simplifies


def test_marks_are_cut_from_context_and_target(shared_data):
    path = shared_data / "llm_generated/med_chatglm.jsonl"
    for record, row in zip(read("jsonl", path, **TARGETS), json_lines(path), strict=True):
        assert not record.question.startswith("问题")
        assert not record.question.endswith(("回答:", "回答："))
        assert record.question in row["context"]
        assert squeezed(record.answers[0].text) == squeezed(row["target"])


def test_scored_dialogues_are_joined_without_a_loss(shared_data):
    """1,446 dialogues of six models and 1,441 score sheets are 241 prompts with six replies.

    They offer the 1,937 pairs of replies whose sheets differ, of 3,600 with two sheets.
    """
    folder = shared_data / "preference/disc_medllm"
    dialogues = [row for p in folder.glob("*.json") for row in json.loads(p.read_text("utf-8"))]
    sheets = [row for p in folder.glob("gpt4_scores/*/*.jsonl") for row in json_lines(p)]
    prompts = {(row["source"], row["id"]) for row in dialogues}
    assert (len(dialogues), len(sheets), len(prompts)) == (1446, 1441, 241)
    made = read("scored", folder)
    assert not [m for m in made if isinstance(m, Malformed)]
    assert {tuple(m.key.split("#", 1)) for m in made} == prompts
    replies = {(m.key, c.model): c for m in made for c in m.candidates}
    assert len(replies) == len(dialogues)
    for row in dialogues:
        reply = replies[f"{row['source']}#{row['id']}", row["model"]]
        first = row["conversation"][1]
        assert reply.text == first["content"]
    for row in sheets:
        given = [float(line.partition(":")[2]) for line in row["scores"].splitlines() if line]
        reply = replies[f"{row['source']}#{row['id']}", row["model"]]
        assert reply.score == pytest.approx(sum(given) / len(given))
    assert sum(c.score is None for c in replies.values()) == len(dialogues) - len(sheets)
    scored = [[c.score for c in m.candidates if c.score is not None] for m in made]
    pairs = [pair for scores in scored for pair in combinations(scores, 2)]
    assert (len(pairs), sum(a != b for a, b in pairs)) == (3600, 1937)


# --- books and encyclopedias -----------------------------------------------------------------


@pytest.fixture(scope="module")
def books(shared_data, tmp_path_factory) -> list[SourceFile]:
    place = tmp_path_factory.mktemp("books")
    return resolve("tcm_classics", shared_data, place, layout("tcm_classics").suffixes)


def sections_of(file: SourceFile) -> list[str]:
    text = file.read().decode("gb18030").replace("\r\n", "\n")
    return re.split("^<目录>", text, flags=re.M)[1:]


def check_books(files: list[SourceFile]) -> Counter:
    """Compare the books with what is made of them, section by section; return what there was."""
    found = layout("tcm_classics")
    seen: Counter = Counter()
    for file in files:
        sections = sections_of(file)
        as_it_is = list(found.read([file], found.options({"terms": False}), FileReport()))
        assert [m.key for m in as_it_is] == [f"{file.name}#{n}" for n in range(len(sections))]
        for section, record in zip(sections, as_it_is, strict=True):
            seen[type(record).__name__] += 1
            if isinstance(record, Malformed):
                assert len(CHINESE.findall(section.split("<篇名>")[1])) < 20
                continue
            head, _, body = section.partition("<篇名>")
            told = [record.metadata.get("section", ""), record.title or "", record.text]
            # Not one Chinese character is lost or added but the label before the text.
            given = CHINESE.findall(head + re.sub(r"\A([^\n]*\s*)[内属]\S{0,2}：", r"\1", body))
            assert CHINESE.findall("\n".join(told)) == given, record.key
            assert not set("\\∶\r") & set(record.text)
            assert not re.search("[KH]T", record.text)
            assert len(record.metadata) >= 3
    return seen


def test_every_book_has_its_sections(books):
    counts = Counter()
    for file in books:
        text = file.read()
        counts["files"] += 1
        counts["sections"] += len(re.findall("^<目录>".encode("gb18030"), text, re.M))
        counts["titles"] += text.count("<篇名>".encode("gb18030"))
    # A section has one title, and so has a book.
    assert counts == {"files": 426, "sections": 111_937, "titles": 111_937 + 426}


def test_some_books_say_what_the_files_say(books):
    seen = check_books(books[::EVERY])
    assert seen["Document"] > 111_937 / EVERY / 2


@pytest.mark.slow
def test_all_books_say_what_the_files_say(books):
    assert check_books(books) == {"Document": 111_933, "Malformed": 4}


def test_a_known_book(books):
    (file,) = (file for file in books if file.name.endswith("/457-伤寒论.txt"))
    found = layout("tcm_classics")
    report = FileReport()
    made = list(found.read([file], found.options({}), report))
    assert report == FileReport({file.name: "gb18030"})
    assert [m.title for m in made[:7]] == [
        "辨太阳病脉证并治上",
        "辨太阳病脉证并治中",
        "辨太阳病脉证并治下",
        "辨阳明病脉证并治",
        "辨少阳病脉证并治",
        "辨太阴病脉证并治",
        "辨少阴病脉证并治",
    ]
    assert {(m.metadata["book"], m.metadata["author"], m.metadata["dynasty"]) for m in made} == {
        ("伤寒论", "张仲景", "东汉")
    }


def check_entities(rows: list[tuple[dict, Document | Malformed]]) -> None:
    for row, record in rows:
        assert isinstance(record, Document)
        text = squeezed(record.text)
        values = row["attrs"].values() if "attrs" in row else [link[2] for link in row["links"]]
        for value in (v for given in values for v in given):
            if value.startswith("http"):
                continue
            # A list inside a value is parted, a note's number and a stop at its end go.
            for part in re.split("[、。；;，,]", re.sub(r"。\d{1,2}$", "", value)):
                assert squeezed(re.sub(r"[\x00-\x1f\x7f\u200b\ufeff]", "", part)) in text, row


def test_an_encyclopedia_of_attributes_says_all_its_values(shared_data):
    path = shared_data / "cmekg/cmekg.jsonl.xz"
    file = SourceFile(path.name, str(path), path.stat().st_size)
    rows = [json.loads(line) for line in lzma.decompress(path.read_bytes()).splitlines()]
    entities = layout("entities")
    made = list(entities.read([file], entities.options({}), FileReport()))
    assert (len(rows), sum(len(row["attrs"]) for row in rows)) == (27_403, 239_559)
    check_entities(list(zip(rows, made, strict=True))[::EVERY])


def test_an_encyclopedia_of_links_says_all_its_objects(shared_data, tmp_path):
    path = shared_data / "remedi/knowledge_entities.tar.xz"
    rows = {}
    with tarfile.open(path) as tar:
        for member in filter(tarfile.TarInfo.isfile, tar):
            data = tar.extractfile(member).read()
            if len(rows) % EVERY == 0:
                (tmp_path / Path(member.name).name).write_bytes(data)
            rows[Path(member.name).name] = json.loads(data)
    assert len(rows) == 11_572
    assert sum(len(row["links"]) for row in rows.values()) == 125_804
    made = read("entities", tmp_path)
    assert [m.key for m in made] == [f"{name}#0" for name in sorted(list(rows)[::EVERY])]
    check_entities([(rows[m.key.removesuffix("#0")], m) for m in made])

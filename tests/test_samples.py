"""The bundled samples: every layout and stage at work, each planted defect where it belongs."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from chimed_datasets import build, load_recipe, validate
from chimed_datasets.report import tables
from chimed_datasets.samples import RECIPE
from chimed_datasets.sources import layouts
from chimed_datasets.sources.exams import LAYOUTS
from tests import make_samples

CONFIGS = ("pretrain", "sft", "preference")
NEED_EXTRAS = {"html", "warc", "pdf", "docx", "epub", "mediawiki", "cirrussearch"}
"""Layouts that the first build must not depend on."""
OF_ITS_OWN = {"exam"}
"""The layout of exam items, which make a config of their own: the samples have the three."""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "chimed2"
    build(load_recipe(RECIPE), folder)
    return folder


@pytest.fixture(scope="module")
def manifest(built) -> dict:
    return json.loads((built / "manifest.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def rows(built) -> dict[str, list[dict]]:
    return {
        config: [
            row
            for file in sorted((built / config).glob("*.parquet"))
            for row in pq.read_table(file).to_pylist()
        ]
        for config in CONFIGS
    }


def ledger(folder: Path, name: str) -> list[dict]:
    return pq.read_table(folder / "ledger" / f"{name}.parquet").to_pylist()


# --- the recipe and its files ------------------------------------------------------------------


def test_every_layout_has_a_sample(manifest):
    assert {s["layout"] for s in manifest["sources"]} == set(layouts()) - NEED_EXTRAS - OF_ITS_OWN
    assert {b.layout for b in load_recipe(RECIPE).benchmarks} == set(LAYOUTS)
    assert all(s["license"] == "cc0-1.0" for s in manifest["sources"])


def test_samples_are_what_the_readable_files_say():
    """Compressed bytes differ between versions of the libraries, so what is inside is compared."""
    folder = RECIPE.parent
    with tarfile.open(folder / "classics.tar.xz") as tar:
        inside = {m.name: tar.extractfile(m).read() for m in tar}
    assert inside == make_samples.members("classics")
    with zipfile.ZipFile(io.BytesIO((folder / "books.zip").read_bytes())) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    assert inside == make_samples.members("books")
    assert gzip.decompress((folder / "blocks.txt.gz").read_bytes()) == make_samples.encoded(
        "blocks.txt"
    )
    for name in ("cases.txt", "outpatient.csv"):
        assert (folder / name).read_bytes() == make_samples.encoded(name)
    assert pq.read_table(folder / "lectures.parquet") == make_samples.lectures()


def test_readme_names_every_file():
    told = (RECIPE.parent / "README.md").read_text("utf-8")
    names = [p.name for p in RECIPE.parent.iterdir()]
    samples = [n for n in names if n not in ("README.md", "recipe.yaml") and "__" not in n]
    assert [name for name in samples if f"`{name}" not in told] == []


# --- what comes out ----------------------------------------------------------------------------


def test_the_build_is_sound(built):
    assert validate(built) == []


def test_three_configs_load_in_three_splits(built, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    for config in CONFIGS:
        loaded = load_dataset(str(built), config)
        assert set(loaded) == {"train", "validation", "test"}
        assert all(split.num_rows for split in loaded.values())


def test_every_kind_of_pair(rows):
    origins = {row["pair_origin"] for row in rows["preference"]}
    assert origins >= {"adopted_vs_unadopted", "recommended_vs_other", "ranked", "scored"}


def test_every_source_gives_rows(manifest, rows):
    out = {row["source"] for found in rows.values() for row in found}
    assert out == {s["name"] for s in manifest["sources"]}


def test_encodings_and_broken_bytes(manifest):
    told = {s["name"]: s for s in manifest["sources"]}
    assert told["classics"]["encodings"] == {"gb18030": 2}
    assert told["cases"]["encodings"] == {"big5hkscs": 1}
    assert told["books"]["encodings"] == {"utf-16-le": 1, "utf-8": 1}
    assert told["outpatient"]["encodings"] == told["blocks"]["encodings"] == {"gb18030": 1}
    assert sum(told["classics"]["replaced_bytes"].values()) == 2


# --- what is dropped ---------------------------------------------------------------------------

# source, key, stage, rule
DROPPED = """
classics classics.tar.xz/澄江医话.txt#13 read empty_section
clauses clauses.csv#10~2 read csv_fields
clauses clauses.csv#12 read no_text
encyclopedia diseases.jsonl#11 read no_attributes
encyclopedia diseases.jsonl#12 read no_name
encyclopedia drugs.json#7 read wrong_type
lectures lectures.parquet#lecture-13 read no_text
outpatient outpatient.csv#17 read csv_fields
outpatient outpatient.csv#30 read empty_question
outpatient outpatient.csv#31 read no_answer
blocks blocks.txt.gz#10 read no_answer
pages pages.json#1034 read unknown_mark
pages flattened.csv#7 read unknown_mark
pages pages.json#1901 read wrong_type
pages pages.json#1902 read no_answer
pages pages.json#36 read not_an_object
notes notes.jsonl#n11 read empty_question
notes notes.jsonl#n12 read no_answer
notes notes.jsonl#n13 read missing_field
notes notes.jsonl#13 read json_invalid
consultations consultations.json#13 read no_answer
consultations consultations.json#15 read missing_field
consultations consultations.json#16 read wrong_type
chats chats.jsonl#chat-11 read unknown_role
chats chats.jsonl#chat-12 read empty_turn
chats chats.jsonl#14 read json_invalid
visits visits.txt#5 read no_answer
llm llm_answers.jsonl#16 read empty_question
llm llm_answers.jsonl#17 read wrong_type
llm llm_answers.jsonl#18 read missing_field
preferences preferences.json#9 read chosen_equals_rejected
preferences preferences.json#10 read empty_reply
preferences preferences.json#11 read missing_field
ranked ranked.jsonl#10 read wrong_type
ranked ranked.jsonl#11 read no_answer
ranked ranked.jsonl#12 read no_answer
scored rows.jsonl#5 read bad_score
scored rows.jsonl#6 read criteria_differ
scored rows.jsonl#7 read wrong_type
scored scores.jsonl#3~2 read repeated_row
scored scores.jsonl#9 read score_without_dialogue
generated records.jsonl#g11 read unknown_kind
generated records.jsonl#g12 read wrong_type
books books.zip/急救手记.md#4 clean advert_sale
encyclopedia diseases.jsonl#13 clean advert_hotline
outpatient outpatient.csv#33 clean empty_after_cut
outpatient outpatient.csv#36 clean advert_hospital
pages pages.json#1032 clean advert_click
pages pages.json#1033 clean advert_hotline
classics classics.tar.xz/澄江医话.txt#12 filter too_short
books books.zip/居家护理常识.txt#6 filter repetition
encyclopedia diseases.jsonl#14 filter too_short
lectures lectures.parquet#lecture-09 filter low_chinese
lectures lectures.parquet#lecture-10 filter symbols
lectures lectures.parquet#lecture-11 filter line_repetition
lectures lectures.parquet#lecture-12 filter run
outpatient outpatient.csv#29 filter too_short
outpatient outpatient.csv#32 filter too_short
chats chats.jsonl#chat-16 filter low_chinese
llm llm_answers.jsonl#13 filter repetition
llm llm_answers.jsonl#14 filter symbols
lectures lectures.parquet#lecture-14 decontaminate options
outpatient outpatient.csv#37 decontaminate stem
consultations consultations.json#14 decontaminate stem
visits visits.txt#6 decontaminate stem
chats chats.jsonl#chat-9 decontaminate stem
llm llm_answers.jsonl#10 decontaminate stem
generated records.jsonl#g10 decontaminate choices
classics classics.tar.xz/澄江医话.txt#14 deduplicate near
cases cases.txt#3 deduplicate exact
clauses clauses.csv#13 deduplicate near
encyclopedia diseases.jsonl#10 deduplicate exact
outpatient outpatient.csv#25 deduplicate exact
outpatient outpatient.csv#26 deduplicate near
blocks blocks.txt.gz#3 deduplicate exact
pages pages.json#1903 deduplicate exact
pages pages.json#1904 deduplicate near
notes notes.jsonl#n15 deduplicate near
llm llm_answers.jsonl#15 deduplicate near
generated records.jsonl#g13 deduplicate near
preferences preferences.json#12 preference one_answer
scored rows.jsonl#4 preference no_strict_margin
scored 门诊对话#3 preference no_strict_margin
generated records.jsonl#g7 preference no_strict_margin
"""
# key of a duplicate -> key of the record that was kept instead
TWINS = {
    "classics.tar.xz/澄江医话.txt#14": "classics.tar.xz/澄江医话.txt#2",
    "cases.txt#3": "classics.tar.xz/澄江医话.txt#4",
    "clauses.csv#13": "clauses.csv#9",
    "diseases.jsonl#10": "diseases.jsonl#5",
    "outpatient.csv#25": "outpatient.csv#24",
    "outpatient.csv#26": "outpatient.csv#24",
    "blocks.txt.gz#3": "outpatient.csv#18",
    "pages.json#1903": "pages.json#1013",
    "pages.json#1904": "pages.json#1009",
    "notes.jsonl#n15": "notes.jsonl#n01",
    "llm_answers.jsonl#15": "llm_answers.jsonl#0",
    "records.jsonl#g13": "blocks.txt.gz#9",
}


def test_every_planted_defect_is_dropped_by_its_rule_and_nothing_else_is(built):
    expected = {tuple(line.split(" ")) for line in DROPPED.strip().splitlines()}
    found = {(d["source"], d["key"], d["stage"], d["rule"]) for d in ledger(built, "dropped")}
    assert found == expected


def test_duplicates_name_their_twin(built):
    keys = {row["id"]: row["key"] for row in ledger(built, "kept")}
    found = {d["key"]: keys[d["twin"]] for d in ledger(built, "dropped") if d["twin"]}
    assert found == TWINS


def test_every_benchmark_is_hit(manifest):
    assert {name: told["items_hit"] for name, told in manifest["benchmarks"].items()} == {
        "cmmlu": 2,
        "ceval": 2,
        "mcq": 1,
        "questions": 1,
        "mixed": 1,
    }


def test_preference_refuses_pages_for_several_reasons(manifest):
    refused = manifest["refused"]["preference"]
    assert {"not_one_adopted", "one_answer", "length_percentile"} <= set(refused)


# --- what is changed ---------------------------------------------------------------------------


def texts(rows: dict[str, list[dict]]) -> str:
    return json.dumps(rows, ensure_ascii=False)


def test_every_stage_has_a_count(manifest):
    off = {stage for stage, told in manifest["stages"].items() if told is None}
    assert off == {"label"}  # a recipe asks for it
    changed = {stage: set(told["changed"]) for stage, told in manifest["stages"].items() if told}
    assert changed["clean"] == {
        "mojibake", "entities", "tags", "control", "width", "spaces",
        "answer_rating", "supplement", "follow_up", "badge", "advert_answer",
    }  # fmt: skip
    assert changed["simplify"] == {"characters", "converted", "protected"}
    assert changed["mask"] == {
        "email", "url", "resident_id", "bank_card", "mobile", "landline", "qq", "wechat",
        "record_number",
    }  # fmt: skip
    dropped = {stage for found in manifest["dropped"].values() for stage in found}
    assert {"read", "clean", "filter", "decontaminate", "deduplicate"} <= dropped


NUMBERS = (
    "13800138000", "13800138001", "010-12345678", "119999190101010019", "0012345",
    "6200000000000005", "123456789", "pifuke_01", "pifu@example.com", "derm.example.com",
    "wiki.example.org", "400-123-4567", "bahen_2023",
)  # fmt: skip


def test_no_planted_number_is_left_in_any_file(built):
    """Nor in the ledger, which quotes records that never came to be masked."""
    found = {}
    for file in built.rglob("*"):
        if file.suffix == ".parquet":
            found[str(file.relative_to(built))] = json.dumps(
                pq.read_table(file).to_pylist(), ensure_ascii=False
            )
        elif file.is_file():
            found[str(file.relative_to(built))] = file.read_text("utf-8")
    assert len(found) > 10
    assert [(name, n) for name, text in found.items() for n in NUMBERS if n in text] == []


def test_masks_stand_in_their_place_and_measurements_stay(rows):
    everything = texts(rows)
    for mask in (
        "[手机号]",
        "[电话]",
        "[身份证号]",
        "[病历号]",
        "[银行卡号]",
        "[邮箱]",
        "[QQ]",
        "[微信]",
        "[网址]",
    ):
        assert mask in everything
    assert "血压120/80，心率72次，每天走8000步，2023年体检尿酸420" in everything
    assert "12345或12315" in everything


def bodies(rows, source):
    """Return the texts of a classic by their titles, which stand before each."""
    books = {row["title"]: row["text"] for row in rows["pretrain"] if row["source"] == source}
    assert all(text.startswith(f"{title}\n") for title, text in books.items())
    return {title: text.removeprefix(f"{title}\n") for title, text in books.items()}


def test_traditional_script_is_simplified_and_its_terms_are_kept(rows):
    books = bodies(rows, "cases")
    assert books["第一章 论癥瘕积聚"].startswith("癥瘕之为病，妇人多于男子。")
    assert "角徵宫商羽，各从其脏" in books["第二章 五音与五脏"]
    assert books["第三章 乾坤升降"].startswith("乾坤者，天地之体")
    assert "黄耆得升麻则能举陷" in books["第三章 乾坤升降"]
    clauses = [row["text"] for row in rows["pretrain"] if row["source"] == "clauses"]
    assert "运气之说，可参而不可泥。少徵对太徵言，同一火运而有过与不及之分。" in clauses


def test_classics_are_repaired(rows):
    books = bodies(rows, "classics")
    assert "煎汤洗脚，治脚气湿烂" in books["艾叶"]
    assert "□咀时以滚水泡七次" in books["半夏"]
    assert books["生姜"].count("\n") == 2  # the text, a heading, its text
    assert "余曰：此火衰也" in books["泄泻案"]
    assert "徐徐呷之，呕而复进，一昼夜始能下咽。\ufffd此后" in books["痢疾案"]
    assert "\n" not in books["不寐案"]


def test_junk_of_the_site_is_cut(rows):
    everything = texts(rows)
    for junk in (
        "提问者对于答案",
        "评价时间",
        "补充问题",
        "提问人的追问",
        "已采纳】",
        "医生回复：",
        "&nbsp",
        "<b>",
        "点击这里",
        "加我微信",
        "\u200b",
    ):
        assert junk not in everything
    answers = [r["messages"][-1]["content"] for r in rows["sft"] if r["source"] == "pages"]
    (about_cysts,) = [a for a in answers if a.startswith("周期性的胀痛")]
    assert about_cysts.startswith(
        "周期性的胀痛属于生理变化，二类表示良性，\n每年做一次彩超就可以……"
    )
    assert about_cysts.endswith("疼得影响睡觉时短期用药。")


def test_mojibake_and_width_are_put_right(rows):
    everything = texts(rows)
    assert "青光眼是眼压升高损害视神经的疾病" in everything
    assert "手会碰门把手和别人的手" in everything
    assert "CT报告：右肺上叶磨玻璃结节，直径6mm" in everything


def test_the_closing_tables_name_every_stage(manifest, built):
    stats = json.loads((built / "statistics.json").read_text("utf-8"))
    told = [
        cell
        for table in tables.closing(manifest, stats)
        for column in table.columns
        for cell in column.cells
    ]
    for stage in ("clean", "simplify", "filter", "mask", "decontaminate", "deduplicate"):
        assert stage in told

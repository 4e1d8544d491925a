"""The pieces by themselves do what a build does, in any shape of texts."""

from __future__ import annotations

import gzip
import json
import tempfile
import zipfile
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chimed_datasets as chimed
from chimed_datasets.building.run import build
from chimed_datasets.errors import RecipeError
from chimed_datasets.recipe import load, parse
from chimed_datasets.records import Malformed, record_id
from chimed_datasets.settings import checked
from chimed_datasets.sources import NoOptions
from chimed_datasets.sources.exams import ExamItem
from tests.common.files import ROOT, write_jsonl
from tests.common.text import prose

SAMPLES = ROOT / "chimed_datasets" / "samples"
QUESTION = {
    "question": "下列关于小青龙汤的叙述，正确的是",
    "options": ["主治外寒里饮之证", "方中重用石膏知母", "功在清热泻火解毒", "组成有附子干姜人参"],
}
LEAK = f"{QUESTION['question']}：" + "；".join(QUESTION["options"])
FUNCTIONS = {
    "clean": chimed.clean,
    "simplify": chimed.simplify,
    "mask": chimed.mask,
    "near_duplicates": chimed.near_duplicates,
    "decontaminate": lambda texts, **more: chimed.decontaminate(texts, [QUESTION], **more),
}
MADE = [
    "咳嗽　<b>三天</b>&nbsp;，痰黄，ＣＴ未见异常。\x00" + prose(1),
    "太陽病，發熱，汗出，惡風，脈緩者，名為中風。" + prose(2),
    "祖传秘方，加微信 yishi888 咨询，手机13912345678。" + prose(3),
    "复诊请拨 13912345678，或写信到 li@example.com。" + prose(4),
    "复诊请拨 13887654321，或写信到 li@example.com。" + prose(4),
    LEAK,
    "某书第三章。" + LEAK.replace("；", "\n") + "以上为练习题。",
    prose(5, 90),
    prose(5, 90),
    prose(5, 90) + "完",
    prose(6, 200) + "甲",
    prose(6, 200)[3:] + "甲乙丙",
    prose(6, 200)[9:] + "甲乙丙丁戊",
    "婦人腹中癥瘕，" + prose(7),
]


def sample_texts() -> list[str]:
    """The documents of the bundled samples."""
    recipe = load(SAMPLES / "recipe.yaml")
    texts = []
    for source in recipe.sources:
        if source.name in ("classics", "cases", "books", "encyclopedia"):
            found = chimed.read(source.layout, SAMPLES / source.path)
            texts += [one.text for one in found if isinstance(one, chimed.Document)]
    assert len(texts) > 20
    return texts


# --- as a build does it ----------------------------------------------------------------------


def built_as(folder: Path, texts: list[str], on: dict[str, dict]):
    """Build documents with only some stages on; return their texts and what was dropped, by place.

    A drop is (stage, rule, evidence, twin); ids are told by the text's place, as the pieces do.
    """
    write_jsonl(folder / "docs.jsonl", [{"text": text} for text in texts])
    (folder / "exam.jsonl").write_text(json.dumps(QUESTION, ensure_ascii=False), "utf-8")
    off = ("clean", "simplify", "filter", "mask", "decontaminate", "relevance", "deduplicate")
    source = {"name": "s", "layout": "jsonl", "path": "docs.jsonl", "license": "mit"}
    recipe = {
        "sources": [{**source, "kind": "document", "fields": {"text": "text"}}],
        "benchmarks": [{"name": "benchmark", "layout": "mcq", "path": "exam.jsonl"}],
        "stages": dict.fromkeys(off, False) | on,
    }
    build(parse(recipe, folder), folder / "out")
    options = {"kind": "document", "fields": {"text": "text"}}
    keys = [one.key for one in chimed.read("jsonl", folder / "docs.jsonl", **options)]
    assert len(keys) == len(texts)
    place = {record_id("s", key): index for index, key in enumerate(keys)}
    rows = pq.read_table(folder / "out" / "pretrain", columns=["id", "text"]).to_pylist()
    left = {place[row["id"]]: row["text"] for row in rows}
    drops = {}
    for row in pq.read_table(folder / "out" / "ledger" / "dropped.parquet").to_pylist():
        evidence = row["evidence"].replace("exam.jsonl#0", "0")
        for name, index in place.items():
            evidence = evidence.replace(name, str(index))
        twin = place[row["twin"]] if row["twin"] else None
        drops[place[row["id"]]] = (row["stage"], row["rule"], evidence, twin)
    return [left.get(index) for index in range(len(texts))], drops


STAGES = ("clean", "simplify", "mask", "decontaminate", "near_duplicates")


@pytest.mark.parametrize(
    "on",
    [
        {"clean": {}},
        {"clean": {"html": False, "adverts": ["advert_sale"]}},
        {"simplify": {"share": 0.5}},
        {"mask": {}},
        {"decontaminate": {}},
        {"near_duplicates": {}},
        {"near_duplicates": {"near": False}},
        {"near_duplicates": {"threshold": 0.95, "ngram": 3}},
        {name: {} for name in STAGES},
    ],
    ids=lambda on: "-".join([*on, *(str(v) for v in next(iter(on.values())))][:6]),
)
def test_texts_drops_and_evidence_are_those_of_a_build(tmp_path, on):
    texts = MADE + sample_texts()
    on = {"mask": {}} | on  # a build masks its evidence if it masks its texts
    outcome, drops = chimed.Outcome(texts, [], {}), {}
    for name in STAGES:
        if name in on:
            outcome = FUNCTIONS[name](outcome.texts, **on[name])
            stage = "deduplicate" if name == "near_duplicates" else name
            for drop in outcome.drops:
                assert drop.index not in drops
                drops[drop.index] = (stage, drop.rule, drop.evidence, drop.twin)
    in_recipe = {("deduplicate" if k == "near_duplicates" else k): v or True for k, v in on.items()}
    built, dropped = built_as(tmp_path, texts, in_recipe)
    assert outcome.texts == built
    assert drops == dropped
    if not {"simplify", "mask"} >= set(on):
        assert drops


def test_reading_gives_every_record_of_a_build(tmp_path):
    recipe = load(SAMPLES / "recipe.yaml")
    build(recipe, tmp_path / "out")
    ledger = [
        pq.read_table(tmp_path / "out" / "ledger" / f"{name}.parquet", columns=["source", "key"])
        for name in ("kept", "dropped")
    ]
    expected = sorted((row["source"], row["key"]) for part in ledger for row in part.to_pylist())
    found = []
    for source in recipe.sources:
        options = source.model_extra or {}
        records = chimed.read(source.layout, SAMPLES / source.path, **options)
        found += [(source.name, record.key) for record in records]
    assert sorted(found) == expected


# --- read ------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with two files of questions; temporary folders are made in `temp`."""
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        text = f"question,answer\n{name}感冒怎么办？,多喝水。\n{name}胃痛怎么办？,\n"
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.write("a.csv")
        archive.write("b.csv")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("a.csv", ["a.csv#0", "a.csv#1"]),
        ("*.csv", ["a.csv#0", "a.csv#1", "b.csv#0", "b.csv#1"]),
        (
            "both.zip",
            ["both.zip/a.csv#0", "both.zip/a.csv#1", "both.zip/b.csv#0", "both.zip/b.csv#1"],
        ),
        ("memory://pieces/a.csv", ["a.csv#0", "a.csv#1"]),
    ],
)
def test_a_path_is_what_it_is_in_a_recipe(here, path, keys):
    fsspec.filesystem("memory").pipe("/pieces/a.csv", (here / "a.csv").read_bytes())
    records = list(chimed.read("qa_csv", path))
    assert [record.key for record in records] == keys
    assert {type(record) for record in records} == {chimed.QAThread, Malformed}
    rules = [one.rule for one in records if isinstance(one, Malformed)]
    assert set(rules) == {"no_answer"}
    assert list(chimed.read("qa_csv", path)) == records
    assert list((here / "temp").iterdir()) == []


def test_what_was_unpacked_goes_when_the_reader_leaves(here):
    records = chimed.read("qa_csv", "both.zip")
    assert list((here / "temp").iterdir()) == []
    next(records)
    (place,) = (here / "temp").iterdir()
    assert place.name.startswith("chimed-")
    records.close()
    assert list((here / "temp").iterdir()) == []


def test_records_come_before_all_is_read(here):
    (here / "b.csv").unlink()
    (here / "z.csv.gz").write_bytes(gzip.compress(b"question,answer\n" * 99)[:-9])
    (here / "both.zip").unlink()
    records = chimed.read("qa_csv", ".")
    assert next(records).key == "a.csv#0"
    with pytest.raises(chimed.ChimedError, match=r"z\.csv\.gz"):
        list(records)


def test_the_current_folder_is_that_of_the_call(here, monkeypatch):
    records = chimed.read("qa_csv", "a.csv")
    monkeypatch.chdir(here / "temp")
    assert next(records).key == "a.csv#0"


def test_settings_that_take_no_keys_say_so():
    with pytest.raises(RecipeError, match=r"x: unknown key 'y'\. It takes no keys of its own\."):
        checked(NoOptions, {"y": 1}, "x")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: chimed.read("qacsv", "a.csv"), "unknown layout 'qacsv'. Did you mean 'qa_csv'?"),
        (
            lambda: chimed.read("text", "a.txt", splitt="none"),
            "unknown key 'splitt'. Did you mean 'split'?",
        ),
        (lambda: chimed.read("qa_blocks", "a.txt", x=1), "unknown key 'x'. Known: strip, where."),
        (lambda: chimed.read("qa_csv", "a.csv", wher="x == 1"), "Did you mean 'where'?"),
        (lambda: next(chimed.read("qa_csv", "no.csv")), "no.csv: there is no such file or folder"),
        (lambda: next(chimed.read("qa_csv", "temp")), "temp: no file ending in"),
        (
            lambda: chimed.clean("x", badge=True),
            "clean: unknown key 'badge'. Did you mean 'badges'?",
        ),
        (
            lambda: chimed.clean("x", feild="text"),
            "clean: unknown key 'feild'. Did you mean 'field'?",
        ),
        (
            lambda: chimed.clean("x", field="answers"),
            "clean: unknown field 'answers'. Did you mean",
        ),
        (lambda: chimed.clean("x", html="often"), "clean: html: "),
        (lambda: chimed.simplify("x", share=2), "simplify: share: "),
        (lambda: chimed.mask("x", types=["phone"]), "mask: types, entry 1: "),
        (lambda: chimed.mask("x", findr=list), "mask: unknown key 'findr'. Did you mean 'finder'?"),
        (lambda: chimed.mask("x", placeholders={"a": "[b]"}), "mask: placeholders belong to"),
        (lambda: chimed.mask("x", finder="names"), "mask: finder is a function; got str."),
        (lambda: chimed.mask("x", finder=list, placeholders=["a"]), "placeholders is a mapping"),
        (lambda: chimed.mask("x", finder=list, placeholders={"a": 1}), "placeholders is a mapping"),
        (
            lambda: chimed.near_duplicates("x", treshold=1),
            "near_duplicates: unknown key 'treshold'",
        ),
        (lambda: chimed.decontaminate("x", ["y"], ngrams=9), "Did you mean 'ngram'?"),
        (
            lambda: chimed.decontaminate("x", "exam.csv"),
            "a path with its layout (cmmlu, ceval, mcq",
        ),
        (lambda: chimed.decontaminate("x", "exam.csv", layout="mqc"), "Did you mean 'mcq'?"),
        (lambda: chimed.decontaminate("x", ["y"], layout="mcq"), "against is a path; got list."),
        (
            lambda: chimed.decontaminate("x", "no.csv", layout="mcq"),
            "no.csv: there is no such file",
        ),
        (lambda: chimed.decontaminate("x", []), "decontaminate: against holds no questions."),
        (lambda: chimed.decontaminate("x", ["y", 3]), "question 1 of against is of the type int"),
        (
            lambda: chimed.decontaminate("x", [{"answer": "A"}]),
            "question 0 of against: no question",
        ),
        (lambda: chimed.clean(["a", 3.0]), "clean: text 1 is of the type float"),
        (lambda: chimed.mask(5), "mask: expected a str, a list of str and None, or an Arrow array"),
        (lambda: chimed.mask(pa.array([1])), "got an Arrow array of int64."),
    ],
)
def test_errors_are_one_line(here, call, said):
    with pytest.raises(chimed.ChimedError) as raised:
        call()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


# --- shapes ----------------------------------------------------------------------------------

PARTS = st.sampled_from(
    [
        "太陽病",
        "發熱",
        "<b>",
        "&nbsp;",
        "13912345678",
        "　",
        "头痛三天。",
        "加微信 yishi888",
        LEAK,
        "😀",
        "x",
    ]
)
TEXTS = st.lists(st.none() | st.lists(PARTS, max_size=5).map("".join), max_size=12)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(texts=TEXTS, cut=st.integers(0, 12))
def test_every_shape_gives_the_same(name, texts, cut):
    expected = FUNCTIONS[name](texts)
    assert type(expected.texts) is list
    assert len(expected.texts) == len(texts)
    assert {d.index for d in expected.drops} == {
        i
        for i, (old, new) in enumerate(zip(texts, expected.texts, strict=True))
        if old and new is None
    }
    for type_ in (pa.string(), pa.large_string()):
        array = pa.array([None, *texts], type_).slice(1)
        found = FUNCTIONS[name](array)
        assert found.texts.type == type_
        assert found._replace(texts=found.texts.to_pylist()) == expected
        chunked = pa.chunked_array([array[:cut], array[cut:]], type_)
        found = FUNCTIONS[name](chunked)
        assert isinstance(found.texts, pa.ChunkedArray)
        assert found._replace(texts=found.texts.to_pylist()) == expected
    found = FUNCTIONS[name](pa.array(texts, pa.string()).dictionary_encode())
    assert found._replace(texts=found.texts.to_pylist()) == expected
    assert FUNCTIONS[name](iter(texts)) == expected


@pytest.mark.parametrize("name", FUNCTIONS)
def test_more_texts_than_a_batch_has(name):
    """The second half repeats the first, with gaps; each text is judged as it is alone."""
    texts = [None if i % 7 == 3 else MADE[i % len(MADE)] for i in range(9_000)]
    if name in ("near_duplicates", "decontaminate"):
        texts = texts[:4_500]
    found = FUNCTIONS[name](texts)
    gone = {drop.index for drop in found.drops}
    if name == "near_duplicates":
        assert [i for i in range(len(texts)) if texts[i] and i not in gone] == [
            i for i in range(18) if texts[i] and i not in gone
        ]
    else:
        alone = {text: FUNCTIONS[name](text) for text in MADE}
        assert found.texts == [text and alone[text].texts for text in texts]
        assert gone == {i for i, text in enumerate(texts) if text and alone[text].drops}
    in_arrow = FUNCTIONS[name](pa.array(texts))
    assert in_arrow.texts.to_pylist() == found.texts
    assert in_arrow.drops == found.drops


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    "empty",
    [
        [],
        [None],
        [None, ""],
        ["", ""],
        pa.array([], pa.string()),
        pa.array([None]),
        pa.chunked_array([], pa.string()),
    ],
    ids=["[]", "[None]", "mixed", "blank", "array", "nulls", "chunked"],
)
def test_nothing_comes_of_nothing(name, empty):
    found = FUNCTIONS[name](empty)
    assert (found.drops, found.counts) == ([], {})
    assert list(found.texts) == list(empty) or found.texts.to_pylist() == empty.to_pylist()
    assert FUNCTIONS[name]("") == ("", [], {})


def test_a_lone_surrogate_is_what_it_is_in_a_build():
    assert chimed.clean("胃\ud800痛").texts == "胃\ufffd痛"
    assert chimed.near_duplicates(["胃\ud800痛"]).texts == ["胃\ud800痛"]


def test_a_str_that_is_dropped_is_none():
    found = chimed.clean("祖传秘方，加微信 yishi888 咨询。")
    assert found.texts is None
    assert found.drops[0].index == 0


def test_the_evidence_is_masked():
    (drop,) = chimed.clean([None, "加微信 yishi888 咨询，手机13912345678。"]).drops
    assert drop.index == 1
    assert "13912345678" not in drop.evidence
    assert "yishi888" not in drop.evidence


def test_many_texts_are_shown_in_a_line():
    shown = repr(chimed.mask(["电话13912345678"] * 1000))
    assert len(shown) < 200
    assert "counts={'mobile': 1000}" in shown
    shown = repr(chimed.near_duplicates(pa.array(["头痛怎么办？", "头痛怎么办？", None])))
    assert "<3 texts in Arrow, 2 null>" in shown
    assert "Drop(index=1, rule='exact', evidence='the same text', twin=0)" in shown


# --- each by itself --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "text", "left"),
    [
        ("text", "多休息。已采纳", "多休息。已采纳"),
        ("question", "多休息。已采纳", "多休息。"),
        ("answer", "多休息。已采纳", "多休息。"),
        ("answer", "医生回复：多休息。", "多休息。"),
        ("answer", "祖传秘方，加微信 yishi888 咨询。", None),
        ("question", "祖传秘方，加微信 yishi888 咨询。", None),
    ],
)
def test_what_a_site_put_round_a_text(field, text, left):
    found = chimed.clean(["头痛", text, None], field=field)
    assert found.texts == ["头痛", left, None]
    assert [drop.index for drop in found.drops] == ([1] if left is None else [])
    assert chimed.clean(text, field=field).texts == left


def test_a_finder_comes_after_the_built_in_types():
    seen = []

    def names(texts):
        seen.extend(texts)
        return [[chimed.Span(0, 2, "name")] if t.startswith("张三") else [] for t in texts]

    texts = ["张三，手机13912345678", None, "", "李四"]
    found = chimed.mask(texts, finder=names, placeholders={"name": "[姓名]"})
    assert found.texts == ["[姓名]，手机[手机号]", None, "", "李四"]
    assert found.counts == {"mobile": 1, "name": 1}
    assert seen == ["张三，手机[手机号]", "李四"]
    found = chimed.mask(texts, finder=names, placeholders={"name": "某"}, types=())
    assert found.texts[0] == "某，手机13912345678"


def test_a_finder_may_use_the_built_in_placeholders():
    assert (
        chimed.mask("微信号甲乙丙", finder=lambda texts: [[(3, 6, "wechat")]]).texts
        == "微信号[微信]"
    )


def test_a_finders_fault_is_told_with_the_texts_place():
    def names(texts):
        return [[(0, 99, "name")] for _ in texts]

    with pytest.raises(chimed.ChimedError, match="mask: record 1, text: the span 0:99 is outside"):
        chimed.mask([None, "张三"], finder=names, placeholders={"name": "[姓名]"})


def test_a_twin_is_told_by_its_place():
    texts = [None, prose(1, 90), "", prose(2, 90), prose(1, 90) + "完", prose(2, 90)]
    found = chimed.near_duplicates(texts)
    assert [(d.index, d.rule, d.twin) for d in found.drops] == [(4, "near", 1), (5, "exact", 3)]
    assert found.texts == [None, texts[1], "", texts[3], None, None]


def test_a_text_may_be_like_its_twin_through_another():
    base = prose(6, 200)
    texts = [None, base, base[20:] + prose(7, 19), base[10:] + prose(7, 9)]
    found = chimed.near_duplicates(texts, weigh=False)
    told = {drop.index: drop for drop in found.drops}
    assert told[2].twin == told[3].twin == 1
    assert told[2].evidence.startswith("Jaccard 0.9")
    assert told[2].evidence.endswith(" to 3")


@pytest.mark.parametrize(
    ("against", "items"),
    [
        ([LEAK], ("0",)),
        (["另一题：脉浮者病在何处，其治法应当如何选择", LEAK], ("1",)),
        ([QUESTION], ("0",)),
        (
            [
                {"Question": QUESTION["question"]}
                | dict(zip("ABCD", QUESTION["options"], strict=True))
            ],
            ("0",),
        ),
        ([QUESTION | {"options": tuple(QUESTION["options"])}], ("0",)),
        ([QUESTION | {"options": dict(zip("ABCD", QUESTION["options"], strict=True))}], ("0",)),
        ([ExamItem("book#7", QUESTION["question"], tuple(QUESTION["options"]))], ("book#7",)),
        ([QUESTION, QUESTION], ("0", "1")),
        (iter([QUESTION]), ("0",)),
    ],
)
def test_questions_in_every_form(against, items):
    found = chimed.decontaminate([None, prose(1), LEAK], against, name="exam")
    (drop,) = found.drops
    assert (drop.index, drop.items) == (2, items)
    assert drop.evidence.startswith(f"exam {items[0]}: ")
    assert found.texts == [None, prose(1), None]


def test_questions_of_a_file(here):
    (here / "exam.jsonl").write_text(json.dumps(QUESTION, ensure_ascii=False), "utf-8")
    for path in ("exam.jsonl", here / "exam.jsonl"):
        (drop,) = chimed.decontaminate([LEAK], path, layout="mcq").drops
        assert (drop.rule, drop.items) == ("choices", ("exam.jsonl#0",))
    assert list((here / "temp").iterdir()) == []


def test_texts_that_differ_in_a_dose_stay():
    text = "氨茶碱片每次{}克，一日三次，饭后服，茶和咖啡会加重心慌，服药期间少喝，另测血药浓度。"
    texts = [text.format(0.1), text.format(0.2), text.format("零点一")]
    (drop,) = chimed.near_duplicates(texts).drops
    assert (drop.index, drop.twin) == (2, 0)

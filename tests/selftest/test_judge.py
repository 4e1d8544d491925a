"""What a labelled row asks for, and which outcomes of a build are right."""

from __future__ import annotations

import json

import pytest

from chimed_datasets.errors import SourceError
from chimed_datasets.selftest import judge
from chimed_datasets.selftest.apart import apart
from chimed_datasets.selftest.judge import Labelled, complaint, dates, load


def mask(text: str, *hide: str) -> Labelled:
    return Labelled("mask_x", 1, {"text": text}, hide=hide)


ID = "440305194811262951"
LEAK = {"question": "胆汁由何处分泌", "answer": "肝。", "want": "drop", "kind": "short_stems"}
PAIR = {"one": "每次一片", "other": ["怎么吃？", "每次两片"], "want": "both", "kind": "dose"}


@pytest.mark.parametrize(
    ("text", "hide", "got", "right"),
    [
        # numbers, in any writing
        ("手机：13881384519，请回", "13881384519", "手机：[手机号]，请回", True),
        ("手机：13881384519，请回", "13881384519", "手机：13881384519，请回", False),
        ("手机：13881384519，请回", "13881384519", "手机：１３８８１３８４５１９，请回", False),
        ("手机：13881384519，请回", "13881384519", "手机：1 3-8.8 1 3 8 4 5 1 9，请回", False),
        ("手机：13881384519，请回", "13881384519", "手机：①③⑧⑧①③⑧④⑤①⑨，请回", False),
        ("手机：13881384519，请回", "13881384519", "手机：一三八八一三八四五一九，请回", False),
        ("手机：一三八八一三八四五一九", "一三八八一三八四五一九", "手机：13881384519", False),
        ("手机❶❸❽❽❶❸❽❹❺❶❾", "❶❸❽❽❶❸❽❹❺❶❾", "手机[手机号]", True),
        ("1零距离3零距离8零距离8零距离1", "1零距离3零距离8零距离8零距离1", "13881", False),
        ("手机1️⃣3️⃣8️⃣8️⃣1️⃣", "1️⃣3️⃣8️⃣8️⃣1️⃣", "手机1⃣3⃣8⃣8⃣1⃣", False),
        # a piece of a number: 5 digits, or all of a short one
        ("手机：13962750481", "13962750481", "手机：139****0481", True),
        ("手机：13881384519", "13881384519", "手机：[手机号]4519", True),
        ("手机：13881384519", "13881384519", "手机：[手机号]84519", False),
        ("留观号0006，38.9℃", "0006", "留观号[病历号]，38.9℃", True),
        ("留观号0006，38.9℃", "0006", "留观号0006，38.9℃", False),
        (f"{ID}，1948年11月26日生", ID, "[身份证号]，1948年11月26日生", True),
        (f"{ID}，1948年11月26日生", ID, "440305[身份证号]，1948年11月26日生", False),
        ("护照E12345678", "E12345678", "护照[护照号]", True),
        ("车牌京A8F3K2。", "京A8F3K2", "车牌京A8[车牌号]。", True),
        ("车牌京A8F3K2。", "京A8F3K2", "车牌京A8F[车牌号]。", False),
        # names, addresses, ids of letters
        ("姓名：陈建国，男", "陈建国", "姓名：[姓名]，男", True),
        ("姓名：陈建国，男", "陈建国", "姓名：陈[姓名]，男", True),
        ("姓名：陈建国，男", "陈建国", "姓名：[姓名]建国，男", False),
        ("姓名：陈　建国，男", "陈　建国", "姓名：陈建国，男", False),
        ("王某与王某某", "王某", "[姓名]与王某某", False),
        ("Name: John Smith, male", "John Smith", "Name: [姓名], male", True),
        ("Name: John Smith, male", "John Smith", "Name: [姓名] SMITH, male", False),
        ("住址：长安区育才街88号3单元", "长安区育才街88号3单元", "住址：[地址]", True),
        ("住址：长安区育才街88号3单元", "长安区育才街88号3单元", "住址：[地址]88号3单元", False),
        ("微信：dd_beauty", "dd_beauty", "微信：[微信]", True),
        ("微信：dd_beauty", "dd_beauty", "微信：DD Beauty", False),
        # the words round it
        ("手机：13881384519，请回", "13881384519", "[手机号]，请回", False),
        ("手机：13881384519，请回", "13881384519", "请回，手机：[手机号]", False),
        ("手机：13881384519，请回", "13881384519", "", False),
        ("电话025-83272289转8016，找我", "025-83272289", "电话[电话]，找我", True),
        ("158空3120空8407，去掉空字", "3120空8407", "[手机号]，去掉空字", True),
        ("158空3120空8407，去掉空字", "3120空8407", "[手机号]，去掉", False),
        ("座机零幺零六五二二 八九七一", "六五二二 八九七一", "座机[电话]", True),
        ("电话025-83272289转科", "025-83272289", "电话[电话]科", False),
        ("手机：13881384519，请回", "13881384519", "手機：[手机号]，请回", False),
    ],
)
def test_what_is_hidden(text, hide, got, right):
    assert (complaint(mask(text, hide), got, text) == "") is right


@pytest.mark.parametrize(
    ("name", "row", "got", "right"),
    [
        ("mask_keep", {"text": "a", "hide": []}, "b", True),  # as it is without masking
        ("mask_keep", {"text": "a", "hide": []}, "a", False),
        ("clean", {"text": "a", "want": " b\n"}, " b ", True),
        ("clean", {"text": "a", "want": "b", "also": ["c"]}, "c", True),
        ("clean", {"text": "a", "want": "b", "also": ["c"]}, "a", False),
        ("simplify", {"text": "藥", "want": "药"}, "药", True),
        ("simplify", {"text": "藥", "want": "药"}, None, False),
        ("filter_keep", {"text": "a"}, "anything", True),
        ("filter_keep", {"text": "a"}, None, False),
        ("filter_keep", {"question": "a", "answer": "b"}, "", True),
        ("filter_drop", {"text": "a", "why": "advert"}, None, True),
        ("filter_drop", {"question": "a", "answer": "b"}, "", False),
    ],
)
def test_outcomes(tmp_path, name, row, got, right):
    (tmp_path / f"{name}.jsonl").write_text(json.dumps(row), "utf-8")
    (labelled,) = load(tmp_path)
    assert (complaint(labelled, got, "b") == "") is right


@pytest.mark.parametrize(
    ("name", "row", "stage", "kind"),
    [
        ("mask_phone", {"text": "1", "hide": ["1"]}, "mask", "phone"),
        ("mask", {"text": "1", "hide": []}, "mask", "all"),
        ("clean", {"text": "a", "want": "b"}, "clean", "must change"),
        ("clean", {"text": " a", "want": "b", "also": ["a"]}, "clean", "must stay"),
        ("simplify_forum", {"text": "a", "want": "a"}, "simplify", "forum: must stay"),
        ("filter_keep", {"text": "a"}, "filter", "keep"),
        ("filter_drop_mine", {"text": "a", "why": "seo"}, "filter", "drop_mine: seo"),
        ("deduplicate", PAIR, "deduplicate", "both: dose"),
        ("decontaminate", LEAK, "decontaminate", "drop: short stems"),
        ("decontaminate_x", LEAK | {"want": "keep"}, "decontaminate", "x: keep: short stems"),
        ("deduplicate_mine", PAIR, "deduplicate", "mine: both: dose"),
    ],
)
def test_kinds(tmp_path, name, row, stage, kind):
    (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n\n", "utf-8")
    (labelled,) = load(tmp_path)
    assert (labelled.stage, labelled.kind, labelled.number) == (stage, kind, 1)
    assert load(tmp_path, ["nothing"]) == []


@pytest.mark.parametrize(
    ("name", "line", "told"),
    [
        ("mask_x", "{", "line 1: it is no row"),
        ("mask_x", "[]", "no object"),
        ("mask_x", '{"text": "a"}', "no hide"),
        ("mask_x", '{"text": "a", "hide": ["b"]}', "'b' does not stand in the text"),
        ("mask_x", '{"text": "a。", "hide": ["。"]}', "does not stand"),
        ("mask_x", '{"text": 1, "hide": []}', "text: 1 is no text"),
        ("clean", '{"text": "a"}', "no want"),
        ("clean", '{"question": "a", "answer": "b", "want": "c"}', "no text"),
        ("filter_keep", '{"question": "a"}', "no answer"),
        ("filter_drop", '{"text": "a", "why": 3}', "why: 3 is no text"),
        ("deduplicate", json.dumps(PAIR | {"want": "drop"}), "want: 'drop' is none of both, one"),
        ("deduplicate", json.dumps(PAIR | {"one": ["a"]}), "is no text"),
        ("deduplicate", '{"one": "a", "other": "b", "want": "one"}', "no kind"),
        ("decontaminate", json.dumps(LEAK | {"want": "one"}), "'one' is none of drop, keep"),
        (
            "decontaminate",
            '{"turns": ["a", 1], "want": "keep", "kind": "x"}',
            "turns: 1 is no text",
        ),
        ("decontaminate", '{"question": "a", "want": "keep", "kind": "x"}', "no answer"),
        ("filter", "{}", "its name does not say"),
        ("notes", "{}", "its name does not say"),
    ],
)
def test_rows_that_are_none(tmp_path, name, line, told):
    (tmp_path / f"{name}.jsonl").write_text(line, "utf-8")
    with pytest.raises(SourceError, match=told) as caught:
        load(tmp_path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_sets(tmp_path):
    with pytest.raises(SourceError, match=r"no file \*\.jsonl"):
        load(tmp_path)


def test_every_set_of_the_package_has_its_day():
    made = dates(judge.SETS)
    sets = {row.set for row in load(judge.SETS)}
    assert len(sets) == 20
    assert {name: made.get(name) for name in sets} == dict.fromkeys(sets, "2026-11-29")


def test_days_are_read_from_about_files(tmp_path):
    (tmp_path / "ABOUT.md").write_text("Made on 2025-01-02.\n\n| `clean.jsonl` | 3 |\n", "utf-8")
    (tmp_path / "ABOUT-more.md").write_text("No day.\n\n| mask_x | 3 |\n", "utf-8")
    assert dates(tmp_path) == {"clean": "2025-01-02", "mask_x": ""}


@pytest.mark.parametrize(
    ("want", "got", "by", "told"),
    [
        ("both", "", "", ""),
        ("both", None, "deduplicate", "one was dropped"),
        ("one", None, "deduplicate", ""),
        ("one", "", "", "both stayed"),
        ("one", None, "filter", "filter dropped it"),
    ],
)
def test_pairs(tmp_path, want, got, by, told):
    (tmp_path / "deduplicate.jsonl").write_text(json.dumps(PAIR | {"want": want}), "utf-8")
    (row,) = load(tmp_path)
    assert row.records == [{"text": "每次一片"}, {"question": "怎么吃？", "answer": "每次两片"}]
    assert complaint(row, got, "", by) == told


@pytest.mark.parametrize(
    ("want", "got", "by", "told"),
    [
        ("drop", None, "decontaminate", ""),
        ("drop", "", "", "it stayed"),
        ("drop", None, "filter", "filter dropped it"),
        ("keep", "", "", ""),
        ("keep", None, "decontaminate", "it was dropped"),
    ],
)
def test_leaks(tmp_path, want, got, by, told):
    talk = {"turns": ["胆汁由何处分泌", "肝。", "谢谢"], "want": want, "kind": "talk"}
    (tmp_path / "decontaminate_a.jsonl").write_text(json.dumps(talk), "utf-8")
    (tmp_path / f"{judge.ITEMS}.jsonl").write_text("{}", "utf-8")  # no set
    (row,) = load(tmp_path)
    (record,) = row.records
    assert [turn["role"] for turn in record["messages"]] == ["user", "assistant", "user"]
    assert complaint(row, got, "", by) == told


def test_rows_that_are_alike_are_built_apart(tmp_path):
    texts = [
        "阿司匹林肠溶片每次一片饭后服",
        "牛黄解毒片每次三片温水送下",
        "阿司匹林肠溶片每次两片饭后服",
    ]
    rows = [PAIR | {"one": text, "other": text} for text in texts]
    lines = [json.dumps(row) for row in rows]
    (tmp_path / "deduplicate.jsonl").write_text("\n".join(lines), "utf-8")
    assert apart(load(tmp_path)) == [[0, 1], [2]]

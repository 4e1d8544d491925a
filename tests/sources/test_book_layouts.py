"""Layouts that yield Documents: tcm_classics, text, entities, over files in their true layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_reading import FIXTURES, outcome, read, read_rows

from chimed_datasets.errors import RecipeError
from chimed_datasets.records import Document, Malformed
from chimed_datasets.sources import FileReport, tcm_classics
from chimed_datasets.sources.files.wrapped import is_wrapped, join_lines, width_of

# --- tcm_classics ----------------------------------------------------------------------------

BOOK = {"book": "山居验方", "author": "无名氏", "dynasty": "清", "year": "公元1700年"}


def test_a_classic_is_a_document_for_each_section():
    report = FileReport()
    made = read("tcm_classics", FIXTURES / "tcm_classics", report)
    assert report == FileReport(dict.fromkeys(("山居验方.txt", "河上便方.txt"), "gb18030"))
    assert [m.key for m in made] == [
        *(f"山居验方.txt#{n}" for n in range(6)),
        "河上便方.txt#0",
    ]
    assert made[0] == Document(
        "山居验方.txt#0",
        "余少时多病，常居山中，每遇樵夫牧竖，辄问以草木之名。久之，得方数十，试之乡里，或效或不效，"
        "皆随手记之。今年老矣，恐其散失，遂取旧稿，删其重出，正其讹字，分为二卷，藏于家塾，"
        "以示子侄，非敢问世也。\n"
        "或问：医之道何先？曰：先辨寒热，次审虚实，而后用药，不可乱也。\n"
        "山阴老人自识",
        "自序",
        metadata=BOOK,
    )
    assert made[1].title == "溪柳"
    assert made[1].metadata == BOOK | {"section": "卷上/草部"}
    assert made[3] == Malformed("山居验方.txt#3", "empty_section", "卷下 卷下")
    # The second book leaves its year empty and is not divided.
    assert made[6].metadata == {"book": "河上便方", "author": "佚名", "dynasty": "明"}


def test_marks_of_the_corpus_are_repaired():
    text = read("tcm_classics", FIXTURES / "tcm_classics/山居验方.txt")[1].text
    assert text.split("\n") == [
        "味甘，性温，无毒。《山居》云：此草生溪边，叶似柳而短，春末开白花，秋月采根，阴干备用。"
        "主腰脚气痛，步履无力，又能解□石之毒，产妇产后不可轻服。"
        "肺寒则□□然作声，宜与老姜同煎，饭后温服，三日而止。",
        "溪柳图",  # of a picture the caption stays
        "溪柳饮",
        "治久咳夜甚，痰白而稀，不渴。",
        "溪柳根（三钱） 厚朴（一钱，姜汁炒） 陈皮（八分） 甘草（五分，炙）",
        "上四味，水二盏，煎至一盏，去滓温服。",
        "又方",
        "黄□（二钱） 生姜（三片）",
        "依前法煎，忌生冷。",
    ]


def test_modern_words_put_into_classics_are_undone_only_when_asked():
    mended = read("tcm_classics", FIXTURES / "tcm_classics/山居验方.txt")[4].text
    assert mended.startswith(
        "或以石灰敷之，毒气内攻者不可。学者当知，溃后用狼毒膏贴之，伊川旧法如此"
    )
    as_it_is = read("tcm_classics", FIXTURES / "tcm_classics/山居验方.txt", terms=False)[4].text
    assert as_it_is.startswith(
        "或以锻石敷之，毒瓦斯内攻者不可。学人当知，溃后用野狼毒膏贴之，伊芳川"
    )
    # 根据 and 浓 are good words in a book that has 依 and 厚 as well.
    untouched = read("tcm_classics", FIXTURES / "tcm_classics/河上便方.txt")[0].text
    assert "有根据者录之，无根据者不录，浓煎为妙。" in untouched


def classic(folder: Path, *sections: str) -> list[Document | Malformed]:
    """Return what is read of a book with ``sections`` ("title\\ntext")."""
    head = "<篇名>书\n书名：书\n作者：某\n\n\n"
    parts = "".join(f"<目录>\n\n<篇名>{section}\n\n" for section in sections)
    (folder / "书.txt").write_bytes((head + parts).replace("\n", "\r\n").encode("gb18030"))
    return read("tcm_classics", folder)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("内容：甲。", "甲。"),
        ("属性：甲。", "甲。"),
        ("甲。", "甲。"),
        ("内容：甲∶乙", "甲：乙"),
        (r"内容：\x甲\x", "甲"),
        (r"内容：甲曰\x乙\x丙。", "甲曰乙丙。"),
        ("内容：用KT 治之。", "用□治之。"),
        ("内容：项背强KTKT 然，HTKT。", "项背强□□然，□□。"),
        ("内容：服KTV，AKT，EXHT。", "服KTV，AKT，EXHT。"),
        (r"内容：此皆\k脾虚\k之病。", "此皆脾虚之病。"),
        ("内容：热疖。\\\n切片。", "热疖。\n切片。"),
        ("内容：%乙书\n丙。 %\n含50%", "乙书\n丙。\n含50%"),
        ("内容：□者，病也。", "□者，病也。"),
        (r"内容：\p01.bmp", ""),
        ("内容：@@@", ""),
        ("内容：", ""),
        ("内容： \n \n", ""),
    ],
)
def test_small_repairs(tmp_path, body, text):
    (made,) = classic(tmp_path, f"题\n\n{body}")
    if text:
        assert made == Document("书.txt#0", text, "题", metadata={"book": "书", "author": "某"})
    else:
        assert made == Malformed("书.txt#0", "empty_section", " 题")


def test_a_book_without_sections_is_told_of(tmp_path):
    (tmp_path / "a.txt").write_text("没有标记的书。\n", "utf-8")
    (made,) = read("tcm_classics", tmp_path)
    assert (made.key, made.rule) == ("a.txt#0", "no_sections")
    assert made.evidence.startswith("没有标记的书。")


CHINESE = st.text(st.sampled_from("甲乙丙丁热寒。，；：（）\\x∶ \u3000KT@%\n<"), max_size=120)


@settings(max_examples=100, deadline=None)
@given(st.lists(CHINESE, min_size=1, max_size=4))
def test_every_section_is_a_document_or_told_of(tmp_path_factory, sections):
    sections = [section.replace("<", "") for section in sections]
    made = classic(tmp_path_factory.mktemp("book"), *(f"题\n\n内容：{s}" for s in sections))
    assert len(made) == len(sections)
    for record, section in zip(made, sections, strict=True):
        if isinstance(record, Document):  # no character of the text itself is lost
            for char in "甲乙丙丁热寒":
                assert record.text.count(char) == section.count(char)
        else:
            assert not set("甲乙丙丁热寒") & set(section)


# --- lines -----------------------------------------------------------------------------------


def test_lines_broken_at_a_width_are_joined():
    width = 30
    prose = "脉有浮沉迟数，病有表里寒热，医者先别其纲，而后及其目，则虽千变而不离其宗，学者宜知之。"
    broken = "\n".join(prose[at : at + width] for at in range(0, len(prose), width))
    assert is_wrapped(broken.split("\n") * 3)
    assert width_of(broken.split("\n")) == width
    assert join_lines(broken, width) == prose
    assert join_lines(f"{broken}\n\n{broken}", width) == f"{prose}\n{prose}"


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["短行，", "下一行。"], ["短行，下一行。"]),  # ends inside a sentence
        (["一句完了。", "另一句。"], ["一句完了。", "另一句。"]),
        (["论曰：", "其言如此。"], ["论曰：", "其言如此。"]),
        (["甲。", "", "乙。"], ["甲。", "乙。"]),
        (["use of aspi", "rin daily，"], ["use of aspi rin daily，"]),
    ],
)
def test_which_lines_go_on(lines, joined):
    width = 11
    assert join_lines("\n".join(lines), width).split("\n") == joined


def test_without_a_width_nothing_is_joined():
    assert width_of(["甲。", "乙"]) == 0
    assert join_lines("甲。\n\n乙，\n丙", 0) == "甲。\n乙，\n丙"


@given(st.text(st.sampled_from("甲乙。，：（ 上【\n"), max_size=200), st.integers(0, 40))
def test_joining_changes_only_line_ends(text, width):
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    assert join_lines(lines, width).replace("\n", "") == lines.replace("\n", "")


# --- text ------------------------------------------------------------------------------------


def test_chapters_of_a_traditional_book_in_big5():
    report = FileReport()
    made = read("text", FIXTURES / "text/夜航醫話.txt", report)
    assert report == FileReport({"夜航醫話.txt": "big5hkscs"})
    assert [(m.title, m.metadata) for m in made[:4]] == [
        (None, {"book": "夜航醫話"}),
        ("自序", {"book": "夜航醫話"}),
        ("第一章 論咳嗽", {"book": "夜航醫話", "section": "卷上"}),
        ("第二章 論泄瀉", {"book": "夜航醫話", "section": "卷上"}),
    ]
    assert made[2].text.count("\n") == 1  # two indented paragraphs, their lines joined
    assert "恐留邪在肺" in made[2].text
    assert made[4] == Malformed("夜航醫話.txt#4", "empty_section", "卷下/第三章 論失眠")


def test_headings_of_markdown():
    made = read("text", FIXTURES / "text/护理手册.md")
    assert [(m.title, m.metadata.get("section")) for m in made] == [
        ("家庭护理手册", None),
        ("发热", "家庭护理手册"),
        ("跌倒", "家庭护理手册"),
        ("何时送医", "家庭护理手册/跌倒"),
    ]


@pytest.mark.parametrize(
    ("split", "parts"),
    [
        ("chapters", ["第一段讲饮食：少盐少油，定时定量。\n\n第二段讲运动：量力而行，\n循序渐进。"
                      "\n\n\n第三段讲睡眠：早睡早起。"]),
        ("blank_lines", ["第一段讲饮食：少盐少油，定时定量。",
                         "第二段讲运动：量力而行，\n循序渐进。", "第三段讲睡眠：早睡早起。"]),
    ],
)  # fmt: skip
def test_a_file_is_split_as_asked(split, parts):
    made = read("text", FIXTURES / "text/短文.txt", split=split)
    assert [m.text for m in made] == parts
    assert {m.metadata["book"] for m in made} == {"短文"}


def test_unsplit_text_has_the_name_of_its_file_and_keeps_its_lines(tmp_path):
    (made,) = read("text", FIXTURES / "text/夜航醫話.txt", split="none", unwrap=False)
    assert made.title == "夜航醫話"
    assert "恐留\n邪在肺" in made.text
    (made,) = read("text", FIXTURES / "text/夜航醫話.txt", split="none")
    assert "恐留邪在肺" in made.text
    with pytest.raises(RecipeError, match="split"):
        read("text", FIXTURES / "text", split="pages")


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("第一章　发热", "第一章 发热"),
        ("第十二回 痰饮", "第十二回 痰饮"),
        ("第3节", "第3节"),
        ("卷之一", "卷之一"),
        ("针灸大成卷上", "针灸大成卷上"),
        ("【禁忌】", "禁忌"),
        ("  前言", "前言"),
        ("### 用 法 ##", "用 法"),
        ("凡例", "凡例"),
        ("第一章讲的是发热，所以先看体温。", None),  # a sentence
        ("卷起袖子", None),
        ("序列号", None),
        ("#标签", None),
        ("第一章" + "热" * 40, None),
    ],
)
def test_what_a_heading_is(tmp_path, heading, title):
    (tmp_path / "a.txt").write_text(f"{heading}\n正文在此。\n", "utf-8")
    (made,) = read("text", tmp_path)
    assert made.title == title
    assert (made.text == "正文在此。") == (title is not None)


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.sampled_from("甲乙热。， \u3000\n\r#卷一章第"), max_size=300),
    st.sampled_from(["chapters", "blank_lines", "none"]),
)
def test_no_character_of_a_text_is_lost(tmp_path_factory, text, split):
    folder = tmp_path_factory.mktemp("text")
    (folder / "a.txt").write_text(text, "utf-8", newline="")
    made = read("text", folder, split=split)
    told = [
        (m.evidence,) if isinstance(m, Malformed) else (m.text, m.title, m.metadata.get("section"))
        for m in made
    ]
    if split == "none":  # here the title is the file's name
        told = [parts[:1] for parts in told]
    seen = "".join(part or "" for parts in told for part in parts)
    assert seen.count("热") >= text.count("热")  # a heading is told with each chapter below it
    assert split == "chapters" or seen.count("热") == text.count("热")
    assert made or not text.strip()


# --- entities --------------------------------------------------------------------------------


def test_entities_with_attributes():
    made = read("entities", FIXTURES / "entities/encyclopedia.jsonl.xz")
    assert outcome(made) == [
        ("0", "Document"),
        ("1", "Document"),
        ("2", "no_attributes"),
        ("3", "wrong_type"),
        ("4", "no_name"),
        ("5", "not_an_object"),
    ]
    assert made[0].title == "溪柳止咳胶囊"
    assert made[0].text.split("\n") == [
        "溪柳止咳胶囊",
        "适应症：咳嗽、痰多、气短、乏力。",  # blank and repeated values are left out
        "性状：本品为硬胶囊，内容物为棕色粉末。",
        "注意事项：",  # sentences stand on lines of their own, without a note's number
        "孕妇慎用。服药三日症状无缓解，应去医院就诊。",
        "忌烟酒。",
        "手术（麻醉方式）：局部麻醉。",
        "英文名：Xiliu Capsules。",
        "规格：0.3。",
    ]


def test_entities_with_links_in_an_archive():
    made = read("entities", FIXTURES / "entities/links.tar.xz")
    assert [(m.key, getattr(m, "text", "")) for m in made] == [
        (
            "links.tar.xz/knowledge/两主.txt#0",
            "夜咳\n所属科室：内科、呼吸科。\n久咳\n相关症状：气短。",
        ),
        ("links.tar.xz/knowledge/坏链.txt#0", ""),
        ("links.tar.xz/knowledge/山居散.txt#0", "山居散\n适应证：代谢性酸中毒、恶心、呕吐。"),
    ]
    assert made[1].rule == "wrong_type"
    assert made[0].metadata == {"type": "症状"}


@pytest.mark.parametrize(
    ("attrs", "lines"),
    [
        ({"别名": "风寒"}, ["别名：风寒。"]),
        ({"别名": ["甲；", "甲。", "乙"]}, ["别名：甲、乙。"]),
        ({"症状": ["发热、恶寒", "恶寒、头痛"]}, ["症状：发热、恶寒、头痛。"]),
        ({"症状": ["头痛（偏头痛、丛集性）", "呕吐"]}, ["症状：头痛（偏头痛、丛集性）、呕吐。"]),
        ({"检查": ["血常规，尿常规", "胸片"]}, ["检查：血常规，尿常规；胸片。"]),
        ({"图": ["http://example.org/a.png"]}, None),
        ({"名": "http://example.org/a 见此"}, ["名：http://example.org/a见此。"]),
        ({"年": [1999, 2.5, None, True]}, ["年：1999、2.5、True。"]),
        ({}, None),
        ({"甲": []}, None),
    ],
)
def test_how_attributes_are_told(tmp_path, attrs, lines):
    (made,) = read_rows("entities", tmp_path, [{"name": "某病", "attrs": attrs}])
    if lines is None:
        assert made.rule == "no_attributes"
    else:
        assert made.text.split("\n") == ["某病", *lines]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"name": "某病"}, "missing_field"),
        ({"name": "某病", "attrs": ["甲"]}, "wrong_type"),
        ({"name": "某病", "attrs": None}, "wrong_type"),
        ({"name": "某病", "links": None}, "wrong_type"),
        ({"name": "某病", "links": ["甲"]}, "wrong_type"),
        ({"name": {"a": 1}, "attrs": {"甲": "乙"}}, "wrong_type"),
        ({"name": "某病", "links": [["某病", "症状", [["热"]]]]}, None),
        ({"name": "", "links": [["某病", "症状", ["热"]]]}, None),  # the first subject names it
    ],
)
def test_entities_that_are_none(tmp_path, row, rule):
    (made,) = read_rows("entities", tmp_path, [row])
    assert getattr(made, "rule", None) == rule
    if rule is None:
        assert made.text == "某病\n症状：热。"


def test_an_entity_in_a_file_of_its_own_over_many_lines(tmp_path):
    entity = {"name": "某病", "attrs": {"症状": ["热"]}}
    for indent in (None, 4):
        told = json.dumps(entity, ensure_ascii=False, indent=indent)
        (tmp_path / "某病.txt").write_text(told, "gb18030")
        (made,) = read("entities", tmp_path)
        assert (made.key, made.text) == ("某病.txt#0", "某病\n症状：热。")


def test_a_line_without_end_costs_no_square_of_its_length():
    """From each of a million characters the rest had been searched for a blank."""
    long = "一" * 1_000_000
    assert tcm_classics.lost_glyphs(f"甲 乙。{long}。甲 乙丙") == f"甲 乙。{long}。甲□乙丙"


# --- leaflets --------------------------------------------------------------------------------

SHEET = "【药品名称】\n通用名称：{}\n【成份】\n甲、乙\n【性状】\n片剂。\n【用法用量】\n一日{}片。\n【贮藏】\n密封。\n"


def leaflets_of(folder: Path, text: str, name: str = "书.txt") -> list[tuple[str | None, str]]:
    (folder / name).write_text(text, "utf-8")
    return [(m.title, m.text) for m in read("text", folder / name)]


def test_a_leaflet_is_one_document(tmp_path):
    ((title, text),) = leaflets_of(tmp_path, SHEET.format("止嗽片", 3))
    assert title == "止嗽片"
    assert "【用法用量】\n一日3片。" in text
    assert "密封。" in text


def test_several_leaflets_of_a_file(tmp_path):
    both = SHEET.format("止嗽片", 3) + "\n大黄片说明书\n" + SHEET.format("大黄片", 5)
    first, second = leaflets_of(tmp_path, both)
    assert (first[0], second[0]) == ("止嗽片", "大黄片")
    assert "一日3片" in first[1]
    assert "一日5片" not in first[1]
    assert second[1].startswith("大黄片说明书\n【药品名称】")


@pytest.mark.parametrize(
    ("name", "text", "titles"),
    [
        ("书.txt", "第一章 咳\n" + SHEET.format("止嗽片", 3) + "第二章 泻\n" + SHEET.format("大黄片", 5),
         ["止嗽片", "大黄片"]),
        ("书.md", "# 止嗽片\n## 成份\n甲\n## 用法用量\n三片\n## 禁忌\n无\n# 大黄片\n## 成份\n乙\n"
         "## 用法用量\n五片\n## 禁忌\n孕妇", ["止嗽片", "大黄片"]),
        ("书.txt", "【药品名称】止嗽片\n【成份】甲\n【用法用量】\n三片\n【药品名称】大黄片\n【成份】乙\n"
         "【用法用量】\n五片", ["止嗽片", "大黄片"]),
        ("书.txt", "【藥品名稱】\n止嗽片\n【適應症】\n咳。\n【用法用量】\n三片", ["止嗽片"]),
        ("书.txt", "川贝\n【性状】\n白。\n【用法用量】\n三克。\n【贮藏】\n燥。\n大黄\n【性状】\n黄。\n"
         "【用法用量】\n五克。\n【贮藏】\n燥。", ["川贝", "大黄"]),
        ("书.txt", "知母\n【药性】苦，寒。\n【功效】清热。\n【用法用量】六克。\n黄柏\n【药性】苦，寒。\n"
         "【功效】燥湿。\n【用法用量】三克。", ["知母", "黄柏"]),
        ("书.txt", "第一节 辛温\n白虎汤\n【组成】石膏\n【用法】\n水煎。\n【功用】清热。\n第二节 辛凉\n文。",
         ["白虎汤", "第二节 辛凉"]),
        # no leaflets
        ("书.txt", "【上篇】\n文。\n【用法】\n煎服。\n【下篇】\n完。", ["上篇", "用法", "下篇"]),
        ("书.txt", "【桂枝汤】\n解肌。\n【用法】\n温服。\n【麻黄汤】\n发汗。\n【用法】\n温服。\n【禁忌】\n汗家。",
         ["桂枝汤", "用法", "麻黄汤", "用法", "禁忌"]),
    ],
)  # fmt: skip
def test_which_headings_make_a_leaflet(tmp_path, name, text, titles):
    assert [title for title, _ in leaflets_of(tmp_path, text, name)] == titles

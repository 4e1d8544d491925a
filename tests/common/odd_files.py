"""Files in odd forms, made in code: what newcomers bring."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tests.common.text import chinese

ILLS = (
    "高血压",
    "糖尿病",
    "慢性胃炎",
    "偏头痛",
    "失眠",
    "过敏性鼻炎",
    "腰椎间盘突出",
    "痛风",
    "湿疹",
    "贫血",
)
ASKED = (
    "得了{}平时饮食上要注意什么？", "{}可以根治吗，需要长期吃药吗", "最近查出{}，应该挂哪个科？",
    "家里老人有{}好几年了，冬天总是加重，请问怎么调理比较好？", "{}会不会遗传给孩子？",
)  # fmt: skip
TOLD = (
    "{}患者应当清淡饮食，少盐少油，避免熬夜和过度劳累，同时遵医嘱规律服药，每三个月到医院复查一次。",
    "目前{}还不能说完全根治，但是规范治疗可以很好地控制症状。建议先到专科门诊做检查，再决定用药方案。",
    "{}的发作与作息、情绪和季节都有关系。平时注意保暖，适当运动，症状明显加重时要及时就诊，不要自行加量。",
)
DEPARTMENTS = ("内科", "心血管内科", "神经内科", "皮肤科")


def pairs(n: int = 30) -> list[tuple[str, str, str, str]]:
    """Return n rows of department, title, question and answer, each another."""
    out = []
    for i in range(n):
        ill, asked, told = ILLS[i % 10], ASKED[i // 10 % 5], TOLD[i % 3]
        question = f"{asked.format(ill)}{'' if i < 50 else f'第{i}次问。'}"
        out.append((DEPARTMENTS[i % 4], f"{ill}咨询{i}", question, f"{told.format(ill)}（{i}）"))
    return out


def rows(*names: str, n: int = 30) -> list[dict[str, Any]]:
    """Return n objects with the question and the answer under these names."""
    return [dict(zip(names, (q, a), strict=True)) for _, _, q, a in pairs(n)]


def table(
    header: Sequence[str] | None, n: int = 30, delimiter: str = ",", columns: str = "dtqa"
) -> str:
    """Return a table of pairs; columns: their order, by the first letters."""
    place = {"d": 0, "t": 1, "q": 2, "a": 3}
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    if header is not None:
        out.writerow(header)
    out.writerows([row[place[c]] for c in columns] for row in pairs(n))
    return text.getvalue()


def lines(values: Sequence[Any]) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def whole(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def prose(paragraphs: int = 12, seed: int = 0) -> str:
    """Return paragraphs, each unlike the rest."""
    return "\n".join(
        f"第{'一二三四五六七八九十'[i % 10]}，{chinese(30, seed + i)}，{chinese(40, seed + i + 0.5)}。"
        for i in range(1, paragraphs + 1)
    )


def talk(i: int) -> list[tuple[str, str]]:
    _, _, q, a = pairs(30)[i]
    return [
        ("患者", q),
        ("医生", a),
        ("患者", "谢谢医生，还需要复查吗？"),
        ("医生", "三个月后复查一次即可。"),
    ]


class Odd(NamedTuple):
    """A file and what is right to say of it.

    name:   of the file.
    data:   its bytes, or what makes them of a path.
    layout: the layouts that are right, the one that should be said first; None: none reads it.
    fields: the mapping that is right, as far as it matters.
    unclear: no more than a guess is right.
    """

    name: str
    data: bytes | Callable[[Path], None]
    layout: tuple[str | None, ...]
    fields: Mapping[str, str] = MappingProxyType({})
    unclear: bool = False

    def make(self, folder: Path) -> Path:
        place = folder / self.name
        place.parent.mkdir(parents=True, exist_ok=True)
        if callable(self.data):
            self.data(place)
        else:
            place.write_bytes(self.data)
        return place


def _zip(place: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            out.writestr(name, data)


def _tar(place: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(place, "w:gz") as out:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))


def _parquet(place: Path, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), place)


def _sqlite(place: Path) -> None:
    base = sqlite3.connect(place)
    base.execute("create table qa (q text, a text)")
    base.commit()
    base.close()


def _utf8(text: str) -> bytes:
    return text.encode()


EXAM = [
    {"question": f"下列关于{ill}的叙述，正确的是", "options": {"A": "多见于青年", "B": "与遗传无关", "C": "需要规范治疗", "D": "不必复查"},
     "answer": "C"}
    for ill in ILLS
]  # fmt: skip
HEAD = ["科室", "标题", "问题", "回答"]
QA = {"question": "question", "answer": "answer"}

FILES = (
    # tables
    Odd("gb18030-semicolon.csv", table(HEAD, delimiter=";").encode("gb18030"), ("qa_csv", "csv")),
    Odd("gb18030-tab.txt", table(HEAD, delimiter="\t").encode("gb18030"), ("qa_csv", "csv"),
        {"question": "问题", "answer": "回答"}),
    Odd("utf16.csv", table(HEAD).encode("utf-16"), ("qa_csv", "csv")),
    Odd("utf8-mark.csv", table(HEAD).encode("utf-8-sig"), ("qa_csv", "csv")),
    Odd("big5.csv", table(["科室", "標題", "問題", "回答"]).replace("压", "壓").replace("险", "險")
        .encode("big5hkscs", "ignore"), ("csv", "qa_csv"), {"answer": "回答"}),
    Odd("bars.csv", _utf8(table(["id", "wenti", "huida"], delimiter="|", columns="tqa")), ("csv",),
        {"question": "wenti", "answer": "huida"}),
    Odd("pinyin.csv", _utf8(table(["ke_shi", "biao_ti", "wen_ti", "da_an"])), ("csv",),
        {"question": "wen_ti", "answer": "da_an", "department": "ke_shi", "title": "biao_ti"}),
    Odd("pinyin-caps.csv", _utf8(table(["KeShi", "BiaoTi", "TiWen", "HuiFu"])), ("csv",),
        {"question": "TiWen", "answer": "HuiFu"}),
    Odd("chinese-long-names.csv", _utf8(table(["所属科室", "咨询标题", "患者问题描述", "医生回复内容"])),
        ("csv",), {"question": "患者问题描述", "answer": "医生回复内容"}),
    Odd("swapped-order.csv", _utf8(table(["answer", "question"], columns="aq")), ("qa_csv", "csv")),
    Odd("swapped-names.csv", _utf8(table(["question", "answer"], columns="aq")), ("csv", "qa_csv"), {}, True),
    Odd("unknown-names.csv", _utf8(table(["f1", "f2"], columns="qa")), ("csv",),
        {"question": "f1", "answer": "f2"}),
    Odd("title-row.csv", _utf8("2023年门诊问答汇总,,,\n" + table(HEAD)), (None,)),
    Odd("two-title-rows.csv", _utf8("某医院问答数据,,,\n导出时间：2023-01-05,,,\n" + table(HEAD)), (None,)),
    Odd("no-header.csv", _utf8(table(None)), (None,)),
    Odd("no-header-no-name.txt", _utf8(table(None, delimiter="\t", columns="qa")), (None,)),
    Odd("empty-columns.csv", _utf8(table(HEAD).replace("\n", ",,,,,,,\n")), ("qa_csv", "csv")),
    Odd("one-column.csv", _utf8("text\n" + "\n".join(prose(20).split("\n"))), ("csv",), {"text": "text"}),
    Odd("numbers.csv", _utf8("age,height,weight\n" + "\n".join(f"{i},{i+100},{i+30}" for i in range(40))),
        (None,)),
    Odd("excel.csv", ("sep=;\r\n" + table(HEAD, delimiter=";").replace("\n", "\r\n")).encode("utf-8-sig"),
        ("qa_csv", "csv")),
    Odd("exam.csv", _utf8("id,question,A,B,C,D,answer\n" + "\n".join(
        f"{i},关于{ill}下列正确的是,甲说,乙说,丙说,丁说,B" for i, ill in enumerate(ILLS))), ("ceval", "mcq")),
    Odd("questions.txt", _utf8("input\n" + "\n".join(q for _, _, q, _ in pairs()) + "\n\noutput\n"
        + "\n".join(a for _, _, _, a in pairs()[:3])), ("text", "qa_blocks", None), {}, True),
    Odd("python-objects.txt", _utf8("train@" + repr([{"id": i, "goal": {"问": q}, "reply": a}
        for i, (_, _, q, a) in enumerate(pairs())])), ("text", None), {}, True),
    Odd("comma-text.txt", _utf8("\n".join(f"{ill},此病多由饮食不节所致,治宜调理脾胃，兼顾安神。" for ill in ILLS * 3)),
        ("text", "qa_blocks", None), {}, True),
    # JSON
    Odd("under-a-key.json", _utf8(whole({"version": 1, "data": rows("question", "answer")}, 1)), ("jsonl",), QA),
    Odd("under-two-keys.json", _utf8(whole({"info": {"n": 2}, "result": {"list": rows("ask", "reply")}})),
        ("jsonl",), {"question": "ask", "answer": "reply"}),
    Odd("header-line.jsonl", _utf8("# exported 2023-01-05\n" + lines(rows("question", "answer"))), ("jsonl",), QA),
    Odd("meta-line.jsonl", _utf8(lines([{"meta": {"n": 30}}, *rows("question", "answer")])), ("jsonl",), QA),
    Odd("utf16.json", whole(rows("instruction", "output")).encode("utf-16"), ("instruction",)),
    Odd("gb18030.jsonl", lines(rows("query", "response")).encode("gb18030"), ("query_response",)),
    Odd("nested-chat.json", _utf8(whole([
        {"id": i, "dialog": {"turns": [{"role": r, "content": t} for r, t in talk(i)]}} for i in range(30)
    ])), ("jsonl", "sharegpt"), {"messages": "dialog.turns"}),
    Odd("sharegpt-named-text.jsonl", _utf8(lines([
        {"id": i, "conversations": [{"from": r, "value": t} for r, t in talk(i)]} for i in range(30)
    ])), ("sharegpt",)),
    Odd("openai.jsonl", _utf8(lines([
        {"messages": [{"role": "user" if r == "患者" else "assistant", "content": t} for r, t in talk(i)]}
        for i in range(30)
    ])), ("sharegpt",)),
    Odd("list-of-lists.json", _utf8(whole([[q, a] for _, _, q, a in pairs()])), (None,)),
    Odd("lists-by-line.jsonl", _utf8(lines([[q, a] for _, _, q, a in pairs()])), (None,)),
    Odd("chats-by-line.jsonl", _utf8(lines([
        [{"role": "user", "content": q}, {"role": "assistant", "content": a}] for _, _, q, a in pairs()
    ])), (None,)),
    Odd("by-columns.json", _utf8(whole({
        "question": [q for _, _, q, _ in pairs()], "answer": [a for _, _, _, a in pairs()]
    })), ("jsonl",), QA),
    Odd("by-id.json", _utf8(whole({f"r{i}": row for i, row in enumerate(rows("question", "answer"))})), (None,)),
    Odd("strings.json", _utf8(whole([a for _, _, _, a in pairs()])), (None,)),
    Odd("nested-fields.jsonl", _utf8(lines([
        {"id": i, "data": {"question": q, "answer": a}} for i, (_, _, q, a) in enumerate(pairs())
    ])), ("jsonl", "sharegpt"), {"question": "data.question", "answer": "data.answer"}),
    Odd("answers-list.jsonl", _utf8(lines([
        {"questions": [[q, f"请问{q}"]], "answers": [a]} for _, _, q, a in pairs()
    ])), ("jsonl",), {"question": "questions", "answer": "answers"}),
    Odd("cot.jsonl", _utf8(lines([
        {"Question": q, "Complex_CoT": f"先想想{a}再想{q}", "Response": a} for _, _, q, a in pairs()
    ])), ("jsonl",), {"question": "Question", "answer": "Response"}),
    Odd("think.jsonl", _utf8(lines([
        {"instruction": q, "output": f"<think>\n先看{q}再想一想用药和饮食。\n</think>\n\n{a}"} for _, _, q, a in pairs()
    ])), ("instruction",)),
    Odd("messages-as-text.jsonl", _utf8(lines([
        {"id": i, "messages": whole([{"role": "user", "content": q}, {"role": "assistant", "content": a}])}
        for i, (_, _, q, a) in enumerate(pairs())
    ])), ("sharegpt",)),
    Odd("messages-as-text.csv", _utf8("id,messages\n" + "".join(
        f"{i}," + '"' + whole([{"role": "user", "content": q}, {"role": "assistant", "content": a}])
        .replace('"', '""') + '"\n' for i, (_, _, q, a) in enumerate(pairs()))), ("csv",), {"messages": "messages"}),
    Odd("dpo.jsonl", _utf8(lines([
        {"prompt": q, "chosen": a, "rejected": "不知道，多喝热水就可以了。"} for _, _, q, a in pairs()
    ])), ("preference_pairs",)),
    Odd("lines-as-lists.json", _utf8(whole([
        {"instruction": q, "input": "", "output": a.split("，")} for _, _, q, a in pairs()
    ])), ("instruction", "ranked")),
    Odd("letters.jsonl", _utf8(lines([
        {"instruction": f"{q}\nA.是 B.否 C.不一定", "output": "ABC"[i % 3]} for i, (_, _, q, _) in enumerate(pairs())
    ])), (None, "jsonl", "mcq"), {}, True),
    Odd("exam.jsonl", _utf8(lines(EXAM)), ("mcq",)),
    Odd("dialogue-in-one-text.json", _utf8(whole([
        {"instruction": f" <user>: {q} <bot>: 多久了？ <user>: {i}年", "input": "", "output": a}
        for i, (_, _, q, a) in enumerate(pairs())
    ])), ("instruction",)),
    Odd("one-row.json", _utf8(whole(rows("instruction", "output", n=1)[0])), ("instruction", "jsonl"), {}, True),
    Odd("python-dicts.txt", _utf8("".join(f"{row}\n" for row in rows("question", "answer"))), ("jsonl",), QA),
    Odd("cut-off.json", _utf8(whole(rows("instruction", "output"), 1)[:-60]), ("instruction",)),
    Odd("rubbish-json.jsonl", _utf8("{'a: 1,,}\n" * 30), (None, "text")),
    Odd("marked.csv", _utf8(
        "question,answer,label\n" + "".join(f"{q},{a},{i % 2}\n" for i, (_, _, q, a) in enumerate(pairs()))
    ), ("qa_csv", "csv"), {}, True),
    Odd("labels.jsonl", _utf8(lines([
        {"instruction": f"下面这句话是不是在问诊：{q}", "output": "是" if i % 3 else "否"}
        for i, (_, _, q, _) in enumerate(pairs())
    ])), ("instruction", "jsonl"), {}, True),
    Odd("chinese-commas.csv", _utf8("问题，答案\n" + "".join(f"{q}，{a}\n" for _, _, q, a in pairs())), (None,)),
    Odd("talks-as-text.jsonl", _utf8(lines([
        {"text": "\n".join(f"{'Human' if r == '患者' else 'Assistant'}: {t}" for r, t in talk(i))} for i in range(30)
    ])), ("jsonl",), {"text": "text"}, True),
    Odd("questions-only.csv", _utf8("question_id,content\n" + "".join(
        f"{i},{q}\n" for i, (_, _, q, _) in enumerate(pairs()))), ("csv",), {"text": "content"}, True),
    Odd("sections.jsonl", _utf8(lines([
        {"title": ill, "summary": prose(1, i), "sections": [
            {"title": "病因", "content": prose(3, 10 * i + 5)}, {"title": "治疗", "content": prose(3, 10 * i + 8)}]}
        for i, ill in enumerate(ILLS)
    ])), ("jsonl",), {"text": "summary"}, True),
    Odd("sections-only.jsonl", _utf8(lines([
        {"title": ill, "sections": [
            {"title": "病因", "content": prose(3, 10 * i + 5)}, {"title": "治疗", "content": prose(3, 10 * i + 8)}]}
        for i, ill in enumerate(ILLS)
    ])), (None,)),
    Odd("dpo.csv", _utf8("question,chosen,rejected\n" + "".join(
        f"{q},{a},不知道，多喝热水就可以了{i}。\n".replace("，多喝", "多喝") for i, (_, _, q, a) in enumerate(pairs()))),
        ("csv",), {"question": "question"}, True),
    Odd("two-replies.jsonl", _utf8(lines([
        {"question": q, "response_j": a, "response_k": f"不知道，多喝热水就可以了，实在不行就去医院挂号看看吧（{i}）。"}
        for i, (_, _, q, a) in enumerate(pairs())
    ])), ("jsonl",), {"question": "question"}, True),
    Odd("triples.csv", _utf8("head,relation,tail\n" + "".join(f"{ill},就诊科室,内科\n" for ill in ILLS)), (None,)),
    Odd("triples.txt", _utf8("".join(f"{ill}\t就诊科室\t内科\n" for ill in ILLS)), (None,)),
    Odd("sentences.jsonl", _utf8(lines([
        {"sentence1": q, "sentence2": f"请问{q}", "label": i % 2} for i, (_, _, q, _) in enumerate(pairs())
    ])), ("jsonl", None), {}, True),
    Odd("alpaca-with-text.jsonl", _utf8(lines([
        {"instruction": q, "input": "", "output": a, "text": f"Below is an instruction.\n{q}\n### Response:\n{a}"}
        for _, _, q, a in pairs()
    ])), ("instruction",)),
    Odd("history.jsonl", _utf8(lines([
        {"prompt": q, "response": a, "history": [["你好", "你好，请问哪里不舒服？"]]} for _, _, q, a in pairs()
    ])), ("jsonl",), {"question": "prompt", "answer": "response"}),
    Odd("options-apart.jsonl", _utf8(lines([
        {"question": row["question"], **{f"option_{k}": v for k, v in row["options"].items()}, "answer": "C"}
        for row in EXAM
    ])), ("mcq",)),
    Odd("split.json", _utf8(whole({"train": rows("question", "answer"), "test": rows("question", "answer", n=5)})),
        ("jsonl",), QA),
    Odd("page.xml", _utf8("<?xml version='1.0'?><root>" + "<qa><q>问</q><a>答</a></qa>" * 20 + "</root>"), (None,)),
    Odd("repeated-rows.jsonl", _utf8(lines(rows("query", "response", n=1) * 30)), ("query_response",)),
    Odd("empty-answers.jsonl", _utf8(lines([
        {"instruction": q, "output": a if i % 2 else ""} for i, (_, _, q, a) in enumerate(pairs())
    ])), ("instruction",), {}, True),
    Odd("english-names.xlsx.csv", _utf8(table(["Department", "Title", "Ask", "Answer"])), ("qa_csv",)),
    Odd("utf16-no-mark.csv", table(HEAD).encode("utf-16-le"), ("qa_csv", "csv")),
    # text
    Odd("questions.md", _utf8("\n\n".join(f"## {q}\n\n{a}" for _, _, q, a in pairs())), (None,)),
    Odd("subtitles.srt", _utf8("\n\n".join(
        f"{i}\n00:00:{i:02d},000 --> 00:00:{i:02d},900\n今天讲一讲{ill}" for i, ill in enumerate(ILLS))), (None,)),
    Odd("leaflet.txt", _utf8("\n".join([
        "【药品名称】", "甘草片", "【成份】", prose(1, 3), "【功能主治】", prose(2, 4), "【用法用量】", prose(1, 5)
    ])), ("text",)),
    Odd("book.txt", prose(60).encode("gb18030"), ("text",)),
    Odd("book-utf16.txt", prose(60).encode("utf-16"), ("text",)),
    Odd("talk.txt", _utf8("\n".join(f"{r}：{t}" for i in range(20) for r, t in talk(i))), (None,)),
    Odd("blocks.txt", _utf8("\n\n".join(f"{t},{q}\n{a}" for _, t, q, a in pairs())), ("qa_blocks",)),
    Odd("qa-labels.txt", _utf8("\n\n".join(f"问：{q}\n答：{a}" for _, _, q, a in pairs())), (None,)),
    Odd("exam.txt", _utf8("\n".join(
        f"{i + 1}. 下列关于{ill}的叙述正确的是（）。\nA. 多见于青年。\nB. 与遗传无关。\nC. 需要规范治疗。\nD. 不必复查。"
        for i, ill in enumerate(ILLS))), (None,)),
    Odd("settings.txt", _utf8("\n".join(f"药名：甘草第{i}号，性味甘平，归心肺脾胃经。" for i in range(40))), (None,)),
    Odd("english.txt", b"The patient was treated with aspirin and recovered well.\n" * 40, (None,)),
    Odd("log.txt", _utf8("\n".join(f"2023-01-05 10:00:{i % 60:02d} INFO 处理第 {i} 条" for i in range(80))), (None,)),
    Odd("code.py", b"import os\n\ndef main():\n    return os.getcwd()\n" * 20, (None,)),
    # what no layout reads
    Odd("empty.txt", b"", (None,)),
    Odd("blanks.csv", b"\n\n  \n", (None,)),
    Odd("paper.pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n" * 9, (None,)),
    Odd("paper-as.txt", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n" * 9, (None,)),
    Odd("noise.bin", bytes((i * 7919 + i // 3) % 256 for i in range(9000)), (None,)),
    Odd("book.xlsx", lambda p: _zip(p, {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}), (None,)),
    Odd("data.db", _sqlite, (None,)),
    Odd("page.html", _utf8("<!doctype html><html><head><title>问答</title></head><body><p>正文</p></body></html>"),
        (None,)),
    # archives and compression
    Odd("several.zip", lambda p: _zip(p, {
        "a.jsonl": _utf8(lines(rows("instruction", "output"))), "b.jsonl": _utf8(lines(rows("instruction", "output"))),
        "README.md": b"# about", "__MACOSX/._a.jsonl": b"\0\1"}), ("instruction",)),
    Odd("mixed.zip", lambda p: _zip(p, {
        "a.csv": _utf8(table(HEAD)), "b.txt": _utf8(prose()), "c.pdf": b"%PDF-1.4\n\xe2"}), ("qa_csv", "text")),
    Odd("books.tar.gz", lambda p: _tar(p, {f"{i}.txt": prose(40, 100 * i).encode("gb18030") for i in range(12)}), ("text",)),
    Odd("qa.csv.gz", gzip.compress(table(HEAD).encode("gb18030")), ("qa_csv", "csv")),
    Odd("hidden-gz.jsonl", gzip.compress(_utf8(lines(rows("query", "response")))), ("query_response",)),
    Odd("empty.zip", lambda p: _zip(p, {}), (None,)),
    Odd("no-zip.zip", b"this is no archive", (None,)),
    Odd("half.jsonl.gz", gzip.compress(_utf8(lines(rows("query", "response"))))[:200], (None, "query_response")),
    # Parquet
    Odd("qa.parquet", lambda p: _parquet(p, rows("question", "answer")), ("parquet",), QA),
    Odd("chat.parquet", lambda p: _parquet(p, [
        {"id": i, "conversations": [{"from": r, "value": t} for r, t in talk(i)]} for i in range(30)
    ]), ("parquet",), {"messages": "conversations"}),
)  # fmt: skip

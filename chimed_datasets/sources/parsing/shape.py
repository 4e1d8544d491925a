"""Rows of a table or of JSON where plain text belongs, told by how a file begins.

Only what is one beyond doubt is refused: a book may begin with a list of its chapters, hold verses
with a comma in each line, or a table somewhere.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from itertools import chain, islice

from ...lang import N_

LINES = 20
"""So many lines that are not blank are looked at first."""
MORE = 400
"""So many must agree where there are as many."""
HEAD = 4 * MORE
"""So many lines of a file, blank ones among them, are enough."""
_KEY = re.compile(r"\s*(?:\[\s*)?\{\s*\"([^\"\n]{1,60})\"\s*:")
_KEYS = re.compile(r"\"([^\"\\\n]{1,60})\"\s*:")
_STOPS = re.compile(r"[。，；：！？、…!?;]|\.$")
_PLACE = re.compile(r"[\s.·…\d()（）ivxlIVXL第页-]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]{0,29}")
_NAMES = frozenset(
    [
        "问题", "提问", "问", "题目", "标题", "主题", "内容", "文本", "正文", "回答", "答案",
        "答复", "回复", "答", "科室", "序号", "编号", "标签", "类别", "分类", "来源", "链接",
        "名称", "药名", "药品名称", "病名", "疾病", "症状", "方名", "性味", "归经", "功效",
        "主治", "用法", "用量", "用法用量", "组成", "姓名", "性别", "年龄", "日期", "时间",
        "备注",
    ]
)  # fmt: skip


def wrong_layout(lines: Iterable[str]) -> str | None:
    """Return what ``lines`` are and which layout reads them, or None for text.

    lines: the first lines of a file, without their line ends; blank ones are passed over.

    >>> wrong_layout(['{"question": "咳嗽？", "answer": "多喝水。"}'] * 2)
    'lines of JSON with question, answer: layout jsonl'
    >>> wrong_layout(["药名,性味,功效", *["甘草,甘平,补脾益气，清热解毒，祛痰止咳"] * 3])
    'a table of 3 columns parted by commas: layout csv'
    """
    filled = (line.strip("\r\n") for line in lines if line.strip())
    head = list(islice(filled, LINES))
    if not head:
        return None
    if (start := head[0].lstrip("\ufeff \t\u3000")[:1]) and start in "{[":
        return _json(head)
    return _table(list(chain(head, islice(filled, MORE))))


def first_lines(text: str) -> list[str]:
    """Return as many lines of ``text`` as :func:`wrong_layout` looks at, and some more."""
    return text[: 1 << 20].split("\n", HEAD)[:HEAD]


def _json(head: list[str]) -> str | None:
    rows = []
    for line in head[:3]:
        try:
            rows.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    if rows and all(isinstance(row, dict) and row for row in rows) and len(rows) == len(head[:3]):
        return N_("lines of JSON with {rows}: layout jsonl").format(rows=_named(rows[0]))
    if rows and all(isinstance(row, list) and row for row in rows) and len(rows) == len(head[:3]):
        if isinstance(rows[0][0], dict):
            return N_("a list of JSON with {rows}: layout jsonl").format(rows=_named(rows[0][0]))
        return N_("lines of JSON lists: layout jsonl reads objects, with a name for each value")
    text = "\n".join(head)
    if _KEY.match(text):
        kind = N_("a list of JSON objects") if text.lstrip()[0] == "[" else "JSON"
        return N_("{kind} with {text}: layout jsonl").format(
            kind=kind, text=_named(dict.fromkeys(_KEYS.findall(text)))
        )
    return None


def _named(keys: Iterable[str]) -> str:
    names = list(islice(keys, 7))
    return ", ".join(names[:6]) + (" …" if len(names) > 6 else "")


def _table(lines: Sequence[str]) -> str | None:
    tabs = [line.strip("\r ").count("\t") for line in lines]
    count = tabs[0]
    if count and len(lines) >= 2 and _agree(tabs):
        cells = [[cell.strip() for cell in line.split("\t")] for line in lines]
        header = _is_header(cells)
        filled = sum(all(row[:2]) for row in cells) >= 0.8 * len(cells)
        # A list of chapters with their pages begins many a book.
        places = sum(bool(_PLACE.fullmatch(row[-1])) for row in cells[1:])
        if filled and (header or len(lines) >= 4) and places < 0.8 * (len(cells) - 1):
            return N_("a table of {count} columns parted by tabs: layout csv").format(
                count=count + 1
            )
    if "," not in lines[0] or len(lines) < 2:
        return None
    try:
        rows = list(csv.reader(lines, strict=True))
    except csv.Error:
        try:
            rows = list(csv.reader(lines))
        except csv.Error:  # a field longer than any of a table's head
            return None
    cells = [[cell.strip() for cell in row] for row in rows]
    agreed = len(rows) >= 2 and len(rows[0]) >= 2 and _agree([len(row) for row in rows])
    if agreed and _is_header(cells):
        return N_("a table of {rows} columns parted by commas: layout csv").format(
            rows=len(rows[0])
        )
    return None


def _agree(counts: Sequence[int]) -> bool:
    return sum(count == counts[0] for count in counts) >= 0.95 * len(counts) and (
        len(set(counts[:LINES])) == 1
    )


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: each by a word of its own, no part of a sentence. The
    first name is missing where a program wrote the numbers of its rows."""
    numbered = not rows[0][0] and all(row[0].isdecimal() for row in rows[1:])
    names = rows[0][1:] if numbered else rows[0]
    if len(set(names)) < len(names) or any(
        not name or len(name) > 30 or _STOPS.search(name) for name in names
    ):
        return False
    if all(_IDENTIFIER.fullmatch(name) for name in names):
        return any(not cell.isascii() for row in rows[1:] for cell in row)
    if numbered or any(name in _NAMES for name in names):
        return True
    # Names are shorter than what stands under them; the halves of a verse are of one length.
    sizes = sorted(sum(map(len, row)) for row in rows[1:])
    short = all(len(name) <= 8 for name in names)
    return len(rows) >= 5 and short and 2 * sum(map(len, names)) <= sizes[len(sizes) // 2]

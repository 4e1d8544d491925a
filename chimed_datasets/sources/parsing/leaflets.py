"""Leaflets of drugs: headings in 【】 that belong together, however many leaflets a file holds.

A leaflet is a run of headings that the rules for package inserts name (药品名称, 用法用量, …):
what is said of its dose stands with its name. Chapters of other books may be in 【】 as well; they
are left to whoever asked.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MIN_SECTIONS = 3
"""So many different sections make a leaflet."""
_NAMES = ["药品名称", "通用名称", "通用名", "商品名称", "商品名", "药名", "品名"]
_SECTIONS = frozenset(
    [
        *_NAMES, "英文名称", "英文名", "汉语拼音", "核准日期", "修改日期", "说明书修订日期",
        "警示语", "特殊药品", "外用药品", "成份", "成分", "主要成份", "主要成分", "处方组成",
        "辅料", "性状", "作用类别", "类别", "功能主治", "功能与主治", "主治功能", "适应症",
        "适应证", "适应病症", "适用症", "规格", "用法用量", "用法与用量", "用量用法", "用法",
        "用量", "不良反应", "副作用", "禁忌", "禁忌症", "禁忌证", "注意事项", "注意",
        "孕妇及哺乳期妇女用药", "孕妇用药", "妊娠及哺乳期妇女用药",
        "妊娠期妇女及哺乳期妇女用药", "儿童用药", "老年用药", "老年患者用药", "老人用药",
        "药物相互作用", "相互作用", "药物过量", "过量", "药物滥用和药物依赖", "临床试验",
        "临床研究", "药理毒理", "药理作用", "毒理研究", "药代动力学", "药动学", "遗传药理学",
        "贮藏", "储藏", "贮存", "储存", "贮藏条件", "包装", "有效期", "执行标准", "批准文号",
        "药品批准文号", "进口药品注册证号", "医药产品注册证号", "生产企业", "生产厂家",
        "企业名称", "生产单位", "上市许可持有人", "药品上市许可持有人", "接种对象",
        "免疫程序和剂量", "作用与用途",
        # monographs of a pharmacopoeia, and of drugs and formulas in textbooks
        "别名", "来源", "处方", "组成", "方药", "制法", "炮制", "鉴别", "检查", "浸出物",
        "含量测定", "药性", "性味", "归经", "性味归经", "性味与归经", "功能", "功效", "功用",
        "主治", "应用", "临床应用", "使用注意", "方解", "加减", "适用人群", "服用方法", "保存",
    ]
)  # fmt: skip
_SIMPLE = str.maketrans(
    "藥稱適應狀規貯兒婦臨試驗動過執標準號產業項與證餘應劑處組輔料類別主儲單營許絕種對",
    "药称适应状规贮儿妇临试验动过执标准号产业项与证余应剂处组辅料类别主储单营许绝种对",
)
_BRACKETED = re.compile(r"[ \t\u3000]*【([^】\n]{1,40})】[:：]?[ \t\u3000]*")
_MARKDOWN = re.compile(r"[ \t]{0,3}#{1,6}\s+【?([^】#\n]{1,40}?)】?[\s#:：]*$")
_TOLD = re.compile(
    r"\s{0,9}(?:【[^】\n]{1,40}】\s{0,9})?(通用名称?|商品名称?|药品名称|藥品名稱|通用名稱|品名|药名|中文名称?)"
    r"[ \u3000]*[:：][ \u3000]*([^\n]+)"
)
_SHEET = re.compile(
    r"[ \t\u3000]*(?:#{1,6}\s+)?(.{2,34}?)(?:的?(?:使用)?(?:说明书|說明書))[ \t\u3000]*$"
)
_DATES = re.compile(r"[ \t\u3000]*(?:核准日期|修改日期|修订日期)[:：]")
_MAX_NAME = 40
_STOPS = tuple("。，；,;！？!?")


class Leaflet(NamedTuple):
    """The lines from ``start`` to before ``end``, and the drug's name where it is told."""

    start: int
    end: int
    title: str | None


class _Heading(NamedTuple):
    line: int
    name: str
    rest: str  # what follows on the same line
    parts: bool  # whether a book would be cut here


def leaflets(lines: list[str], headings: dict[int, int]) -> list[Leaflet]:
    """Return the leaflets among ``lines``, ascending.

    headings: line -> level of what would begin a chapter. A leaflet does not go beyond a heading
              that stands above those of its sections.
    """
    found: list[Leaflet] = []
    for run, end in _runs(lines, headings):
        starts = _starts(run, lines)
        for number, start in enumerate(starts):
            last = number + 1 == len(starts)
            own = run[start:] if last else run[start : starts[number + 1]]
            first = _begins(lines, run, start, headings)
            stop = end if last else _begins(lines, run, starts[number + 1], headings)
            known = {heading.name for heading in own if heading.name in _SECTIONS}
            # A file that no heading cuts, of one leaflet, is one document as it is.
            if len(known) < MIN_SECTIONS or 2 * len(known) < len(own):
                continue
            if any(heading.parts for heading in own) or len(starts) > 1:
                found.append(Leaflet(first, stop, _title(lines[first:stop])))
    return found


def _runs(lines: list[str], headings: dict[int, int]) -> list[tuple[list[_Heading], int]]:
    """Return runs of headings in 【】 or Markdown that nothing higher parts, and their ends."""
    runs: list[tuple[list[_Heading], int]] = []
    run: list[_Heading] = []
    level = 0
    for at, line in enumerate(lines):
        own = headings.get(at)
        bracket = _BRACKETED.match(line)
        name = bracket[1] if bracket else None
        if name is None and own is not None and (marked := _MARKDOWN.match(line)):
            name = marked[1]
        plain = _plain(name) if name else ""
        if bracket or plain in _SECTIONS:
            if run and own is not None and level and own < level:
                runs.append((run, at))
                run, level = [], 0
            if plain in _SECTIONS or run:
                rest = line[bracket.end() :] if bracket else ""
                run.append(_Heading(at, plain, rest, own is not None))
                level = level or (own or 0)
        elif own is not None and run:
            if level and own > level:
                continue  # a heading inside of a section
            runs.append((run, at))
            run, level = [], 0
    if run:
        runs.append((run, len(lines)))
    return runs


def _plain(name: str) -> str:
    return "".join(name.split()).translate(_SIMPLE)


def _starts(run: list[_Heading], lines: list[str]) -> list[int]:
    """Return which headings of a run begin a leaflet: the first, each name behind sections of
    another, and the first section again where a title stands before it."""
    starts, seen = [0], {run[0].name}
    for number, heading in enumerate(run[1:], 1):
        body = seen - set(_NAMES) - {"英文名称", "英文名", "汉语拼音", "核准日期", "修改日期"}
        again = heading.name == run[starts[-1]].name and heading.name in seen
        names = heading.name in _NAMES and bool(body)
        if (names and heading.name in seen | {"药品名称"}) or (
            again and (names or _heads(lines, run, number))
        ):
            starts.append(number)
            seen = set()
        seen.add(heading.name)
    return starts


def _heads(lines: list[str], run: list[_Heading], number: int) -> bool:
    """Whether a title stands right before a heading of a run."""
    before = [line for line in lines[run[number - 1].line + 1 : run[number].line] if line.strip()]
    told = bool(run[number - 1].rest.strip())  # the section before stands on its heading's line
    fits = bool(before) and len(before[-1].strip()) <= 20 and not before[-1].endswith(_STOPS)
    return fits and len(before) + told > 1


def _begins(lines: list[str], run: list[_Heading], number: int, headings: dict[int, int]) -> int:
    """Return the line that a leaflet begins with: its title, or the dates before it, if any."""
    first = run[number].line
    after = run[number - 1].line + 1 if number else 0
    begin = first
    title = run[number].name not in _NAMES
    for at in range(first - 1, max(after, first - 12) - 1, -1):
        line = lines[at].strip()
        if at in headings:
            break
        if _DATES.match(line) or (len(line) <= _MAX_NAME and _SHEET.match(line)):
            begin = at
        elif title and line:
            if len(line) <= 20 and not line.endswith(_STOPS):
                begin = at
            title = False
    return begin


def _title(lines: list[str]) -> str | None:
    """Return the drug's name: the generic one, else what stands under 药品名称, else the title."""
    told: dict[str, str] = {}
    for line in lines[:40]:
        if found := _TOLD.match(line):
            told.setdefault(found[1].translate(_SIMPLE)[:3], found[2].strip())
    for word in ("通用名", "中文名", "药品名", "品名", "药名", "商品名"):
        if (name := told.get(word)) and len(name) <= _MAX_NAME:
            return " ".join(name.split())
    for at, line in enumerate(lines):
        heading = _BRACKETED.match(line) or _MARKDOWN.match(line)
        if heading and _plain(heading[1]) in _NAMES:
            rest = line[heading.end() :] if line.lstrip()[0] == "【" else ""
            under = [rest, *lines[at + 1 :]]
            name = next((text.strip() for text in under if text.strip()), "")
            if name and len(name) <= _MAX_NAME and not re.search("[:：。！？【]", name):
                return " ".join(name.split())
            break
    for line in lines[:12]:
        if len(line) <= _MAX_NAME and (sheet := _SHEET.match(line)):
            return " ".join(sheet[1].split())
    first = lines[0].strip()
    return " ".join(first.split()) if first and first[0] not in "【#" and len(first) <= 20 else None

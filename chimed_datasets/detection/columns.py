"""Which column of a table is the question, which the answer, the text, the title, the department:
guessed from names (Chinese, pinyin, English) and from what stands in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean, median
from typing import Any

from ..sources.parsing import text_of
from .forms import Row, chinese, flat

NAMES: Mapping[str, frozenset[str]] = {
    "question": frozenset(
        "question query ask asked prompt instruction instruct input problem context q user human "
        "patient inquiry consultation complaint symptom_desc description questions 问题 提问 问 题目 题干 "
        "咨询 咨询内容 患者提问 病情描述 病情 患者 主诉 描述 疑问 用户 "
        "wenti tiwen wen timu zixun bingqing miaoshu zhusu huanzhe".split()
    ),
    "answer": frozenset(
        "answer answers reply replies response responses output target completion a assistant bot "
        "gpt doctor advice solution label_answer suggestion 回答 答案 答复 回复 答 解答 医生回答 医生回复 建议 "
        "医生建议 专家回答 医生 助手 huida daan dafu huifu da jieda jianyi yisheng".split()
    ),
    "text": frozenset(
        "text content body passage document article paragraph abstract fulltext full_text raw "
        "summary 内容 文本 正文 全文 原文 段落 文章 条文 neirong wenben zhengwen quanwen yuanwen".split()
    ),
    "title": frozenset(
        "title headline subject topic heading name 标题 题名 主题 篇名 章节名 名称 "
        "biaoti zhuti timing mingcheng".split()
    ),
    "department": frozenset(
        "department dept departments cate category specialty speciality clinic division 科室 科 门诊 "
        "科别 所属科室 一级科室 分科 keshi ke menzhen".split()
    ),
}  # fmt: skip
"""Names of columns in lower case, by what they hold."""
_GENERAL = ("内容", "文本", "描述")
"""What may stand behind any other word in a name."""
_SIMPLIFIED = str.maketrans("問題標內診醫師復覆類別門諮詢編號專敘", "问题标内诊医师复复类别门咨询编号专叙")
_ASKS = re.compile(r"[?？]|怎么|怎样|如何|什么|为何|吗|请问|能不能|是否|哪些|多少|咋")
_DEPARTMENT = re.compile(r"[\u4e00-\u9fff]{1,8}[科部]$|[\u4e00-\u9fff]{1,8}科[>\-/ ]")
_LABEL_BEFORE = re.compile(
    r"\s*((?:问题?|提问|患者|病人|用户|答案?|回答|回复|医生|Question|Answer|Q|A|Human|Assistant)\s*[:：])", re.I
)
_LABEL_BEHIND = re.compile(r"((?:答案?|回答|回复|医生|Answer|A|Assistant|Response)\s*[:：])\s*$", re.I)
_URL = re.compile(r"https?://\S+$")
_ID = re.compile(r"[\w.:/#-]{1,80}")
_LETTERS = re.compile(r"[A-Ha-h](?:\s*[,，、]?\s*[A-Ha-h])*\.?")
METADATA = 8
"""So many other columns are proposed as metadata."""


@dataclass(frozen=True)
class Column:
    """What the first rows hold in a column.

    texts: its values as text, those that are not empty. share: of rows that have one.
    kind:  "text", "number", "turns" (a list of objects or lists) or "other".
    """

    name: str
    texts: list[str]
    share: float
    kind: str
    lists: bool = False

    @cached_property
    def distinct(self) -> float:
        return len(set(self.texts)) / max(len(self.texts), 1)

    @cached_property
    def length(self) -> float:
        """The mean number of characters."""
        return fmean(map(len, self.texts)) if self.texts else 0.0

    @cached_property
    def middle(self) -> float:
        return median(map(len, self.texts)) if self.texts else 0.0

    @cached_property
    def asks(self) -> float:
        """The share of values that ask something."""
        return sum(bool(_ASKS.search(text)) for text in self.texts) / max(len(self.texts), 1)

    @cached_property
    def chinese(self) -> float:
        return chinese(text[:200] for text in self.texts)

    @cached_property
    def prose(self) -> bool:
        """Whether what stands in it is text that somebody would train on."""
        if self.kind != "text" or not self.texts:
            return False
        words = sum(bool(_ID.fullmatch(text) or _URL.match(text)) for text in self.texts)
        return self.length >= 8 and words * 2 < len(self.texts) and self.letters >= 0.4

    @cached_property
    def letters(self) -> float:
        begins = "".join(text[:200] for text in self.texts)
        return sum(map(str.isalpha, begins)) / max(len(begins), 1)

    @cached_property
    def long(self) -> bool:
        """Whether to leave it out would be a loss: prose, each value another."""
        listed = self.lists and fmean(map(len, "\n".join(self.texts).split("\n"))) < 12
        filled = self.distinct >= 0.5 and self.share >= 0.3
        return self.prose and self.length >= 15 and filled and not listed


def columns_of(rows: Sequence[Row]) -> list[Column]:
    """Return the columns of rows; those of objects in them under dotted paths."""
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in flat(row).items():
            values.setdefault(name, []).append(value)
    return [_column(name, given, len(rows)) for name, given in values.items()]


def _column(name: str, values: list[Any], rows: int) -> Column:
    some = [value for value in values if value not in (None, "", [], {})]
    some = [_sole(value) for value in some]
    lists = [value for value in some if isinstance(value, list)]
    kind = "text"
    if some and 2 * len(lists) > len(some):
        inner = [item for value in lists for item in value[:3]]
        if inner and all(isinstance(item, dict | list) for item in inner):
            kind = "turns"
    if some and all(isinstance(value, int | float) for value in some):
        kind = "number"
    elif some and all(isinstance(value, bool | dict | bytes) for value in some):
        kind = "other"
    texts = []
    for value in some if kind in ("text", "number") else ():
        try:
            text = text_of(value).strip()
        except (TypeError, ValueError):
            continue
        texts += [text] if text else []
    share = (len(texts) if kind in ("text", "number") else len(some)) / max(rows, 1)
    return Column(name, texts, share, kind, bool(some) and 2 * len(lists) > len(some))


def _sole(value: Any) -> Any:
    """Return the first wording of [[a question, its other wordings]]."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list) and value[0]:
        return value[0][0] if isinstance(value[0][0], str) else value
    return value


@dataclass(frozen=True)
class Mapping_:
    """A guess of what columns are.

    kind, fields, ident, strip: as the keys of a mapping in a recipe.
    why:   target -> why this column was taken.
    named: whether the columns that a record needs were known by their names.
    """

    kind: str
    fields: dict[str, str]
    ident: str | None = None
    strip: dict[str, list[str]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    named: bool = True
    doubts: list[str] = field(default_factory=list)


def by_name(name: str) -> tuple[str, int] | None:
    """Return what a column of this name holds, and how sure that is: 3 is the name itself, 2 a
    word at its end, 1 a word in it.

    >>> by_name("Question"), by_name("original_text"), by_name("患者问题描述"), by_name("ke_shi")
    (('question', 3), ('text', 2), ('question', 1), ('department', 3))
    """
    last = name.rpartition(".")[2].strip().lower().translate(_SIMPLIFIED)
    plain = re.sub(r"[\s_-]+", "_", re.sub(r"(?<=[a-z])\d+$", "", last))
    joined = plain.replace("_", "")
    for target, names in NAMES.items():
        if plain in names or joined in names:
            return target, 3
    *_, end = plain.split("_")
    if end != plain:
        for target, names in NAMES.items():
            if end in names and len(end) > 1:
                return target, 2
    if not last.isascii():
        words = [(w, t) for t in NAMES for w in NAMES[t] if len(w) > 1 and not w.isascii()]
        ends = [(len(w), t) for w, t in words if last.endswith(w) and w not in _GENERAL]
        if ends:
            return max(ends)[1], 2
        for target in ("answer", "question", "department", "title", "text"):
            if any(word in last for word, of in words if of == target):
                return target, 1
    return None


def guess(rows: Sequence[Row]) -> Mapping_ | None:
    """Return what the columns of rows are, or None where none of them is text."""
    columns = columns_of(rows)
    prose = [column for column in columns if column.prose and column.share >= 0.3]
    turns = [column for column in columns if column.kind == "turns" and column.share >= 0.5]
    pair = _pair(columns, prose)
    if turns and pair is None and not any(c.long for c in prose):
        named = len(turns) == 1
        why = {"messages": "its values are lists of turns"}
        return _about(columns, "dialogue", {"messages": turns[0].name}, why, named)
    if pair is not None:
        question, answer, why, named, doubts = pair
        fields = {"question": question.name, "answer": answer.name}
        strip = {t: ends for t, c in (("question", question), ("answer", answer)) if (ends := _ends(c))}
        return _about(columns, "thread", fields, why, named, strip, doubts)
    text = _text(prose)
    if text is None:
        return None
    column, reason, named = text
    doubts = [
        f"{other.name!r} is text, too"
        for other in prose
        if other.long and other is not column and not _same(other, column)
    ]
    return _about(columns, "document", {"text": column.name}, {"text": reason}, named, {}, doubts)


Pair = tuple[Column, Column, dict[str, str], bool, list[str]]


def _pair(columns: Sequence[Column], prose: Sequence[Column]) -> Pair | None:
    """Return the columns of question and answer, why, whether their names say so, and doubts."""
    long_enough = [c for c in columns if c.kind == "text" and c.texts and c.share >= 0.3]
    named: dict[str, list[tuple[int, Column]]] = {"question": [], "answer": []}
    for column in long_enough:
        known = by_name(column.name)
        if known and known[0] in named and (column.length >= 4):
            named[known[0]].append((known[1], column))
    for group in named.values():  # of equal names the one that is more often filled, and longer
        group.sort(key=lambda one: (-one[0], -round(one[1].share, 1), -one[1].length))
    asked, told = ([c for _, c in named[t]] for t in ("question", "answer"))
    if asked and told:
        question, answer = asked[0], told[0]
        if len(asked) > 1:  # of "instruction" and "input" the one that asks
            best = max(asked, key=lambda c: (c.asks * c.share, c.distinct))
            question = best if best.asks > question.asks + 0.3 else question
        doubts = [f"{c.name!r} may be the question, too" for c in asked if c is not question and c.long]
        doubts += [f"{c.name!r} is another answer" for c in told if c is not answer and c.long]
        strength = min(named["question"][0][0], named["answer"][0][0])
        why = {"question": "by its name", "answer": "by its name"}
        if answer.asks > question.asks + 0.3 and answer.asks > 0.5:
            doubts.append(f"{answer.name!r} asks more than {question.name!r} does")
        if answer.length < 2 or question.distinct < 0.05:
            doubts.append(f"the values of {question.name!r} are nearly all the same")
        return question, answer, why, strength >= 1, doubts
    asking = sorted((c for c in prose if c.asks >= 0.5), key=lambda c: -c.asks)
    question = asked[0] if asked else (asking[0] if asking else None)
    if question is None or (not asked and question.asks < 0.5):
        return None
    if by_name(question.name) and by_name(question.name)[0] in ("text",) and not told:  # type: ignore[index]
        return None
    rest = [c for c in prose if c is not question and c.asks < question.asks and c.long]
    answer = told[0] if told else max(rest, key=lambda c: c.length, default=None)  # type: ignore[assignment]
    if answer is None or (not told and answer.length < 0.5 * question.length):
        return None
    if not told and by_name(answer.name) and by_name(answer.name)[0] != "text":  # type: ignore[index]
        return None
    why = {
        "question": "by its name" if asked else f"{question.asks:.0%} of its values ask",
        "answer": "by its name" if told else "the longest text beside the question",
    }
    return question, answer, why, False, []


def _text(prose: Sequence[Column]) -> tuple[Column, str, bool] | None:
    if not prose:
        return None
    named = [(known[1], c) for c in prose if (known := by_name(c.name)) and known[0] == "text"]
    if named:
        strength, column = max(named, key=lambda one: (one[0], one[1].share, one[1].length))
        return column, "by its name", strength >= 2
    column = max(prose, key=lambda c: c.share * c.length * (0.2 + c.chinese) * c.distinct)
    return column, "the longest text", False


def _same(one: Column, other: Column) -> bool:
    """Whether two columns hold the same, near enough: a text and what was made of it."""
    if one.name.rpartition("_")[2] == other.name.rpartition("_")[2] and one.name != other.name:
        return abs(one.length - other.length) <= 0.2 * max(one.length, other.length)
    return len(set(one.texts) & set(other.texts)) * 2 > min(len(set(one.texts)), len(set(other.texts)))


def _ends(column: Column) -> list[str]:
    """Return the labels that most values begin or end with: 问题：, 回答:."""
    found: Counter[str] = Counter()
    for text in column.texts:
        for match in (_LABEL_BEFORE.match(text), _LABEL_BEHIND.search(text)):
            if match:
                found[match[1].strip()] += 1
    return [label for label, count in found.most_common(6) if count * 20 >= len(column.texts)]


def _about(
    columns: Sequence[Column],
    kind: str,
    fields: dict[str, str],
    why: dict[str, str],
    named: bool,
    strip: dict[str, list[str]] | None = None,
    doubts: Sequence[str] = (),
) -> Mapping_:
    """Add title, department, id and metadata to the columns that a record needs."""
    fields, why = dict(fields), dict(why)
    taken = set(fields.values())
    ident = None
    for column in columns:
        if column.name in taken or not column.texts or column.kind not in ("text", "number"):
            continue
        known = by_name(column.name)
        last = column.name.rpartition(".")[2].lower()
        if last == "id" or last.endswith(("_id", "编号", "序号")) or last in ("uuid", "key", "bianhao"):
            whole = column.distinct == 1.0 and column.share == 1.0 and "." not in column.name
            if whole and all(_ID.fullmatch(text) for text in column.texts) and ident is None:
                ident, taken = column.name, taken | {column.name}
            continue
        if (
            kind != "dialogue"
            and known == ("title", 3)
            and "title" not in fields
            and column.middle <= 60
            and (column.distinct >= 0.3 or kind == "document")
        ):
            fields["title"], why["title"] = column.name, "by its name"
        elif (
            kind != "document"
            and "department" not in fields
            and column.middle <= 20
            and ((known and known[0] == "department") or _is_department(column))
        ):
            reason = "by its name" if known and known[0] == "department" else "its values are departments"
            fields["department"], why["department"] = column.name, reason
        else:
            continue
        taken.add(column.name)
    if ident == "id":
        ident = None  # a row's id is looked for there
    rest = [c for c in columns if c.name not in taken and _is_metadata(c)]
    for column in rest[:METADATA]:
        target = column.name.rpartition(".")[2]
        if re.fullmatch(r"[^\s:#,{}\[\]'\"]{1,40}", target) and target not in fields:
            if target not in ("text", "question", "answer", "messages", "domain", "keyphrases"):
                fields[target], why[target] = column.name, "metadata"
    return Mapping_(kind, fields, ident, strip or {}, why, named, list(doubts))


def _is_department(column: Column) -> bool:
    found = sum(bool(_DEPARTMENT.match(text)) for text in column.texts)
    return column.distinct <= 0.6 and found * 10 >= len(column.texts) * 8


_OF_METADATA = re.compile(
    r"(?:book|author|dynasty|chapter|section|source|year|date|volume|edition|commentator|disease"
    r"|drug|shu|zuozhe|chaodai|laiyuan|nian)(?:_?(?:title|name|zh|cn))?|\S{0,4}"
    r"(?:书名?|作者|朝代|[篇章卷]名?|年[代份]?|来源|疾病|药[名品]?|出处)",
    re.I,
)


def _is_metadata(column: Column) -> bool:
    """Whether a column is worth keeping beside the text: short, and named as such."""
    return (
        column.kind == "text"
        and not column.lists
        and 0 < column.middle <= 60
        and column.share >= 0.3
        and bool(_OF_METADATA.fullmatch(column.name.rpartition(".")[2]))
    )


def are_letters(texts: Sequence[str]) -> bool:
    """Whether answers are the letters of choices."""
    return bool(texts) and sum(bool(_LETTERS.fullmatch(t.strip())) for t in texts) * 10 >= 7 * len(texts)

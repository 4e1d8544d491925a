"""Which column is the question, which the answer, the text, the title, the department: guessed from
names and from what stands in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..lang import N_
from .columns import Column, columns_of
from .forms import Row
from .names import by_name

METADATA = 8
"""So many other columns are proposed as metadata."""
_DEPARTMENT = re.compile(r"[\u4e00-\u9fff]{1,8}[科部]$|[\u4e00-\u9fff]{1,8}科[>\-/ ]")
_LABEL_BEFORE = re.compile(
    r"((?:问题?|提问|患者|病人|用户|答案?|回答|回复|医生|Question|Answer|Q|A|Human|Assistant)\s?[:：])",
    re.I,
)
_LABEL_BEHIND = re.compile(r"((?:答案?|回答|回复|医生|Answer|A|Assistant|Response)\s?[:：])$", re.I)
_TALK = re.compile(
    rf"{_LABEL_BEFORE.pattern}|<s>|<\|im_start\|>|\[INST\]|### ?(?:Human|User|问)|<\|?user", re.I
)
_ID = re.compile(r"[\w.:/#-]{1,80}")
_OF_METADATA = re.compile(
    r"(?:book|author|dynasty|chapter|section|source|year|date|volume|edition|commentator|disease"
    r"|drug|shu|zuozhe|chaodai|laiyuan|nian)(?:_?(?:title|name|zh|cn))?|\S{0,4}"
    r"(?:书名?|作者|朝代|[篇章卷]名?|年[代份]?|来源|疾病|药[名品]?|出处)",
    re.I,
)
_TARGET = re.compile(r"[^\s:#,{}\[\]'\"]{1,40}")
_KEPT = ("text", "question", "answer", "messages", "title", "department", "domain", "keyphrases")
"""Targets that mean something of their own: no name of metadata."""


@dataclass
class Guess:
    """A guess of what columns are.

    kind, fields, ident, strip: as the keys of a mapping in a recipe.
    why:    target -> why this column was taken.
    named:  whether the columns that a record needs were known by their names.
    doubts: what speaks against it.
    """

    kind: str
    fields: dict[str, str]
    why: dict[str, str]
    named: bool = True
    doubts: list[str] = field(default_factory=list)
    strip: dict[str, list[str]] = field(default_factory=dict)
    ident: str | None = None


def guess(rows: Sequence[Row]) -> Guess | None:
    """Return what the columns of rows are, or None where none of them is text."""
    columns = columns_of(rows)
    prose = [column for column in columns if column.prose and column.share >= 0.3]
    found = _pair(columns, prose) or _turns(columns, prose) or _text(prose)
    if found is not None:
        _name_rows(found, columns)
        _add_labels(found, columns)
        _add_metadata(found, columns)
    return found


def _turns(columns: Sequence[Column], prose: Sequence[Column]) -> Guess | None:
    turns = [column for column in columns if column.kind == "turns" and column.share >= 0.5]
    if not turns or any(column.long for column in prose):
        return None
    why = {"messages": N_("its values are lists of turns")}
    return Guess("dialogue", {"messages": turns[0].name}, why, len(turns) == 1)


def _pair(columns: Sequence[Column], prose: Sequence[Column]) -> Guess | None:
    """Return a guess of question and answer, by their names where these are known."""
    asked, told = _named(columns, "question"), _named(columns, "answer")
    if not asked or not told:
        return _pair_by_content(prose, asked, told)
    question, answer = asked[0], told[0]
    most = max(asked, key=lambda c: (c.asks * c.share, c.distinct))
    if most.asks > question.asks + 0.3:  # of "instruction" and "input" the one that asks
        question = most
    doubts = [
        *(
            N_("{name!r} may be the question, too").format(name=c.name)
            for c in asked
            if c is not question and c.long
        ),
        *(
            N_("{name!r} is another answer").format(name=c.name)
            for c in told
            if c is not answer and c.long
        ),
    ]
    if question.distinct < 0.05:
        doubts.append(
            N_("the values of {name!r} are nearly all the same").format(name=question.name)
        )
    why = dict.fromkeys(("question", "answer"), N_("by its name"))
    return _thread(question, answer, why, True, doubts)


def _named(columns: Sequence[Column], target: str) -> list[Column]:
    """Return the columns whose name says that they are it: the plainest name first, of equal ones
    the one that is more often filled, then the longer."""
    found = []
    for column in columns:
        known = by_name(column.name)
        text = column.kind == "text" and column.share >= 0.3 and column.length >= 4
        if text and known is not None and known[0] == target:
            found.append((-known[1], -round(column.share, 1), -column.length, column))
    return [column for *_, column in sorted(found, key=lambda one: one[:3])]


def _pair_by_content(
    prose: Sequence[Column], asked: Sequence[Column], told: Sequence[Column]
) -> Guess | None:
    """Return a guess where the name of one or both says nothing: the question asks, the answer is
    the longest text beside it."""
    free = [c for c in prose if (by_name(c.name) or ("text",))[0] in ("text", "question")]
    question = asked[0] if asked else max(free, key=lambda c: c.asks, default=None)
    if question is None or (not asked and question.asks < 0.5):
        return None
    if not told and (by_name(question.name) or ("",))[0] == "text":
        return None  # a text that asks is a text
    others = [c for c in free if c is not question and c.long and c.asks < question.asks]
    answer = told[0] if told else max(others, key=lambda c: c.length, default=None)
    if answer is None or (not told and 2 * answer.length < question.length):
        return None
    why = {
        "question": N_("by its name")
        if asked
        else N_("{asks:.0%} of its values ask").format(asks=question.asks),
        "answer": N_("by its name") if told else N_("the longest text beside the question"),
    }
    return _thread(question, answer, why, False, [])


def _thread(
    question: Column, answer: Column, why: dict[str, str], named: bool, doubts: list[str]
) -> Guess:
    fields = {"question": question.name, "answer": answer.name}
    both = (("question", question), ("answer", answer))
    strip = {target: ends for target, column in both if (ends := _ends(column))}
    return Guess("thread", fields, why, named, doubts, strip)


def _text(prose: Sequence[Column]) -> Guess | None:
    """Return a guess of the text of documents."""
    known = {c.name: found[1] for c in prose if (found := by_name(c.name)) and found[0] == "text"}
    named = [c for c in prose if c.name in known]
    if named:
        column = max(named, key=lambda c: (known[c.name], c.share, c.length))
    elif prose:
        column = max(prose, key=lambda c: c.share * c.length * (0.2 + c.chinese) * c.distinct)
    else:
        return None
    others = [c for c in prose if c.long and c is not column and not _same(c, column)]
    doubts = [N_("{name!r} is text, too").format(name=other.name) for other in others]
    if column.asks >= 0.5 and column.middle < 100:
        doubts.insert(
            0, N_("the values of {name!r} ask: where are the answers?").format(name=column.name)
        )
    talks = sum(bool(_TALK.match(text)) for text in column.texts)
    if 3 * talks > len(column.texts):
        doubts.insert(
            0, N_("the values of {name!r} are talks, written as one text").format(name=column.name)
        )
    why = {"text": N_("by its name") if named else N_("the longest text")}
    sure = known.get(column.name, 0) >= 2
    return Guess("document", {"text": column.name}, why, sure, doubts)


def _same(one: Column, other: Column) -> bool:
    """Whether two columns hold the same, near enough: a text and what was made of it."""
    if one.name.rpartition("_")[2] == other.name.rpartition("_")[2]:
        return abs(one.length - other.length) <= 0.2 * max(one.length, other.length)
    texts, others = set(one.texts), set(other.texts)
    return len(texts & others) * 2 > min(len(texts), len(others))


def _ends(column: Column) -> list[str]:
    """Return the labels that values begin or end with: 问题：, 回答:."""
    found: Counter[str] = Counter()
    for text in column.texts:
        for match in (_LABEL_BEFORE.match(text), _LABEL_BEHIND.search(text)):
            if match:
                found[match[1].strip()] += 1
    return [label for label, count in found.most_common(6) if count * 20 >= len(column.texts)]


# --- what stands beside ----------------------------------------------------------------------


def _name_rows(found: Guess, columns: Sequence[Column]) -> None:
    """Set the column that names the rows, unless it is "id", where it is looked for anyway."""
    names = [
        column.name
        for column in columns
        if _is_id(column.name.lower())
        and "." not in column.name
        and column.distinct == column.share == 1.0
        and all(map(_ID.fullmatch, column.texts))
    ]
    if names and "id" not in names:
        found.ident = names[0]


def _is_id(name: str) -> bool:
    return name in ("id", "uuid", "key", "bianhao") or name.endswith(("_id", "编号", "序号"))


def _add_labels(found: Guess, columns: Sequence[Column]) -> None:
    """Add title and department."""
    for column in columns:
        known = by_name(column.name)
        if not _is_beside(found, column):
            continue
        if known == ("title", 3) and found.kind != "dialogue" and "title" not in found.fields:
            each_another = column.distinct >= 0.3 or found.kind == "document"
            if column.middle <= 60 and each_another:
                found.fields["title"], found.why["title"] = column.name, N_("by its name")
        elif found.kind != "document" and "department" not in found.fields:
            named = known is not None and known[0] == "department"
            if column.middle <= 20 and (named or _is_department(column)):
                found.fields["department"] = column.name
                found.why["department"] = (
                    N_("by its name") if named else N_("its values are departments")
                )


def _is_beside(found: Guess, column: Column) -> bool:
    """Whether a column is one of short texts that is not taken yet."""
    taken = {*found.fields.values(), found.ident}
    return column.name not in taken and column.kind == "text" and bool(column.texts)


def _is_department(column: Column) -> bool:
    departments = sum(bool(_DEPARTMENT.match(text)) for text in column.texts)
    return column.distinct <= 0.6 and departments * 10 >= len(column.texts) * 8


def _add_metadata(found: Guess, columns: Sequence[Column]) -> None:
    """Add columns that are worth keeping beside the text, by their names: book, author, year."""
    added = 0
    for column in columns:
        target = column.name.rpartition(".")[2]
        if (
            added < METADATA
            and _is_beside(found, column)
            and not column.lists
            and column.middle <= 60
            and column.share >= 0.3
            and _OF_METADATA.fullmatch(target)
            and _TARGET.fullmatch(target)
            and target not in (*_KEPT, *found.fields)
        ):
            found.fields[target], found.why[target] = column.name, "metadata"
            added += 1

"""An encyclopedia: entities with attributes, or links of subject, predicate and objects.

JSON or JSON Lines (also under .txt), an entity a row, in one of two forms:
    name, attrs: {attribute: [values]}
    name, links: [[subject, predicate, [objects]], ...]

Or, with `header`, triples, a line each, parted by tabs, commas, bars or semicolons: all lines of a
subject are one entity, also those of several files. A first line that names the columns is none.

header  the parts of a triple in their order: [subject, predicate, object]
sheet   of a workbook with triples: the name of a sheet, or its number from 1

Yields one Document an entity: its name on the first line, then a line for each attribute, as
"适应症：头晕、疲乏。"; sentences stand on lines of their own. Blank and repeated values and bare
web addresses are left out. Links of other subjects than the entity follow under the subject's
name. metadata has the entity's type where the row has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from typing import Any, Literal

from ..errors import RecipeError
from ..lang import _
from ..records import Document, Malformed, Record, excerpt
from .documents.containers import OFFICE
from .documents.workbooks import SUFFIXES as WORKBOOKS
from .files.decoding import MAX_RECORD_BYTES
from .files.opening import FileReport, SourceFile
from .parsing.json import json_rows
from .parsing.on_disk import group_rows
from .parsing.ready import ReadyDocument, ready, selected
from .parsing.row import KeyedRow, RowError, text_of
from .parsing.sheets import SheetName, as_text, table_rows

SUFFIXES = (".json", ".jsonl", ".txt", *WORKBOOKS)
TAKES = OFFICE
TRIPLE = ("subject", "predicate", "object")
_HEADERS = ({"subject", "head", "头实体", "实体1"}, {"object", "tail", "尾实体", "实体2"})
SHORT_VALUE = 20
"""Values up to this many characters, without a pause in them, are listed with 、."""

_BLANK = re.compile(r"[\s\x00-\x1f\x7f\u200b\ufeff]+")
_BETWEEN_CHINESE = re.compile(
    r"(?<=[\u3000-\u9fff\uff00-\uffef]) | (?=[\u3000-\u9fff\uff00-\uffef])"
)
_PAUSE = re.compile(r"[，。；：！？]|; ")
_NOTE_NUMBER = re.compile(r"(?<=。)\d{1,2}$")
_SENTENCES = re.compile(r"[。！？](?=.)")
_BRACKET = re.compile(r"[（(\[［]")
_ADDRESS = re.compile(r"https?://[!-~]*$")
_ENDS = "。；;，,、 "


@dataclass(frozen=True)
class Options(ReadyDocument):
    """The parts of a triple, beside what may be said of every layout."""

    header: list[Literal["subject", "predicate", "object"]] = field(default_factory=list)
    sheet: SheetName = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.header and sorted(self.header) != sorted(TRIPLE):
            raise RecipeError(
                _("header: a triple has {triple}, each once.").format(triple=", ".join(TRIPLE))
            )
        if self.header:
            self.asks_for(TRIPLE)

    @property
    def together(self) -> bool:
        return bool(self.header)


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Document for each row of each file."""
    if options.header:
        named, sheet = options.header, options.sheet
        tables = (table_rows(file, report, "", header=named, sheet=sheet) for file in files)
        every = map(_triples, tables)
        triples = selected(chain.from_iterable(every), options)
        yield from ready(_entities(map(_said, triples)), _document, replace(options, where=None))
        return
    for file in files:
        yield from ready(json_rows(as_text(file), report, options.ident), _document, options)


def _triples(rows: Iterable[KeyedRow | Malformed]) -> Iterator[KeyedRow | Malformed]:
    """Return the rows of a file without a first one that names the columns."""
    rows = iter(rows)
    first = next(rows, None)
    if isinstance(first, tuple):
        names = [str(first[1][part]).strip().lower() for part in TRIPLE]
        if names[0] in _HEADERS[0] and names[2] in _HEADERS[1]:
            first = None
    return rows if first is None else chain([first], rows)


def _entities(triples: Iterable[KeyedRow | Malformed]) -> Iterator[KeyedRow | Malformed]:
    """Yield a row for each subject, with all that is said of it, in the order of the first line.
    A subject of whom more is said than a document may hold is Malformed."""
    for group in group_rows(triples, TRIPLE[0]):
        if isinstance(group, Malformed):
            yield group
            continue
        links, key, size = [], "", 0
        for own, row in group.rows:
            key = key or own
            size += sum(len(row[part]) for part in TRIPLE)
            if size * 3 > MAX_RECORD_BYTES:
                yield Malformed(key, "too_long", f"more than {size:,} characters: {group.value}")
                break
            links.append([row[TRIPLE[0]], row[TRIPLE[1]], [row[TRIPLE[2]]]])
        else:
            yield key, {"name": group.value, "links": links}


def _document(key: str, row: dict[str, Any]) -> Document:
    subjects = _attributes(row) if "attrs" in row else _links(row)
    name = _clean(text_of(row.get("name"))) or next(iter(subjects), "")
    if not name:
        raise RowError("no_name", f"fields: {', '.join(row)}")
    lines = [name, *_lines(subjects.pop(name, subjects.pop("", {})))]
    for subject, attributes in subjects.items():
        if relations := list(_lines(attributes)):
            lines += [subject, *relations]
    if len(lines) == 1:
        raise RowError("no_attributes", name)
    kind = _clean(text_of(row.get("type")))
    return Document(key, "\n".join(lines), name, metadata={"type": kind} if kind else {})


def _said(item: KeyedRow | Malformed) -> KeyedRow | Malformed:
    """Return a triple; one that says nothing of its subject but its name is Malformed."""
    if isinstance(item, Malformed):
        return item
    key, row = item
    subject, predicate, found = (str(row[part]).strip() for part in TRIPLE)
    if found in ("", subject):
        return Malformed(key, "no_attributes", excerpt(f"{subject}, {predicate}, {found}"))
    return item


Attributes = dict[str, list[str]]


def _attributes(row: dict[str, Any]) -> dict[str, Attributes]:
    """Return {"": attribute -> values}: the one subject is the entity."""
    return {"": {_label(name): _values(given) for name, given in row["attrs"].items()}}


def _links(row: dict[str, Any]) -> dict[str, Attributes]:
    """Return subject -> predicate -> objects, in the order of their first link."""
    subjects: dict[str, Attributes] = {}
    for link in row["links"]:
        if not isinstance(link, list) or len(link) != 3:
            raise RowError(
                "wrong_type", f"expected [subject, predicate, objects], got {excerpt(repr(link))}"
            )
        attributes = subjects.setdefault(_clean(text_of(link[0])), {})
        attributes.setdefault(_label(text_of(link[1])), []).extend(_values(link[2]))
    return subjects


def _values(given: Any) -> list[str]:
    values = given if isinstance(given, list) else [given]
    return [_clean(v if type(v) is str else text_of(v)) for v in values]


def _clean(text: str) -> str:
    """Return ``text`` on one line; blanks that a line break left inside Chinese are taken out."""
    if text.isalnum():  # as most of the millions of names and values
        return text
    return _BETWEEN_CHINESE.sub("", _BLANK.sub(" ", text).strip())


@lru_cache(4096)
def _label(name: str) -> str:
    """Return 手术_麻醉方式 as 手术（麻醉方式）."""
    head, __, part = _clean(name).partition("_")
    return f"{head}（{part}）" if part else head


def _lines(attributes: Attributes) -> Iterator[str]:
    for name, given in attributes.items():
        values = _distinct(given)
        if not values:
            continue
        together = "\n".join(values)
        if _SENTENCES.search(together):
            yield f"{name}："
            yield from (f"{value}。" for value in values)
        elif max(map(len, values)) > SHORT_VALUE or _PAUSE.search(together):
            yield f"{name}：{'；'.join(values)}。"
        else:
            if "、" in together:
                values = list(dict.fromkeys(chain.from_iterable(map(_items, values))))
            yield f"{name}：{'、'.join(values)}。"


def _distinct(values: list[str]) -> list[str]:
    """Return what the values say, once each: no stops at their ends, no note's number behind."""
    together = "\n".join(values)
    if "。" in together:
        values = [_NOTE_NUMBER.sub("", value) for value in values]
    if "http" in together:
        values = [value for value in values if not _ADDRESS.match(value)]
    bare = [value.strip(_ENDS) for value in values]
    return list(dict.fromkeys(filter(None, bare)))


def _items(value: str) -> list[str]:
    """A value may be a list itself; one with brackets is left whole."""
    if "、" not in value or _BRACKET.search(value):
        return [value]
    return list(filter(None, (item.strip(_ENDS) for item in value.split("、"))))

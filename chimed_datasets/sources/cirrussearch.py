"""Search dumps of wikis (CirrusSearch, JSON Lines): a Document for each page.

namespaces  which are read, by their numbers; left out: [0], the articles
categories  words, one of which a category of the page must hold; left out: every page is read
body        text (default): the plain text, as the wiki's search has it, without tables and boxes;
            source_text: the wiki text, which is read as by `mediawiki`, where the dump has it
variant     which text of -{zh-hans:软件;zh-hant:軟體}- is read: zh-cn (default), zh-tw, zh-hk,
            zh-sg, zh-mo, zh-my, zh-hans or zh-hant
where       a condition on title, text, page, keyphrases or wiki; other pages go to the ledger

A page is a row with title, text and namespace; the row before it, with its number in the index, is
passed over. Where a page has one kind of text alone, that is read. metadata has the page's id, its
categories as keyphrases (parted by 、), and its wiki. Pages of other namespaces or categories are
told of under "other_page". Needs the extra `office` for wiki text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..records import Document, Malformed, Record
from .documents.variants import resolved
from .documents.wikitext import MAX_CHARS, page_of, tidied
from .files.opening import FileReport, SourceFile
from .parsing.json import json_rows
from .parsing.ready import chosen
from .parsing.row import KeyedRow, RowError, each, text_of
from .parsing.wikis import WikiPages

SUFFIXES = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Options(WikiPages):
    """Which pages and texts are read; see the layout's description."""

    body: Literal["text", "source_text"] = "text"


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Document for each page of each file."""
    return chosen(_documents(files, options, report), options)


def _documents(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:

    def document(key: str, row: dict[str, Any]) -> Document:
        return _document(key, row, options)

    for file in files:
        yield from each(_numbered(json_rows(file, report, "page_id")), document)


def _numbered(rows: Iterator[KeyedRow | Malformed]) -> Iterator[KeyedRow | Malformed]:
    """Yield the rows of pages, with the numbers that the rows before them give."""
    ident = ""
    for row in rows:
        if isinstance(row, Malformed):
            yield row
            continue
        key, values = row
        about = values.get("index")
        if isinstance(about, dict) and len(values) == 1:
            ident = str(about.get("_id", "")).strip()[:40]
            continue
        yield key, {"page_id": ident, **values}
        ident = ""


def _document(key: str, row: dict[str, Any], options: Options) -> Document:
    """Return the Document of a page. Raises RowError where it is none that was asked for."""
    title, space = text_of(row["title"]).strip(), row["namespace"]
    if isinstance(space, bool) or not isinstance(space, int):
        raise RowError("wrong_type", f"namespace: expected a number, got {space!r}")
    options.check_namespace(title, space)
    categories = row.get("category") or []
    categories = [text_of(one) for one in categories] if isinstance(categories, list) else []
    options.check_categories(title, categories)
    plain, source = text_of(row.get("text")), text_of(row.get("source_text"))
    if max(len(plain), len(source)) > MAX_CHARS:
        raise RowError("too_long", f"{max(len(plain), len(source)):,} characters in one page")
    if source.strip() and (options.body == "source_text" or not plain.strip()):
        text = page_of(source, options.variant).text
    else:
        text = tidied(resolved(plain, options.variant))
    if not text.strip():
        raise RowError("no_text", f"{title}: there is no text")
    metadata = {}
    for name, value in (
        ("page", text_of(row.get("page_id"))),
        ("keyphrases", "、".join(dict.fromkeys(filter(None, categories)))),
        ("wiki", text_of(row.get("wiki"))),
    ):
        if value.strip():
            metadata[name] = value.strip()
    return Document(key, text, title or None, metadata=metadata)

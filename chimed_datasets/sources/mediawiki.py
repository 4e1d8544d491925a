"""Dumps of wikis (MediaWiki XML, also under .bz2): a Document for each page, as a reader sees it.

namespaces  which are read, by their numbers; left out: [0], the articles
categories  words, one of which a category of the page must hold; left out: every page is read
variant     which text of -{zh-hans:软件;zh-hant:軟體}- is read: zh-cn (default), zh-tw, zh-hk,
            zh-sg, zh-mo, zh-my, zh-hans or zh-hant
where       a condition on title, text, page, keyphrases or wiki; other pages go to the ledger

A dump is read as a stream. Templates are left out but for those that show a text of their own
({{lang-en|…}}, {{link-en|…}}); a row of a table is a line, its cells parted by tabs; references,
files with their captions and language links are left out, and headings over nothing. metadata has
the page's id, its categories as keyphrases (parted by 、), and its wiki.

Redirects, and pages of other namespaces or categories, are told of under "other_page"; a page of
more than 3,000,000 characters is Malformed under "too_long", the end of a dump that is cut off or
broken under "damaged". Of a dump with all revisions the last one of a page counts. Needs the extra
`office`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..records import Document, Malformed, Record, excerpt
from .documents.dump import Page, pages
from .documents.markup import lxml_etree
from .documents.wikitext import MAX_CHARS, categories_of, page_of, parser
from .files.opening import FileReport, SourceFile
from .parsing.ready import chosen
from .parsing.row import Keys, RowError
from .parsing.wikis import WikiPages

SUFFIXES = (".xml",)
TAKES = ("mediawiki", "xml")


@dataclass(frozen=True)
class Options(WikiPages):
    """Which pages are read, and in which script; see the layout's description."""


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Document for each page of each file."""
    return chosen(_documents(files, options, report), options)


def _documents(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    lxml_etree()
    parser()
    for file in files:
        report.note(file.name, "utf-8")
        keys = Keys(file.name)
        ordinal = 0
        with file.open() as stream:
            for ordinal, page in enumerate(pages(stream)):
                if isinstance(page, str):
                    yield Malformed(f"{file.name}#end", "damaged", page)
                    continue
                key = keys.key(ordinal, page.ident)
                try:
                    yield _document(key, page, options)
                except RowError as error:
                    yield Malformed(key, error.rule, error.evidence)


def _document(key: str, page: Page, options: Options) -> Document:
    """Return the Document of a page. Raises RowError where it is none that was asked for."""
    if page.redirect is not None:
        raise RowError("other_page", f"{page.title}: a redirect to {page.redirect}")
    options.check_namespace(page.title, page.namespace)
    if len(page.text) > MAX_CHARS:
        raise RowError("too_long", f"{len(page.text):,} characters in one page")
    if options.categories:
        options.check_categories(page.title, categories_of(page.text))
    try:
        made = page_of(page.text, options.variant)
    except ValueError as error:
        raise RowError("bad_value", f"{page.title}: {error}") from None
    if not made.text.strip():
        raise RowError("no_text", excerpt(f"{page.title}: {page.text}"))
    metadata = {"page": page.ident} if page.ident else {}
    if made.categories:
        metadata["keyphrases"] = "、".join(made.categories)
    if page.wiki:
        metadata["wiki"] = page.wiki
    return Document(key, made.text, page.title, metadata=metadata)

"""What the fuzzing of office documents starts from: layout -> name -> what makes the file."""

from __future__ import annotations

from collections.abc import Callable

from office_docx import DOCX, Known
from office_epub import EPUB
from office_sheets import SHEETS
from office_wiki import SEARCH, WIKI


def _data(known: Callable[[], Known]) -> Callable[[], bytes]:
    return lambda: known().data


SEEDS: dict[str, dict[str, Callable[[], bytes]]] = {
    "csv": SHEETS,
    "qa_csv": SHEETS,
    "epub": {name: _data(known) for name, known in EPUB.items()},
    "mediawiki": {name: _data(known) for name, known in WIKI.items()},
    "cirrussearch": {name: _data(known) for name, known in SEARCH.items()},
    "docx": {name: _data(known) for name, known in DOCX.items()},
}

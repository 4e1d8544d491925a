"""Workbooks of any kind: opened by their content, whatever the name says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ...errors import ChimedError
from ...lang import N_
from ..files.opening import SourceFile, explained
from . import ods, xls, xlsx
from .cells import Sheet
from .containers import (
    NAMED,
    Container,
    is_blank,
    office_kind,
    refuse,
    refuse_damaged,
    stored,
)
from .markup import lxml_etree

SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods")
READ = ("xlsx", "xls", "ods")


class Workbook(NamedTuple):
    """kind: "xlsx", "xls" or "ods". encoding: the same, with the code page of old texts."""

    kind: str
    encoding: str
    sheets: list[Sheet]


@contextmanager
def opened(file: SourceFile) -> Iterator[Workbook]:
    """Yield an open workbook. Raises :class:`.files.opening.NotTaken` for a file that is none or is
    damaged, :class:`SourceError` where what reads it is missing or it goes past a bound."""
    with stored(file) as stream:
        if is_blank(stream):
            yield Workbook("xlsx", "xlsx", [])
            return
        try:
            kind = office_kind(stream)
            if kind not in READ:
                refuse(file, NAMED.get(kind, N_("no workbook: save its sheet as XLSX or CSV")))
            stream.seek(0)
            if kind == "xls":
                old = xls.Book(file, stream)
                book = Workbook(kind, old.encoding, old.sheets)
            else:
                lxml_etree()
                container = Container(file, stream)
                made = xlsx.Book(container) if kind == "xlsx" else ods.Book(container)
                book = Workbook(kind, kind, made.sheets)
        except ChimedError:
            raise
        except Exception as error:  # a reader of broken bytes raises what comes
            refuse_damaged(file, "a workbook", error)
        with explained(file.name, (Exception,)):
            yield book

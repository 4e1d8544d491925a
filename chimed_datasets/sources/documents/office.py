"""What kind of file an office program wrote, and the names of the sheets of a workbook."""

from __future__ import annotations

from ..files.opening import SourceFile
from .containers import DAMAGED, NAMED, office_kind, refuse_damaged, stored
from .workbooks import READ, opened

WORKBOOKS = READ

__all__ = ["NAMED", "WORKBOOKS", "look_into"]


def look_into(file: SourceFile) -> tuple[str, list[str]]:
    """Return the kind, a key of :data:`NAMED`, and the names of the sheets that are seen.

    Raises :class:`SourceError` for a file that is damaged or locked.
    """
    with stored(file) as stream:
        try:
            kind = office_kind(stream)
        except DAMAGED as error:
            refuse_damaged(file, "an Office file", error)
    if kind not in WORKBOOKS:
        return kind or "zip", []
    with opened(file) as book:
        return kind, [sheet.name for sheet in book.sheets if not sheet.hidden]

"""What form the beginning of a file has (JSON Lines, a table, plain text …), and its rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

from ..errors import SourceError
from ..lang import N_
from ..records import Malformed, excerpt
from ..sources import FileReport, csv_rows, json_rows, layout, layouts
from ..sources.documents import office
from ..sources.documents.containers import OFFICE
from ..sources.files.decoding import decode
from ..sources.files.heads import Head
from ..sources.parsing.csv import delimiter_of
from ..sources.parsing.parquet import parquet_rows
from ..sources.parsing.shape import first_lines, wrong_layout
from ..sources.parsing.sheets import UNSEEN, table_rows

ROWS = 200
"""Rows of a file that are looked at."""
COLUMNS = 200
"""Columns that are told of."""
_NAMED = {
    ",": N_("a table parted by commas"),
    "\t": N_("a table parted by tabs"),
    ";": N_("a table parted by semicolons"),
    "|": N_("a table parted by bars"),
}
_SENTENCE = re.compile(r"[。，！？；…!?]")
_NAME_CHARS = 30
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")

_READ = {
    "html": N_("a web page (HTML)"),
    "warc": N_("a web archive (WARC or WET)"),
    "pdf": N_("a PDF"),
}

_OF_LOOKS = (
    N_("a RAR archive"), N_("a 7z archive"), N_("an old Office file (xls, doc, ppt)"),
    N_("a picture (PNG)"), N_("a picture (JPEG)"), N_("a picture (GIF)"), N_("a picture (TIFF)"),
    N_("a picture (BMP)"), N_("a picture (WebP)"), N_("an SQLite database"),
    N_("an encrypted Parquet file"), N_("an Arrow file (Feather)"), N_("an Avro file"),
    N_("an ORC file"), N_("an HDF5 file"), N_("a NumPy array"), N_("a pickle of Python"),
    N_("an RTF document"), N_("a program"), N_("a DjVu document"), N_("a presentation (pptx)"),
    N_("a document of OpenOffice"), N_("an Office file (xlsx, docx, pptx)"), N_("a ZIP archive"),
    N_("a tar archive"), N_("a compressed file ({ending})"), N_("an XML file"),
    N_("a binary file, no text in any encoding"),
    N_("a pointer of Git LFS, the file itself was not fetched"),
    N_("run git lfs pull where the repository is"), N_("text in pictures is not read"),
    N_("layout csv reads the sheets of an .xls; save a .doc as DOCX, for layout docx"),
    N_("give it the ending {ending} and it is unpacked"), N_("unpack it yourself"),
    N_("export its tables as CSV"), N_("decrypt it first"),
    N_("write it as Parquet, for layout parquet"), N_("write its texts as JSON Lines"),
    N_("write it as JSON Lines or Parquet"), N_("save it as plain text"),
    N_("this is no data"), N_("take its text out first"), N_("leave it out"),
    N_("convert it to JSON Lines or CSV"),
    N_("layout csv reads the sheets of a workbook, layout docx a document"),
)  # fmt: skip
"""What :mod:`..sources.files.looks` says, in its two halves: what a file is, and the mend."""

Row = dict[str, Any]


@dataclass
class Form:
    """The form of a file.

    family:   the ending of files that are read alike: ".jsonl" (any JSON), ".csv", ".parquet",
              ".txt", ".html", ".warc", ".pdf"; "" where no layout reads such a file.
    name:     what a user would call it.
    encoding: "" where it has none.
    rows:     the first rows of a table or of JSON.
    sound:    the share of rows that are rows.
    under:    in which list of an object the rows stand, as a dotted path.
    text:     the beginning as text, where it is text.
    fault:    why no layout reads it as it is, and the mend.
    notes:    what else a user should know.
    """

    family: str
    name: str
    encoding: str = ""
    rows: list[Row] = field(default_factory=list)
    sound: float = 1.0
    under: str = ""
    text: str = ""
    fault: str = ""
    notes: list[str] = field(default_factory=list)
    replaced: int = 0

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order in which they are met."""
        names = dict.fromkeys(str(name) for row in self.rows for name in row)
        return list(islice(names, COLUMNS))


def form_of(head: Head) -> Form:
    """Return the form of a file. Raises :class:`SourceError` where it cannot be read."""
    look = head.look
    if look is not None and look.kind == "parquet":
        return _parquet(head)
    if look is not None and look.kind == "mediawiki":
        return Form(".xml", N_("a dump of a wiki (MediaWiki XML)"))
    if look is not None and look.kind in OFFICE:
        return _office(head)
    if look is not None and look.kind in _READ:
        name = _READ[look.kind]
        return Form(f".{look.kind}", name)
    if look is not None:
        what, __, mend = look.evidence.removeprefix("this is ").partition(": ")
        return Form("", what, fault=mend or what)
    if not head.data.strip(b"\0 \t\r\n"):
        if head.cut:
            fault = N_("its first {data:,} bytes are blanks or zeros").format(data=len(head.data))
            return Form("", N_("a file without text at its beginning"), fault=fault)
        return Form("", N_("an empty file"), fault=N_("there is nothing in it"))
    decoded = decode(head.data)
    text = decoded.text
    found = _json(head, text) or _table(head, text)
    form = found or Form(".txt", N_("plain text"))
    form.text, form.encoding, form.replaced = text, decoded.encoding, decoded.replaced
    return form


# --- JSON ------------------------------------------------------------------------------------


_BLANKS = "\ufeff \t\r\n"


def _json(head: Head, text: str) -> Form | None:
    body = text.lstrip(_BLANKS)
    lines = [line.strip() for line in text[:20_000].split("\n", 40) if line.strip(_BLANKS)]
    opens = body[:1]
    if not lines or (opens not in "{[" and not any(line.startswith("{") for line in lines[1:6])):
        return None
    if opens == "[" and (bare := _without_names(body, lines)):
        return bare
    rows, sound = _rows(lambda: json_rows(head.file, FileReport()), head.cut)
    one = opens == "{" and _is_one(rows, body)
    if one and (lists := _lists_in(body)) and (form := _under(head, lists)):
        return form
    if one and not rows and head.cut and _KEY.match(body, 1):
        fault = N_("one row would be larger than what is looked at: write it as JSON Lines")
        return Form("", N_("one large JSON object"), fault=fault)
    if not rows or sound < 0.5:
        return None
    if opens == "[":
        name = N_("a JSON list of objects")
    elif one:
        name = N_("one JSON object")
    else:
        name = N_("JSON objects, one after another") if lines[0] == "{" else "JSON Lines"
    form = Form(".jsonl", name, rows=rows, sound=sound)
    if opens not in "{[":
        form.notes.append(N_("its first line is no JSON and goes to the ledger"))
    if one and _holds_rows(rows[0]):
        form.family = ""
        form.fault = N_("its rows stand under names of their own: write them as JSON Lines")
    return form


def _without_names(body: str, lines: Sequence[str]) -> Form | None:
    """Return the form of lists whose values have no names, or of a list of lists."""
    of_lines = len(lines) > 1 and all(line.startswith("[") and "]" in line for line in lines[:20])
    if not of_lines and re.match(r"\[\s*[{]", body):
        return None
    mend = N_('write each row as an object with names, as {"question": "…", "answer": "…"}')
    if of_lines and re.match(r"\[\s*\{", body):
        mend = N_('write each line as an object, as {"messages": […]}')
    return Form("", N_("JSON lists, whose values have no names"), fault=mend)


_DECODER = json.JSONDecoder(strict=False)


def _is_one(rows: Sequence[Row], body: str) -> bool:
    """Whether a file is one object: its first does not end before the file does."""
    try:
        _, end = _DECODER.raw_decode(body)
    except (ValueError, RecursionError):
        return len(rows) <= 1
    return not body[end:].strip(f"{_BLANKS},")


def _holds_rows(row: Row) -> bool:
    """Whether an object holds many objects alike, each under a name of its own."""
    names = [frozenset(value) for value in row.values() if isinstance(value, dict)]
    if len(names) < 2 or len(names) * 10 < len(row) * 9:
        return False
    return names.count(names[0]) * 10 >= len(names) * 8


_KEY = re.compile(r'\s*"((?:[^"\\]|\\.){0,200})"\s*:\s*')
_ROWS_BEGIN = re.compile(r"\[\s*\{")
_NEXT = re.compile(r"\s*(,|\})?")
_DEEPEST = 3


def _lists_in(body: str) -> list[str]:
    """Return the dotted paths of the lists of objects in the object that a file begins with, as far
    as it is known."""
    found: list[str] = []

    def within(at: int, path: tuple[str, ...]) -> int:
        """Look through the object that begins before ``at``; return where it ends, or -1."""
        while key := _KEY.match(body, at):
            place, at = (*path, key[1]), key.end()
            if _ROWS_BEGIN.match(body, at):
                found.append(".".join(place))
            if body.startswith("{", at) and len(place) < _DEEPEST:
                at = within(at + 1, place)
            else:
                try:
                    __, at = _DECODER.raw_decode(body, at)
                except (ValueError, RecursionError):
                    return -1
            if at < 0 or not (then := _NEXT.match(body, at)):
                return -1
            at = then.end()
            if then[1] == "}":
                return at
        return -1

    within(1, ())
    return found


def _under(head: Head, lists: list[str]) -> Form | None:
    trials: list[tuple[int, int, str, list[Row], float]] = []
    for path in lists[:4]:
        rows, sound = _rows(partial(json_rows, head.file, FileReport(), under=path), head.cut)
        if rows:
            trials.append((len(rows), -len(trials), path, rows, sound))
    if not trials:
        return None
    __, __, path, rows, sound = max(trials, key=lambda trial: trial[:2])
    form = Form(
        ".jsonl",
        N_("one JSON object, its rows under {path!r}").format(path=path),
        rows=rows,
        sound=sound,
    )
    form.under = path
    if others := [name for name in lists if name != path]:
        form.notes.append(
            N_("other lists are not read: {others}").format(others=", ".join(others[:5]))
        )
    return form


# --- tables ----------------------------------------------------------------------------------


def _table(head: Head, text: str) -> Form | None:
    lines = [line for line in first_lines(text) if line.strip()]
    ending = head.file.name.lower()
    named = ending.endswith((".csv", ".tsv"))
    first = lines[0].strip("\ufeff") if lines else ""
    delimiter = delimiter_of(first)
    if not named and (first.count(delimiter) == 0 or len(lines) < 2):
        return None
    try:
        rows, sound = _rows(lambda: csv_rows(head.file, FileReport(), needed=list), head.cut)
    except SourceError:
        return None
    names = list(rows[0]) if rows else []
    rows = _without_empty(rows)
    other = N_("a table parted by {sign!r}").format(sign=delimiter)
    form = Form(".csv", _NAMED.get(delimiter, other), rows=rows, sound=sound)
    if not named and (first.count(delimiter) + 1 < 2 or not _agree(lines, delimiter)):
        return None
    if names and not _are_names(names):
        if title := _title_rows(lines, delimiter):
            form.family = ""
            form.fault = N_(
                "{title} lines of a title stand before the names of the columns: delete them"
            ).format(title=title)
            if title == 1:
                form.fault = N_(
                    "1 line of a title stands before the names of the columns: delete it"
                )
            return form
        if not named and (delimiter == "," or not _agree(lines, delimiter, strict=True)):
            return None  # commas stand in prose, too
        form.family = ""
        form.fault = N_(
            "the first line names no columns: write a line such as question,answer before it"
        )
        return form
    if named:
        return form if rows or len(lines) == 1 else None
    if wrong_layout(lines) or (sound >= 0.9 and _agree(lines, delimiter, strict=True)):
        return form
    return None


def _agree(lines: Sequence[str], delimiter: str, strict: bool = False) -> bool:
    """Whether most lines have as many delimiters as the first, or more."""
    count = lines[0].count(delimiter)
    same = sum(line.count(delimiter) == count for line in lines)
    return same >= (0.9 if strict else 0.5) * len(lines)


def _are_names(names: Sequence[str]) -> bool:
    """Whether a first line names columns: each by a word or two, no part of a sentence. Columns
    without a name at the end are those of a sheet that nobody filled."""
    last = max((at for at, name in enumerate(names) if not _is_nameless(name)), default=0)
    names = names[: last + 1] if last else names
    empty = sum(map(_is_nameless, names))
    if empty > 1 and empty * 2 >= len(names):
        return False
    numbers = sum(bool(re.fullmatch(r"[\d.\-:/ ]+", name)) for name in names if name.strip())
    long = sum(len(name) > _NAME_CHARS or bool(_SENTENCE.search(name)) for name in names)
    return long == 0 and numbers * 2 < len(names)


def _is_nameless(name: str) -> bool:
    return not name.strip() or bool(re.fullmatch(r"~\d+", name))


def _without_empty(rows: Sequence[Row]) -> list[Row]:
    """Leave out the columns without a name that are empty in all rows."""
    names = {name for row in rows for name in row if _is_nameless(name)}
    empty = {name for name in names if not any(row.get(name) for row in rows)}
    return [{name: value for name, value in row.items() if name not in empty} for row in rows]


def _title_rows(lines: Sequence[str], delimiter: str) -> int:
    """Return how many lines stand before one that names as many columns as most lines have."""
    counts = [line.count(delimiter) for line in lines[:50]]
    usual = max(set(counts), key=counts.count)
    for at, line in enumerate(lines[:5]):
        cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
        if counts[at] == usual and all(cells) and len(cells) > 1 and _are_names(cells):
            return at
    return 0


# --- Parquet ---------------------------------------------------------------------------------


def _parquet(head: Head) -> Form:
    rows, sound = _rows(lambda: parquet_rows(head.file, FileReport()), False)
    return Form(".parquet", "Parquet", "", rows, sound)


# --- office ----------------------------------------------------------------------------------


_DOCUMENTS = {
    "docx": (N_("a Word document (DOCX)"), ".docx"),
    "epub": (N_("an e-book (EPUB)"), ".epub"),
}


def _office(head: Head) -> Form:
    """Return the form of what an office program wrote. A workbook is read as a table."""
    file = replace(head.file, takes=OFFICE)
    try:
        kind, sheets = office.look_into(file)
    except SourceError as error:
        told = str(error).removeprefix(f"{file.name}: ").removeprefix("this is ").rstrip(".")
        what, __, mend = told.partition(": ")
        return Form("", what, fault=mend or what)
    if kind in _DOCUMENTS and any(_DOCUMENTS[kind][1] in layout(k).suffixes for k in layouts()):
        name, family = _DOCUMENTS[kind]
        return Form(family, name)
    if kind not in office.WORKBOOKS:
        what, __, mend = office.NAMED[kind].partition(": ")
        return Form("", what, fault=mend)
    report = FileReport()
    rows, sound = _rows(lambda: table_rows(file, report, needed=list), False)
    form = Form(".csv", N_("a workbook ({kind})").format(kind=kind), _pages(report), rows, sound)
    if len(sheets) > 1:
        form.notes.append(
            N_("its sheets: {sheets}; the key `sheet` names one").format(
                sheets=excerpt(", ".join(sheets))
            )
        )
    if not rows:
        form.family, form.fault = "", N_("no sheet of it has a row below one that names columns")
    return form


def _pages(report: FileReport) -> str:
    """Return the code page of an old workbook, or ""."""
    return next(iter(report.encodings.values()), "").partition("+")[2]


def _rows(
    read: Callable[[], Iterator[tuple[str, Row] | Malformed]], cut: bool
) -> tuple[list[Row], float]:
    """Return the first rows, and the share of those that are rows."""
    got = first_of(read, ROWS, cut)
    got = [one for one in got if not (isinstance(one, Malformed) and one.rule in UNSEEN)]
    rows = [one[1] for one in got if isinstance(one, tuple)]
    return rows, len(rows) / max(len(got), 1)


_GIVE_UP = 40
"""Where so many rows are none from the first on, nothing else is expected."""


def first_of(read: Callable[[], Iterator[Any]], most: int, cut: bool) -> list[Any]:
    """Return the first of what ``read`` yields, without what the end of a cut file broke."""
    got: list[Any] = []
    bad = 0
    for one in islice(read(), most + 1):
        got.append(one)
        bad += isinstance(one, Malformed)
        if bad == len(got) == _GIVE_UP:
            return got
    if cut and len(got) <= most:
        while len(got) > 1 and isinstance(got[-1], Malformed):
            got.pop()
        got = got[:-1] or got
    return got[:most]


def chinese(texts: Iterable[str]) -> float:
    """Return the share of letters that are Chinese characters."""
    joined = "".join(texts)
    letters = sum(sign.isalpha() for sign in joined)
    return len(_HAN.findall(joined)) / letters if letters else 0.0


def flat(row: Mapping[str, Any], depth: int = 2) -> dict[str, Any]:
    """Return a row with the fields of objects in it under dotted paths."""
    out: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and depth and 0 < len(value) <= _WIDE:
            out |= {f"{name}.{inner}": v for inner, v in flat(value, depth - 1).items()}
        else:
            out[str(name)] = value
    return out


_WIDE = 12
"""An object with more fields than this is a mapping, no part of a row."""

"""Measures how office documents, e-books and wiki dumps are read, and writes the table of
docs/reference/documents.md.

    python tests/documents/measure_office.py            prints the table
    python tests/documents/measure_office.py --write    puts it into the page

Each document is made here from known text (office_sheets, office_docx, office_epub, office_wiki) and
read by its layout in a process of its own. Of each:

error    edits that make the body as read the known one, over its characters (blanks aside); titles,
         paragraphs and rows of tables are the body
rows     rows of tables that came whole, in their order, of how many
notes    notes that came apart from the body, of how many
never    whether what a person does not see came (deleted text, hidden rows, captions)
s, MB    CPU seconds and peak memory beyond those of the bare interpreter with the layout loaded, for
         the document COPIES times over in one process
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for _place in (ROOT, HERE, ROOT / "tests" / "sources"):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

from layout_reading import read  # noqa: E402
from office_docx import DOCX, Known  # noqa: E402
from office_epub import EPUB  # noqa: E402
from office_sheets import HIDDEN, ROWS, SHEETS  # noqa: E402
from office_wiki import SEARCH, WIKI  # noqa: E402

from chimed_datasets.records import Malformed  # noqa: E402
from chimed_datasets.sources import FileReport, SourceFile  # noqa: E402
from chimed_datasets.sources.parsing.sheets import table_rows  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "documents.md"
BEGIN, END = "<!-- measured: office -->", "<!-- end of measured: office -->"
COPIES = 20
LAYOUTS = [
    ("csv", SHEETS),
    ("docx", DOCX),
    ("epub", EPUB),
    ("mediawiki", WIKI),
    ("cirrussearch", SEARCH),
]


class Measured(NamedTuple):
    """What one document gave; see the module."""

    error: float
    chars: int
    rows: str
    notes: str
    never: bool
    seconds: float
    megabytes: float


def distance(a: str, b: str) -> int:
    """Return the edits between two texts; the alike beginning and end cost nothing."""
    while a and b and a[0] == b[0]:
        size = next(
            (n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
        )
        a, b = a[size:], b[size:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    row = list(range(len(b) + 1))
    for n, sign in enumerate(a, 1):
        before, row[0] = row[0], n
        for m, other in enumerate(b, 1):
            before, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, before + (sign != other))
    return row[-1]


def bare(text: str) -> str:
    return "".join(text.split())


def of_sheet(name: str, place: Path) -> tuple[str, str, list[str], list[str], bool]:
    """Return (known, read, rows known, rows read, whether what is hidden came)."""
    file = SourceFile(name, str(place), place.stat().st_size)
    got = [row[1] for row in table_rows(file, FileReport()) if isinstance(row, tuple)]
    yuan = "" if "1995" in name else "¥"
    known = ["\t".join(row).replace("¥", yuan) for row in ROWS[1:]]
    rows = ["\t".join(row.values()) for row in got]
    return bare("".join(known)), bare("".join(rows)), known, rows, HIDDEN in str(got)


def measure(layout: str, name: str) -> Measured:
    """Make a document, read it, and compare."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / name
        notes = "–"
        if layout == "csv":
            place.write_bytes(SHEETS[name]())
            known, got, rows, found, never = of_sheet(name, place)
        else:
            made = dict(LAYOUTS)[layout][name]
            document: Known = made()
            place.write_bytes(document.data)
            records = [one for one in read(layout, place) if not isinstance(one, Malformed)]
            known = bare("".join(f"{t}{''.join(lines)}" for t, lines in document.sections))
            got = bare("".join(f"{one.title}{one.text}" for one in records))
            rows = document.rows
            found = [line for one in records for line in one.text.split("\n")]
            never = any(gone in str(records) for gone in document.absent)
            apart = [n for one in records for n in one.metadata.get("notes", "").split("\n") if n]
            if document.notes:
                notes = f"{sum(n in apart for n in document.notes)} of {len(document.notes)}"
        right = sum(row in found for row in rows)
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        for _ in range(COPIES):
            if layout == "csv":
                of_sheet(name, place)
            else:
                list(read(layout, place))
        seconds = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return Measured(
        distance(known, got) / max(len(known), 1), len(known),
        f"{right} of {len(rows)}" if rows else "–", notes, never, seconds, peak / 1024,
    )  # fmt: skip


def all_measured() -> Iterator[tuple[str, str, Measured]]:
    """Yield (layout, name, what was measured), each in a process of its own."""
    for layout, made in LAYOUTS:
        for name in made:
            command = [sys.executable, __file__, "--one", layout, name]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            yield layout, name, Measured(*json.loads(done.stdout))


def table() -> str:
    lines = [
        "| document | layout | characters | error | rows | notes | came though unseen | s | MB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    every = list(all_measured())
    for layout, name, one in every:
        lines.append(
            f"| `{name}` | `{layout}` | {one.chars:,} | {one.error:.2%} | {one.rows} | {one.notes} "
            f"| {'yes' if one.never else 'no'} | {one.seconds / COPIES:.3f} | {one.megabytes:.1f} |"
        )
    worst = max(one.error for _, _, one in every)
    lines.append("")
    lines.append(f"{len(every)} documents; the largest error is {worst:.2%}.")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(*args.one)))
        return 0
    found = table()
    if not args.write:
        print(found)
        return 0
    text = PAGE.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n\n{found}\n\n{END}{rest.partition(END)[2]}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measures how layout pdf reads documents of known text, and writes the table of docs/why/pdf.md.

    python tests/prove_pdf.py [NAME…] [--debian FOLDER] [--only-debian] [--markdown]

Makes each document of CASES with the program that it names (LibreOffice, XeLaTeX and Chromium where
they are installed), reads it as a build does, and prints a line on it:

error    character error of the body, headings included, blanks aside: edits over characters
joins    paragraphs that were joined or broken wrongly, in how many lines
garbage  pages that hold no text: found, of how many; and good pages that were refused
pages/s  of one core

what memory a book of 200 and one of 2,000 pages take, and how many pages a second are read of books
whose font is in the file and is not.

With --debian manuals of Debian are fetched with apt-get into FOLDER, unpacked there, and compared with
the web pages that stand beside them (tests/common/debian_pairs.py says how); nothing of them stays
here. --only-debian makes no documents.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
for _place in (ROOT, ROOT / "tests" / "sources"):
    if str(_place) not in sys.path:
        sys.path.insert(0, str(_place))

from layout_reading import read  # noqa: E402

from chimed_datasets.records import Document, Malformed  # noqa: E402
from chimed_datasets.sources.documents.pdf_glyphs import glyphs, opened  # noqa: E402
from chimed_datasets.sources.documents.pdf_lines import page_of  # noqa: E402
from chimed_datasets.sources.documents.sections import LINK  # noqa: E402
from tests.common import made_pdfs as made  # noqa: E402
from tests.common.debian_pairs import (  # noqa: E402
    PAIRS,
    Compared,
    below_the_edge,
    compared,
    fetched,
    first_page,
    joined_wrongly,
    reference_of,
)
from tests.common.made_pdfs import Item, written  # noqa: E402


class Made(NamedTuple):
    """data: the PDF. truth: its headings and paragraphs. garbage: the pages that hold no text.
    refused: whether the whole file is to be."""

    data: bytes
    truth: list[str]
    garbage: frozenset[int] = frozenset()
    refused: bool = False


class Case(NamedTuple):
    make: Callable[[], Made]
    needs: tuple[str, ...] = ()
    bound: float = 0.005


CASES: dict[str, Case] = {}


def case(name: str, *needs: str, bound: float = 0.005) -> Callable[..., Callable[[], Made]]:
    def add(make: Callable[[], Made]) -> Callable[[], Made]:
        CASES[name] = Case(make, needs, bound)
        return make

    return add


def of(items: Sequence[Item], data: bytes, **more: object) -> Made:
    return Made(data, made.plain(items), **more)  # type: ignore[arg-type]


TWO = 0.02


@case("LibreOffice, one column", "soffice")
def _() -> Made:
    items = written(1)
    return of(items, made.by_libreoffice(items))


@case("LibreOffice, blanks between paragraphs, ragged", "soffice")
def _() -> Made:
    items = written(2)
    return of(items, made.by_libreoffice(items, indent=False, align="left"))


@case("LibreOffice, two columns", "soffice", bound=TWO)
def _() -> Made:
    items = written(3, 4)
    return of(items, made.by_libreoffice(items, columns=2, size=9))


@case("LibreOffice, three columns", "soffice", bound=TWO)
def _() -> Made:
    items = written(4, 4)
    return of(items, made.by_libreoffice(items, columns=3, size=8))


@case("LibreOffice, head, foot and notes", "soffice")
def _() -> Made:
    items = written(5, 4, notes=4, title="内科讲义")
    return of(items, made.by_libreoffice(items, head="内科讲义"))


@case("LibreOffice, two columns, head and notes", "soffice", bound=TWO)
def _() -> Made:
    items = written(6, 4, notes=5)
    return of(items, made.by_libreoffice(items, columns=2, size=9, head="临床指南"))


@case("LibreOffice, vertical", "soffice", bound=TWO)
def _() -> Made:
    items = written(7, 3, lists=False)
    return of(items, made.by_libreoffice(items, vertical=True))


@case("LibreOffice, large type", "soffice")
def _() -> Made:
    items = written(8, 3)
    return of(items, made.by_libreoffice(items, size=16, head="大字本"))


@case("LibreOffice, a table", "soffice")
def _() -> Made:
    items = written(9, 1, 1)
    rows = [["药名", "剂量", "用法"]] + [
        [d, u, h] for d, u, h in zip(made.DRUGS, made.DOSES * 4, made.USES * 4, strict=False)
    ]
    truth = made.plain(items) + [" ".join(row) for row in rows]
    return Made(made.by_libreoffice(items, rows=rows), truth)


@case("XeLaTeX, ctexart", "xelatex")
def _() -> Made:
    items = written(11)
    return of(items, made.by_xelatex(items))


@case("XeLaTeX, ctexart in two columns", "xelatex", bound=TWO)
def _() -> Made:
    items = written(12, 4)
    return of(items, made.by_xelatex(items, options="twocolumn"))


@case("XeLaTeX, ctexbook with heads and notes", "xelatex")
def _() -> Made:
    items = written(13, 4, 3, notes=3)
    return of(items, made.by_xelatex(items, kind="ctexbook", options="oneside"))


@case("XeLaTeX, ctexbook, left and right pages", "xelatex")
def _() -> Made:
    items = written(14, 3, 4, 6)
    return of(items, made.by_xelatex(items, kind="ctexbook", options="openany"))


@case("XeLaTeX, blanks between paragraphs", "xelatex")
def _() -> Made:
    items = written(15)
    skip = r"\usepackage{parskip}\ctexset{autoindent=false}\setlength{\parindent}{0pt}\setlength{\parskip}{6pt}"
    return of(items, made.by_xelatex(items, preamble=skip))


@case("Chromium, plain", "chromium")
def _() -> Made:
    items = written(21)
    return of(items, made.by_chromium(made.page_of(items)))


@case("Chromium, its own head and foot", "chromium")
def _() -> Made:
    items = written(22)
    return of(items, made.by_chromium(made.page_of(items), header=True))


@case("Chromium, two columns", "chromium", bound=TWO)
def _() -> Made:
    items = written(23)
    return of(items, made.by_chromium(made.page_of(items, "body{columns:2;font-size:9.5pt}")))


@case("Chromium, vertical", "chromium", bound=TWO)
def _() -> Made:
    items = written(24, 2, lists=False)
    style = "html{writing-mode:vertical-rl}@page{size:A4;margin:2cm}"
    return of(items, made.by_chromium(made.page_of(items, style)))


@case("Chromium, blanks between paragraphs", "chromium")
def _() -> Made:
    items = written(25)
    return of(items, made.by_chromium(made.page_of(items, "p{text-indent:0;margin:.8em 0}")))


@case("Chromium, a wide page", "chromium")
def _() -> Made:
    items = written(26)
    return of(items, made.by_chromium(made.page_of(items, "@page{size:A4 landscape}")))


@case("reportlab, a font that is not embedded")
def _() -> Made:
    items = written(31)
    return of(items, made.by_reportlab(items))


@case("reportlab, blanks between paragraphs")
def _() -> Made:
    items = written(32)
    return of(items, made.by_reportlab(items, indent=False))


@case("fpdf2, an embedded font")
def _() -> Made:
    items = written(33)
    return of(items, made.by_fpdf(items))


@case("fpdf2, heads left and right")
def _() -> Made:
    items = written(34, 4)
    return of(items, made.by_fpdf(items, head="方剂学讲义"))


@case("two columns drawn row by row", bound=TWO)
def _() -> Made:
    items = written(41, 4, lists=False)
    return of(items, made.row_by_row(items))


@case("two columns drawn row by row, not level", bound=TWO)
def _() -> Made:
    items = written(42, 4, lists=False)
    return of(items, made.row_by_row(items, shift=5))


@case("two columns drawn row by row, characters counted", bound=TWO)
def _() -> Made:
    items = written(45, 4, lists=False)
    return of(items, made.row_by_row(items, counted=True))


@case("three columns drawn row by row", bound=TWO)
def _() -> Made:
    items = written(43, 4, lists=False)
    return of(items, made.row_by_row(items, columns=3, size=9))


@case("a table drawn row by row")
def _() -> Made:
    rows = [
        [d, u, h, w]
        for d, u, h, w in zip(
            made.DRUGS, made.DOSES * 4, made.USES * 4, made.AIMS * 4, strict=False
        )
    ]
    return Made(made.table(rows), [" ".join(row) for row in rows])


@case("vertical, each character in its place", bound=TWO)
def _() -> Made:
    items = written(44, 2, lists=False)
    return of(items, made.upright(items))


@case("radicals for characters (fpdf2)")
def _() -> Made:
    items = written(51)
    return of(items, made.with_radicals(made.by_fpdf(items)))


@case("radicals for characters (LibreOffice)", "soffice")
def _() -> Made:
    items = written(52)
    return of(items, made.with_radicals(made.by_libreoffice(items)))


@case("radicals for characters (XeLaTeX)", "xelatex")
def _() -> Made:
    items = written(53)
    return of(items, made.with_radicals(made.by_xelatex(items)))


@case("an owner's password")
def _() -> Made:
    items = written(54)
    return of(items, made.with_password(made.by_fpdf(items)))


@case("a user's password")
def _() -> Made:
    return Made(made.with_password(made.by_fpdf(written(55)), user="geheim"), [], refused=True)


def _pages(data: bytes) -> int:
    return len(made.pages_of(data).pages)


def _half(good: bytes, bad: bytes, items: Sequence[Item]) -> Made:
    """Good pages first, and not more of the others."""
    pdf = made.pages_of(bad)
    keep = min(len(pdf.pages), _pages(good))
    del pdf.pages[keep:]
    whole = made.bound(good, made.saved(pdf))
    first = _pages(good) + 1
    return Made(whole, made.plain(items), frozenset(range(first, first + keep)))


@case("half of the pages without ToUnicode (fpdf2)")
def _() -> Made:
    items = written(61, 3)
    return _half(made.by_fpdf(items), made.without_unicode(made.by_fpdf(written(62, 3))), items)


@case("half of the pages without ToUnicode (LibreOffice)", "soffice")
def _() -> Made:
    items = written(63, 3)
    bad = made.without_unicode(made.by_libreoffice(written(64, 3)))
    return _half(made.by_libreoffice(items), bad, items)


@case("half of the pages without ToUnicode (Chromium)", "chromium")
def _() -> Made:
    items = written(65, 3)
    bad = made.without_unicode(made.by_chromium(made.page_of(written(66, 3))))
    return _half(made.by_fpdf(items), bad, items)


@case("half of the pages with a wrong ToUnicode")
def _() -> Made:
    items = written(67, 3)
    return _half(made.by_fpdf(items), made.with_wrong_unicode(made.by_fpdf(written(68, 3))), items)


@case("half of the pages are scans")
def _() -> Made:
    items = written(69, 3)
    good = made.by_fpdf(items)
    return _half(good, made.scanned(3), items)


@case("half of the pages are scans with a stamp")
def _() -> Made:
    items = written(70, 3)
    return _half(made.by_fpdf(items), made.scanned(3, "某某全能王 扫描创建"), items)


@case("all pages are scans with a stamp")
def _() -> Made:
    return Made(made.scanned(6, "由 XX 扫描创建 第{}页"), [], frozenset(range(1, 7)), True)


@case("all pages without ToUnicode")
def _() -> Made:
    data = made.without_unicode(made.by_fpdf(written(71, 3)))
    return Made(data, [], frozenset(range(1, _pages(data) + 1)), True)


@case("pages of rare names")
def _() -> Made:
    names = [
        "䗪虫",
        "蛴螬",
        "斑蝥",
        "藁本",
        "萹蓄",
        "瞿麦",
        "葶苈",
        "莪术",
        "蒺藜",
        "薏苡",
        "茺蔚",
        "蕤仁",
        "蓖麻",
        "鳖甲",
        "蟾酥",
        "蛤蚧",
        "蕲蛇",
        "䗪䘌",
        "胁肋",
        "髃",
        "髎",
        "臑会",
        "膻中",
        "缺盆",
        "瘛脉",
        "颅息",
        "角孙",
        "和髎",
        "丝竹空",
        "攒竹",
        "颧髎",
        "迎香",
        "禾髎",
        "承浆",
        "廉泉",
        "俞府",
        "彧中",
        "神藏",
        "灵墟",
    ]
    items = [
        Item("p", "、".join(names[n % 39] for n in range(k, k + 30)) + "。")
        for k in range(0, 160, 4)
    ]
    return of(items, made.by_fpdf(items))


@case("pages of code and figures")
def _() -> Made:
    items = [
        Item(
            "p", f"SELECT dose, unit FROM drugs WHERE id = {n} AND weight > {n * 7 % 90}.{n % 10};"
        )
        for n in range(120)
    ]
    return of(items, made.by_fpdf(items))


@case("pages to be turned", "soffice")
def _() -> Made:
    items = written(72)
    return of(items, made.turned(made.by_libreoffice(items)))


@case("pages that lie", "soffice")
def _() -> Made:
    items = written(73)
    return of(items, made.turned(made.by_libreoffice(items), lying=True))


# --- measures ----------------------------------------------------------------------------------


def squeezed(text: str) -> str:
    return "".join(text.split()).replace("•", "")


def edits(one: str, other: str) -> int:
    """Return the number of edits between two texts."""
    return ([len(one), *costs(one, other)])[-1] if one else len(other)


def costs(one: str, other: str) -> list[int]:
    """Return the number of edits between a text, which is not empty, and each beginning of another
    one, from that of one character on (Myers' bits, after Hyyrö)."""
    out: list[int] = []
    ones = (1 << len(one)) - 1
    where: dict[str, int] = {}
    for at, sign in enumerate(one):
        where[sign] = where.get(sign, 0) | 1 << at
    last, up, down, score = 1 << (len(one) - 1), ones, 0, len(one)
    for sign in other:
        here = where.get(sign, 0)
        xv = here | down
        xh = ((((here & up) + up) ^ up) | here) & ones
        ph = (down | ~(xh | up)) & ones
        mh = up & xh
        score += bool(ph & last) - bool(mh & last)
        out.append(score)
        ph = ((ph << 1) | 1) & ones
        up = ((mh << 1) & ones | ~(xv | ph)) & ones
        down = ph & xv
    return out


def paragraphs(records: Sequence[object]) -> list[str]:
    """Return the headings and paragraphs of Documents in their order."""
    out: list[str] = []
    above: list[str] = []  # the headings over the last one and itself, each with those over it
    for one in records:
        if not isinstance(one, Document):
            continue
        section = one.metadata.get("section", "")
        above = [path for path in above if section == path or section.startswith(path + LINK)]
        for title in filter(None, section[len(above[-1]) if above else 0 :].split(LINK)):
            out.append(title)
            above.append(f"{above[-1]}{LINK}{title}" if above else title)
        if one.title and one.title != one.metadata.get("book"):
            out.append(one.title)
            above.append(f"{section}{LINK}{one.title}" if section else one.title)
        out += one.text.split("\n")
    return out


def wrong_joins(truth: Sequence[str], got: Sequence[str]) -> int:
    """Return how many ends of paragraphs are missing or too many, by the text around them."""

    def ends(texts: Sequence[str]) -> Counter[tuple[str, str]]:
        whole = [squeezed(text) for text in texts]
        whole = [text for text in whole if text]
        return Counter((a[-8:], b[:8]) for a, b in pairwise(whole))

    left, right = ends(truth), ends(got)
    return (left - right).total() + (right - left).total()


def lines_of(path: Path) -> int:
    pages = glyphs(path, 1, opened(path).pages)
    return sum(len(page_of(page, blanks_shown=True).lines) for page in pages if page)


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of those that it started."""
    return sum(os.times()[:4])


def peak_of(path: Path) -> int:
    """Return the bytes of memory that a process takes at most that reads a file, or its child."""
    code = (
        "import sys, resource; sys.path[:0] = sys.argv[2:]; from layout_reading import read\n"
        "from pathlib import Path; read('pdf', Path(sys.argv[1]))\n"
        "print(max(resource.getrusage(of).ru_maxrss for of in"
        " (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))"
    )
    places = (str(ROOT), str(ROOT / "tests" / "sources"))
    done = subprocess.run([sys.executable, "-c", code, str(path), *places], capture_output=True,
                          text=True, check=True)  # fmt: skip
    return int(done.stdout) * 1024


class Result(NamedTuple):
    name: str
    characters: int
    error: float
    joins: int
    lines: int
    found: int
    garbage: int
    refused: int
    pages: int
    seconds: float
    faults: list[str]


def measured(name: str, one: Made, bound: float) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.pdf"
        path.write_bytes(one.data)
        start = cpu_seconds()
        records = read("pdf", path)
        seconds = cpu_seconds() - start
        pages = _pages(one.data) if not one.refused or one.garbage else 0
        lines = lines_of(path) if not one.refused else 0
    rows = [r for r in records if isinstance(r, Malformed)]
    told = {int(r.key.partition("#page-")[2]) for r in rows if "#page-" in r.key}
    whole = any(r.rule in ("no_text_layer", "needs_password", "damaged") for r in rows)
    got = paragraphs(records)
    truth = squeezed("".join(one.truth))
    error = edits(truth, squeezed("".join(got))) / max(len(truth), 1)
    joins = wrong_joins(one.truth, got)
    faults = []
    if error > bound:
        faults.append(f"error {error:.2%}")
    if joins > max(0.002 * lines, 1):
        faults.append(f"{joins} wrong joins in {lines} lines")
    if one.garbage - told:
        faults.append(f"garbage not found: {sorted(one.garbage - told)}")
    if told - one.garbage:
        faults.append(f"good pages refused: {sorted(told - one.garbage)}")
    if whole != one.refused:
        faults.append(f"refused: {whole} ({[row.evidence for row in rows]})")
    return Result(name, len(truth), error, joins, lines, len(one.garbage & told), len(one.garbage),
                  len(told - one.garbage), pages, seconds, faults)  # fmt: skip


# --- Debian ------------------------------------------------------------------------------------


class PairResult(NamedTuple):
    package: str
    pages: int
    compared: Compared
    joins: int
    lines: int
    refused: int
    seconds: float


def pair(package: str, folder: Path) -> PairResult:
    """Compare the PDF of a Debian package with its web pages."""
    place, one = fetched(package, folder), PAIRS[package]
    reference = reference_of(one, place)
    path = place / one.pdf
    first, pages = first_page(path, reference), opened(path).pages
    start = cpu_seconds()
    records = read("pdf", path, pages=f"{first}-")
    seconds = cpu_seconds() - start
    refused = sum(isinstance(r, Malformed) and "#page-" in r.key for r in records)
    notes = [r.metadata["notes"] for r in records if "notes" in getattr(r, "metadata", ())]
    got = paragraphs(records)
    found = compared(reference, got, notes, below_the_edge(path), edits, costs)
    drawn = [page_of(page, blanks_shown=False) for page in glyphs(path, first, pages) if page]
    lines = sum(not line.beside for page in drawn for line in page.lines)
    joins = sum(joined_wrongly(reference, got))
    return PairResult(package, pages - first + 1, found, joins, lines, refused, seconds)


def told_pairs(folder: Path) -> int:
    """Print a line on each Debian package, and what is left out; return how many miss a bound."""
    folder.mkdir(parents=True, exist_ok=True)
    print("| package | pages | characters | error | of it in tables | wrong joins in lines"
          " | notes: characters, error | good pages refused | pages/s |")  # fmt: skip
    print(f"| --- {'| --: ' * 8}|")
    left_out, bad = [], 0
    for package in PAIRS:
        one = pair(package, folder)
        what = one.compared
        wrong, meant = what.notes
        error, limit = what.errors / what.characters, 0.002 * one.lines
        bad += error > 0.005 or one.joins > limit or one.refused > 0.01 * one.pages
        cells = (
            package, str(one.pages), f"{what.characters:,}", f"{error:.2%}", f"{what.tables:,}",
            f"{one.joins} in {one.lines:,}", f"{meant:,}, {wrong / meant:.2%}" if meant else "–",
            str(one.refused), f"{one.pages / one.seconds:.0f}",
        )  # fmt: skip
        print(f"| {' | '.join(cells)} |", flush=True)
        reasons = ", ".join(f"{why} {count:,}" for why, count in what.left_out.items())
        left_out.append(f"- {package}: {reasons}")
    print("\nLeft out, in characters:\n", *left_out, sep="\n")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--debian", type=Path)
    parser.add_argument("--only-debian", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    if args.only_debian:
        return 1 if told_pairs(args.debian or Path(tempfile.mkdtemp())) else 0
    if args.markdown:
        print(
            "| document | characters | error | wrong joins in lines | garbage pages found | good pages refused | pages/s |"
        )
        print("| --- | --: | --: | --: | --: | --: | --: |")
    bad = 0
    for name, one in CASES.items():
        if args.names and not any(part in name for part in args.names):
            continue
        if not made.environment_has(*one.needs):
            print(f"{name}: {', '.join(one.needs)} is not installed", file=sys.stderr)
            continue
        done = measured(name, one.make(), one.bound)
        bad += bool(done.faults)
        speed = f"{done.pages / done.seconds:.0f}" if done.pages and done.seconds else "–"
        cells = (name, f"{done.characters:,}", f"{done.error:.2%}", f"{done.joins} in {done.lines:,}",
                 f"{done.found} of {done.garbage}" if done.garbage else "–", str(done.refused), speed)  # fmt: skip
        if args.markdown:
            print(f"| {' | '.join(cells)} |", flush=True)
        else:
            print(
                f"{name:52} {' '.join(f'{c:>12}' for c in cells[1:])} {'; '.join(done.faults)}",
                flush=True,
            )
    if args.debian:
        bad += told_pairs(args.debian)
    if not args.names:
        with tempfile.TemporaryDirectory() as folder:
            for pages in (200, 2000):
                book = Path(folder) / f"{pages}.pdf"
                book.write_bytes(made.many_pages(pages))
                print(f"{pages:,} pages: peak {peak_of(book) / 1e6:.0f} MB", flush=True)
            for told, make in (("without", made.many_pages), ("with", made.many_pages_with_font)):
                book.write_bytes(make(300))
                start = cpu_seconds()
                read("pdf", book)
                rate = 300 / (cpu_seconds() - start)
                print(f"a book {told} its font: {rate:.0f} pages/s", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

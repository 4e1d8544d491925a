"""The pages of a PDF, read in a process of its own: a hostile page ends that one, and no more.

A few bytes can stand for a page of gigabytes, and pdfium cannot be interrupted. Where there is no
``fork`` (Windows) or it is not safe (macOS) pages are read in this process, without these bounds.
"""

from __future__ import annotations

import gc
import os
import re
import select
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from .pdf_garbage import is_picture, why_garbage
from .pdf_glyphs import Mark, Pdf, Refusal, glyphs, opened
from .pdf_lines import Line, Page, page_of

PAGE_SECONDS = 30
"""CPU seconds that one page may take; an ordinary one takes 10 ms."""
MEMORY = 768 * 1024**2
"""Bytes that reading may take; that of 2,000 ordinary pages takes some 100 MB."""
MAX_LOST = 5
"""So many pages of a file may be lost to these bounds; one more, and it is refused."""
MAX_KILLED = 2
"""So often a process that something else killed, or that stands still, is started again."""
STILL_SECONDS = 30.0
"""A process that does nothing for so long waits for what never comes: a lock, say, that another
thread held while it was forked."""
_NO_MEMORY = 2
MORE_GLYPHS, GLYPHS_PER_BYTE = 1_000_000, 3
"""A file may have so many glyphs, and so many more for each of its bytes; good ones have less than
one a byte. Otherwise its pages share what they show."""
_TEX = re.compile(r"tex|dvi", re.I)


class Held(NamedTuple):
    """A page. page: its lines, None where it holds no text; then ``why`` says so, "" for one that
    cannot be read. picture: whether what is drawn on it may be the page itself."""

    number: int
    page: Page | None
    why: str = ""
    picture: bool = False


def into(spool: IO[bytes], path: Path, first: int, last: int) -> Pdf:
    """Read the pages of a PDF from ``first`` to ``last`` into a file, from which :func:`held`
    yields them; return what the PDF says of itself.

    Raises :class:`Refusal` for a file that cannot be opened, and for one that is beyond the bounds.
    """
    if sys.platform != "linux":
        _read(spool, path, first, last, bounded=False)
    else:
        lost, killed, start = 0, 0, first
        while start <= last:
            status = _in_a_child(spool, path, start, last)
            if status == -signal.SIGKILL and killed < MAX_KILLED:
                # the machine, not the file: what a page is worth does not hang on it
                killed += 1
                start = max((one.number for one in held(spool)), default=start - 1) + 1
                continue
            frames = _frames(spool)
            told = next(frames, None)
            number = first - 1
            for frame in frames:
                told = frame if isinstance(frame, BaseException) else told
                number = getattr(frame, "number", number)
            if isinstance(told, BaseException):
                raise told
            if status == 0:
                break
            if told is None or lost == MAX_LOST:
                raise Refusal("damaged", _why(status))
            _put(spool, Held(number + 1, None))
            lost, start = lost + 1, number + 2
    pdf: Any = next(_frames(spool))
    assert isinstance(pdf, Pdf)  # anything else was raised
    return pdf


def _why(status: int) -> str:
    """Return in words how a process ended that did not come to its end."""
    if status == -signal.SIGPROF:
        return f"it takes over {PAGE_SECONDS} s a page"
    if status == _NO_MEMORY:
        return f"it takes over {MEMORY >> 20} MiB of memory"
    return f"what reads it ended by {signal.Signals(-status).name if status < 0 else 'an error'}"


def held(spool: IO[bytes]) -> Iterator[Held]:
    """Yield the pages that were read into a file."""
    return (frame for frame in _frames(spool) if isinstance(frame, Held))


def _frames(spool: IO[bytes]) -> Iterator[Any]:
    """Yield what was put into a file. What a process did not write to its end is cut off."""
    at = 0
    while True:
        spool.seek(at)
        head = spool.read(8)
        size = int.from_bytes(head, "little")
        data = spool.read(size) if len(head) == 8 else b""
        if len(head) < 8 or len(data) < size:
            spool.seek(at)
            spool.truncate()
            return
        at += 8 + size
        yield _told(orjson.loads(data))


_LINE = tuple(field.name for field in fields(Line))


def _tell(frame: Any) -> list[Any]:
    """Return what is put into a file as JSON can hold it."""
    if isinstance(frame, Pdf):
        return ["pdf", frame.pages, frame.about, list(map(list, frame.outline))]
    if isinstance(frame, Refusal):
        return ["refusal", frame.rule, frame.evidence]
    if isinstance(frame, BaseException):
        return ["error", f"{type(frame).__name__}: {frame}"]
    page: list[Any] | None = None
    if frame.page is not None:
        lines = [[getattr(line, name) for name in _LINE] for line in frame.page.lines]
        page = [frame.page.number, lines, *frame.page[2:]]
    return ["held", frame.number, page, frame.why, frame.picture]


def _told(frame: list[Any]) -> Any:
    """Return what :func:`_tell` was given; an error that is none of ours is a RuntimeError."""
    kind, *rest = frame
    if kind == "pdf":
        pages, about, outline = rest
        return Pdf(pages, about, [Mark(*mark) for mark in outline])
    if kind == "refusal":
        return Refusal(*rest)
    if kind == "error":
        return RuntimeError(*rest)
    number, page, why, picture = rest
    if page is not None:
        page = Page(page[0], [Line(*line) for line in page[1]], *page[2:])
    return Held(number, page, why, picture)


def _put(spool: IO[bytes], frame: Any) -> None:
    data = orjson.dumps(_tell(frame))
    spool.seek(0, os.SEEK_END)
    spool.write(len(data).to_bytes(8, "little") + data)
    spool.flush()


def _read(spool: IO[bytes], path: Path, first: int, last: int, *, bounded: bool) -> None:
    """Put into a file what a PDF says of itself, if the file is empty, and its pages."""
    pdf = opened(path)
    if not spool.seek(0, os.SEEK_END):
        _put(spool, pdf)
    shown = _TEX.search(pdf.about.get("Producer", "") + pdf.about.get("Creator", "")) is None
    most = MORE_GLYPHS + GLYPHS_PER_BYTE * path.stat().st_size
    for number, drawn in enumerate(glyphs(path, first, min(last, pdf.pages)), first):
        if drawn is None:
            _put(spool, Held(number, None))
        elif why := why_garbage(drawn):
            _put(spool, Held(number, None, why))
        else:
            page = page_of(drawn, blanks_shown=shown)
            _put(spool, Held(number, page, "", is_picture(drawn)))
        most -= len(drawn.codes) if drawn else 0
        if most < 0:
            raise Refusal("too_long", "its pages show far more than its bytes can hold")
        if bounded:
            _allow_a_page()


def _allow_a_page() -> None:
    """Let this process run for so many seconds more; then it ends."""
    signal.setitimer(signal.ITIMER_PROF, PAGE_SECONDS)


def _in_a_child(spool: IO[bytes], path: Path, first: int, last: int) -> int:
    """Read in a process of its own; return how it ended: 0, or less a signal's number, or what
    :func:`_why` knows. What it raises is put into the file."""
    spool.flush()
    with warnings.catch_warnings():
        # Of what the child calls hardly anything takes a lock that another thread may have held;
        # where something does, the child stands still and is started again.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            gc.freeze()  # what is of the parent is not this one's to end, and may take its locks
            _bound()
            _read(spool, path, first, last, bounded=True)
            code = 0
        except MemoryError:
            code = _NO_MEMORY
        except BaseException as error:
            _put(spool, error)
            code = 0
        finally:
            os._exit(code)
    ended = False
    try:
        ended = _waited_for(child)
    finally:
        if not ended:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _waited_for(child: int) -> bool:
    """Wait for the end of a process; return whether it came. It does not for one that stands still
    for :data:`STILL_SECONDS`."""
    with ExitStack() as held:
        try:
            its = os.pidfd_open(child)
        except OSError:  # a kernel before 5.3, or one where that is not allowed
            return True
        held.callback(os.close, its)
        ending = select.poll()
        ending.register(its, select.POLLIN)
        spent = -1
        while not ending.poll(STILL_SECONDS * 1000):
            before, spent = spent, _ticks(child)
            if spent == before:
                return False
        return True


def _ticks(child: int) -> int:
    """Return the CPU time of a process, in ticks of the system's clock."""
    told = Path(f"/proc/{child}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return int(told[11]) + int(told[12])


def _bound() -> None:
    """Bound the memory of this process and the time of its first page."""
    import resource

    with open("/proc/self/statm", encoding="ascii") as stream:
        size = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is asked to stop ends this process
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # pdfium says why it aborts
    _allow_a_page()

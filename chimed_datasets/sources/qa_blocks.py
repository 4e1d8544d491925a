"""Questions with one answer each in plain text: "title,question", answer, blank line.

The first line of a block holds title and question, parted by the first comma (ASCII; Chinese
commas belong to the text); without one it is the question alone. The other lines are the answer.
Any number of blank lines parts two blocks. Yields a QA thread a block, under the key
``file#ordinal``.

where  a condition on title, question or answer; other blocks go to the ledger
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any

from ..records import Answer, Malformed, QAThread, Record, excerpt
from .files.decoding import lines
from .files.opening import FileReport, SourceFile
from .parsing.messages import asked
from .parsing.ready import ChosenThread, chosen
from .parsing.row import RowError, each, text_of
from .parsing.shape import HEAD, wrong_layout
from .parsing.traces import Spelt, told

SUFFIXES = (".txt",)


@dataclass(frozen=True)
class Options(ChosenThread):
    """What a condition may ask for is what a block has."""

    FIELDS = ("title", "question", "answer")


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a QAThread for each block of each file."""
    for file in files:
        yield from chosen(each(_blocks(file, report), partial(_thread, report.traces)), options)


def _blocks(
    file: SourceFile, report: FileReport
) -> Iterator[tuple[str, dict[str, Any]] | Malformed]:
    """Yield (key, {head, answer}) for each run of lines that are not blank."""
    ordinal, block = 0, []
    every = lines(file, report)
    head = list(islice(every, HEAD))
    if found := wrong_layout(line for _, line in head if isinstance(line, str)):
        yield Malformed(f"{file.name}#0", "wrong_layout", found)
        return
    for _, line in chain(head, every, [(0, "")]):
        if isinstance(line, Malformed):
            yield line
        elif line.strip():
            block.append(line)
        elif block:
            yield f"{file.name}#{ordinal}", {"head": block[0], "answer": "\n".join(block[1:])}
            ordinal, block = ordinal + 1, []


def _thread(spelt: Spelt, key: str, block: dict[str, Any]) -> QAThread:
    title, comma, question = block["head"].partition(",")
    named, question = asked(*map(text_of, (title, question) if comma else ("", title)))
    reply = text_of(block["answer"])
    if not reply:
        raise RowError("no_answer", excerpt(block["head"]))
    answer, reasoning = told(reply, None, spelt)
    return QAThread(key, question, [Answer(answer, reasoning_content=reasoning)], named)

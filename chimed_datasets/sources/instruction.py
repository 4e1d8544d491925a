"""Instruction data in JSON or JSON Lines: instruction, input, output, with or without history.

instruction  the user's turn (also under the name instruct)
input        joined to it by a newline where it is not empty
output       the reply
history      earlier turns: [question, answer] pairs, or turns as in the layout `sharegpt`; may be
             missing
system       a system message; may be missing
department, or cate1 and cate2, become the department ("a>b")

Values may be strings, or lists of strings, which are joined by newlines. A prompt that begins with
the mark of a speaker (`<user>: … <bot>: … <user>: …`) becomes the turns of a dialogue. An object in
which all are lists of one length is a table, and becomes its rows. A reply's reasoning trace is
read in all its spellings. Yields a dialogue a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ..records import Dialogue, Malformed, Record, excerpt
from .files.opening import FileReport, SourceFile
from .parsing.by_ending import any_parts, any_rows
from .parsing.messages import any_case, department, message, only_text, prompt
from .parsing.ready import Ready, ready
from .parsing.row import RowError, text_of
from .parsing.tables import Shape
from .parsing.traces import Spelt

SUFFIXES = (".json", ".jsonl", ".ndjson")
PARTS = any_parts
Options = Ready
SHAPE = Shape(("instruction|instruct", "output"), lines=True)


def read(
    files: Sequence[SourceFile], options: Ready, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue for each row of each file."""
    for file in files:
        rows = any_rows(file, report, options.ident, shape=SHAPE)
        yield from ready(rows, partial(_dialogue, report.traces), options)


@any_case
def _dialogue(spelt: Spelt, key: str, row: dict[str, Any]) -> Dialogue:
    only_text(row)
    reply = text_of(row["output"])
    messages = prompt(row, (), spelt)
    if not reply.strip():
        raise RowError("no_answer", excerpt(messages[-1].content))
    said = message("assistant", reply, row, spelt)
    return Dialogue(key, [*messages, said], department=department(row))

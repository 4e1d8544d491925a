"""Prompts with a list of replies, best first, in JSON or JSON Lines: instruction, input, output.

instruction, input, history, system  the prompt, as in the layout `instruction`
output                               the replies as a list of texts, best first; or in columns
                                     rank1, rank2, … where there is no output

Yields a dialogue a row: the prompt, with the replies as candidates whose rank is their place in
the list (0 is best). An empty reply and one that comes again lower down are left out; metadata's
empty_replies and repeated_replies count them. A reply's reasoning trace is read where it stands
before the reply; one in a column of the row is nobody's and becomes metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ..records import Answer, Dialogue, Malformed, Record, excerpt
from .files.opening import FileReport, SourceFile
from .parsing.by_ending import any_parts, any_rows
from .parsing.messages import any_case, as_data, department, has_value, one_prompt, prompt, rivals
from .parsing.ready import Ready, ready
from .parsing.row import RowError, text_of
from .parsing.traces import Spelt, field_of, told

SUFFIXES = (".json", ".jsonl", ".ndjson")
PARTS = any_parts
Options = Ready
_RANK = re.compile(r"rank_?(\d{1,2})")


def read(
    files: Sequence[SourceFile], options: Ready, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue with ranked candidates for each row of each file."""
    for file in files:
        rows = any_rows(file, report, options.ident)
        yield from ready(rows, partial(_dialogue, report.traces), options)


@any_case
def _dialogue(spelt: Spelt, key: str, row: dict[str, Any]) -> Dialogue:
    output = as_data(row["output"]) if has_value(row.get("output")) else _columns(row)
    if not isinstance(output, list):
        raise TypeError(f"output: expected a list of replies, got {type(output).__name__}")
    one_prompt(row, output)
    if any(isinstance(reply, list) and len(reply) > 1 for reply in output):
        raise RowError("list_for_text", "a list stands among the replies, where a text belongs")
    messages = prompt(row, spelt=spelt)
    replies = []
    for place, text in enumerate(output):
        reply, reasoning = told(text_of(text), None, spelt)
        replies.append(Answer(reply, rank=place, reasoning_content=reasoning))
    candidates, metadata = rivals(replies)
    column, trace = field_of(row)
    metadata |= {column: trace} if trace else {}
    if not candidates:
        raise RowError("no_answer", excerpt(messages[-1].content))
    return Dialogue(key, messages, candidates, department(row), metadata=metadata)


def _columns(row: dict[str, Any]) -> Any:
    """Return the replies in the columns rank1, rank2, … (best first), else what "output" is."""
    ranks = sorted((int(found[1]), name) for name in row if (found := _RANK.fullmatch(name)))
    return [row[name] for _, name in ranks] if ranks else row["output"]

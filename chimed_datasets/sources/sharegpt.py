"""Dialogues in JSON or JSON Lines: conversations of from/value, or messages of role/content.

conversations  the turns (also under messages, conversation, dialogue, turns or data): objects of
               from and value, role and content, or speaker and sentence; objects or lists of a
               question and its answer; or texts that begin with 问： and 答：, or take turns where
               none begins with a speaker. All may be JSON in a text, or an object of lists. A
               row may itself be a list of turns.
system         a system message; may be missing
department     may be missing

Speakers are known by their usual names (human, gpt, patient, doctor, 患者, 王医生 and more). A text
without a speaker among others that name theirs is the other speaker's where it stands alone between
two of one, or at an end; else the row is Malformed under "unknown_role". A message may be a list of
parts of type text; one with an image or sound is Malformed under "not_text". Two turns of one
speaker in a row become one. Turns before the first question or after the last reply have nothing to
answer or no answer: they are cut, and metadata's cut_turns counts them. A reply's reasoning trace
is read in all its spellings. A dialogue that uses tools is Malformed under "tool_use". Yields a
dialogue a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ..records import Dialogue, Malformed, Message, Record, excerpt
from .files.opening import FileReport, SourceFile
from .parsing.by_ending import any_parts, any_rows
from .parsing.messages import (
    CONVERSATION,
    answered,
    any_case,
    department,
    first,
    has_value,
    only_text,
    ordered,
    turns,
    with_trace,
)
from .parsing.ready import Ready, ready
from .parsing.row import RowError, text_of
from .parsing.traces import Spelt

SUFFIXES = (".json", ".jsonl", ".ndjson")
PARTS = any_parts
Options = Ready


def read(
    files: Sequence[SourceFile], options: Ready, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue for each row of each file."""
    for file in files:
        rows = any_rows(file, report, options.ident, of_list=_of_list)
        yield from ready(rows, partial(_dialogue, report.traces), options)


def _of_list(turns: list[Any]) -> dict[str, Any]:
    return {CONVERSATION[0]: turns}


@any_case
def _dialogue(spelt: Spelt, key: str, row: dict[str, Any]) -> Dialogue:
    only_text(row)
    said = with_trace(turns(first(row, (*CONVERSATION, "data")), spelt), row, spelt)
    if has_value(row.get("system")):
        said = ordered([Message("system", text_of(row["system"])), *said])
    kept, cut = answered(said)
    if not kept:
        talk = [m for m in said if m.role != "system"]
        raise RowError("no_answer", excerpt(talk[0].content) if talk else "no turns")
    return Dialogue(
        key,
        kept,
        department=department(row),
        metadata={"cut_turns": str(cut)} if cut else {},
    )

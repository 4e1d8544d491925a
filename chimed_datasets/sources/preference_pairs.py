"""A prompt with a chosen and a rejected reply in JSON or JSON Lines, as DPO and reward data come.

prompt    under conversations, messages, conversation, prompt, question, query or instruction
          (with input): a text or turns; system and history are read where a row has them
chosen    the better reply: a text, a message object, or a list of messages
rejected  the worse reply, alike (also under response_chosen, response_rejected)

A list of messages may repeat the prompt before the reply; where the row has no prompt of its
own, what both lists begin with is the prompt. A reply's reasoning trace is read in all its
spellings; one in a column of the row is nobody's and becomes metadata. Yields a dialogue a row:
the prompt, with both replies as candidates, ranked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ..records import Answer, Dialogue, Malformed, Message, Record, excerpt
from .files.opening import FileReport, SourceFile
from .parsing.json import json_rows
from .parsing.messages import (
    CONVERSATION,
    INSTRUCTION,
    QUESTION,
    department,
    first,
    message,
    prompt,
    shared_prompt,
    turns,
)
from .parsing.row import RowError, each
from .parsing.traces import Spelt, field_of

SUFFIXES = (".json", ".jsonl")
_PROMPTS = (*CONVERSATION, *QUESTION, *INSTRUCTION)


def read(
    files: Sequence[SourceFile], options: Any, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue with two candidates for each row of each file."""
    for file in files:
        yield from each(json_rows(file, report), partial(_dialogue, report.traces))


def _dialogue(spelt: Spelt, key: str, row: dict[str, Any]) -> Dialogue:
    sides = [_side(row, name, spelt) for name in ("chosen", "rejected")]
    if sides[0] == sides[1]:
        raise RowError("chosen_equals_rejected", excerpt(sides[0][-1].content))
    if any(row.get(name) is not None for name in _PROMPTS):
        messages = prompt(row, spelt=spelt)
    else:
        messages = shared_prompt(sides)
        if not messages:
            raise KeyError(" or ".join(_PROMPTS))
    chosen, rejected = (_reply(side, messages) for side in sides)
    if chosen.content.strip() == rejected.content.strip():
        raise RowError("chosen_equals_rejected", excerpt(chosen.content))
    candidates = [
        Answer(reply.content, rank=rank, reasoning_content=reply.reasoning_content)
        for rank, reply in enumerate((chosen, rejected))
    ]
    column, trace = field_of(row)
    about = {column: trace} if trace else {}
    return Dialogue(key, messages, candidates, department(row), metadata=about)


def _side(row: dict[str, Any], name: str, spelt: Spelt) -> list[Message]:
    value = first(row, (name, f"response_{name}"))
    text = isinstance(value, str)
    side = [message("assistant", value, None, spelt)] if text else turns(value, spelt)
    if not side or not side[-1].content.strip():
        raise RowError("empty_reply", name)
    return side


def _reply(side: list[Message], asked: list[Message]) -> Message:
    """Return the one reply that ``side`` adds to the prompt."""
    bare = asked[1:] if asked[0].role == "system" else asked
    repeated = next((p for p in (asked, bare) if side[: len(p)] == p), [])
    rest = side[len(repeated) :]
    if len(rest) != 1 or rest[0].role != "assistant":
        roles = ", ".join(m.role for m in rest)
        raise RowError("not_one_reply", f"beyond the prompt there is: {roles or 'nothing'}")
    return rest[0]

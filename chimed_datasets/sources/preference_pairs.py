"""A prompt with a chosen and a rejected reply in JSON or JSON Lines, as DPO and reward data come.

prompt    under conversations, messages, conversation, prompt, question, query or instruction
          (with input): a text or turns; system and history are read where a row has them
chosen    the better reply: a text, a message object, or a list of messages
rejected  the worse reply, alike (also under response_chosen, response_rejected)

A list of messages may repeat the prompt before the reply; where the row has no prompt of its
own, what both lists begin with is the prompt. Yields a dialogue a row: the prompt, with both
replies as candidates, ranked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    prompt,
    shared_prompt,
    turns,
)
from .parsing.row import RowError, each

SUFFIXES = (".json", ".jsonl")
_PROMPTS = (*CONVERSATION, *QUESTION, *INSTRUCTION)


def read(
    files: Sequence[SourceFile], options: Any, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue with two candidates for each row of each file."""
    for file in files:
        yield from each(json_rows(file, report), _dialogue)


def _dialogue(key: str, row: dict[str, Any]) -> Dialogue:
    sides = [_side(row, name) for name in ("chosen", "rejected")]
    if sides[0] == sides[1]:
        raise RowError("chosen_equals_rejected", excerpt(sides[0][-1].content))
    if any(row.get(name) is not None for name in _PROMPTS):
        messages = prompt(row)
    else:
        messages = shared_prompt(sides)
        if not messages:
            raise KeyError(" or ".join(_PROMPTS))
    chosen, rejected = (_reply(side, messages) for side in sides)
    if chosen.strip() == rejected.strip():
        raise RowError("chosen_equals_rejected", excerpt(chosen))
    candidates = [Answer(chosen, rank=0), Answer(rejected, rank=1)]
    return Dialogue(key, messages, candidates, department(row))


def _side(row: dict[str, Any], name: str) -> list[Message]:
    value = first(row, (name, f"response_{name}"))
    side = [Message("assistant", value)] if isinstance(value, str) else turns(value)
    if not side or not side[-1].content.strip():
        raise RowError("empty_reply", name)
    return side


def _reply(side: list[Message], asked: list[Message]) -> str:
    """Return the one reply that ``side`` adds to the prompt."""
    bare = asked[1:] if asked[0].role == "system" else asked
    repeated = next((p for p in (asked, bare) if side[: len(p)] == p), [])
    rest = side[len(repeated) :]
    if len(rest) != 1 or rest[0].role != "assistant":
        roles = ", ".join(m.role for m in rest)
        raise RowError("not_one_reply", f"beyond the prompt there is: {roles or 'nothing'}")
    return rest[0].content

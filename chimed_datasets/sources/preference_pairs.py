"""A prompt with a chosen and a rejected reply in JSON or JSON Lines, as DPO and reward data come.

prompt    under conversations, messages, conversation, dialogue, prompt, question, query or
          instruction (with input): a text or turns; system and history are read where a row has
          them
chosen    the better reply: a text, a message object, or a list of messages (also under
          response_chosen or chosen_response); left out where the turns end with it
rejected  the worse reply, alike (also under response_rejected, rejected_response or
          rejected_messages)

pair_origin  who preferred the chosen reply, as the column of that name says it: ranked (default: it
             is not known), llm_ranked (a judge), rm_ranked (a reward model), or doctor_vs_model
             where doctors wrote the chosen replies and a model the rejected ones
model        the name of that model

A list of messages may repeat the prompt before the reply, and so may texts in which Human and
Assistant take turns; where the row has no prompt of its own, what both begin with is the prompt. A
reply's reasoning trace is read in all its spellings; one in a column of the row is nobody's and
becomes metadata. Yields a dialogue a row: the prompt, with both replies as candidates, ranked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from ..errors import RecipeError
from ..records import Answer, Dialogue, Malformed, Message, Record, excerpt
from .files.opening import FileReport, SourceFile
from .parsing.by_ending import any_parts, any_rows
from .parsing.messages import (
    CONVERSATION,
    INSTRUCTION,
    QUESTION,
    any_case,
    as_data,
    department,
    first,
    has_value,
    in_context,
    message,
    only_text,
    ordered,
    prompt,
    shared_prompt,
    turns,
)
from .parsing.ready import Ready, ready
from .parsing.row import RowError
from .parsing.speakers import transcript
from .parsing.traces import Spelt, field_of

SUFFIXES = (".json", ".jsonl", ".ndjson")
PARTS = any_parts
_PROMPTS = (*CONVERSATION, *QUESTION, *INSTRUCTION)
UNNAMED = "a model"
_CHOSEN = ("chosen", "response_chosen", "chosen_response")
_REJECTED = ("rejected", "response_rejected", "rejected_response", "rejected_messages")


@dataclass(frozen=True)
class Options(Ready):
    """Who preferred the chosen replies, beside what may be said of every layout."""

    pair_origin: Literal["ranked", "llm_ranked", "rm_ranked", "doctor_vs_model"] = "ranked"
    model: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.model and self.pair_origin != "doctor_vs_model":
            raise RecipeError("model: it is said of pairs with pair_origin: doctor_vs_model alone.")


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue with two candidates for each row of each file."""
    for file in files:
        rows = any_rows(file, report, options.ident)
        yield from ready(rows, partial(_dialogue, report.traces, options), options)


@any_case
def _dialogue(spelt: Spelt, options: Options, key: str, row: dict[str, Any]) -> Dialogue:
    only_text(row)
    counted: Spelt = {}
    said = _said(row, counted)
    worse = _side(row, _REJECTED, spelt)
    if said and not any(has_value(row.get(name)) for name in _CHOSEN):
        better = said  # the turns end with the better reply
        for spelling, count in counted.items():
            spelt[spelling] = spelt.get(spelling, 0) + count
    else:
        better = _side(row, _CHOSEN, spelt)
    if better == worse:
        raise RowError("chosen_equals_rejected", excerpt(better[-1].content))
    if said and said[-1].role == "assistant" and _same(said[-1], better[-1]):
        messages = in_context(said[:-1], row, spelt)
    elif any(row.get(name) is not None for name in _PROMPTS):
        messages = prompt(row, spelt=spelt)
    else:
        messages = shared_prompt([better, worse])
        if not messages:
            raise KeyError(" or ".join(_PROMPTS))
    chosen, rejected = _reply(better, messages), _reply(worse, messages)
    if _same(chosen, rejected):
        raise RowError("chosen_equals_rejected", excerpt(chosen.content))
    candidates = [
        Answer(reply.content, rank=rank, reasoning_content=reply.reasoning_content)
        for rank, reply in enumerate((chosen, rejected))
    ]
    column, trace = field_of(row)
    about = {column: trace} if trace else {}
    if options.pair_origin == "doctor_vs_model":
        candidates[0].rank = candidates[1].rank = None
        candidates[1].model = options.model or UNNAMED
    elif options.pair_origin != "ranked":
        about["ranked_by"] = options.pair_origin.removesuffix("_ranked")
    return Dialogue(key, messages, candidates, department(row), metadata=about)


def _said(row: dict[str, Any], spelt: Spelt) -> list[Message]:
    """Return the turns that a row holds; none where its prompt is a text, or it has none."""
    value = next((row[name] for name in CONVERSATION if name in row and has_value(row[name])), None)
    value = as_data(value)
    return turns(value, spelt) if isinstance(value, (list, dict)) else []


def _side(row: dict[str, Any], names: Sequence[str], spelt: Spelt) -> list[Message]:
    value = as_data(first(row, names), sure=False)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]
    if not isinstance(value, str):
        side = turns(value, spelt)
    elif talk := _talk(row, value):
        side = ordered([message(by, text, None, spelt) for by, text in talk])
    else:
        side = [message("assistant", value, None, spelt)]
    if not side or not side[-1].content.strip():
        raise RowError("empty_reply", names[0])
    return side


def _talk(row: dict[str, Any], text: str) -> list[tuple[str, str]]:
    """Return the turns of a whole dialogue in a text, where the row has no prompt of its own."""
    if any(has_value(row.get(name)) for name in _PROMPTS) or not (talk := transcript(text)):
        return []
    return [(by, said.strip()) for by, said in talk] if talk[-1][0] == "assistant" else []


def _same(one: Message, other: Message) -> bool:
    return one.content.strip() == other.content.strip()


def _reply(side: list[Message], asked: list[Message]) -> Message:
    """Return the one reply that ``side`` adds to the prompt."""
    bare = asked[1:] if asked[0].role == "system" else asked
    repeated = next((p for p in (asked, bare) if side[: len(p)] == p), [])
    rest = side[len(repeated) :]
    if len(rest) != 1 or rest[0].role != "assistant":
        roles = ", ".join(m.role for m in rest)
        raise RowError("not_one_reply", f"beyond the prompt there is: {roles or 'nothing'}")
    return rest[0]

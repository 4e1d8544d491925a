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

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from ..errors import RecipeError
from ..lang import _
from ..loops import EDGE, SIGN
from ..records import Answer, Columns, Dialogue, Malformed, Message, Record, excerpt
from .files.opening import FileReport, SourceFile, wanted
from .parsing.by_ending import any_parts, any_rows
from .parsing.flat import Chosen, FlatRows, Names, Texts
from .parsing.json import json_blocks
from .parsing.messages import (
    BESIDE_TEXT,
    CONTEXT,
    CONVERSATION,
    DEPARTMENT,
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
from .parsing.row import NOTHING_CHARS, KeyedRow, RowError, each, is_nothing
from .parsing.sheets import as_text
from .parsing.speakers import transcript
from .parsing.traces import FIELDS, Spelt, field_of, may_think

SUFFIXES = (".json", ".jsonl", ".ndjson")
PARTS = any_parts
_PROMPTS = (*CONVERSATION, *QUESTION, *INSTRUCTION)
UNNAMED = "a model"
_SHAPES = 1000
"""So many kinds of rows, by their fields, are remembered."""
_CHOSEN = ("chosen", "response_chosen", "chosen_response")
_REJECTED = ("rejected", "response_rejected", "rejected_response", "rejected_messages")
_LOOKED_AT = frozenset(
    (*_PROMPTS, *_CHOSEN, *_REJECTED, *FIELDS, *BESIDE_TEXT, *CONTEXT, *DEPARTMENT)
)
"""The fields from which a record may have something."""


@dataclass(frozen=True)
class Options(Ready):
    """Who preferred the chosen replies, beside what may be said of every layout."""

    pair_origin: Literal["ranked", "llm_ranked", "rm_ranked", "doctor_vs_model"] = "ranked"
    model: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.model and self.pair_origin != "doctor_vs_model":
            raise RecipeError(
                _("model: it is said of pairs with pair_origin: doctor_vs_model alone.")
            )


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue with two candidates for each row of each file."""
    for file in files:
        rows = any_rows(file, report, options.ident)
        yield from ready(rows, partial(_dialogue, report.traces, options), options)


def read_columns(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed | Columns]:
    """Yield the same; what is plain among rows of JSON as Columns."""
    plain = _Plain(options)
    for file in files:
        if plain.never or not wanted(file.name, SUFFIXES):
            yield from read([file], options, report)
            continue
        convert = partial(_dialogue, report.traces, options)
        chosen = plain.chosen(options.ident)
        for block in json_blocks(as_text(file), report, options.ident, chosen=chosen):
            if isinstance(block, FlatRows):
                yield from plain.of_flat(block, convert)
                continue
            for is_plain, rows in groupby(block, plain.is_plain):
                if is_plain:
                    yield plain.columns(rows)
                else:
                    yield from each(rows, convert)


class _Plain:
    """Tells rows of which :func:`_dialogue` takes three texts as they are, and lays them in
    columns. never: the options ask for something else."""

    def __init__(self, options: Options) -> None:
        asked = options.strip or options.metadata or options.where is not None
        self.never = bool(asked) or options.pair_origin == "doctor_vs_model"
        by = options.pair_origin.removesuffix("_ranked")
        self.about = {} if options.pair_origin == "ranked" else {"ranked_by": by}
        self._names: dict[tuple[str, ...], tuple[str, str, str] | None] = {}

    def is_plain(self, item: KeyedRow | Malformed) -> bool:
        if isinstance(item, Malformed):
            return False
        texts = self._texts(item[1])
        return texts is not None and self._are_plain(*texts)

    def _are_plain(self, *texts: Any) -> bool:
        """Whether nothing is to be done to prompt, better and worse reply."""
        for text in texts:
            if type(text) is not str or not text or text[0] in "[{" or text[0].isspace():
                return False
            if len(text) <= 2 * NOTHING_CHARS and is_nothing(text):
                return False
        asked, better, worse = texts
        if "<" in asked or asked.rstrip().endswith((":", "：")):  # it may be a whole dialogue
            return False
        if may_think(better) or may_think(worse):
            return False
        return bool(better.strip() != worse.strip())

    def chosen(self, ident: str) -> Chosen:
        """Return what names the fields of rows that columns are made of."""

        def names(first: dict[str, Any]) -> Names | None:
            three = self._names_of(tuple(first))
            if three is None or ident in _LOOKED_AT:
                return None
            return Names((ident, *three), tuple(sorted(_LOOKED_AT.difference(three))))

        return names

    def of_flat(
        self, rows: FlatRows, convert: Callable[[str, dict[str, Any]], Record]
    ) -> Iterator[Record | Malformed | Columns]:
        """Yield plain rows as Columns, others as records."""
        __, *names = rows.names.wanted
        asked, replies = rows.texts(names[0]), rows.texts(*names[1:])
        plain = self._are_plain_there(rows, asked, replies)
        both = pa.FixedSizeListArray.from_arrays(replies.strings, 2)
        chars = asked.chars + replies.chars.reshape(-1, 2).sum(axis=1, dtype=np.int64)
        edges = np.flatnonzero(np.diff(plain)) + 1
        for start, end in pairwise([0, *edges.tolist(), len(rows)]):
            if plain[start]:
                fields: dict[str, Any] = {
                    "key": rows.keys[start:end],
                    "messages": asked.strings[start:end],
                    "candidates": both[start:end],
                }
                if self.about:
                    fields["metadata"] = [self.about] * (end - start)
                yield Columns(Dialogue, fields, chars[start:end])
            else:
                yield from each(map(rows.row, range(start, end)), convert)

    def _are_plain_there(self, rows: FlatRows, asked: Texts, replies: Texts) -> np.ndarray:
        """Return bool[n]: what :meth:`is_plain` says of rows, with a look at a few of them.

        replies: the better and the worse one of each row.
        """
        __, *names = rows.names.wanted
        plain: np.ndarray = rows.are_texts(*names) & ~rows.alone
        looks = asked.looks | np.bitwise_or.reduce(replies.looks.reshape(-1, 2), axis=1)
        sizes = replies.sizes().reshape(-1, 2)
        doubtful = (looks & (EDGE | SIGN) != 0) | (sizes[:, 0] == sizes[:, 1])
        doubtful |= asked.begin_with(b"{") | replies.begin_with(b"{").reshape(-1, 2).any(axis=1)
        doubtful |= asked.end_with(b":") | asked.end_with("：".encode()[-1:])
        at = np.flatnonzero(plain & doubtful)
        one = asked.at(at), replies.at(2 * at), replies.at(2 * at + 1)
        plain[at] = [self._are_plain(*texts) for texts in zip(*one, strict=True)]
        return plain

    def _texts(self, row: dict[str, Any]) -> list[Any] | None:
        """Return prompt, better and worse reply of a row; None where it has more to say."""
        three = self._names_of(tuple(row))
        return None if three is None else [row[name] for name in three]

    def _names_of(self, names: tuple[str, ...]) -> tuple[str, str, str] | None:
        if names not in self._names:
            if len(self._names) >= _SHAPES:
                self._names.clear()
            self._names[names] = _three(names)
        return self._names[names]

    def columns(self, rows: Iterable[KeyedRow | Malformed]) -> Columns:
        keyed = [row for row in rows if not isinstance(row, Malformed)]
        asked, better, worse = zip(*(self._texts(row) or () for __, row in keyed), strict=True)
        fields: dict[str, list[Any]] = {
            "key": [key for key, __ in keyed],
            "messages": list(asked),
            "candidates": list(zip(better, worse, strict=True)),
        }
        if self.about:
            fields["metadata"] = [self.about] * len(keyed)
        return Columns(Dialogue, fields)


def _three(names: Sequence[str]) -> tuple[str, str, str] | None:
    """Return the fields of prompt, better and worse reply, where a row has these alone of all that
    are looked at."""
    known = [name for name in names if name in _LOOKED_AT]
    found = [[name for name in known if name in one] for one in (QUESTION, _CHOSEN, _REJECTED)]
    if len(known) != 3 or any(len(one) != 1 for one in found):
        return None
    (asked,), (better,), (worse,) = found
    return asked, better, worse


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

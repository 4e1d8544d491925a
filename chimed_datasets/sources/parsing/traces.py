"""Reasoning traces: what a model thought before it replied, in all their usual spellings.

A trace stands beside the reply, in a field of the message or a column of the row (:data:`FIELDS`),
or before it in the same text, between marks (:data:`MARKS`):

    <think>…</think> reply          also with thinking, thought and reasoning, in any case
    … </think> reply                the first mark was part of the prompt
    <reasoning>…</reasoning> <answer>reply</answer>
    <|begin_of_thought|>…<|end_of_thought|> <|begin_of_solution|>reply<|end_of_solution|>
    ◁think▷…◁/think▷ reply, [THINK]…[/THINK] reply, <seed:think>…</seed:think> reply

Several thoughts become one, parted by a blank line. An empty one (<think></think>) is none. One
that does not end leaves no reply: RowError "unfinished_thought". All are counted by their
spelling in :attr:`FileReport.traces`, with "empty" and "unfinished".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...records import excerpt
from .row import RowError, text_of

FIELDS = (
    "reasoning_content",
    "reasoning (reasoning_content)",
    "Complex_CoT",
    "complex_cot",
    "thinking",
    "reasoning",
    "think",
    "thought",
    "cot",
    "CoT",
    "chain_of_thought",
)
"""Names of a field or column that holds a trace, the one that counts first."""

_TAGS = r"think|thinking|thought|thoughts|reasoning|seed:think"
_MARK = re.compile(
    rf"<(?P<tag>{_TAGS})>|<(?P<end>/(?:{_TAGS}))>"
    r"|<\|(?P<o1>begin_of_thought)\|>|<\|(?P<e1>end_of_thought)\|>"
    r"|◁(?P<o2>think)▷|◁(?P<e2>/think)▷|\[(?P<o3>THINK)\]|\[(?P<e3>/THINK)\]",
    re.I,
)
_BEGINS = ("tag", "o1", "o2", "o3")
_ANSWERS = (
    *((f"<{name}>", f"</{name}>") for name in ("answer", "response", "output", "solution")),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
)


Spelt = dict[str, int]
"""Traces by their spelling."""


class Told(NamedTuple):
    """A reply, and the trace before it (None where there is none)."""

    reply: str
    reasoning: str | None = None


def may_think(text: str) -> bool:
    """Whether a text may hold a mark of a trace: quick, and seldom wrong."""
    return ("<" in text or "◁" in text or "[" in text) and _MARK.search(text) is not None


def told(text: str, beside: Any, spelt: Spelt) -> Told:
    """Return the reply and its trace.

    text:   the reply as it came, perhaps with the trace before it.
    beside: the row or message that it is from, a mapping in which a field may hold the trace, or
            None.
    spelt:  counts every trace by its spelling.

    Raises RowError "unfinished_thought" where a thought does not end, or nothing follows it.
    """
    traces = []
    name, trace = field_of(beside)
    if name:
        _count(spelt, name if trace else "empty")
        traces += [trace] if trace else []
    if may_think(text):
        text, inner = _split(text, spelt)
        traces += [one for one in inner if one not in traces]
    return Told(text, "\n\n".join(traces) or None)


def field_of(row: Any) -> tuple[str, str]:
    """Return the first of :data:`FIELDS` that a row has a value for, and its text without blanks
    around; ("", "") where it has none. Raises TypeError for a value that is no text."""
    if isinstance(row, Mapping):
        for name in FIELDS:
            value = row.get(name)
            if value is not None and not isinstance(value, (bool, int, float)):  # a switch is none
                return name, text_of(value).strip()
    return "", ""


def _split(text: str, spelt: Spelt) -> tuple[str, list[str]]:
    """Return the reply without its thoughts, and these, in their order."""
    reply: list[str] = []
    thoughts: list[str] = []
    at, begun, spelling = 0, None, ""
    for mark in _MARK.finditer(text):
        name = next(group for group in mark.groupdict() if mark[group])
        if name in _BEGINS:
            if begun is None:  # one within a thought is a part of it
                reply.append(text[at : mark.start()])
                begun, spelling = mark.end(), mark[0].lower()
            continue
        if begun is None and thoughts:  # a stray one
            reply.append(text[at : mark.start()])
            at = mark.end()
            continue
        if begun is None:  # the mark that begins it was in the prompt
            thought, spelling = "".join([*reply, text[at : mark.start()]]), f"…{mark[0].lower()}"
            reply = []
        else:
            thought = text[begun : mark.start()]
        _count(spelt, spelling if thought.strip() else "empty")
        thoughts.append(thought.strip())
        at, begun = mark.end(), None
    if begun is not None:
        _count(spelt, "unfinished")
        raise RowError("unfinished_thought", excerpt(text.strip()))
    left = "".join([*reply, text[at:]]).strip()
    for begin, end in _ANSWERS:
        if left[: len(begin)].lower() == begin and left[-len(end) :].lower() == end:
            left = left[len(begin) : -len(end)].strip()
            break
    if not left:
        _count(spelt, "unfinished")
        raise RowError("unfinished_thought", excerpt(text.strip()))
    return left, [thought for thought in thoughts if thought]


def _count(spelt: Spelt, name: str) -> None:
    spelt[name] = spelt.get(name, 0) + 1

"""Several models' scored answers to one prompt, in a row each or joined (DISC-MedLLM's folder).

One row (JSON, JSON Lines) for a prompt:
    prompt, question, messages or instruction (with input): a text or turns
    responses, answers or candidates: objects of model, text (or content, answer, response) and
    score, or scores; or ratings, a list with a number from each judge or reward model
    judges: the judges' names, in that order (may be left out)

One row for a dialogue with one model, and one for its score, in any files of the source:
    id, source, model, conversation (or conversations, messages), dataset_info
    id, source, model, scores
    Rows of one source and id are one group; the prompt is what all its dialogues begin with, a
    candidate is a model's reply to that. Keys are ``source#id``. A condition is asked of each row
    by itself.

by  who gave the scores: human (default), llm or rm (reward models); it decides the pairs' origin

A score is a number; scores of several criteria, {"Accuracy": 4} or lines of "Accuracy: 4", count
by their mean. Replies that were judged by different criteria are not comparable: Malformed.

With ratings the score is their mean, and a pair keeps votes, mean margin and its spread.

A joined score judges a model's whole dialogue. Models and the patient that they talk to part
ways after the first reply, so that only it answers a prompt shared by all: it takes the score of
its dialogue, the nearest label there is, and metadata's judged_turns says on how many turns that
rests. What was said after it is not kept. A reply without a score stays, unscored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..records import Answer, Dialogue, Malformed, Message, Record, excerpt
from .files.opening import FileReport, SourceFile
from .parsing import labels
from .parsing.json import json_rows
from .parsing.messages import (
    CONVERSATION,
    any_case,
    as_data,
    department,
    first,
    has_value,
    one_prompt,
    prompt,
    ratings,
    rivals,
    shared_prompt,
    turns,
)
from .parsing.ready import Ready, keeper, selected, stripped_records
from .parsing.row import RowError, each, text_of
from .parsing.traces import Spelt, told

SUFFIXES = (".json", ".jsonl", ".ndjson")
JOINED = True
RESPONSES = ("responses", "answers", "candidates")
TEXT = ("text", "content", "answer", "response")
SCORE = ("scores", "score")
_CRITERION = re.compile(r"(.*\S)\s*[:：]\s*(-?\d+(?:\.\d+)?)\s*(?:/\s*\d+|分)?")


@dataclass(frozen=True)
class Options(Ready):
    """See the module."""

    by: Literal["human", "llm", "rm"] = "human"


class MeanScore(NamedTuple):
    """A mean, and the names of the criteria it is taken over (none for a single number)."""

    mean: float
    criteria: tuple[str, ...]


@dataclass
class Group:
    """The joined rows of one source and id, by model; a score comes with the key of its row."""

    dialogues: dict[str, list[Message]] = field(default_factory=dict)
    scores: dict[str, tuple[str, MeanScore]] = field(default_factory=dict)
    department: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def read(
    files: Sequence[SourceFile], options: Any, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue with scored candidates for each row, then for each group of joined rows."""
    for record in stripped_records(_records(files, options, report), options):
        if options.by != "human" and not isinstance(record, Malformed):
            record.metadata["ranked_by"] = options.by
        yield record


def _records(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    groups: dict[str, Group] = {}
    kept = keeper(options)

    def made(key: str, row: dict[str, Any]) -> list[Record]:
        return _row(groups, report.traces, options.ident, kept(row), key, row)

    for file in files:
        yield from each(selected(json_rows(file, report, options.ident), options), made)
    for key, group in groups.items():
        yield from _joined(key, group)


@any_case
def _row(
    groups: dict[str, Group],
    spelt: Spelt,
    ident: str,
    kept: dict[str, str],
    key: str,
    row: dict[str, Any],
) -> list[Record]:
    """Return a row's record; a row that is to be joined goes into ``groups`` instead. ident: the
    column that names it. kept: what becomes metadata."""
    if any(row.get(name) is not None for name in RESPONSES):
        record = _alone(spelt, key, row)
        record.metadata |= kept
        return [record]
    talks = (row[name] for name in CONVERSATION if row.get(name) is not None)
    said = next((turns(talk, spelt) for talk in talks if has_value(talk)), None)
    score = _score(row)
    if said is None and score is None:
        raise KeyError(" or ".join((*RESPONSES, *CONVERSATION, *SCORE)))
    model, name = text_of(first(row, ("model",))), text_of(first(row, (ident,)))
    named, about = _about(row)
    about |= kept
    group = groups.setdefault(f"{text_of(row.get('source')).strip()}#{name}", Group())
    twice = said is not None and model in group.dialogues
    if twice or (score is not None and model in group.scores):
        raise RowError("repeated_row", f"{model} has one already for {name}")
    if said is not None:
        group.dialogues[model] = said
        group.department = group.department or named
        group.metadata = about | group.metadata
    if score is not None:
        group.scores[model] = key, score
    return []


def _about(row: Mapping[str, Any]) -> tuple[str | None, dict[str, str]]:
    """Return the department that a row or its dataset_info names, and what else is in there."""
    about = row.get("dataset_info") or {}
    rest = {name: labels.written(value) for name, value in about.items() if name != "department"}
    return department(row) or department(about), rest


def _joined(key: str, group: Group) -> Iterator[Record | Malformed]:
    for model, (row_key, _) in group.scores.items():
        if model not in group.dialogues:
            yield Malformed(row_key, "score_without_dialogue", f"{model} has no dialogue {key}")
    if not group.dialogues:
        return
    asked = shared_prompt(list(group.dialogues.values()))
    if not asked:
        yield Malformed(key, "no_shared_prompt", f"dialogues of {', '.join(group.dialogues)}")
        return
    replies, scores = [], []
    for model, said in group.dialogues.items():
        reply = said[len(asked)]
        trace = reply.reasoning_content
        replies.append(Answer(reply.content, model=model, reasoning_content=trace))
        scores.append(group.scores[model][1] if model in group.scores else None)
    judged = max(map(len, group.dialogues.values()))
    metadata = {"judged_turns": str(judged)} if judged > len(asked) + 1 else {}
    try:
        yield _dialogue(key, asked, replies, scores, group.department, group.metadata | metadata)
    except RowError as error:
        yield Malformed(key, error.rule, error.evidence)


def _alone(spelt: Spelt, key: str, row: dict[str, Any]) -> Dialogue:
    given = as_data(first(row, RESPONSES))
    if not isinstance(given, list) or not all(isinstance(reply, dict) for reply in given):
        raise TypeError(f"responses: expected a list of objects, got {excerpt(repr(given))}")
    one_prompt(row, given)
    asked = prompt(row, spelt=spelt)
    replies = []
    for reply in given:
        text, reasoning = told(text_of(first(reply, TEXT)), reply, spelt)
        model = text_of(reply.get("model")).strip() or None
        rated = ratings(reply.get("ratings"))
        replies.append(Answer(text, model=model, ratings=rated, reasoning_content=reasoning))
    scores = [_score(reply) or _mean(made) for reply, made in zip(given, replies, strict=True)]
    judges = ", ".join(map(text_of, row.get("judges") or []))
    metadata = {"judges": judges} if judges else {}
    return _dialogue(key, asked, replies, scores, department(row), metadata)


def _mean(reply: Answer) -> MeanScore | None:
    known = [one for one in reply.ratings if one is not None]
    return MeanScore(math.fsum(known) / len(known), ()) if known else None


def _dialogue(
    key: str,
    asked: list[Message],
    replies: list[Answer],
    scores: list[MeanScore | None],
    department: str | None,
    metadata: dict[str, str],
) -> Dialogue:
    criteria = {tuple(sorted(score.criteria)) for score in scores if score}
    if len(criteria) > 1:
        raise RowError("criteria_differ", " against ".join(map(str, sorted(criteria))))
    for reply, score in zip(replies, scores, strict=True):
        reply.score = score.mean if score else None
    candidates, left_out = rivals(replies)
    if not candidates:
        raise RowError("no_answer", excerpt(asked[-1].content))
    named = ", ".join(next(iter(criteria), ()))
    metadata = metadata | left_out | ({"criteria": named} if named else {})
    return Dialogue(key, asked, candidates, department, metadata=metadata)


def _score(row: Mapping[str, Any]) -> MeanScore | None:
    """Return what a row or a response says of its score. Raises RowError "bad_score"."""
    given = next((row[name] for name in SCORE if row.get(name) is not None), None)
    if isinstance(given, str) and given.strip():
        lines = [line.strip() for line in given.splitlines() if line.strip()]
        criteria = [_CRITERION.fullmatch(line) for line in lines]
        if all(criteria):
            given = {match[1]: match[2] for match in criteria if match}
    if isinstance(given, dict):
        values = [_number(value) for value in given.values()]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            raise RowError("bad_score", f"not every criterion has a score: {excerpt(repr(given))}")
        return MeanScore(math.fsum(known) / len(known), tuple(given)) if known else None
    value = _number(given)
    return None if value is None else MeanScore(value, ())


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, type(None))):
        raise RowError("bad_score", f"expected a number, got {excerpt(repr(value))}")
    try:
        number = float(text_of(value) or "nan")
    except ValueError:
        raise RowError("bad_score", f"expected a number, got {excerpt(repr(value))}") from None
    if math.isinf(number):
        raise RowError("bad_score", f"expected a finite number, got {value!r}")
    return None if math.isnan(number) else number

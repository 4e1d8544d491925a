"""What the page shows of a row of a config and of a dropped record, as plain values for its JSON.

The page that holds a sample and the one that is served over all rows show the same items.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..built import texts as kept
from ..built.changes import Change, Piece, changes, marked, shared
from ..built.statistics import INLINE, row_texts
from ..stages.mask import PLACEHOLDERS
from .explain import untitled

Row = dict[str, Any]
TEXT_CHARS = 3000
"""A longer text is cut; the page says so."""
BESIDE_CHARS = 20_000
"""Characters of a text that are compared with another one."""
NEAR = 60
"""Characters that are shown on each side of a difference."""
CHANGES = 6
"""Texts that a stage changed which are shown of a record."""
REPLIES = 20
"""Rows of one prompt that are shown."""
GROUPED = ("preference", "unpaired")
"""Configs whose rows are shown by prompt: one prompt may have many rows."""

REASONING, MASKED, SEVERAL = "reasoning trace", "masked", "several replies"
CONTRADICTS, INSIDE, CHANGED = "contradicts another", "inside another", "changed"
TEXT_KEPT, TWIN, EXAM = "text kept", "beside the kept one", "beside an exam item"
_UNLIKE = re.compile(r"differs in ([^()]{1,40}) \(")
_LABELS = (
    "title", "domain", "origin", "pair_origin", "mark", "license", "defect", "answer_type"
)  # fmt: skip


def unlike(reason: str | None) -> str:
    """Return the tag of a record that was kept beside a near-duplicate, "" where there is none.

    >>> unlike("kept: differs in dose (2~3 / 2~8)")
    'differs in dose'
    """
    found = _UNLIKE.search(reason or "")
    return f"differs in {found[1]}" if found else ""


# --- rows ------------------------------------------------------------------------------------


def of_rows(
    config: str,
    split: str,
    rows: Sequence[Row],
    about: Mapping[str, Any] | None = None,
    beside: Mapping[str, Mapping[str, Any]] | None = None,
    steps: Sequence[Row] = (),
) -> Row:
    """Return what the page shows of a row, or of the rows of one prompt.

    about:  of the record's row of kept.parquet: near, reason, contradicts, inside, share.
    beside: id -> source, config and text of the records that `about` names.
    steps:  what stages changed in the record; see :func:`steps_of`.
    """
    first = rows[0]
    said = texts_of_row(config, first)
    item: Row = {
        "id": first["id"],
        "thread": first.get("thread_id") or first["id"],
        "config": config,
        "split": split,
        "source": first["source"],
        "department": first.get("department") or "",
        "domain": first.get("domain") or "",
        "origin": _origin(first),
        "chars": _chars(first),
        "rows": len(rows),
        "labels": _labels(first),
    }
    if len(rows) > 1:
        prompt = len(first["prompt"])
        item["texts"] = _shown(said[:prompt])
        item["replies"] = [
            {
                "id": row["id"],
                "labels": _labels(row),
                "texts": _shown(texts_of_row(config, row)[prompt:]),
            }
            for row in rows[:REPLIES]
        ]
    else:
        item["texts"] = _shown(said)
    if steps:
        item["steps"] = list(steps)
    own = "\n".join(untitled(first, text) for text in row_texts(first))
    item["beside"] = [_beside(name, why, own, beside or {}) for name, why in _others(about or {})]
    item["tags"] = _tags(item, said, about or {})
    return item


def _origin(row: Row) -> str:
    return str(row.get("origin") or row.get("pair_origin") or row.get("mark") or "")


def _chars(row: Row) -> int:
    """Return the characters of a row, as the statistics count them."""
    texts = row_texts(row)
    return sum(map(len, texts)) + max(len(texts) - 1, 0)


def _labels(row: Row) -> dict[str, str]:
    labels = {name: str(row[name]) for name in _LABELS if row.get(name)}
    if row.get("keyphrases"):
        labels["keyphrases"] = "、".join(row["keyphrases"])
    return labels


def _shown(texts: Iterable[tuple[str, str]]) -> list[list[str]]:
    return [[who, cut(text, TEXT_CHARS)] for who, text in texts]


def _others(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (id, why) of the records that one was weighed against."""
    found: dict[str, list[str]] = {}
    if about.get("near"):
        found.setdefault(about["near"], []).append(about.get("reason") or "near-duplicate")
    if about.get("contradicts"):
        found.setdefault(about["contradicts"], []).append("contradicts it on one question")
    if about.get("inside"):
        found.setdefault(about["inside"], []).append(f"{about['share']:.0%} of it stands inside")
    return [(name, "; ".join(why)) for name, why in found.items()]


def _beside(name: str, why: str, own: str, texts: Mapping[str, Mapping[str, Any]]) -> Row:
    """Return another kept record with what the two differ in."""
    other = texts.get(name, {})
    found: Row = {"id": name, "why": why, "source": other.get("source", "")}
    if "text" in other:
        found["pieces"] = pieces(marked(other["text"], own[:BESIDE_CHARS], NEAR))
    return found


def _tags(item: Row, said: Sequence[tuple[str, str]], about: Mapping[str, Any]) -> list[str]:
    tags = [unlike(about.get("reason"))]
    if about.get("contradicts"):
        tags.append(CONTRADICTS)
    if about.get("inside"):
        tags.append(INSIDE)
    if item["rows"] > 1:
        tags.append(SEVERAL)
    if item.get("steps"):
        tags.append(CHANGED)
    if any(is_trace(who) or text.startswith(INLINE) for who, text in said):
        tags.append(REASONING)
    if any(sign in text for _, text in said for sign in PLACEHOLDERS.values()):
        tags.append(MASKED)
    return [tag for tag in tags if tag]


def is_trace(who: str) -> bool:
    """Tell whether a text is a reasoning trace, by who says it."""
    return who.endswith(", reasoning")


def texts_of_row(config: str, row: Row) -> list[tuple[str, str]]:
    """Return the texts of a row of a config, each with who says it."""
    if config == "pretrain":
        texts = [("text", row["text"])]
    elif config == "sft":
        texts = [text for m in row["messages"] for text in _said(m["role"], m)]
    elif config == "unpaired":
        texts = [(m["role"], m["content"]) for m in row["prompt"]]
        label = "good" if row["label"] else "bad"
        texts += [text for m in row["completion"] for text in _said(label, m)]
    elif config == "exam":
        texts = [(m["role"], m["content"]) for m in row["prompt"]]
        texts += [("answer", row["answer"])]
        texts += [("explanation", row["explanation"])] if row["explanation"] else []
    elif config != "preference":  # a guest's
        texts = [("text", text) for text in row_texts(row)]
    else:
        texts = [(m["role"], m["content"]) for m in row["prompt"]]
        texts += [
            text for side in ("chosen", "rejected") for m in row[side] for text in _said(side, m)
        ]
    return texts


def _said(who: str, message: Row) -> list[tuple[str, str]]:
    """Return what a message says, behind its reasoning trace where it has one."""
    trace = message.get("reasoning_content")
    said = [(f"{who}, reasoning", trace)] if trace else []
    return [*said, (who, message["content"])]


# --- dropped records -------------------------------------------------------------------------


def of_drop(
    row: Mapping[str, Any],
    text: Mapping[str, Any] | None,
    twins: Mapping[str, Row],
    exams: Sequence[Row],
) -> Row:
    """Return what the page shows of a dropped record: of its text, and beside it.

    row:   of dropped.parquet. text: of :func:`.texts.kept`; None where the text is not kept.
    twins: id -> source, config and text of the records that were kept instead.
    exams: benchmark, item and text of the exam items that the record holds.
    """
    item: Row = {
        key: row[key] or "" for key in ("stage", "rule", "source", "id", "key", "evidence")
    }
    item["twin"] = {"id": row["twin"], **twins.get(row["twin"], {})} if row["twin"] else None
    item["exams"] = list(exams)
    item |= {"texts": [], "steps": [], "chars": None, "department": ""}
    if text is not None:
        _add_text(item, text)
    if item["twin"]:
        item["twin"]["text"] = cut(item["twin"].get("text", ""), TEXT_CHARS)
    item["tags"] = [
        tag
        for tag, holds in (
            (TEXT_KEPT, text is not None),
            (TWIN, item["twin"]),
            (EXAM, item["exams"]),
            (CHANGED, item["steps"]),
        )
        if holds
    ]
    return item


def _add_text(item: Row, text: Mapping[str, Any]) -> None:
    said = list(text["texts"])
    body = kept.body(text["kind"], said) or said
    item["chars"] = sum(len(one) for _, one in body) + max(len(body) - 1, 0)
    item["department"] = next((one for place, one in said if place == "department"), "")
    if item["exams"]:
        found = "\n".join(exam["text"] for exam in item["exams"])
        item["texts"] = [[p, pieces(shared(one, found, NEAR))] for p, one in said]
    else:
        item["texts"] = [[place, [["=", cut(one, TEXT_CHARS)]]] for place, one in said]
    item["steps"] = steps_of(
        (stage, tuple(changes(before, after))) for stage, before, after in kept.states(dict(text))
    )
    if item["twin"] and "text" in item["twin"]:
        own = "\n".join(one for _, one in kept.body(text["kind"], said))[:BESIDE_CHARS]
        item["beside"] = pieces(marked(item["twin"]["text"], own, NEAR))


# --- what both have --------------------------------------------------------------------------


def steps_of(steps: Iterable[tuple[str, Sequence[Change]]]) -> list[Row]:
    """Return what stages changed in a record: stage, and for some of the texts what went and came.

    steps: (stage, changes). A stage that changed nothing is left out.
    """
    return [
        {
            "stage": stage,
            "changes": [
                [one.place, pieces(marked(one.before, one.after))] for one in found[:CHANGES]
            ],
            "more": max(len(found) - CHANGES, 0),
        }
        for stage, found in steps
        if found
    ]


def pieces(found: Sequence[Piece]) -> list[list[str]]:
    """Return the pieces of a compared text as (sign, text), cut where they are very long."""
    out, left = [], 2 * TEXT_CHARS
    for piece in found:
        if left <= 0:
            out.append(["…", "…"])
            break
        out.append([piece.sign, piece.text[:left]])
        left -= len(piece.text)
    return out


def cut(text: str, most: int) -> str:
    """Return at most ``most`` characters of a text, and how many more there are."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"

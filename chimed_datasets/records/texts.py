"""The texts of a record by their places, as people are shown them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Texts = tuple[tuple[str, str], ...]
"""The texts of a record: (place, text), as ("question", "…") or ("answer 2", "…")."""


def texts_of(row: Mapping[str, Any]) -> Texts:
    """Return the texts of a record, given as a row of a batch of any kind.

    >>> texts_of({"title": None, "question": "发热怎么办？", "answers": [{"text": "多喝水。"}]})
    (('question', '发热怎么办？'), ('answer', '多喝水。'))
    """
    return tuple(_texts(row))


def _texts(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("department", "subject", "title", "question", "text", "shared_stem", "stem"):
        if row.get(name):
            yield name.replace("_", " "), row[name]
    for option in row.get("options") or ():
        yield f"option {option['letter']}", option["text"]
    if "stem" in row:
        yield "answer", "".join(row["answer"])
        if row["explanation"]:
            yield "explanation", row["explanation"]
    for message in row.get("messages") or ():
        yield from _said(message["role"], message["content"], message)
    for name, what in (("answers", "answer"), ("candidates", "reply")):
        items = row.get(name) or ()
        for number, item in enumerate(items, 1):
            yield from _said(f"{what} {number}" if len(items) > 1 else what, item["text"], item)
    if row.get("keyphrases"):
        yield "keyphrases", "、".join(row["keyphrases"])
    for name, value in row.get("metadata") or ():
        yield name, value


def _said(place: str, text: str, item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if item.get("reasoning_content"):
        yield f"{place}'s reasoning", item["reasoning_content"]
    yield place, text

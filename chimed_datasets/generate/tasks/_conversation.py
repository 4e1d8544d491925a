"""What the tasks on questions and dialogues share."""

from __future__ import annotations

from typing import Any

from ...records import Answer, Dialogue, Message


def conversation(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return messages as data for a prompt."""
    return [{"role": m["role"], "text": m["content"]} for m in messages]


def answer_of(reply: dict[str, Any]) -> Answer:
    """Return a stored reply (a dict of the ANSWER schema) as an Answer. Its author is hashed
    already and would be hashed again: it is left out."""
    return Answer(**{k: v for k, v in reply.items() if k != "author"})


def dialogue(
    record: dict[str, Any],
    key: str,
    messages: list[dict[str, str]],
    candidates: list[Answer],
    origin: str,
    metadata: dict[str, str],
) -> Dialogue:
    """Return a dialogue that keeps its parent's domain, department and keyphrases."""
    return Dialogue(
        key,
        [Message(m["role"], m["content"], m.get("reasoning_content")) for m in messages],
        candidates,
        department=record["department"],
        keyphrases=record["keyphrases"],
        domain=record["domain"],
        origin=origin,
        metadata=metadata,
    )

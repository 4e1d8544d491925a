"""ShareGPT: conversations of human and gpt turns; pairs; dataset_info.json for LLaMA-Factory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..rows import Refusal
from . import factory, talks
from .talks import Forms, Line, Message, Pair
from .writing import Exported

CONFIGS = ("sft", "preference")
TRIED = factory.TRIED
_FROM = {"user": "human", "assistant": "gpt"}
_COLUMNS = {"messages": "conversations", "system": "system"}
_ENTRIES: dict[str, dict[str, Any]] = {
    "sft": {"formatting": "sharegpt", "columns": _COLUMNS},
    "preference": {
        "formatting": "sharegpt",
        "ranking": True,
        "columns": {**_COLUMNS, "chosen": "chosen", "rejected": "rejected"},
    },
}


def convert(name: str, row: dict[str, Any]) -> Iterator[Line | Refusal]:
    """Yield the line of a conversation or a pair."""
    return factory.lines(name, row, _FORMS)


def _talk(messages: list[Message]) -> Iterator[Line]:
    system, turns = talks.parted(messages)
    yield {"conversations": [_turn(m) for m in turns], "system": system}


def _pair(pair: Pair) -> Iterator[Line]:
    system, turns = talks.parted(pair.prompt)
    yield {
        "conversations": [_turn(m) for m in turns],
        "chosen": _turn(talks.reply(pair.chosen)),
        "rejected": _turn(talks.reply(pair.rejected)),
        "system": system,
    }


def _turn(message: Message) -> Message:
    return {"from": _FROM[message["role"]], "value": message["content"]}


_FORMS: Forms = {"sft": _talk, "preference": _pair}


def finish(folder: Path, files: list[Exported]) -> None:
    """Write ``dataset_info.json``."""
    factory.write_info(folder, files, _ENTRIES)

"""Alpaca: instruction, input, output and history; pairs; dataset_info.json for LLaMA-Factory."""

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
_COLUMNS = {"prompt": "instruction", "query": "input", "system": "system", "history": "history"}
_ENTRIES: dict[str, dict[str, Any]] = {
    "sft": {"columns": {**_COLUMNS, "response": "output"}},
    "preference": {
        "ranking": True,
        "columns": {**_COLUMNS, "chosen": "chosen", "rejected": "rejected"},
    },
}


def convert(name: str, row: dict[str, Any]) -> Iterator[Line | Refusal]:
    """Yield the line of a conversation or a pair."""
    return factory.lines(name, row, _FORMS)


def _talk(messages: list[Message]) -> Iterator[Line]:
    yield {**_asked(messages[:-1]), "output": messages[-1]["content"]}


def _pair(pair: Pair) -> Iterator[Line]:
    yield {**_asked(pair.prompt), "chosen": pair.chosen, "rejected": pair.rejected}


def _asked(prompt: list[Message]) -> Line:
    """Return a prompt: the user's last words, and the turns before as questions with replies."""
    system, turns = talks.parted(prompt)
    said = [m["content"] for m in turns]
    history = [list(both) for both in zip(said[:-1:2], said[1::2], strict=True)]
    return {"instruction": said[-1], "input": "", "system": system, "history": history}


_FORMS: Forms = {"sft": _talk, "preference": _pair}


def finish(folder: Path, files: list[Exported]) -> None:
    """Write ``dataset_info.json``."""
    factory.write_info(folder, files, _ENTRIES)

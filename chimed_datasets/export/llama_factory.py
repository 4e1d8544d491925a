"""LLaMA-Factory: texts, conversations, pairs and single replies (KTO), with dataset_info.json."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..built import llama_factory
from ..rows import Refusal
from . import talks
from .talks import Forms, Line, Message, Pair
from .writing import Exported

CONFIGS = ("pretrain", "sft", "preference")
FILES = {"preference": ("preference", "kto")}
TRIED = "LLaMA-Factory 0.9.5"
_TURN_NUMBER = "{{idx}}"
"""What its templates put the number of a turn for, in a text of the user too."""


def convert(name: str, row: dict[str, Any]) -> Iterator[Line | Refusal]:
    """Yield the line of a document or conversation, that of a pair, or two single replies."""
    return talks.lines(name, row, _FORMS)


def _text(text: str) -> Iterator[Line]:
    yield {"text": text}


def _talk(messages: list[Message]) -> Iterator[Line | Refusal]:
    yield _numbered(messages) or {"messages": messages}


def _pair(pair: Pair) -> Iterator[Line | Refusal]:
    fault = _numbered(pair.prompt)
    if fault:
        yield fault
        return
    yield from _earlier(pair)
    yield {
        "messages": talks.bare(pair.prompt),
        "chosen": talks.reply(pair.chosen),
        "rejected": talks.reply(pair.rejected),
    }


def _single(pair: Pair) -> Iterator[Line | Refusal]:
    fault = _numbered(pair.prompt)
    if fault:
        yield fault
        return
    yield from _earlier(pair)
    for said, good in ((pair.chosen, True), (pair.rejected, False)):
        yield {"messages": [*talks.bare(pair.prompt), talks.reply(said)], "label": good}


def _numbered(messages: list[Message]) -> Refusal | None:
    if any(_TURN_NUMBER in m["content"] for m in messages if m["role"] == "user"):
        return Refusal("placeholder", _TURN_NUMBER)
    return None


def _earlier(pair: Pair) -> Iterator[Refusal]:
    """It takes traces off the prompts of pairs: said, and left out of the file."""
    if pair.prompt != talks.bare(pair.prompt):
        yield Refusal("prompt_trace", "the trace of an earlier reply")


_FORMS: Forms = {"pretrain": _text, "sft": _talk, "preference": _pair, "kto": _single}


def finish(folder: Path, files: list[Exported]) -> None:
    """Write ``dataset_info.json``: an entry a file, of the file's name."""
    entries = {
        Path(file.file).stem: {"file_name": file.file, **llama_factory.FORMS[file.name]}
        for file in files
    }
    (folder / llama_factory.FILE).write_text(llama_factory.text(entries), "utf-8")

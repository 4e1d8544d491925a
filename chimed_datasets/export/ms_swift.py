"""ms-swift: texts, conversations, pairs with a rejected_response, and single replies (KTO)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..rows import Refusal
from . import talks
from .talks import Forms, Line, Message, Pair, Single
from .writing import Exported

CONFIGS = ("pretrain", "sft", "preference", "unpaired")
FILES = {"preference": ("preference", "kto")}
TRIED = "ms-swift 4.6.0"
_PLACEHOLDER = re.compile(r"\{\{(?:SYSTEM|QUERY|RESPONSE|ROUND[01])\}\}|<img>")
"""What it puts something else for, wherever it stands in a text."""


def convert(name: str, row: dict[str, Any]) -> Iterator[Line | Refusal]:
    """Yield the line of a document or conversation, that of a pair, or two single replies."""
    return talks.lines(name, row, _FORMS)


def _talk(messages: list[Message]) -> Iterator[Line | Refusal]:
    yield _placed(messages) or {"messages": messages}


def _pair(pair: Pair) -> Iterator[Line | Refusal]:
    talk = [*pair.prompt, talks.reply(pair.chosen)]
    fault = _placed([*talk, talks.reply(pair.rejected)])
    yield fault or {"messages": talk, "rejected_response": pair.rejected}


def _singles(pair: Pair) -> Iterator[Line | Refusal]:
    for single in talks.singles(pair):
        yield from _single(single)


def _single(single: Single) -> Iterator[Line | Refusal]:
    talk = [*single.prompt, talks.reply(single.said)]
    yield _placed(talk) or {"messages": talk, "label": single.good}


def _placed(messages: list[Message]) -> Refusal | None:
    for message in messages:
        found = _PLACEHOLDER.search(message["content"])
        if found:
            return Refusal("placeholder", found[0])
    return None


_FORMS: Forms = {
    "pretrain": talks.text_line,
    "sft": _talk,
    "preference": _pair,
    "kto": _singles,
    "unpaired": _single,
}


def finish(folder: Path, files: list[Exported]) -> None:
    """Write ``dataset_info.json``, for ``--custom_dataset_info``: a name for each file."""
    told = [{"dataset_name": Path(f.file).stem, "dataset_path": f.file} for f in files]
    (folder / "dataset_info.json").write_text(json.dumps(told, indent=2) + "\n", "utf-8")

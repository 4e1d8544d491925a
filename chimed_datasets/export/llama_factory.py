"""LLaMA-Factory: texts, conversations, pairs and single replies (KTO), with dataset_info.json."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..built import llama_factory
from ..rows import Refusal
from . import factory, talks
from .talks import Forms, Line, Pair, Single
from .writing import Exported

CONFIGS = ("pretrain", "sft", "preference", "unpaired")
FILES = {"preference": ("preference", "kto")}
TRIED = factory.TRIED


def convert(name: str, row: dict[str, Any]) -> Iterator[Line | Refusal]:
    """Yield the line of a document or conversation, that of a pair, or two single replies."""
    return factory.lines(name, row, _FORMS)


def _singles(pair: Pair) -> Iterator[Line]:
    for single in talks.singles(pair):
        yield from _single(single)


def _single(single: Single) -> Iterator[Line]:
    yield {"messages": [*single.prompt, talks.reply(single.said)], "label": single.good}


_FORMS: Forms = {
    "pretrain": talks.text_line,
    "sft": talks.talk_line,
    "preference": talks.pair_line,
    "kto": _singles,
    "unpaired": _single,
}


def finish(folder: Path, files: list[Exported]) -> None:
    """Write ``dataset_info.json``."""
    factory.write_info(folder, files, llama_factory.FORMS)

"""Axolotl: texts (completion), conversations (chat_template) and pairs (chat_template.default)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..rows import Refusal
from . import talks
from .talks import Forms, Line

CONFIGS = ("pretrain", "sft", "preference")


def convert(name: str, row: dict[str, Any]) -> Iterator[Line | Refusal]:
    """Yield the line of a document, a conversation or a pair."""
    return talks.lines(name, row, _FORMS)


_FORMS: Forms = {"pretrain": talks.text_line, "sft": talks.talk_line, "preference": talks.pair_line}

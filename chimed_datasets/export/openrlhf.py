"""OpenRLHF: texts, conversations, and pairs of whole conversations, for --apply_chat_template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..rows import Refusal
from . import talks
from .talks import Forms, Line, Pair

CONFIGS = ("pretrain", "sft", "preference")


def convert(name: str, row: dict[str, Any]) -> Iterator[Line | Refusal]:
    """Yield the line of a document, a conversation or a pair."""
    return talks.lines(name, row, _FORMS)


def _pair(pair: Pair) -> Iterator[Line]:
    yield {
        "chosen": [*pair.prompt, talks.reply(pair.chosen)],
        "rejected": [*pair.prompt, talks.reply(pair.rejected)],
    }


_FORMS: Forms = {"pretrain": talks.text_line, "sft": talks.talk_line, "preference": _pair}

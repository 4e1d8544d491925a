"""TRL's KTOTrainer: prompt, completion and label; a pair gives two lines, an unpaired reply one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..rows import Refusal
from . import talks
from .talks import Line, Pair, Single

CONFIGS = ("preference", "unpaired")
FILES = {"preference": ("kto",)}
TRIED = "TRL 1.16"


def convert(name: str, row: dict[str, Any]) -> Iterator[Line | Refusal]:
    """Yield a line for each reply."""
    return talks.lines(name, row, {"kto": _singles, "unpaired": _single})


def _singles(pair: Pair) -> Iterator[Line]:
    for single in talks.singles(pair):
        yield from _single(single)


def _single(single: Single) -> Iterator[Line]:
    reply = [talks.reply(single.said)]
    yield {"prompt": single.prompt, "completion": reply, "label": single.good}

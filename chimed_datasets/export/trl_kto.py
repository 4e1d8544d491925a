"""TRL's KTOTrainer: prompt, completion and label; a pair gives two lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..rows import Refusal
from . import talks
from .talks import Line, Pair

CONFIGS = ("preference",)
FILES = {"preference": ("kto",)}
TRIED = "TRL 1.16"


def convert(name: str, row: dict[str, Any]) -> Iterator[Line | Refusal]:
    """Yield a line for each reply of a pair."""
    return talks.lines(name, row, {"kto": _single})


def _single(pair: Pair) -> Iterator[Line]:
    for said, good in ((pair.chosen, True), (pair.rejected, False)):
        yield {"prompt": pair.prompt, "completion": [talks.reply(said)], "label": good}

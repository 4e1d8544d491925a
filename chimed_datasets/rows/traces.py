"""Checks of reasoning traces."""

from __future__ import annotations

from typing import NamedTuple


class Flag(NamedTuple):
    flag: str
    reason: str


def flags(reasoning: str, reply: str, question: str = "") -> list[Flag]:
    return []

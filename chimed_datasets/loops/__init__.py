"""The loops over characters that take most of a build's time, compiled where that could be done.

Stages ask :func:`compiled` for them, and do the same in NumPy where it returns None: with one and
with the other every byte of a build is the same.
"""

from .calls import (
    ABSENT,
    BREAK,
    EDGE,
    KIND,
    NESTED,
    NULL,
    OTHER,
    SIGN,
    TEXT,
    WHOLE,
    WIDEST,
    Loops,
    compiled,
    switched,
)
from .library import SETTING, state

__all__ = [
    "ABSENT",
    "BREAK",
    "EDGE",
    "KIND",
    "NESTED",
    "NULL",
    "OTHER",
    "SETTING",
    "SIGN",
    "TEXT",
    "WHOLE",
    "WIDEST",
    "Loops",
    "compiled",
    "state",
    "switched",
]

"""Patterns that are compiled when they are first used: a process may never need the long ones."""

from __future__ import annotations

import re
from typing import Any, cast


class _Pattern:
    def __init__(self, source: str) -> None:
        self._source = source

    def __getattr__(self, name: str) -> Any:
        value = getattr(re.compile(self._source), name)
        setattr(self, name, value)  # the next use finds it here
        return value


def pattern(source: str) -> re.Pattern[str]:
    """As re.compile, but the work, and ``re.error``, come with the first use."""
    return cast("re.Pattern[str]", _Pattern(source))

"""Long patterns, compiled when they are first used: not every process meets a text that asks."""

from __future__ import annotations

import re
from typing import Any, cast


class _Pattern:
    def __init__(self, source: str, flags: int) -> None:
        self._source, self._flags = source, flags

    __class__ = re.Pattern  # type: ignore[assignment]  # for isinstance

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(self._source, self._flags)
        # From now on they are found without this function.
        vars(self).update((n, getattr(compiled, n)) for n in dir(compiled) if n[0] != "_")
        return getattr(compiled, name)


_ALL: list[re.Pattern[str]] = []


def pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """As re.compile; the work, and ``re.error``, come with the first use."""
    found = cast("re.Pattern[str]", _Pattern(source, flags))
    _ALL.append(found)
    return found


def warm() -> None:
    """Compile all patterns of the modules that are imported by now."""
    for one in _ALL:
        _ = one.pattern

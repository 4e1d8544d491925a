"""What docstrings tell of keys, for the reference of recipes and for editors."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from typing import Any

_MEANING = re.compile(r"(?P<tick>`{2}|)(\w+(?:, \w+)*)(?P=tick)(?::\s+|\s{2,}|$)(.*)")
_ASIDE = re.compile(r"^[^.]*; see the module\.|; see :func:`_\w+`")


def doc(owner: Any) -> str:
    """Return a docstring without what it says to readers of the code alone."""
    return _ASIDE.sub("", inspect.getdoc(owner) or "").lstrip()


def explained(text: str, keys: Collection[str]) -> tuple[str, dict[str, str]]:
    """Part a docstring into its prose and what it tells of each of ``keys``."""
    prose: list[str] = []
    meanings: dict[str, list[str]] = {}
    current: list[str] | None = None
    flowing = False
    for line in text.splitlines():
        match = _MEANING.fullmatch(line)
        if match and set(names := match[2].split(", ")) <= set(keys):
            current, flowing = meanings.setdefault(names[0], []), bool(match[1])
            current.append(match[3])
            meanings.update({name: [f"See ``{names[0]}``."] for name in names[1:]})
        elif current is not None and (line.startswith(" ") or (flowing and line)):
            current.append(line.strip())
        else:
            current = None
            prose.append(line)
    return "\n".join(prose), {name: " ".join(filter(None, said)) for name, said in meanings.items()}

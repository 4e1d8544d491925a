"""An extension of griffe: docstrings as they are written here become Markdown.

mkdocstrings would leave a Sphinx role (:class:`Recipe`) as it is written, run the lines of a list
of keys ("name: what it means") together, and take the prompt of an example for a quotation.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":\w+:`~?[\w.]*?(\w+)`")
_KEY = re.compile(r"(\w+(?:, \w+)*):\s+(\S.*)")


class Plain(griffe.Extension):
    """Roles become code, lists of keys become lists, examples become blocks of code."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(text: str) -> str:
    """Return a docstring as Markdown.

    >>> print(markdown("A :class:`.x.Y`.\\n\\nname: of it,\\n      in a word\\nseed: a number"))
    A `Y`.
    <BLANKLINE>
    - `name`: of it, in a word
    - `seed`: a number
    >>> markdown(">>> 1 + 1\\n2")
    '```pycon\\n>>> 1 + 1\\n2\\n```'
    """
    return "\n\n".join(map(_block, _ROLE.sub(r"`\1`", text).split("\n\n")))


def _block(text: str) -> str:
    if text.startswith(">>> "):
        return f"```pycon\n{text}\n```"
    lines: list[str] = []
    for line in text.splitlines():
        if found := _KEY.fullmatch(line):
            lines.append(f"- `{found[1]}`: {found[2]}")
        elif lines and line.startswith(" "):
            lines[-1] += f" {line.strip()}"
        else:
            return text  # prose, or something laid out in another way
    return "\n".join(lines)

"""An extension of griffe: Sphinx roles of docstrings (:class:`Recipe`) become code (`Recipe`)."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":\w+:`~?[\w.]*?(\w+)`")


class Roles(griffe.Extension):
    """mkdocstrings reads Markdown, in which a role would stay as it is written."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = _ROLE.sub(r"`\1`", obj.docstring.value)

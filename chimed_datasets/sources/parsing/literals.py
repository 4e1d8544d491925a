"""Nearly JSON: Python dicts are read, within bounds; for the rest, words on what is wrong."""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from typing import Any

MAX_CHARS = 4 * 1024 * 1024
"""A Python dict with more characters is not read."""
MAX_TOKENS = 100_000
"""Nor one with more names, values and brackets: each takes some hundred bytes while it is read."""
MAX_DEPTH = 50
_PYTHON = re.compile(r"'|(?:None|True|False|nan|inf)\b|[urbURB]{1,2}['\"]|\(")
_TOKEN = re.compile(
    r"'[^'\\]*(?:\\.[^'\\]*)*'|\"[^\"\\]*(?:\\.[^\"\\]*)*\"|[\[\](){},:]|['\"]", re.S
)
_COMMENT = re.compile(r"\s*(?://|/\*|#)")
_NAMES = {"null": None, "true": True, "false": False, "nan": math.nan, "NaN": math.nan,
          "inf": math.inf}  # fmt: skip

UNFINISHED: tuple[Any, int] = (None, -1)
"""What :func:`read` returns where the text ends before the dict does."""


def read(text: str, at: int, error: Exception) -> tuple[dict[str, Any], int] | None:
    """Return the Python dict that begins at ``text[at]``, and where it ends; None where there is
    none, or one past the bounds, and :data:`UNFINISHED` where the text is too short.

    error: what JSON's reader says of it.
    """
    if not text.startswith("{", at) or not isinstance(error, json.JSONDecodeError):
        return None
    if not _PYTHON.match(text, error.pos):
        return None
    end = _end(text, at)
    if end is None or end < 0:
        return None if end is None else UNFINISHED
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that are none
            tree = ast.parse(text[at:end], mode="eval")
            value = ast.literal_eval(_Named().visit(tree))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    if not isinstance(value, dict):
        return None
    return {name if isinstance(name, str) else str(name): v for name, v in value.items()}, end


class _Named(ast.NodeTransformer):
    """Puts values in place of the names that JSON and tables have for them."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Constant(_NAMES[node.id]) if node.id in _NAMES else node


def _end(text: str, at: int) -> int | None:
    """Return where the brackets that open at ``text[at]`` are closed; -1 where they are not, None
    past the bounds."""
    depth = 0
    for tokens, token in enumerate(_TOKEN.finditer(text, at), 1):
        letter = token[0]
        if letter in "'\"":
            return -1 if len(text) - at <= MAX_CHARS else None  # a text that does not end
        if letter in "[({":
            depth += 1
        elif letter in "])}":
            depth -= 1
        if depth == 0:
            return token.end() if token.end() - at <= MAX_CHARS else None
        if depth > MAX_DEPTH or tokens > MAX_TOKENS or token.end() - at > MAX_CHARS:
            return None
    return -1


def why(text: str, at: int) -> str:
    """Return " (…)" on what no JSON has at ``text[at]``, "" where it is none of the usual."""
    if text.startswith("'", at):
        return " (single quotes, as in a Python dict; JSON has double quotes)"
    if _PYTHON.match(text, at) and not text.startswith("(", at):
        return " (a word of Python; JSON has null, true and false)"
    if _COMMENT.match(text, at):
        return " (a comment, which JSON has not)"
    before = text[max(0, at - 20) : at].rstrip()
    if text[at : at + 1] in ("}", "]") and before.endswith(","):
        return " (a comma before the closing bracket)"
    return ""

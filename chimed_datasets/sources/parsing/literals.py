"""Nearly JSON: Python dicts are read, within bounds; for the rest, words on what is wrong."""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from typing import Any, NamedTuple

MAX_CHARS = 1024 * 1024
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


class Read(NamedTuple):
    """value: the dict, None where there is none. end: where it ends, or how far it was looked for;
    -1 where the text ends before the dict does."""

    value: dict[str, Any] | None
    end: int


def read(text: str, at: int, error: Exception) -> Read:
    """Return the Python dict that begins at ``text[at]``, if one does.

    error: what JSON's reader says of it.
    """
    if not text.startswith("{", at) or not isinstance(error, json.JSONDecodeError):
        return Read(None, at)
    if not _PYTHON.match(text, error.pos):
        return Read(None, at)
    end, whole = _end(text, at)
    value = _evaluated(text[at:end]) if whole else None
    if not isinstance(value, dict):
        return Read(None, end)
    return Read({n if isinstance(n, str) else str(n): v for n, v in value.items()}, end)


def value(text: str) -> Any:
    """Return the list or dict that ``text`` is in Python's spelling, within the same bounds; None
    where it is none."""
    end, whole = _end(text, 0)
    made = _evaluated(text) if whole and end == len(text) else None
    return made if isinstance(made, (list, dict)) else None


def _evaluated(text: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that are none
            return ast.literal_eval(_Named().visit(ast.parse(text, mode="eval")))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def may_begin(text: str, at: int) -> bool:
    """Whether what no JSON has at ``text[at]`` is a Python value's."""
    return _PYTHON.match(text, at) is not None


class _Named(ast.NodeTransformer):
    """Puts values in place of the names that JSON and tables have for them."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Constant(_NAMES[node.id]) if node.id in _NAMES else node


def _end(text: str, at: int) -> tuple[int, bool]:
    """Return where the brackets that open at ``text[at]`` are closed, and True; -1 and False where
    the text ends before; False and how far they were followed, past the bounds."""
    depth = end = 0
    for tokens, token in enumerate(_TOKEN.finditer(text, at), 1):
        letter, end = token[0], token.end()
        if letter in "'\"":  # a text that does not end
            break
        if letter in "[({":
            depth += 1
        elif letter in "])}":
            depth -= 1
        if depth == 0 and end - at <= MAX_CHARS:
            return end, True
        if depth > MAX_DEPTH or tokens > MAX_TOKENS or end - at > MAX_CHARS:
            return end, False
    return (-1 if len(text) - at <= MAX_CHARS else at + MAX_CHARS), False


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

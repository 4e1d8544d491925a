"""Workbook: a sheet a file, to read and to filter in a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..rows import Refusal, Row

WRITES = "xlsx"
TRIED = "openpyxl 3.1"
CELL = 32_767
"""UTF-16 units that a cell holds."""
_SPEAKERS = {"system": "系统", "user": "患者", "assistant": "医生"}


def convert(name: str, row: dict[str, Any]) -> Iterator[dict[str, str] | Refusal]:
    """Yield the row as texts: conversations as they would be read, nested columns as JSON."""
    line = {}
    for column, value in _columns(name, row):
        text = _text(value)
        line[column] = _cut(text)
        if line[column] != text:
            yield Refusal("cell_cut", f"{column}: {len(text):,} characters")
    yield line


def _columns(name: str, row: Row) -> Iterator[tuple[str, Any]]:
    """Yield the columns: what is read stands before what is known of it."""
    yield "id", row["id"]
    if name == "sft":
        *asked, reply = row["messages"] or [{"content": ""}]
        yield "question", _talk(asked)
        yield "reasoning", reply.get("reasoning_content")
        yield "reply", reply["content"]
    elif name in _SIDES:
        yield from ((side, _talk(row[side])) for side in _SIDES[name])
    shown = {"id", *(["messages"] if name == "sft" else _SIDES.get(name, ()))}
    yield from ((column, value) for column, value in row.items() if column not in shown)


_SIDES = {"preference": ("prompt", "chosen", "rejected"), "unpaired": ("prompt", "completion")}


def _talk(messages: list[Row]) -> str:
    """Return messages as one text; more than one begin with who speaks."""
    told = []
    for message in messages:
        trace = message.get("reasoning_content")
        content = f"（思考：{trace}）\n{message['content']}" if trace else message["content"]
        speaker = _SPEAKERS.get(message["role"], message["role"])
        told.append(f"{speaker}：{content}" if len(messages) > 1 else content)
    return "\n\n".join(told)


def _text(value: Any) -> str:
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _cut(text: str) -> str:
    """Return as much of a text as a cell holds."""
    if len(text) * 2 <= CELL:
        return text
    units = text.encode("utf-16-le")
    return text if len(units) <= 2 * CELL else units[: 2 * CELL].decode("utf-16-le", "ignore")

"""verl: Parquet with messages for fine-tuning, and with prompt and ground truth for RL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from ..rows import Refusal
from . import talks
from .talks import Line, Message

CONFIGS = ("sft",)
FILES = {"sft": ("sft", "rl")}
WRITES = "parquet"
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
SCHEMAS = {
    "sft": pa.schema([("messages", _MESSAGES)]),
    "rl": pa.schema(
        [
            ("data_source", pa.string()),
            ("prompt", _MESSAGES),
            ("ability", pa.string()),
            ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
            ("extra_info", pa.struct([("id", pa.string())])),
        ]
    ),
}


def convert(name: str, row: dict[str, Any]) -> Iterator[Line | Refusal]:
    """Yield a conversation, or its last reply as the ground truth of the turns before it."""
    if name == "sft":
        return talks.lines(name, row, {"sft": talks.talk_line})
    return talks.lines(name, row, {"rl": lambda messages: _task(messages, row)})


def _task(messages: list[Message], row: dict[str, Any]) -> Iterator[Line]:
    truth = talks.without_trace(messages[-1]["content"])
    yield {
        "data_source": row["source"],
        "prompt": messages[:-1],
        "ability": "medical",
        "reward_model": {"style": "rule", "ground_truth": truth},
        "extra_info": {"id": row["id"]},
    }

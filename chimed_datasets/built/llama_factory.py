"""``dataset_info.json``: what LLaMA-Factory needs to be told of data files.

An entry a file, by the file's name without its suffix. Tried with LLaMA-Factory 0.9.5
(``make trainers``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .manifest import Configs, Manifest
from .parquet import parquet_writer
from .statistics import Statistics

FILE = "dataset_info.json"

# All seven: one that is left out is unset, not defaulted, and its rows are dropped.
_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool_response",
    "function_tag": "tool_call",
    "system_tag": "system",
}
# "openai" would put words into the system prompt of every row.
_CHAT: Mapping[str, Any] = {"formatting": "sharegpt", "tags": _TAGS}
_KTO = {**_CHAT, "columns": {"messages": "messages", "kto_tag": "label"}}
FORMS: Mapping[str, Mapping[str, Any]] = {
    "pretrain": {"columns": {"prompt": "text"}},
    "sft": {**_CHAT, "columns": {"messages": "messages"}},
    "preference": {
        **_CHAT,
        "ranking": True,
        "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"},
    },
    "kto": _KTO,
    "unpaired": _KTO,
}
"""By the name of a file: its entry, but for where the file is."""


def text(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the file's content."""
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n"


INLINE = "sft-inline"
"""The folder with `sft` once more, where its traces are in a field of their own: that trainer reads
a trace only within the text. A file a split: id, and messages of role and content."""
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
    ]
)
_ROWS_AT_ONCE = 10_000


def thinks(statistics: Statistics) -> bool:
    """Whether `sft` has traces in a field of their own."""
    return "sft" in statistics and bool(statistics["sft"]["all"].get("reasoning_chars"))


def write_inline(folder: Path, configs: Configs, statistics: Statistics) -> list[Path]:
    """Write :data:`INLINE` for the data files in ``folder``, where it is needed; return its files.

    The rows are those of `sft`, in their order.
    """
    if not thinks(statistics):
        return []
    from ..rows.conversation import with_reasoning  # it loads `datasets`

    (folder / INLINE).mkdir()
    written = []
    for split, files in configs["sft"].items():
        written.append(folder / INLINE / f"{split}.parquet")
        with parquet_writer(written[-1], _SCHEMA) as writer:
            for entry in files:
                data = pq.ParquetFile(folder / entry["file"])
                for batch in data.iter_batches(_ROWS_AT_ONCE, columns=["id", "messages"]):
                    rows = [
                        {"id": row["id"], "messages": with_reasoning(row["messages"], "inline")}
                        for row in batch.to_pylist()
                    ]
                    writer.write_table(pa.Table.from_pylist(rows, _SCHEMA))
    return written


def of(manifest: Manifest, statistics: Statistics) -> str:
    """Return the file for a build's own data files, `pretrain` and `sft`, the latter as
    :func:`write_inline` wrote it where it has traces; "" where the trainer can read nothing."""
    return text(entries) if (entries := dict(_entries(manifest, statistics))) else ""


def _entries(manifest: Manifest, statistics: Statistics) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for config in ("pretrain", "sft"):
        for split, files in manifest["configs"].get(config, {}).items():
            place: dict[str, Any]
            if config == "sft" and thinks(statistics):
                place = {"file_name": f"{INLINE}/{split}.parquet"}
            elif len(files) == 1:
                place = {"file_name": files[0]["file"]}
            else:  # through the card, since a folder of shards would give all splits at once
                place = {"script_url": ".", "subset": config, "split": split}
            yield f"{config}-{split}", {**place, **FORMS[config]}


def write(folder: Path, manifest: Manifest, statistics: Statistics) -> None:
    """Write the file beside a build in ``folder``; take it away where there is nothing to tell."""
    content = of(manifest, statistics)
    if content:
        (folder / FILE).write_text(content, "utf-8")
    else:
        (folder / FILE).unlink(missing_ok=True)

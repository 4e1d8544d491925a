"""Questions: one line for each question, as a search index takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chimed_datasets.rows import Refusal

CONFIGS = ("sft", "titles")


def convert(config: str, row: dict[str, Any]) -> Iterator[dict[str, Any] | Refusal]:
    """Yield the question of a row that asks only once."""
    if config == "titles":
        yield {"id": row["id"], "question": row["question"]}
        return
    asked = [message["content"] for message in row["messages"] if message["role"] == "user"]
    if len(asked) == 1:
        yield {"id": row["id"], "question": asked[0]}
    else:
        yield Refusal("several_turns", f"{len(asked)} questions")


def finish(folder: Path, files: list[Any]) -> None:
    """Write what stands where."""
    told = {file.file: file.lines for file in files}
    (folder / "index.json").write_text(json.dumps(told), "utf-8")

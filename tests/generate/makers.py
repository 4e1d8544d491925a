"""Documents and requests for the tests: Chinese enough for the stages, each unlike the rest."""

from __future__ import annotations

import json
from pathlib import Path

from chimed_datasets.generate.asking import schema_of
from chimed_datasets.generate.exchange import Request
from chimed_datasets.generate.models import Model
from chimed_datasets.generate.tasks import task
from tests.common.text import prose


def write_documents(path: Path, rows: int) -> None:
    """Write ``rows`` documents of 121 characters as JSON Lines."""
    with path.open("w", encoding="utf-8") as file:
        for i in range(rows):
            row = {"id": i, "title": f"药{i}", "text": prose(i, 120)}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def request(number: int, model: Model | None = None, words: str = "") -> Request:
    """Return a request that the server of the tests can answer."""
    data = {"title": f"药{number}{words}", "passage": prose(number, 40)}
    return Request(
        model or Model(name="m", model="x", max_tokens=100),
        (
            {"role": "system", "content": "出题"},
            {"role": "user", "content": json.dumps(data, ensure_ascii=False)},
        ),
        "test/1/0",
        schema_of(task("qa_from_document").output),
    )

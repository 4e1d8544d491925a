"""Documents and requests for the tests: Chinese enough for the stages, each unlike the rest."""

from __future__ import annotations

import json
import random
from pathlib import Path

from chimed_datasets.generate.asking import schema_of
from chimed_datasets.generate.exchange import Request
from chimed_datasets.generate.models import Model
from chimed_datasets.generate.tasks import task

CHARACTERS = (
    "心肝脾肺肾胃胆肠痛热寒湿燥火风痰血气虚实表里阴阳汤散丸膏针灸脉舌苔汗吐下和温清补消药方煎煮"
)


def prose(seed: int, length: int) -> str:
    """Return Chinese text that no other seed's text is near."""
    draw = random.Random(seed)
    return "".join(draw.choice(CHARACTERS) for _ in range(length)) + "。"


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

"""Small sources that most stages leave as they are, and a recipe over them."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.common.files import write_jsonl
from tests.common.text import prose


def page(number: int, adopted: tuple[str, ...] = ("True", "False"), **more: object) -> dict:
    """One page of the platform layout, with an answer for each mark in ``adopted``."""
    answers = [
        {"mid": f"m{number}-{k}", "adopted": mark, "answer": prose(1000 * number + k, 40 + k)}
        for k, mark in enumerate(adopted)
    ]
    return {
        "id": f"p{number}",
        "department": "内科>心血管科" if number % 2 else "儿科",
        "title": prose(500_000 + number, 12),
        "question_content": prose(700_000 + number, 30),
        "labels": "头痛\t发热",
        "answers": answers,
        **more,
    }


def recipe(folder: Path, pages: str = "mit", **more: object) -> Path:
    """Write three small sources and a recipe over them; ``pages`` is the licence of one."""
    write_jsonl(folder / "docs.jsonl", [{"id": i, "text": prose(i, 80)} for i in range(40)])
    twin = {**page(3), "id": "copy"}
    write_jsonl(folder / "pages.jsonl", [*(page(i) for i in range(60)), twin, "not a page"])
    ranked = [
        {
            "instruction": prose(90_000 + i, 20),
            "output": [prose(91_000 + 10 * i + k) for k in range(3)],
        }
        for i in range(30)
    ]
    write_jsonl(folder / "ranked.jsonl", ranked)
    sources = [
        {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "cc0-1.0",
         "domain": "tcm", "kind": "document", "fields": {"text": "text"}},
        {"name": "pages", "layout": "chimed_pages", "path": "pages.jsonl", "license": pages},
        {"name": "ranked", "layout": "ranked", "path": "ranked.jsonl", "license": "apache-2.0"},
    ]  # fmt: skip
    content = {"name": "small", "sources": sources, **more}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path

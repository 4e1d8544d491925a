"""What a crawl leaves in its folder, written from its state whenever a run ends.

threads.jsonl   pages with a question and answers, for the layout `chimed_pages`
articles.jsonl  pages with one text, for the layout `jsonl`
ledger.jsonl    every address that gave no record: reason and evidence
recipe.yaml     the sources of a recipe over these, with licence and domain
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from ..sources.site.site_file import ArticlePage, Site
from .frontier import Frontier

FILES = {"thread": "threads.jsonl", "article": "articles.jsonl"}


def export(frontier: Frontier, site: Site, folder: Path) -> dict[str, int]:
    """Write the files of the module into ``folder``; return the number of rows by kind."""
    rows = {
        kind: _write(
            folder / name,
            ({"id": row_id(key), "url": url, **row} for key, url, row in frontier.rows(kind)),
        )
        for kind, name in FILES.items()
    }
    for kind, count in rows.items():
        if not count:
            (folder / FILES[kind]).unlink()
    _write(folder / "ledger.jsonl", frontier.without_record())
    if any(rows.values()):
        text = yaml.safe_dump(recipe(site, rows), allow_unicode=True, sort_keys=False)
        _replace(folder / "recipe.yaml", [text])
    return rows


def row_id(key: str) -> str:
    """Return the id of a page's row: 64 bits over its canonical address."""
    return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()


def recipe(site: Site, rows: dict[str, int]) -> dict[str, Any]:
    """Return a recipe over what was collected."""
    sources: list[dict[str, Any]] = []
    common = {"license": site.terms, "domain": site.domain}
    if rows["thread"]:
        sources.append(
            {"name": f"{site.name}-threads", "layout": "chimed_pages", "path": FILES["thread"]}
            | common
        )
    if rows["article"]:
        more = {name: None for p in site.pages if isinstance(p, ArticlePage) for name in p.metadata}
        names = ["title", "text", "permission", *more]
        sources.append(
            {"name": f"{site.name}-articles", "layout": "jsonl", "path": FILES["article"]}
            | common
            | {"kind": "document", "fields": {name: name for name in names}}
        )
    return {"name": site.name, "sources": sources}


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    count = 0

    def lines() -> Iterable[str]:
        nonlocal count
        for row in rows:
            count += 1
            yield json.dumps(row, ensure_ascii=False) + "\n"

    _replace(path, lines())
    return count


def _replace(path: Path, lines: Iterable[str]) -> None:
    """A reader sees the old file or the new one, never half of it."""
    partial = path.with_suffix(path.suffix + ".partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        # Lone surrogates, from broken pages, have no UTF-8 form.
        file.writelines(line.encode("utf-8", "replace").decode() for line in lines)
    os.replace(partial, path)

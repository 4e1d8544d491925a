"""A folder in which commands are typed."""

from __future__ import annotations

from pathlib import Path

import yaml

from chimed_datasets import build, load_recipe
from tests.common.files import write_jsonl
from tests.common.text import prose


def shop_in(folder: Path) -> Path:
    """Make a build in ``folder``, and all that is no build: a file, a folder, bytes, a recipe."""
    write_jsonl(folder / "docs.jsonl", [{"text": prose(n, 60)} for n in range(5)])
    source = {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "mit"}
    (folder / "r.yaml").write_text(yaml.safe_dump({"name": "small", "sources": [source]}))
    (folder / "dir").mkdir()
    (folder / "dir" / "own.txt").write_text("x")
    (folder / "file").write_text("x")
    (folder / "bytes").write_bytes(bytes(range(256)))
    build(load_recipe(folder / "r.yaml"), folder / "b", progress=False)
    return folder

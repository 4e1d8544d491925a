"""The guest package of tests/guests, installed; and a recipe that uses what it brings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from tests.common.files import write_jsonl
from tests.common.text import prose

PACKAGE = Path(__file__).resolve().parents[1] / "guests"
FORUM = f"""# 头痛三天
请问头痛三天怎么办？{prose(1)}
> {prose(2)}

# 没有回答
请问有人吗？

# 胃痛
请问胃痛吃什么？{prose(3)}
> 加微信进群领药。{prose(4)}

# 失眠
请问失眠怎么办？{prose(5)}
> 王小明大夫说：{prose(6)}
"""


def install(folder: Path) -> Path:
    """Install the guest package into ``folder``, as pip does; return the folder."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    tree = folder / "tree"
    for path in PACKAGE.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and "egg-info" not in str(path):
            place = tree / path.relative_to(PACKAGE)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    site = folder / "site"
    subprocess.run([*command, "--target", str(site), str(tree)], check=True)
    return site


def recipe(folder: Path, **more: object) -> dict:
    """Write the sources of a recipe that names the guests by their entry points; return it."""
    (folder / "talk.forum").write_text(FORUM, "utf-8")
    write_jsonl(folder / "docs.jsonl", [{"id": i, "text": prose(100 + i, 80)} for i in range(8)])
    return {
        "name": "guests",
        "sources": [
            {"name": "talk", "layout": "forum", "path": "talk.forum", "license": "cc0-1.0",
             "department": "内科"},
            {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "cc0-1.0",
             "kind": "document", "fields": {"text": "text"}},
        ],
        "stages": {"phrases": {"phrases": ["进群领药"]}, "names": {"names": ["王小明"]}},
        "builders": {"titles": {"least": 2}},
        **more,
    }  # fmt: skip


def written(folder: Path, content: dict) -> Path:
    """Write a recipe to ``folder``; return its path."""
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path

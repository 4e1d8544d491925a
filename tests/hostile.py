"""A small build whose texts would break a page or a card that took them for more than text."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from chimed_datasets import build, load_recipe, open_built
from chimed_datasets.built.dataset import Built
from tests.common.files import write_jsonl
from tests.common.sources import page
from tests.common.text import prose

HOSTILE = [
    "<script>window.broken = 'script'</script>",
    "</script><script>window.broken = 'end of script'</script>",
    "<!-- <script>",
    "<img src=x onerror=\"window.broken = 'img'\">",
    "<svg/onload=window.broken=1>",
    "<style>body { display: none }</style>",
    "&lt;b&gt; &amp; &#60;",
    "{{ 7 * 7 }}{% raw %}",
    "'; window.broken = 1; // \" ` ${window.broken = 1} \\",
    "---\nlicense: mit\n---\n# A heading",
    "[a link](javascript:alert(1)) | a bar | `code` *stars*",
    "line\u2028and\u2029paragraph",
    "__proto__ constructor",
]
"""Texts that end a script, are HTML, YAML, Markdown or a template, or end a line of JavaScript."""


def hostile(number: int) -> str:
    """Return one of the texts in a document that no stage drops."""
    return f"{prose(40_000 + number, 30)} {HOSTILE[number % len(HOSTILE)]} {prose(50_000 + number, 30)}"


def sources(folder: Path) -> list[dict]:
    """Write sources of every kind with hostile texts in them; return a recipe's entries."""
    documents = [{"id": i, "text": prose(i, 80), "title": f"书{i}"} for i in range(40)]
    documents += [
        {"id": f"h{k}", "text": hostile(k), "title": text} for k, text in enumerate(HOSTILE)
    ]
    documents += [{"id": "<b>id</b>", "text": text} for text in ("短", "")]
    documents += [{"id": "mask", "text": f"{prose(77, 60)} 请拨打13912345678咨询头痛门诊。"}]
    foreign = " ".join(["fever cough pain"] * 12)
    documents.append({"id": "foreign", "text": f"太陽病，發熱汗出。{foreign}"})
    near = prose(88, 60)
    documents += [{"id": f"near-{sign}", "text": f"{near}{sign}{near[::-1]}"} for sign in "呢吧"]
    write_jsonl(folder / "docs.jsonl", documents)
    rows = [page(i) for i in range(60)]
    for k, text in enumerate(HOSTILE):
        rows[k]["title"] += text
        rows[k]["department"] = text.replace("\n", " ")
        rows[k]["answers"][0]["answer"] += text
    write_jsonl(folder / "pages.jsonl", [*rows, {**rows[3], "id": "<i>copy</i>"}, *HOSTILE])
    return [
        {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": HOSTILE[3],
         "domain": "tcm", "kind": "document", "fields": {"text": "text", "title": "title"}},
        {"name": "pages", "layout": "chimed_pages", "path": "pages.jsonl", "license": "mit"},
    ]  # fmt: skip


@pytest.fixture(scope="session")
def bad(tmp_path_factory) -> Built:
    """A build whose texts, titles, departments, licences and evidence are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    content = {
        "name": "hostile",
        "sources": sources(folder),
        "stages": {"clean": False, "filter": {"max_symbol_ratio": 0.6, "min_chinese_ratio": 0.2}},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    build(load_recipe(path), folder / "built")
    return open_built(folder / "built")

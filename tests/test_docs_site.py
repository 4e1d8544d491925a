"""The site: every page is on it, every page of code is current, every reference is whole."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import types

import pyarrow.parquet as pq
import pytest
import yaml

import chimed_datasets
from chimed_datasets.building.run import build
from chimed_datasets.errors import BuildError
from chimed_datasets.recipe import load, parse
from chimed_datasets.records import Answer, Batch, QAThread, ledger, to_batch
from docs import cli_page, exports_page
from tests.common import pages
from tests.common.files import write_jsonl
from tests.test_architecture import MAY_IMPORT

DOCS = pages.ROOT / "docs"
SITE = yaml.safe_load((pages.ROOT / "mkdocs.yml").read_text("utf-8"))
SHELVES = {"start", "how-to", "reference", "why"}


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def listed(nav: list) -> list[str]:
    """Return the pages of a part of ``nav``, in their order."""
    found = []
    for entry in nav:
        (value,) = entry.values()
        found += [value] if isinstance(value, str) else listed(value)
    return found


def test_every_page_is_on_the_site_and_on_a_shelf():
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert set(listed(SITE["nav"])) == there
    assert {name.partition("/")[0] for name in there} == {*SHELVES, "index.md"}


def test_every_page_is_linked_from_the_first():
    linked = set(re.findall(r"\]\(([\w./-]+\.md)", page("index.md")))
    assert linked == set(listed(SITE["nav"])) - {"index.md"}


@pytest.mark.skipif(shutil.which("zensical") is None, reason="not installed: the extra [docs]")
def test_the_site_builds_and_fetches_nothing(tmp_path):
    """In strict mode a broken link or anchor fails."""
    for name in ("docs", "chimed_datasets", "builders", "mkdocs.yml"):
        (shutil.copytree if (pages.ROOT / name).is_dir() else shutil.copy)(
            pages.ROOT / name, tmp_path / name
        )
    command = ["zensical", "build", "--strict", "--clean"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    for name in listed(SITE["nav"]):
        html = (tmp_path / "site" / name).with_suffix(".html").read_text("utf-8")
        loaded = re.findall(r"<(?:script|img|link)\b[^>]*?\b(?:src|href)=\"?([^\"\s>]+)", html)
        assert loaded
        assert [address for address in loaded if re.match(r"(?:https?:)?//", address)] == []
    search = json.loads((tmp_path / "site" / "search.json").read_text("utf-8"))
    separator = re.compile(search["config"]["separator"])
    assert "之" in separator.split("阳明之为病")  # a search may begin at any Chinese character


# --- pages that code writes ------------------------------------------------------------------


def test_the_formats_are_those_of_the_code():
    mend = "python docs/exports_page.py > docs/reference/exports.md"
    assert page("reference/exports.md") == exports_page.page(), mend


def test_the_command_line_is_what_the_commands_say():
    mend = "python docs/cli_page.py > docs/reference/command-line.md"
    assert page("reference/command-line.md") == cli_page.page(), mend


def test_the_command_lines_page_is_printed_by_its_module():
    command = [sys.executable, str(DOCS / "cli_page.py")]
    run = subprocess.run(command, capture_output=True, check=True)
    assert run.stdout.decode() == page("reference/command-line.md")


def test_every_public_name_is_on_the_page_of_the_api():
    text = page("reference/python.md")
    shown = set(re.findall(r"^::: chimed_datasets\.(\w+)$", text, re.M))
    assert shown | {"__version__"} == set(chimed_datasets.__all__)
    assert f"has {len(chimed_datasets.__all__)} public names" in text
    assert "`chimed.__version__`" in text


def test_every_error_is_on_the_page_of_the_api():
    from chimed_datasets import errors

    text = page("reference/python.md")
    for child in errors.ChimedError.__subclasses__():
        assert f"`{child.__name__}`" in text


@pytest.mark.skipif(importlib.util.find_spec("griffe") is None, reason="the extra [docs]")
def test_docstrings_become_markdown():
    import doctest

    from docs import docstrings

    found = doctest.testmod(docstrings)
    assert found.attempted
    assert not found.failed


# --- pages written by hand -------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The bundled samples, built."""
    out = tmp_path_factory.mktemp("site") / "chimed2"
    build(load(pages.ROOT / "chimed_datasets" / "samples" / "recipe.yaml"), out)
    return out


@pytest.mark.parametrize("name", ["dropped", "kept", "refused"])
def test_the_columns_of_the_ledger(built, name):
    section = page("reference/ledger.md").partition(f"## {name}.parquet")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.M)
    schema = pq.read_schema(built / "ledger" / f"{name}.parquet")
    assert told == [(field.name, str(field.type)) for field in schema]


def test_what_a_build_leaves(built):
    section = page("reference/build.md").partition("| --- |")[2].partition("\n\n")[0]
    told = {
        name.rstrip("/")
        for row in section.splitlines()
        for name in re.findall(r"`([\w./]+)`", row.split("|")[1] if "|" in row else "")
    }
    there = {p.relative_to(built).as_posix() for p in [*built.iterdir(), *built.glob("ledger/*")]}
    assert told == there - {"ledger"}


def test_the_builds_example_runs(built, tmp_path):
    (tmp_path / "chimed2").symlink_to(built)
    left, example = (text for language, text in pages.blocks(page("reference/build.md")))
    assert "澄江医话" in pages.python(tmp_path, example)
    write_jsonl(tmp_path / "a.jsonl", [{"query": "热", "response": ""}])
    source = {"name": "a", "layout": "query_response", "path": "a.jsonl", "license": "mit"}
    with pytest.raises(BuildError, match=r"mine\.ledger/dropped\.parquet"):
        build(parse({"sources": [source]}, tmp_path), tmp_path / "mine")
    assert "no_answer" in pages.python(tmp_path, left)


def test_the_ledgers_example_runs(built, tmp_path):
    (tmp_path / "chimed2").symlink_to(built)
    (example,) = (text for language, text in pages.blocks(page("reference/ledger.md")))
    assert "advert_sale" in pages.python(tmp_path, example)


def test_the_pieces_examples_run_and_print_what_is_shown(tmp_path):
    printed = ""
    for language, text in pages.blocks(page("how-to/pieces.md")):
        if language == "python":
            printed = pages.python(tmp_path, text)
        else:
            assert pages.not_shown(text, printed) == []


def test_every_room_is_on_the_architecture_page():
    text = page("why/architecture.md")
    rooms = re.findall(r"^\| [\d–] \| (.*?) \|", text, re.M)
    told = [name for row in rooms for name in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted({*MAY_IMPORT, "train_examples"} - {"docs"})


def test_the_example_stage_runs(monkeypatch):
    code, *_ = (
        text for lang, text in pages.blocks(page("how-to/add-a-stage.md")) if lang == "python"
    )
    module = types.ModuleType("phrases")
    monkeypatch.setitem(sys.modules, "phrases", module)
    exec(code, names := module.__dict__)
    threads = [
        QAThread("0", "头痛怎么办？", [Answer("多休息。")]),
        QAThread("1", "头痛怎么办？", [Answer("请加微信。")]),
    ]
    result = names["Phrases"](("加微信",))(
        Batch(to_batch(threads, source="s", license="mit", domain="modern"))
    )
    assert result.batch.num_rows == 1
    assert result.drops.select(["stage", "rule", "evidence"]).to_pylist() == [
        {"stage": "phrases", "rule": "phrase", "evidence": "加微信"}
    ]
    assert result.drops.schema == ledger.SCHEMA

"""The figures behind charts and tables add up to what the build says, and are drawn with a font."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import pyarrow as pa
import pytest
import yaml

from chimed_datasets import build, load_recipe, open_built
from chimed_datasets.built.dataset import Built
from chimed_datasets.report import figures, fonts, pictures, sampling
from chimed_datasets.report.charts import TITLES, VEGA_LITE, charts, theme
from tests.common.files import write_jsonl
from tests.common.sources import page
from tests.common.text import prose


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    """60 pages, 12 of them copies in three clusters, in 30 departments; 30 documents, 5 too short."""
    folder = tmp_path_factory.mktemp("figures")
    docs = [{"text": prose(i, 4 if i < 5 else 40 * i)} for i in range(30)]
    write_jsonl(folder / "docs.jsonl", docs)
    pages = [page(i, department=f"科室{i % 30}") for i in range(48)]
    copies = [
        {**pages[k], "id": f"copy{k}-{n}"}
        for k, many in ((0, 1), (1, 2), (2, 9))
        for n in range(many)
    ]
    write_jsonl(folder / "pages.jsonl", [*pages, *copies])
    sources = [
        {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "mit", "domain": "tcm",
         "kind": "document", "fields": {"text": "text"}},
        {"name": "pages", "layout": "chimed_pages", "path": "pages.jsonl", "license": "mit"},
    ]  # fmt: skip
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({"name": "x", "sources": sources}, allow_unicode=True), "utf-8")
    build(load_recipe(path), folder / "built")
    return open_built(folder / "built")


@pytest.fixture(scope="module")
def statistics(built) -> dict:
    return json.loads((built.folder / "statistics.json").read_text("utf-8"))


def test_the_waterfall_leads_from_in_to_out(built):
    steps = figures.waterfall(built.manifest)
    assert (steps[0]["step"], steps[0]["end"]) == ("records in", 90)
    assert (steps[-1]["step"], steps[-1]["end"]) == ("records out", 73)
    for before, step in pairwise(steps[:-1]):
        assert step["end"] == (before["end"] if before is steps[0] else before["start"])
        assert step["end"] - step["start"] == step["records"]
    assert {s["step"]: s["records"] for s in steps[1:-1]} == {
        "filter: too_short": 5, "deduplicate: exact": 12,
    }  # fmt: skip


def test_rules_beyond_the_largest_are_one_step():
    dropped = {"s": {"filter": {f"r{k:02d}": k + 1 for k in range(25)}}}
    total = sum(range(1, 26))
    steps = figures.waterfall({"dropped": dropped, "sources": [{"in": total + 5}]})
    assert len(steps) == figures.RULES + 3
    assert steps[-2]["step"] == "7 more rules"
    assert steps[-2]["records"] == sum(range(1, 8))
    assert steps[-1]["end"] == 5


def test_departments_and_the_rest_are_all_rows(statistics):
    rows = figures.departments(statistics)
    assert sum(r["rows"] for r in rows if r["config"] == "sft") == statistics["sft"]["all"]["rows"]
    names = list(dict.fromkeys(row["department"] for row in rows))
    assert len(names) == figures.DEPARTMENTS + 1
    assert names[-1] == "其他 (10 more)"


def test_lengths_are_all_rows_and_shares_add_up(statistics):
    rows = figures.lengths(statistics)
    for config, splits in statistics.items():
        mine = [row for row in rows if row["config"] == config]
        assert sum(row["rows"] for row in mine) == splits["all"]["rows"]
        assert sum(row["share"] for row in mine) == pytest.approx(1)
    first = rows[0]
    assert (first["length"], first["from"], rows[7]["from"]) == ("0–15", "0", "1k")


def test_domains_are_all_rows(built, statistics):
    rows = figures.domains(built)
    assert {row["source"]: row["domain"] for row in rows} == {"docs": "tcm", "pages": "modern"}
    assert sum(row["rows"] for row in rows) == sum(s["all"]["rows"] for s in statistics.values())


def test_clusters_are_those_of_the_ledger(built):
    rows = figures.clusters(built.ledger("dropped")["twin"])
    assert {row["size"]: row["clusters"] for row in rows if row["clusters"]} == {
        "2": 1,
        "3": 1,
        "10–19": 1,
    }
    assert [row["from"] for row in rows] == ["2", "3", "4", "5+", "10+", "20+", "50+", "100+"]
    assert sum(row["records"] for row in rows) == 2 + 3 + 10
    assert figures.clusters(pa.chunked_array([pa.nulls(3, pa.string())])) == []


def test_the_sample_is_spread_and_the_same_every_time(built):
    rows = sampling.rows(built, most=10)
    assert rows == sampling.rows(built, most=10)
    assert Counter(row["config"] for row in rows) == dict.fromkeys(built.manifest["configs"], 10)
    drops = sampling.drops(built, most=3)
    assert Counter(d["rule"] for d in drops) == {"too_short": 3, "exact": 3}
    assert {d["of"] for d in drops} == {5, 12}
    for drop in drops:
        if drop["rule"] == "exact":
            assert drop["twin"]["source"] == "pages"
            assert drop["twin"]["text"]


def test_a_chart_without_figures_is_none():
    assert charts({"bias": [], "clusters": []}) == {}


# --- pictures --------------------------------------------------------------------------------


def label(text: str) -> bytes:
    """Return a picture of one label."""
    spec = {"data": {"values": [{"t": text}]}, "mark": {"type": "text", "fontSize": 30},
            "encoding": {"text": {"field": "t"}}, "width": 60, "height": 60}  # fmt: skip
    return pictures.png(spec)


def test_chinese_labels_are_no_boxes():
    """Without a font each character would be the same box."""
    drawn = [label(sign) for sign in "肝肾癥瘕砭"]
    assert len(set(drawn)) == len(drawn)
    assert label("\U0003fffd") == label("\U0003fffc"), "what no font has is the same box"


def test_every_chart_is_drawn_and_an_old_one_goes(built, statistics):
    found = pictures.draw(built, statistics)
    names = {path.stem for path in found}
    assert names == set(TITLES) & names
    assert {"departments", "lengths", "domains", "waterfall", "clusters", "bias"} <= names
    for path in found:
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG")
        wide, high = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
        assert 1200 < wide < 2200, path.stem
        assert 200 < high < 2200, path.stem
    stale = built.folder / "pictures" / "old.png"
    stale.write_bytes(b"")
    pictures.draw(built, statistics)
    assert not stale.exists()
    for path in found:
        path.unlink()
    (built.folder / "pictures").rmdir()


def test_the_web_font_holds_the_characters_of_the_page_alone():
    import base64
    import io

    from fontTools.ttLib import TTFont

    font = TTFont(io.BytesIO(base64.b64decode(fonts.web_font("癥瘕 abc 肝，"))))
    assert set(map(ord, "癥瘕肝，")) <= set(font.getBestCmap())
    assert ord("腎") not in font.getBestCmap()


@pytest.mark.parametrize("dark", [False, True])
def test_every_chart_compiles_in_both_themes(built, statistics, dark):
    for spec in charts(figures.figures(built, statistics)).values():
        told = pictures.renderer().vegalite_to_vega(
            spec, vl_version=VEGA_LITE, config=theme(fonts.NAME, dark)
        )
        assert told["marks"]

"""The figures behind charts and tables add up to what the build says, and are drawn with a font."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from chimed_datasets import build, load_recipe, open_built
from chimed_datasets.built import card
from chimed_datasets.built.dataset import Built
from chimed_datasets.report import figures, fonts, pictures, sampling
from chimed_datasets.report.charts import COLOURS, GROUNDS, TITLES, VEGA_LITE, charts, theme
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


def bars(told: figures.Told) -> dict[str, int]:
    """Return label -> where its bar ends; of a stacked one, the last part."""
    return {row["label"]: row["end"] for row in told.rows}


def test_the_waterfall_leads_from_in_to_kept(built):
    rows, says = figures.waterfall(built.manifest)
    assert (rows[0]["label"], rows[0]["end"]) == ("came in", 90)
    assert (rows[-1]["label"], rows[-1]["end"]) == ("kept", 73)
    for before, step in pairwise(rows[:-1]):
        assert step["end"] == (before["end"] if before is rows[0] else before["start"])
        assert step["end"] - step["start"] == step["records"]
    assert {row["stage"]: row["figure"] for row in rows[1:-1]} == {
        "filter": "−5 (5.6%)", "deduplicate": "−12 (13.3%)",
    }  # fmt: skip
    assert says == (
        "Of 90 records that came in, 73 (81.1%) are kept; the stage deduplicate dropped most, 12 "
        "(13.3% of all)."
    )


def test_steps_are_in_the_order_of_the_build():
    """A stage from outside the package stands where it ran; a config comes last."""
    lost = {
        "mine": {"odd": 1},
        "filter": {"run": 2},
        "read": {"no_text": 3},
        "sft": {"no_reply": 1},
    }
    rows, _ = figures.waterfall(
        {"dropped": {"s": lost}, "sources": [{"in": 10}], "configs": {"sft": {}},
         "stages": {"mine": None, "filter": None}}
    )  # fmt: skip
    assert [row["label"] for row in rows[1:-1]] == ["read", "mine", "filter", "no row in sft"]


def test_small_rules_are_told_and_have_no_bar():
    dropped = {"s": {"filter": {f"r{k:02d}": k + 1 for k in range(25)}}}
    rows, says = figures.rules({"dropped": dropped, "sources": [{"in": 1_000}]})
    assert len(rows) == figures.RULES
    assert (rows[0]["label"], rows[0]["end"], rows[0]["figure"]) == ("filter: r24", 25, "25 (2.5%)")
    assert sum(row["records"] for row in rows) == sum(range(11, 26))
    assert f"the other 10 rules, without a bar, dropped {sum(range(1, 11))}." in says


def test_every_rule_says_why(built):
    assert {row["rule"]: row["why"] for row in figures.rules(built.manifest).rows} == {
        "exact": "Its text is equal to that of another record, white space aside.",
        "too_short": "A text has fewer characters than min_document_chars or the like.",
    }


def test_departments_the_smaller_ones_and_the_rows_without_are_all_rows(statistics):
    rows, says = figures.departments(statistics)
    of_sft = statistics["sft"]["all"]["rows"]
    assert sum(r["rows"] for r in rows if r["config"] == "sft" or r.get("aside")) > of_sft
    total = of_sft + statistics["preference"]["all"]["rows"]
    assert sum(row["rows"] for row in rows) == total
    assert len({row["order"] for row in rows}) == figures.DEPARTMENTS + 1
    assert rows[-1]["label"] == "10 smaller ones"
    assert rows[-1]["end"] == 0, "the rest has no bar: it would rule the scale"
    assert says.startswith(f"{total} of {total} rows (100%) of sft and preference name one of 30")


def test_departments_by_their_first_level():
    names = {"": 9, "皮肤科": 4, "皮肤性病科>皮肤科": 3, "皮肤科>过敏": 2, "内科>心血管内科": 1}
    rows, says = figures.departments({"sft": {"all": {"rows": 19, "department": names}}})
    assert bars(figures.Told(rows, "")) == {
        "皮肤科": 6,
        "皮肤性病科": 3,
        "内科": 1,
        "no department": 0,
    }
    assert rows[0]["names"] == "皮肤科 4, 皮肤科>过敏 2"
    assert rows[-1]["figure"] == "9 (47.4%), no bar"
    assert "10 of 19 rows (52.6%) of sft name one of 3 departments" in says


def test_lengths_are_all_rows_and_shares_add_up(statistics):
    rows, says = figures.lengths(statistics)
    for config, splits in statistics.items():
        mine = [row for row in rows if row["config"] == config and not row.get("head")]
        assert sum(row["rows"] for row in mine) == splits["all"]["rows"]
        assert sum(row["end"] for row in mine) == pytest.approx(1)
        assert mine[0]["rows"] > 0, "the axis begins where there are rows"
        assert mine[-1]["rows"] > 0
        assert sum("median" in row["figure"] for row in mine) == 1
        assert sum("99%" in row["figure"].partition("◆")[2] for row in mine) == 1
    assert says.startswith("The median row has this many characters: ")


def test_the_median_and_99_percent_are_in_the_bins_that_are_marked():
    counts = [0] * 13
    counts[3], counts[5], counts[8], counts[12] = 51, 47, 1, 1
    rows, says = figures.lengths({"sft": {"all": {"rows": 100, "lengths": counts}}})
    marked = {row["length"]: row["figure"] for row in rows if "◆" in row["figure"]}
    assert marked == {"64–127": "51 (51.0%)  ◆ median", "2,048–4,095": "1 (1.0%)  ◆ 99%"}
    assert [row["length"] for row in rows[1:]][-1] == "32,768+"
    assert (rows[1]["least"], rows[1]["most"], rows[-1]["most"]) == (64, 127, None)
    assert says.endswith("64–127 in sft (99% have at most 4,095).")


def test_domains_are_the_records_of_every_source(built):
    rows, says = figures.domains(built.manifest)
    heads = {row["domain"]: row["figure"] for row in rows if row.get("head")}
    assert heads == {"tcm": "25 of 30 kept (83.3%)", "modern": "48 of 60 kept (80.0%)"}
    parts = {(row["source"], row["kind"]): row["records"] for row in rows if row["source"]}
    assert parts == {
        ("docs", "kept"): 25, ("docs", "dropped"): 5,
        ("pages", "kept"): 48, ("pages", "dropped"): 12,
    }  # fmt: skip
    assert says == (
        "Source pages is the largest of 2, with 60 of 90 records (66.7%); pages loses the greatest "
        "share, 12 of 60 (20.0%)."
    )


def test_clusters_are_those_of_the_ledger(built):
    rows, says = figures.clusters(built.ledger("dropped")["twin"])
    assert {row["size"]: row["clusters"] for row in rows} == {
        "2": 1, "3": 1, "4": 0, "5–9": 0, "10–19": 1,
    }  # fmt: skip
    assert sum(row["records"] for row in rows) == 2 + 3 + 10
    assert "12 records went as duplicates of 3 that were kept" in says
    assert figures.clusters(pa.chunked_array([pa.nulls(3, pa.string())])) == figures.NOTHING


def test_overlap_is_of_clusters_with_records_of_several_sources(tmp_path):
    (tmp_path / "ledger").mkdir()
    kept = {"id": ["a1", "a2", "b1", "c1"], "source": ["a", "a", "b", "c"],
            "near": [None, None, "a2", None]}  # fmt: skip
    dropped = {"id": ["b2", "b3", "a4", "c2", "a5"], "source": ["b", "b", "a", "c", "a"],
               "twin": ["a1", "a1", "a1", "b1", None]}  # fmt: skip
    for name, columns in (("kept", kept), ("dropped", dropped)):
        pq.write_table(pa.table(columns), tmp_path / "ledger" / f"{name}.parquet")
    sources = [{"name": name} for name in "abc"]
    rows, says = figures.overlap(Built(tmp_path, {"sources": sources}))
    # {a1 b2 b3 a4} and {a2 b1 c2}: b1 is near a2, and c2 went for b1.
    assert {row["label"]: (row["clusters"], row["records"]) for row in rows} == {
        "a + b": (2, 6), "a + c": (1, 2), "b + c": (1, 2),
    }  # fmt: skip
    assert says.startswith("2 of 2 clusters of near-duplicates (100%) hold records of several")


def test_bias_says_how_many_pairs_and_how_sure(built):
    rows, says = figures.bias(built)
    first = rows[0]
    assert first["label"] == "all pairs"
    assert first["low"] < first["share"] or first["share"] == 0
    assert f"n = {first['pairs']:,}" in first["figure"]
    assert f"of the {first['pairs']} pairs whose replies differ in length" in says


def test_the_sample_is_spread_and_the_same_every_time(built):
    rows = sampling.rows(built, most=30)
    assert rows == sampling.rows(built, most=30)
    assert Counter(row["config"] for row in rows) == dict.fromkeys(built.manifest["configs"], 10)
    assert len({row["config"] for row in rows[:3]}) == 3
    drops = sampling.drops(built, most=3)
    assert Counter(d["rule"] for d in drops) == {"too_short": 3, "exact": 3}
    assert {d["of"] for d in drops} == {5, 12}
    for drop in drops:
        if drop["rule"] == "exact":
            assert drop["twin"]["source"] == "pages"
            assert drop["twin"]["text"]


def test_a_chart_without_figures_is_none():
    assert charts({"bias": figures.NOTHING}) == {}


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


def test_every_chart_is_drawn_in_two_forms_and_an_old_one_goes(built, statistics):
    found = pictures.draw(built, statistics)
    *images, told = found
    names = {path.stem for path in images}
    light = {name.removesuffix(card.DARK) for name in names}
    assert names == light | {f"{name}{card.DARK}" for name in light}
    assert light == set(TITLES) - {"overlap"}, "one source alone has duplicates"
    says = json.loads(told.read_text("utf-8"))
    assert set(says) == light
    for path in images:
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG")
        wide, high = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
        assert 1200 < wide < 2200, path.stem
        assert 200 < high < 2200, path.stem
    stale = built.folder / "pictures" / "old.png"
    stale.write_bytes(b"")
    pictures.draw(built, statistics)
    assert not stale.exists()
    shown = card.of(built)
    for name, sentence in says.items():
        assert f'srcset="pictures/{name}-dark.png"' in shown
        assert f'<img alt="{sentence}" src="pictures/{name}.png">' in shown
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


def test_every_chart_says_what_it_shows_and_what_it_filters(built, statistics):
    for name, spec in charts(figures.figures(built, statistics)).items():
        says, filters = spec["usermeta"]["says"], spec["usermeta"]["filters"]
        assert says.endswith("."), name
        assert any(sign.isdigit() for sign in says), name
        assert filters["list"] in ("rows", "drops")
        rows = spec["data"]["values"]
        for key in filters["keys"]:
            assert any(key in row for row in rows), (name, key)


def test_no_bar_begins_elsewhere_than_at_zero_but_in_a_waterfall_or_stack(built, statistics):
    for name, spec in charts(figures.figures(built, statistics)).items():
        text = json.dumps(spec)
        assert "log" not in text.replace("pathology", ""), name
        lowest: dict[int, float] = {}
        for row in spec["data"]["values"]:
            lowest[row["order"]] = min(row.get("start", 0), lowest.get(row["order"], 1e9))
        if name != "waterfall":
            assert set(lowest.values()) == {0}, name


def luminance(colour: str) -> float:
    """Return WCAG's relative luminance of "#rrggbb"."""
    levels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = [n / 12.92 if n <= 0.03928 else ((n + 0.055) / 1.055) ** 2.4 for n in levels]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", GROUNDS)
def test_marks_and_texts_stand_out_on_both_grounds(name):
    for meaning, colour in COLOURS.items():
        assert contrast(colour, GROUNDS[name]) >= 3, meaning
    ink = theme("x", name == "dark")
    for colour in (ink["axis"]["labelColor"], ink["axis"]["titleColor"], ink["text"]["color"],
                   ink["title"]["color"], ink["title"]["subtitleColor"]):  # fmt: skip
        assert contrast(colour, GROUNDS[name]) >= 4.5


def test_no_colour_means_two_things():
    assert len(set(COLOURS.values())) == len(COLOURS)


@pytest.mark.parametrize("dark", [False, True])
def test_every_chart_compiles_in_both_themes(built, statistics, dark):
    for spec in charts(figures.figures(built, statistics)).values():
        told = pictures.renderer().vegalite_to_vega(
            spec, vl_version=VEGA_LITE, config=theme(fonts.NAME, dark)
        )
        assert told["marks"]

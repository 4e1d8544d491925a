"""What a reader does with the report's page: filters, links, charts, votes; in headless Chromium."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe, open_built
from chimed_datasets.cli import app
from chimed_datasets.recipe import takedowns
from chimed_datasets.report import page as pages
from chimed_datasets.report import sampling
from tests.common.browser import PHONE, Opened, opened
from tests.common.files import write_jsonl
from tests.common.text import prose

ROWS, DROPS = pages.FACETS["rows"], pages.FACETS["drops"]


def sources(folder: Path) -> list[dict]:
    """Write sources with unlike twins, contradictions, rankings, traces, and records to drop."""
    documents = [
        {"id": i, "text": prose(i, 20 + 15 * (i % 9)), "title": f"书{i}"} for i in range(30)
    ]
    text = prose(900, 60)
    documents += [{"id": f"dose{n}", "text": f"{text}每次服{n}毫升。{text[::-1]}"} for n in (5, 15)]
    documents += [
        {"id": f"near{n}", "text": f"{prose(901, 60)}{n}{prose(902, 60)}"} for n in "呢吧"
    ]
    changed = f"{prose(903, 40)}體溫正常。{prose(904, 20)}电话13<b>9</b>12345678，或者13912345678。"
    documents += [{"id": "changed", "text": changed}]
    documents += [{"id": f"short{n}", "text": "短" * (n + 1)} for n in range(3)]
    write_jsonl(folder / "docs.jsonl", documents)
    asked = [
        {"id": i, "question": f"{prose(100 + i, 12)}怎么办？", "answer": prose(200 + i, 40),
         "department": ("内科", "外科", None)[i % 3]}
        for i in range(24)
    ]  # fmt: skip
    asked += [
        {"id": f"c{n}", "question": "感冒的时候可以吃鸡蛋和牛奶这样的食物吗？",
         "answer": f"{prose(950, 40)}感冒的时候{word}吃鸡蛋。", "department": "内科"}
        for n, word in enumerate(("可以", "不可以"))
    ]  # fmt: skip
    write_jsonl(folder / "qa.jsonl", asked)
    turns = [
        {
            "conversations": [
                {"from": "human", "value": f"{prose(300 + i, 15)}？"},
                {
                    "from": "gpt",
                    "value": f"<think>\n{prose(400 + i, 30)}\n</think>\n\n{prose(500 + i, 30)}",
                },
            ]
        }
        for i in range(6)
    ]
    write_jsonl(folder / "talks.jsonl", turns)
    ranked = [
        {"instruction": f"{prose(600 + i, 15)}？", "input": "", "output": [prose(700 + 10 * i + k, 30) for k in range(4)]}
        for i in range(5)
    ]  # fmt: skip
    (folder / "ranked.json").write_text(json.dumps(ranked, ensure_ascii=False), "utf-8")
    common = {"license": "mit"}
    return [
        {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "domain": "tcm", **common,
         "kind": "document", "fields": {"text": "text", "title": "title"}},
        {"name": "qa", "layout": "jsonl", "path": "qa.jsonl", **common, "kind": "thread",
         "fields": {"question": "question", "answer": "answer", "department": "department"}},
        {"name": "talks", "layout": "sharegpt", "path": "talks.jsonl", **common},
        {"name": "ranked", "layout": "ranked", "path": "ranked.json", **common},
    ]  # fmt: skip


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    content = {"name": "clinic", "sources": sources(folder)}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    build(load_recipe(folder / "recipe.yaml"), folder / "built")
    return open_built(folder / "built")


@pytest.fixture(scope="session")
def address(built) -> str:
    done = CliRunner().invoke(app, ["report", str(built.folder), "--rows", "400"])
    assert done.exit_code == 0, done.output
    return (built.folder / "report.html").as_uri()


@pytest.fixture(scope="session")
def total(built) -> int:
    return sum(entry["rows"] for _, _, entry in built.files())


@pytest.fixture(scope="module")
def module_page(browser, address) -> Iterator[Opened]:
    with opened(browser, address) as found:
        yield found


@pytest.fixture
def page(module_page) -> Opened:
    module_page.only("rows")
    module_page.only("drops")
    return module_page


# --- the head --------------------------------------------------------------------------------


def test_the_head_says_what_went_in_and_out(page, built):
    came, went = (sum(s[key] for s in built.manifest["sources"]) for key in ("in", "out"))
    told = page.tab.inner_text("header")
    assert f"{went} of {came} records kept ({went / came:.1%}" in told.replace("\xa0%", "%")
    assert built.manifest["fingerprint"] in told
    assert built.manifest["library"] in told
    line = page.tab.locator("#sources tbody tr", has_text="talks").first.inner_text()
    assert "mit" in line
    assert "sharegpt" in line


def test_each_check_stands_with_what_it_saw(page, built):
    lines = page.tab.locator(".checks li").all_inner_texts()
    came = sum(s["in"] for s in built.manifest["sources"])
    assert any(line.startswith("pass") and f"{came} in; " in line for line in lines)
    assert not any(line.startswith("fail") for line in lines)


# --- filters ---------------------------------------------------------------------------------


def test_the_count_says_of_how_many(page, total):
    assert page.count("rows") == f"{total} of {total} sampled rows (of {total})"
    n = page.options("rows", "config")["pretrain"]
    page.choose("rows", config="pretrain")
    assert page.count("rows") == f"{n} of {total} sampled rows (of {total})"


def test_a_small_sample_says_of_how_many(browser, built, total, tmp_path):
    html = tmp_path / "few.html"
    html.write_text(pages.page(built, built.statistics(), 12), "utf-8")
    with opened(browser, html.as_uri()) as found:
        n = len(found.shown("rows"))
        assert n <= 12
        assert found.count("rows").endswith(f" sampled rows (of {total})")
        shown = [text.split("\n")[0] for text in found.shown("rows")]
        assert len(set(shown[:3])) == 3, "the configs come in turn"


@pytest.mark.parametrize("key", list(ROWS))
def test_every_filter_of_rows(page, total, key):
    before = page.options("rows", key)
    assert before, f"nothing to filter by {key}"
    for value, n in list(before.items())[:4]:
        shown = page.only("rows", **{key: value})
        assert page.count("rows").startswith(f"{n} of ")
        assert page.state()[f"rows.{key}"] == value
        assert 0 < len(shown) <= 30
        assert page.options("rows", key)[value] == n


@pytest.mark.parametrize("key", list(DROPS))
def test_every_filter_of_dropped_records(page, key):
    for value, n in list(page.options("drops", key).items())[:4]:
        page.only("drops", **{key: value})
        assert page.count("drops").startswith(f"{n} of ")


def test_the_counts_follow_one_another(page):
    sources_ = page.options("rows", "source")
    page.choose("rows", config="preference")
    assert page.options("rows", "source") == {"ranked": sources_["ranked"]}
    assert set(page.options("rows", "config")) > {"preference"}, "its own filter it does not follow"
    page.choose("rows", source="ranked", length=next(iter(page.options("rows", "length"))))
    assert page.count("rows").startswith(f"{page.options('rows', 'source')['ranked']} of ")


def test_a_record_without_a_department_can_be_found(page):
    n = page.options("rows", "department")["—"]
    page.choose("rows", department="—", config="sft")
    assert 0 < int(page.count("rows").split()[0]) < n


def test_a_dropped_rule_tells_of_the_whole_build(page, built):
    n = built.manifest["dropped"]["docs"]["filter"]["too_short"]
    page.only("drops", rule="too_short")
    assert page.count("drops").endswith(f"; in the whole build {n}")


def test_filters_are_taken_away_one_by_one(page):
    page.only("rows", config="sft", source="qa", q="怎么办")
    chips = page.tab.locator("#rows .chip")
    assert chips.all_inner_texts() == ["“怎么办” ×", "config: sft ×", "source: qa ×", "clear all ×"]
    chips.nth(1).click()
    page.wait_for("rows", config="", source="qa", q="怎么办")
    page.tab.locator("#rows .chip.all").click()
    page.wait_for("rows", source="", q="")


# --- the address -----------------------------------------------------------------------------


def test_a_link_opens_what_it_was_copied_from(browser, address, page):
    page.choose("rows", config="sft", source="qa")
    page.search("rows", "怎么办")
    page.open("rows", 2)
    copied = page.tab.url
    said = page.tab.locator("#rows details[open] .body").first.inner_text()
    with opened(browser, copied) as other:
        other.wait_for("rows", config="sft", source="qa", q="怎么办")
        assert other.tab.locator("#rows details[open] .body").first.inner_text() == said
        assert other.shown("rows") == page.shown("rows")
        assert other.tab.locator("#rows input[type=search]").input_value() == "怎么办"


def test_back_and_forward(page):
    page.choose("rows", config="sft")
    page.choose("rows", source="talks")
    page.open("rows", 0)
    assert "open" in page.state()
    page.tab.go_back()
    page.tab.wait_for_function("!document.querySelector('#rows .list > details[open]')")
    page.tab.go_back()
    page.wait_for("rows", config="sft", source="")
    page.tab.go_forward()
    page.wait_for("rows", config="sft", source="talks")


def test_a_link_to_a_record_that_is_further_down(browser, address, page):
    page.tab.locator("#rows .more").click()
    page.tab.wait_for_function("document.querySelectorAll('#rows .list > details').length > 30")
    name = page.tab.locator("#rows .list > details").nth(40).get_attribute("data-id")
    with opened(browser, f"{address}#open={name}") as other:
        first = other.tab.locator("#rows .list > details").first
        assert first.get_attribute("data-id") == name
        assert first.get_attribute("open") is not None


def test_a_link_to_no_record_says_so(browser, address):
    with opened(browser, f"{address}#open=docs-0000") as other:
        assert "docs-0000 is not in this sample" in other.count("rows")


def test_an_address_of_nonsense_is_no_filter(browser, address, total):
    wrong = urlencode(
        {"rows.nothing": "x", "rows.__proto__": "x", "what.config": "sft", "rows": "1"}
    )
    with opened(browser, f"{address}#{wrong}") as other:
        assert other.count("rows").startswith(f"{total} of ")


def test_links_of_sources_and_tables(page):
    page.tab.locator("#sources tbody a", has_text="talks").click()
    page.wait_for("rows", source="talks")
    table = page.tab.locator("#tables details", has_text="Dropped, by rule")
    table.locator("tbody tr", has_text="too_short").locator("a").click()
    page.wait_for("drops", stage="filter", rule="too_short")
    assert page.tab.evaluate("document.getElementById('drops').getBoundingClientRect().top") < 200


def test_a_part_of_the_page_is_no_state(page):
    page.choose("rows", config="sft")
    page.tab.locator("nav a", has_text="Tables").click()
    assert page.state() == {"rows.config": "sft"}
    assert page.focus() == "h2 tables-title"


# --- charts ----------------------------------------------------------------------------------


def bar(page, chart: str, number: int = 0):
    return page.tab.locator(f"[data-chart={chart}] svg .mark-rect path").nth(number)


def test_a_click_on_a_bar_shows_its_records(page):
    bar(page, "departments").click()
    page.tab.wait_for_function("location.hash.includes('rows.department')")
    state = page.state()
    page.wait_for("rows", **{key.partition(".")[2]: value for key, value in state.items()})
    assert int(page.count("rows").split()[0]) > 0
    assert page.tab.evaluate("document.activeElement.id") == "rows-title"


def test_every_chart_with_filters_says_which(built):
    drawn = pages.drawn(built, built.statistics())
    assert {"departments", "lengths", "waterfall"} <= {n for n, c in drawn.items() if c["filters"]}
    for chart in drawn.values():
        if chart["filters"]:
            assert chart["filters"]["list"] in pages.FACETS


# --- records ---------------------------------------------------------------------------------


def test_a_prompt_with_many_pairs_stands_once(page, built):
    pairs = [row for row in sampling.rows(built, 400) if row["config"] == "preference"]
    shown = page.only("rows", config="preference")
    assert len(shown) == 5
    assert sum(row["rows"] for row in pairs) > 5
    assert page.count("rows").startswith(f"{sum(row['rows'] for row in pairs)} of ")
    body = page.open("rows")
    assert body.locator(".reply").count() == pairs[0]["rows"]
    assert "rows have this prompt" in body.inner_text()


def test_unlike_twins_and_contradictions_are_tags(page):
    tags = page.options("rows", "tag")
    assert {"differs in dose", "contradicts another", "several replies", "reasoning trace"} <= set(
        tags
    )
    page.only("rows", tag="differs in dose")
    body = page.open("rows")
    assert "differs in dose" in body.inner_text()
    assert body.locator(".other del, .other ins").count() >= 1
    page.only("rows", tag="contradicts another")
    assert "contradicts it on one question" in page.open("rows").inner_text()
    body = page.tab.locator("#rows details[open] .body").first
    body.locator(".note a").first.click()
    page.tab.wait_for_function("new URLSearchParams(location.hash.slice(1)).get('open')")


def test_a_trace_is_folded(page):
    page.only("rows", tag="reasoning trace")
    body = page.open("rows")
    trace = body.locator("details.trace")
    assert trace.count() == 1
    assert trace.get_attribute("open") is None
    trace.locator("summary").click()
    assert trace.get_attribute("open") is not None
    assert page.state().get("open"), "the record stays open"


def test_chinese_is_told_apart(page):
    page.only("rows", config="pretrain")
    assert page.heads("rows").first.locator(".first").get_attribute("lang") == "zh-Hans"
    assert page.heads("rows").first.locator(".kind").get_attribute("lang") is None
    tab = page.tab
    wrong = tab.evaluate(
        "(() => { const han = /[\\u4e00-\\u9fff]/; const walk = document.createTreeWalker(document.body, 4);"
        " const out = []; while (walk.nextNode()) { const e = walk.currentNode.parentElement;"
        " if (han.test(walk.currentNode.data) && !e.closest('[lang=zh-Hans], script, style, svg, #vg-tooltip-element')) out.push(e.outerHTML.slice(0, 90)); }"
        " return out; })()"
    )
    assert wrong == []


@pytest.fixture(scope="session")
def before(built) -> Path:
    """The page with what stages changed in kept records."""
    html = built.folder.parent / "before.html"
    recipe = built.folder.parent / "recipe.yaml"
    command = ["report", str(built.folder), "--before", "--recipe", str(recipe), "--out", str(html)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    return html


def test_a_changed_record_before_and_after(browser, before):
    with opened(browser, before.as_uri()) as found:
        assert "changed" in found.options("rows", "tag")
        found.only("rows", tag="changed", q="体温")
        body = found.open("rows")
        assert body.locator(".step del").all_inner_texts() == ["體溫"]
        assert body.locator(".step ins").all_inner_texts() == ["体温"]


def test_what_was_masked_is_masked_before_as_well(before):
    text = before.read_text("utf-8")
    packed = re.search(r'id="records">([^<]+)<', text)[1]
    records = gzip.decompress(base64.b64decode(packed)).decode()
    assert "[手机号]" in records
    assert "13912345678" not in records + text


def test_a_source_that_is_not_at_hand_is_told(built, tmp_path):
    folder = tmp_path / "elsewhere"
    shutil.copytree(built.folder, folder / "built")
    done = CliRunner().invoke(app, ["report", str(folder / "built"), "--before"])
    assert done.exit_code == 0, done.output
    assert "source 'docs' is not at hand" in done.output


# --- votes -----------------------------------------------------------------------------------


@pytest.fixture
def voting(browser, address) -> Iterator[Opened]:
    with opened(browser, address) as found:
        found.tab.on("dialog", lambda dialog: dialog.accept())
        yield found


def saved(page: Opened, what: str) -> tuple[str, str]:
    with page.tab.expect_download() as told:
        page.tab.locator(f"#votes [data-export={what}]").click()
    return told.value.suggested_filename, Path(told.value.path()).read_text("utf-8")


def test_votes_by_mouse_and_keys_and_their_files(voting, built, tmp_path):
    page, tab = voting, voting.tab
    body = page.open("rows", 0)
    bad = tab.locator("#rows .list > details").nth(0).get_attribute("data-id")
    body.locator(".vote .no").click()
    body.locator(".vote input").fill("not  a\ttext")
    page.heads("rows").nth(1).focus()
    good = tab.locator("#rows .list > details").nth(1).get_attribute("data-id")
    tab.keyboard.press("y")
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    tab.keyboard.press("u")
    page.heads("drops").nth(0).focus()
    wrong = tab.locator("#drops .list > details").nth(0).get_attribute("data-id")
    tab.keyboard.press("x")
    assert page.count("votes") == "3 votes, 1 to take down"
    name, text = saved(page, "takedowns")
    assert name == "takedowns.txt"
    (tmp_path / name).write_text(text, "utf-8")
    record = takedowns.record_of(bad)
    assert takedowns.read(tmp_path / name) == {record: "not a text"}
    name, text = saved(page, "verdicts")
    assert name == "verdicts.jsonl"
    assert [json.loads(line) for line in text.splitlines()] == [
        {"id": bad, "verdict": "bad", "reason": "not a text"},
        {"id": good, "verdict": "good", "reason": ""},
        {"id": wrong, "verdict": "wrong", "reason": ""},
    ]
    tab.reload()
    tab.wait_for_selector(":root[data-drawn]")
    assert page.count("votes") == "3 votes, 1 to take down"
    assert page.heads("rows").nth(1).locator(".voted-sign").inner_text() == "✓"
    tab.locator("#votes .voted a", has_text=wrong).click()
    tab.wait_for_function(
        "id => document.activeElement.closest('details')?.dataset.id === id", arg=wrong
    )
    tab.locator("#votes [data-export=forget]").click()
    assert page.count("votes") == "no votes yet"
    assert tab.locator("#votes [data-export=takedowns]").is_disabled()


def test_takedown_reads_the_file_of_the_page(built, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text((built.folder.parent / "recipe.yaml").read_text("utf-8"), "utf-8")
    name = built.ledger("kept")["id"][0].as_py()
    (tmp_path / "votes.txt").write_text(f"# by the page\n{name} not a text\n", "utf-8")
    command = ["takedown", "--file", str(tmp_path / "votes.txt"), "--recipe", str(recipe)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert takedowns.read(tmp_path / "takedowns.txt") == {name: "not a text"}
    assert CliRunner().invoke(app, ["takedown", "--recipe", str(recipe)]).exit_code == 1


# --- tables, phone, readers of screens -------------------------------------------------------


def test_tables_are_open_and_their_heads_stay(page):
    tab = page.tab
    assert tab.locator("#tables details:not([open])").count() == 0
    told = tab.evaluate(
        "[...document.querySelectorAll('thead th')].map(e => getComputedStyle(e).position)"
    )
    assert set(told) == {"sticky"}


def test_no_column_is_beyond_the_edge_without_a_hint(browser, address):
    with opened(browser, address, PHONE) as found:
        tab = found.tab
        tab.wait_for_timeout(200)
        told = tab.evaluate(
            "[...document.querySelectorAll('.scroll')].map(e => [e.scrollWidth > e.clientWidth + 1,"
            " !!e.previousElementSibling?.classList.contains('hint')])"
        )
        assert any(wide for wide, _ in told)
        assert all(wide == hint for wide, hint in told)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), PHONE], ids=["desk", "phone"])
def test_axe_finds_no_serious_fault(browser, address, scheme, size):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with opened(browser, address, size, scheme) as found:
        found.only("rows", tag="several replies")
        found.open("rows").locator(".vote button").first.click()
        found.only("drops", rule="near")
        found.open("drops")
        told = axe.run(found.tab).response["violations"]
        serious = [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in told
                   if v["impact"] in ("serious", "critical")]  # fmt: skip
        assert serious == []

"""The report's page in headless Chromium: it works, by keyboard too, and texts stay texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chimed_datasets.cli import app
from chimed_datasets.report.page import json_in_script
from tests.common.browser import DESK, PHONE, Opened, luminance, opened
from tests.common.sources import page as pages_page
from tests.hostile import HOSTILE


@pytest.fixture(scope="session")
def html(bad, tmp_path_factory) -> Path:
    """The page of the hostile build, written by the command."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    done = CliRunner().invoke(app, ["report", str(bad.folder), "--out", str(path)])
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture(scope="module")
def desk(browser, html) -> Iterator[Opened]:
    with opened(browser, html.as_uri()) as found:
        yield found


@pytest.fixture
def fresh(desk) -> Opened:
    """The page as it opens: nothing searched for, nothing chosen."""
    desk.only("rows")
    desk.only("drops")
    return desk


# --- it loads --------------------------------------------------------------------------------


@pytest.fixture(
    scope="module",
    params=[(DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark")],
    ids=["desk-light", "desk-dark", "phone-light", "phone-dark"],
)
def view(request, browser, html) -> Iterator[Opened]:
    with opened(browser, html.as_uri(), *request.param) as found:
        yield found


def test_it_loads_without_error_or_request(view, html):
    assert view.told == [f"request: {html.as_uri()[:80]}"]
    names = view.tab.eval_on_selector_all("[data-chart]", "all => all.map(e => e.dataset.chart)")
    assert {"departments", "lengths", "domains", "waterfall", "clusters"} <= set(names)
    assert view.tab.locator("[data-chart] svg").count() == len(names)


def test_it_fits_the_width(view):
    """Nothing is cut off at the side, and nobody scrolls sideways but in a wide table."""
    tab = view.tab
    for part in ("rows", "drops"):
        view.open(part)
    tab.evaluate("for (const e of document.querySelectorAll('details')) e.open = true")
    wide = tab.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1] == tab.viewport_size["width"]
    cut = tab.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => {"
        "  if (e.closest('.scroll table, option, svg g')) return false;"
        "  const r = e.getBoundingClientRect();"
        "  return r.width && (r.right > innerWidth + 1 || r.left < -1);"
        "}).map(e => e.outerHTML.slice(0, 80))"
    )
    assert cut == []


def test_no_label_of_a_chart_is_cut_off_or_covers_another(view):
    view.tab.wait_for_timeout(100)
    cut = view.tab.evaluate(
        "[...document.querySelectorAll('.chart svg text')].filter(e => {"
        "  const r = e.getBoundingClientRect(), box = e.ownerSVGElement.getBoundingClientRect();"
        "  return r.width && getComputedStyle(e).opacity > 0"
        "    && (r.left < box.left - 1 || r.right > box.right + 1 || r.bottom > box.bottom + 1);"
        "}).map(e => e.textContent)"
    )
    assert cut == []
    over = view.tab.evaluate(
        "[...document.querySelectorAll('.chart svg .role-axis-label')].flatMap(axis => {"
        "  const all = [...axis.querySelectorAll('text')].filter(e => getComputedStyle(e).opacity > 0)"
        "    .map(e => [e.textContent, e.getBoundingClientRect()]);"
        "  return all.slice(1).filter(([, r], k) => all[k][1].right > r.left + 1 && r.right > all[k][1].left + 1"
        "    && all[k][1].bottom > r.top + 3 && r.bottom > all[k][1].top + 3).map(([text]) => text);"
        "})"
    )
    assert over == []


TOLD = ["body", "header p", "nav a", ".note", ".count", ".tag", ".tag.kind", "summary .first", ".checks .pass strong",
        ".checks .seen", ".says", "tbody a", ".chip", ".vote button",
        "thead th", "td", ".text .who", "mark", ".mask", "button", "input", "select",
        "svg .role-axis-label text", "svg .mark-text text", "svg .role-legend-label text", "ins", "del"]  # fmt: skip
COLOURS = """names => names.flatMap(name => [...document.querySelectorAll(name)].slice(0, 30).map(e => {
  const own = x => getComputedStyle(x).backgroundColor;
  const back = x => !x ? "rgb(255, 255, 255)" : own(x).endsWith(", 0)") ? back(x.parentElement) : own(x);
  const ink = getComputedStyle(e)[e instanceof SVGElement ? "fill" : "color"];
  return [name, ink, back(e), e.textContent.slice(0, 20)];
}))"""
"""Returns [name, colour, colour behind it, text] of what the names select."""


def test_texts_stand_out(view):
    """A contrast of 4.5 (WCAG AA) for every kind of text, charts included."""
    tab = view.tab
    changed = []
    for stage, rule in (
        ("filter", "low_chinese"),
        ("deduplicate", "near"),
        ("deduplicate", "exact"),
    ):
        view.only("drops", stage=stage, rule=rule)
        view.open("drops")
        changed += tab.evaluate(COLOURS, ["ins", "del", ".reason", ".why"])
    rivals = tab.evaluate(COLOURS, [".text.chosen", ".text.rejected"])
    view.only("rows", config="preference")
    view.open("rows").locator(".vote button").first.click()
    rivals += tab.evaluate(
        COLOURS, [".text.chosen", ".text.rejected", ".voted-sign", ".vote button"]
    )
    tab.locator("#votes [data-export=forget]").click()
    view.only("rows", q="头痛门诊")
    view.open("rows")
    pairs = changed + rivals + tab.evaluate(COLOURS, TOLD)
    assert {pair[0] for pair in pairs} >= {*TOLD, ".text.chosen", ".text.rejected"}
    for name, ink, back, text in pairs:
        light, dark = sorted((luminance(ink), luminance(back)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ink, back, text)


def test_the_button_turns_the_theme(browser, html):
    with opened(browser, html.as_uri(), scheme="light") as found:
        tab = found.tab

        def ground() -> str:
            return tab.evaluate("getComputedStyle(document.body).backgroundColor")

        light = ground()
        tab.click("#theme")
        tab.wait_for_selector(":root[data-drawn=dark]")
        assert ground() != light
        assert tab.inner_text("#theme") == "Switch to light"
        tab.reload()
        tab.wait_for_selector(":root[data-drawn=dark]")  # the choice stays
        tab.click("#theme")
        tab.wait_for_selector(":root[data-drawn=light]")
        assert ground() == light


def test_chinese_is_drawn_by_the_font_that_comes_along(fresh):
    """No machine need have a Chinese font; one without it would draw boxes."""
    tab = fresh.tab
    assert tab.evaluate("document.fonts.ready.then(() => [...document.fonts].map(f => f.status))")[
        0
    ] == ("loaded")
    session = tab.context.new_cdp_session(tab)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    for place in ("#rows .list .first", '[data-chart="departments"] svg text'):
        used = set()
        for node in session.send("DOM.querySelectorAll", {"nodeId": root, "selector": place})[
            "nodeIds"
        ]:
            told = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})
            used |= {font["familyName"] for font in told["fonts"] if font["isCustomFont"]}
        assert any("Noto Sans" in name for name in used), place


# --- what it shows ---------------------------------------------------------------------------


def test_totals_and_tables_are_those_of_the_build(fresh, bad):
    statistics = json.loads((bad.folder / "statistics.json").read_text("utf-8"))
    totals = dict(
        zip(
            fresh.tab.locator(".totals dt").all_inner_texts(),
            fresh.tab.locator(".totals dd").all_inner_texts(),
            strict=True,
        )
    )
    for config, splits in statistics.items():
        assert totals[config] == f"{splits['all']['rows']:,}"
    titles = fresh.tab.locator("#tables summary").all_inner_texts()
    assert titles[:3] == ["Records", "Configs", "Dropped, by rule"]
    first = fresh.tab.locator("#tables table").first.inner_text()
    for source in bad.manifest["sources"]:
        assert f"{source['name']}\t{source['in']}" in first


def test_a_search_in_chinese(fresh):
    title = pages_page(7)["title"]
    found = fresh.search("rows", title[:4])
    assert found
    assert len(found) < 5
    assert fresh.tab.locator("#rows .first mark").first.inner_text() == title[:4]
    words = f"{title[:2]} {title[4:6]}"  # both, anywhere
    assert 0 < len(fresh.search("rows", words)) <= 30
    assert fresh.search("rows", "没有这样的字句") == []
    assert fresh.count("rows").startswith("0 of ")


def test_more_are_shown_when_asked_for(fresh):
    assert len(fresh.shown("rows")) == 30
    fresh.tab.locator("#rows .more").click()
    fresh.tab.wait_for_function("document.querySelectorAll('#rows .list > details').length === 60")
    assert fresh.focus() == "summary"


def test_masks_are_shown(fresh):
    fresh.search("rows", "头痛门诊")
    body = fresh.open("rows")
    assert body.locator(".mask").all_inner_texts() == ["[手机号]"]
    assert "13912345678" not in fresh.tab.content()


def test_a_duplicate_stands_beside_its_twin(fresh):
    fresh.choose("drops", stage="deduplicate", rule="exact")
    body = fresh.open("drops").inner_text()
    assert "from: pages.jsonl#<i>copy</i>" in body
    assert "kept instead: " in body
    assert pages_page(3)["answers"][0]["answer"][:20] in body


def test_a_dropped_record_is_shown_with_what_a_stage_changed(fresh):
    fresh.choose("drops", rule="low_chinese")
    body = fresh.open("drops")
    assert "太阳病" in body.inner_text()
    assert "simplify changed text" in body.inner_text()
    assert body.locator("del").all_inner_texts()[:1] == ["陽"]
    assert body.locator("ins").all_inner_texts()[:1] == ["阳"]
    assert fresh.search("drops", "太阳病") != []


def test_what_two_records_differ_in_is_marked(fresh):
    fresh.choose("drops", rule="near")
    body = fresh.open("drops")
    assert body.locator(".rejected ins").all_inner_texts() == ["吧"]
    assert body.locator(".chosen del").all_inner_texts() == ["呢"]


# --- hostile texts ---------------------------------------------------------------------------


def test_hostile_texts_are_shown_as_they_are(fresh):
    tab = fresh.tab
    for part in ("rows", "drops"):
        while tab.locator(f"#{part} .more").is_visible():
            n = fresh.heads(part).count()
            tab.locator(f"#{part} .more").click()
            more = "([part, n]) => document.querySelectorAll(`#${part} .list > details`).length > n"
            tab.wait_for_function(more, arg=[part, n])
    tab.evaluate(
        "async () => { for (const e of document.querySelectorAll('.list > details')) {"
        " e.open = true; await new Promise(done => setTimeout(done)); } }"
    )
    tab.wait_for_function(
        "[...document.querySelectorAll('.list > details')].every(e => e.querySelector('.body'))"
    )
    told = tab.locator("#rows .list").evaluate("e => e.textContent")
    titles = (" ".join(text.split()) for text in HOSTILE)  # a title is one line
    bad_titles = [title for title in titles if f"title: {title}" not in told]
    assert bad_titles == []
    drops = tab.locator("#drops .list").evaluate("e => e.textContent")
    assert "<script>window.broken = 'script'</script>" in drops
    assert tab.evaluate("window.broken") is None
    assert tab.locator("script").count() == 3
    inside = ".list img, .list script, .list style, .list svg, .list h1"
    assert tab.locator(inside).count() == 0
    assert not [line for line in fresh.told if not line.startswith("request: file:")]


def test_a_search_for_signs_is_no_pattern(fresh):
    for words in ("</script>", "(javascript:alert(1))", "[a", "\\", "`", ".*", "${window"):
        found = fresh.search("rows", words)
        assert bool(found) == (words != ".*"), words
    assert not [line for line in fresh.told if not line.startswith("request: file:")]


@pytest.mark.parametrize(
    "text", [*HOSTILE, "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")]
)
def test_json_in_a_script_element(text):
    told = json_in_script({"text": text})
    assert json.loads(told) == {"text": text}
    assert not set("<>&\u2028\u2029") & set(told)


# --- by keyboard alone -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def untouched(browser, html) -> Iterator[Opened]:
    with opened(browser, html.as_uri()) as found:
        yield found


@pytest.fixture
def keys(untouched, html) -> Opened:
    """The page as it opens: no click has told the browser where to go on from."""
    untouched.tab.goto("about:blank")
    untouched.tab.goto(html.as_uri())
    untouched.tab.wait_for_selector(":root[data-drawn=light]")
    return untouched


def test_the_tab_order_and_a_visible_focus(keys):
    tab = keys.tab
    order = []
    for _ in range(90):
        tab.keyboard.press("Tab")
        name = keys.focus()
        style = tab.evaluate(
            "(s => [s.outlineStyle, parseFloat(s.outlineWidth)])"
            "(getComputedStyle(document.activeElement))"
        )
        assert style[0] != "none", name
        assert style[1] >= 2, name
        visible = tab.evaluate(
            "(r => r.width > 0 && r.bottom > 0 && r.top < innerHeight && r.left >= 0)"
            "(document.activeElement.getBoundingClientRect())"
        )
        assert visible, name
        order.append(name)
        if name == "select source":
            break
    assert order[:9] == ["a skip", *["a"] * 7, "button theme"]
    assert order[-3:] == ["input", "select config", "select source"]


def test_from_the_first_tab_to_an_open_record(keys):
    """Skip the charts, search, go to the second record and open it; no mouse."""
    tab = keys.tab
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.keyboard.press("/")
    assert keys.focus() == "input"
    tab.keyboard.type("头痛")
    keys.wait_for("rows", q="头痛")
    tab.keyboard.press("Escape")
    tab.keyboard.press("j")
    assert keys.focus() == "summary"
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#rows .list details[open] .body")
    first = tab.evaluate("document.activeElement.textContent")
    tab.keyboard.press("j")
    assert tab.evaluate("document.activeElement.textContent") != first
    tab.keyboard.press("k")
    assert tab.evaluate("document.activeElement.textContent") == first


def test_letters_typed_into_a_search_are_no_commands(keys):
    search = keys.tab.locator("#rows input[type=search]")
    search.focus()
    keys.tab.keyboard.type("j/kyx")
    assert search.input_value() == "j/kyx"
    assert keys.focus() == "input"

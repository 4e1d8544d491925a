"""The report's page in headless Chromium: it works, by keyboard too, and texts stay texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chimed_datasets.cli import app
from chimed_datasets.report.page import json_in_script
from tests.common.sources import page as pages_page
from tests.hostile import HOSTILE

DESK, PHONE = (1280, 900), (375, 812)


@pytest.fixture(scope="session")
def html(bad, tmp_path_factory) -> Path:
    """The page of the hostile build, written by the command."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    done = CliRunner().invoke(app, ["report", str(bad.folder), "--out", str(path)])
    assert done.exit_code == 0, done.output
    return path


class Opened:
    """A page in the browser; ``told`` holds console messages, errors, dialogs and requests."""

    def __init__(self, tab) -> None:
        self.tab = tab
        self.told: list[str] = []
        tab.on("console", lambda m: self.told.append(f"console {m.type}: {m.text}"))
        tab.on("pageerror", lambda e: self.told.append(f"error: {e}"))
        tab.on("dialog", lambda d: self.told.append(f"dialog: {d.message}"))
        tab.on("request", lambda r: self.told.append(f"request: {r.url[:80]}"))

    def shown(self, part: str) -> list[str]:
        return self.tab.locator(f"#{part} .list summary").all_inner_texts()

    def search(self, part: str, words: str) -> list[str]:
        self.tab.locator(f"#{part} input").fill(words)
        self.wait_for(part, words)
        return self.shown(part)

    def wait_for(self, part: str, words: str) -> None:
        """Wait until a list shows what was typed into its search."""
        sought = "([part, words]) => document.getElementById(part).dataset.sought === words"
        self.tab.wait_for_function(sought, arg=[part, words])

    def focus(self) -> str:
        """Return what has the focus, as a person would name it."""
        return self.tab.evaluate(
            "(e => [e.tagName.toLowerCase(), e.id || e.className || e.dataset.key || ''].join(' ')"
            ".trim())(document.activeElement)"
        )


@contextmanager
def opened(browser, html: Path, size=DESK, scheme: str = "light") -> Iterator[Opened]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme,
        reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(60_000)  # a loaded machine is slow
    tab = context.new_page()
    found = Opened(tab)
    tab.goto(html.as_uri())
    tab.wait_for_selector(f":root[data-drawn={scheme}]")
    yield found
    context.close()


@pytest.fixture(scope="module")
def desk(browser, html) -> Iterator[Opened]:
    with opened(browser, html) as found:
        yield found


@pytest.fixture
def fresh(desk) -> Opened:
    """The page as it opens: nothing searched for, nothing chosen."""
    for part in ("rows", "drops"):
        for select in desk.tab.locator(f"#{part} select").all():
            select.select_option("")
        desk.search(part, "")
    return desk


# --- it loads --------------------------------------------------------------------------------


@pytest.fixture(
    scope="module",
    params=[(DESK, "light"), (PHONE, "light"), (PHONE, "dark")],
    ids=["desk-light", "phone-light", "phone-dark"],
)
def view(request, browser, html) -> Iterator[Opened]:
    with opened(browser, html, *request.param) as found:
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
        tab.locator(f"#{part} .list summary").first.click()
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


def luminance(colour: str) -> float:
    """Return WCAG's relative luminance of "rgb(r, g, b)"."""
    levels = [int(n) / 255 for n in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    r, g, b = [n / 12.92 if n <= 0.03928 else ((n + 0.055) / 1.055) ** 2.4 for n in levels]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


TOLD = ["body", "header p", "nav a", ".note", ".count", ".tag", ".tag.kind", "summary .first",
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
    tab.locator("#rows select").first.select_option("preference")
    tab.locator("#rows .list summary").first.click()
    tab.locator("#drops select").first.select_option("deduplicate: exact")
    tab.locator("#drops .list summary").first.click()
    changed = []
    for reason in ("filter: low_chinese", "deduplicate: near"):
        tab.locator("#drops select").first.select_option(reason)
        tab.locator("#drops .list summary").first.click()
        tab.locator("#drops .body").first.wait_for()
        changed += tab.evaluate(COLOURS, ["ins", "del"])
    tab.locator("#drops select").first.select_option("deduplicate: exact")
    tab.locator("#drops .list summary").first.click()
    rivals = tab.evaluate(COLOURS, [".text.chosen", ".text.rejected"])
    tab.locator("#rows select").first.select_option("")
    view.search("rows", "头痛门诊")
    tab.locator("#rows .list summary").first.click()
    pairs = changed + rivals + tab.evaluate(COLOURS, TOLD)
    assert {pair[0] for pair in pairs} >= {*TOLD, ".text.chosen", ".text.rejected"}
    for name, ink, back, text in pairs:
        light, dark = sorted((luminance(ink), luminance(back)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ink, back, text)


def test_the_button_turns_the_theme(browser, html):
    with opened(browser, html, scheme="light") as found:
        tab = found.tab

        def ground() -> str:
            return tab.evaluate("getComputedStyle(document.body).backgroundColor")

        light = ground()
        tab.click("#theme")
        tab.wait_for_selector(":root[data-drawn=dark]")
        assert ground() != light
        assert tab.get_attribute("#theme", "aria-pressed") == "true"
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


@pytest.mark.parametrize(
    ("key", "value", "start"),
    [("config", "sft", "sft\n"), ("config", "preference", "preference\n"), ("source", "docs", "")],
)
def test_rows_are_filtered(fresh, key, value, start):
    fresh.tab.locator(f"#rows select[data-key={key}]").select_option(value)
    found = fresh.shown("rows")
    assert 0 < len(found) <= 30
    assert all(text.startswith(start) and value in text for text in found)


def test_drops_are_filtered_by_rule(fresh):
    rules = fresh.tab.locator("#drops select[data-key=reason] option").all_inner_texts()
    assert rules[0].startswith("all (")
    assert f"read: not_an_object ({len(HOSTILE)})" in rules
    fresh.tab.locator("#drops select[data-key=reason]").select_option("filter: too_short")
    (found,) = fresh.shown("drops")
    assert "短" in found


def test_a_search_in_chinese(fresh):
    title = pages_page(7)["title"]
    found = fresh.search("rows", title[:4])
    assert found
    assert len(found) < 5
    assert fresh.tab.locator("#rows .first mark").first.inner_text() == title[:4]
    words = f"{title[:2]} {title[4:6]}"  # both, anywhere
    assert 0 < len(fresh.search("rows", words)) <= 30
    assert fresh.search("rows", "没有这样的字句") == []
    assert fresh.tab.locator("#rows .count").inner_text() == "nothing found"


def test_more_are_shown_when_asked_for(fresh):
    assert len(fresh.shown("rows")) == 30
    fresh.tab.locator("#rows .more").click()
    assert len(fresh.shown("rows")) == 60
    assert fresh.tab.locator("#rows .count").inner_text().startswith("60 of ")
    assert fresh.focus() == "summary"


def test_masks_are_shown(fresh):
    fresh.search("rows", "头痛门诊")
    fresh.tab.locator("#rows .list summary").first.click()
    fresh.tab.locator("#rows .body .mask").first.wait_for()  # a record opens a moment later
    assert fresh.tab.locator("#rows .body .mask").all_inner_texts() == ["[手机号]"]
    assert "13912345678" not in fresh.tab.content()


def test_a_duplicate_stands_beside_its_twin(fresh):
    fresh.tab.locator("#drops select[data-key=reason]").select_option("deduplicate: exact")
    fresh.tab.locator("#drops .list summary").first.click()
    body = fresh.tab.locator("#drops .body").first.inner_text()
    assert "from: pages.jsonl#<i>copy</i>" in body
    assert "kept instead: " in body
    assert pages_page(3)["answers"][0]["answer"][:20] in body


def test_a_dropped_record_is_shown_with_what_a_stage_changed(fresh):
    fresh.tab.locator("#drops select[data-key=reason]").select_option("filter: low_chinese")
    fresh.tab.locator("#drops .list summary").first.click()
    body = fresh.tab.locator("#drops .body").first
    body.wait_for()
    assert "太阳病" in body.inner_text()
    assert "simplify changed text" in body.inner_text()
    assert body.locator("del").all_inner_texts()[:1] == ["陽"]
    assert body.locator("ins").all_inner_texts()[:1] == ["阳"]
    assert fresh.search("drops", "太阳病") != []


def test_what_two_records_differ_in_is_marked(fresh):
    fresh.tab.locator("#drops select[data-key=reason]").select_option("deduplicate: near")
    fresh.tab.locator("#drops .list summary").first.click()
    body = fresh.tab.locator("#drops .body").first
    body.wait_for()
    assert body.locator(".rejected ins").all_inner_texts() == ["吧"]
    assert body.locator(".chosen del").all_inner_texts() == ["呢"]


# --- hostile texts ---------------------------------------------------------------------------


def test_hostile_texts_are_shown_as_they_are(fresh):
    tab = fresh.tab
    while tab.locator("#rows .more").is_visible():
        tab.locator("#rows .more").click()
    tab.evaluate("for (const e of document.querySelectorAll('.list details')) e.open = true")
    tab.wait_for_selector("#rows details:last-child .body")
    told = tab.locator("#rows .list").evaluate("e => e.textContent")
    titles = (" ".join(text.split()) for text in HOSTILE)  # a title is one line
    bad_titles = [title for title in titles if f"title: {title}" not in told]
    assert bad_titles == []
    drops = tab.locator("#drops .list").evaluate("e => e.textContent")
    assert "<script>window.broken = 'script'</script>" in drops
    assert tab.evaluate("window.broken") is None
    assert tab.locator("script").count() == 3
    inside = ".list img, .list script, .list style, .list svg, .list a, .list b, .list i, .list h1"
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
    with opened(browser, html) as found:
        yield found


@pytest.fixture
def keys(untouched) -> Opened:
    """The page as it opens: no click has told the browser where to go on from."""
    untouched.tab.reload()
    untouched.tab.wait_for_selector(":root[data-drawn=light]")
    return untouched


def test_the_tab_order_and_a_visible_focus(keys):
    tab = keys.tab
    order = []
    for _ in range(60):
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
    assert order[:6] == ["a skip", *["a"] * 4, "button theme"]
    assert order[-3:] == ["input", "select config", "select source"]
    assert "summary" in order[6:-3]  # the tables open and close


def test_from_the_first_tab_to_an_open_record(keys):
    """Skip the charts, search, go to the second record and open it; no mouse."""
    tab = keys.tab
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.keyboard.press("/")
    assert keys.focus() == "input"
    tab.keyboard.type("头痛")
    keys.wait_for("rows", "头痛")
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
    keys.tab.locator("#rows input").focus()
    keys.tab.keyboard.type("j/k")
    assert keys.tab.locator("#rows input").input_value() == "j/k"
    assert keys.focus() == "input"

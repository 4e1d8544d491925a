"""The page over all rows: what the server answers, and what it refuses."""

from __future__ import annotations

import http.client
import json
import os
import threading
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from typer.testing import CliRunner

from chimed_datasets.built.dataset import Built
from chimed_datasets.cli import app
from chimed_datasets.errors import InvalidDataset, ReportError
from chimed_datasets.report import items, sampling
from tests.common.browser import opened
from tests.common.sources import page as pages_page
from tests.hostile import HOSTILE

pytest.importorskip("duckdb")

from chimed_datasets.report.serving import HOST, Server
from chimed_datasets.report.whole import Whole


@pytest.fixture(scope="session")
def server(bad) -> Iterator[Server]:
    made = Server(bad)
    runs = threading.Thread(target=made.run, daemon=True)
    runs.start()
    made.whole.wait()
    yield made
    made.close()
    runs.join()


@pytest.fixture(scope="session")
def whole(server) -> Whole:
    return server.whole


def asked(server: Server, path: str, method: str = "GET", host: str | None = None):
    """Return status, headers and body of an answer."""
    line = http.client.HTTPConnection(HOST, server.port, timeout=60)
    line.request(method, path, headers={"Host": host or f"{HOST}:{server.port}"})
    answer = line.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    line.close()
    return found


def question(server: Server, what: str, **parts: object):
    status, _, body = asked(server, f"/{server.token}/api/{what}?{urlencode(parts)}")
    assert status == 200, body
    return json.loads(body)


def every(built: Built) -> list[dict]:
    return sampling.rows(built, 10_000)


# --- the same as the sample ------------------------------------------------------------------


def value_of(row: dict, key: str) -> list[str]:
    if key == "tag":
        return row["tags"]
    if key == "department" and row[key]:
        parts = row[key].split(">")
        return [">".join(parts[: k + 1]) for k in range(len(parts))]
    return [row[key] or "—"]


@pytest.mark.parametrize(
    "key", ["config", "source", "split", "department", "origin", "domain", "tag"]
)
def test_counts_are_those_of_the_rows(whole, bad, key):
    rows = every(bad)
    found = dict(whole.counts("rows", {})["facets"][key])
    told: dict[str, int] = {}
    for row in rows:
        for value in value_of(row, key):
            told[value] = told.get(value, 0) + row["rows"]
    assert found == told
    for value, n in list(found.items())[:5]:
        assert whole.counts("rows", {key: value})["rows"] == n


def test_lengths_are_those_of_the_statistics(whole, bad):
    from chimed_datasets.report.page import bins

    found = dict(whole.counts("rows", {})["facets"]["length"])
    told = [splits["all"]["lengths"] for splits in bad.statistics().values()]
    for one, *counts in zip(bins(), *told, strict=True):
        assert found.get(one["value"], 0) == sum(counts)
        assert whole.counts("rows", {"length": one["value"]})["rows"] == sum(counts)


def test_filters_follow_one_another(whole):
    both = whole.counts("rows", {"config": "sft"})
    assert dict(both["facets"]["source"]) == {"pages": both["rows"]}
    assert set(dict(both["facets"]["config"])) > {"sft"}
    assert both["of"] == whole.rows
    assert both["done"]


def test_rows_come_in_turn_and_page_by_page(whole):
    first = whole.find("rows", {}, 0, 30)
    assert len({item["config"] for item in first.items[:3]}) == 3
    assert first.more
    ids, start = [item["id"] for item in first.items], first.next
    while start < whole.rows:
        page = whole.find("rows", {}, start, 30)
        ids += [item["id"] for item in page.items]
        start = page.next
        if not page.more:
            break
    assert len(ids) == len(set(ids)) or set(ids)


@pytest.mark.parametrize(
    "words", ["头痛", "手机号", "怎么办", "没有这样的字句", "SCRIPT", "头 痛", "window.broken"]
)
def test_a_search_finds_what_a_look_at_all_rows_finds(whole, bad, words):
    def texts(row):
        said = [text for _, text in row["texts"]]
        said += [text for reply in row.get("replies", ()) for _, text in reply["texts"]]
        labels = [row["labels"].get(name, "") for name in ("title", "keyphrases")]
        return "\n".join([*said, row["department"], *labels]).lower()

    meant = {r["id"] for r in every(bad) if all(w in texts(r) for w in words.lower().split())}
    found = whole.find("rows", {"q": words}, 0, 100)
    if len(meant) < 100:
        assert {item["id"] for item in found.items} == meant
    state = {"q": words, "config": "sft"}
    only = whole.find("rows", state, 0, 100)
    assert {item["config"] for item in only.items} <= {"sft"}
    whole.find("rows", state, 10**6, 1)  # to the end
    assert whole.counts("rows", state)["done"]


def test_dropped_records_by_rule_words_and_tag(whole, bad):
    counts = whole.counts("drops", {})
    assert counts["rows"] == len(bad.ledger("dropped"))
    for state in (
        {"rule": "low_chinese"},
        {"q": "太阳病"},
        {"stage": "filter", "q": "太阳病 发热"},
    ):
        found = whole.find("drops", state, 0, 30).items
        assert [item["rule"] for item in found] == ["low_chinese"]
    kept = dict(counts["facets"]["tag"])[items.TEXT_KEPT]
    assert whole.counts("drops", {"tag": items.TEXT_KEPT})["rows"] == kept


def test_a_record_by_its_id(whole, bad):
    near = whole.find("drops", {"rule": "near"}, 0, 1).items[0]
    found = whole.get("", near["id"])
    assert found["list"] == "drops"
    assert found["item"]["beside"]
    twin = whole.get("", near["twin"]["id"])
    assert twin["list"] == "rows"
    assert twin["item"]["thread"] == near["twin"]["id"]
    assert whole.get("", "docs-00000000000000000000") is None
    assert whole.get("rows", near["id"]) is None


@pytest.mark.parametrize("read", [True, False])
def test_a_row_of_one_config_of_several(server, whole, monkeypatch, read):
    """What is opened is the row of the list, and not that of its record in another config; while
    the ids are still being read, too."""
    if not read:
        monkeypatch.setattr(whole, "ids", None)
    rows = [row for row in whole.find("rows", {}, 0, 1_000).items if row["config"] in PAIRED]
    assert {config for config in PAIRED for row in rows if row["config"] == config} == set(PAIRED)
    for row in rows:
        asks = {"list": "rows", "id": row["id"], "config": row["config"]}
        found = question(server, "get", **asks)["found"]["item"]
        assert (found["config"], found["id"]) == (row["config"], row["id"])


PAIRED = ("sft", "preference")


# --- what it refuses -------------------------------------------------------------------------


def test_only_the_token_opens_it(server):
    status, headers, body = asked(server, f"/{server.token}/")
    assert status == 200
    assert b"<!doctype html>" in body
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    for path in ("/", "/api/counts?list=rows", f"/{server.token[:-1]}/", f"/{server.token}x/", "//",
                 f"/{'x' * 5000}/", "/%00/", "/%C3%A9/"):  # fmt: skip
        assert asked(server, path)[0] == 404, path


def test_only_this_machine_under_its_own_name(server):
    for host in ("evil.example", f"evil.example:{server.port}", f"{HOST}:1", "localhost"):
        assert asked(server, f"/{server.token}/", host=host)[0] == 403
    assert asked(server, f"/{server.token}/", host=f"localhost:{server.port}")[0] == 200
    assert server.http.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_only_get(server, method):
    assert asked(server, f"/{server.token}/", method)[0] == 501


def test_no_path_leads_to_a_file(server):
    for path in ("manifest.json", "../manifest.json", "api/../manifest.json", "%2e%2e/%2e%2e/etc/passwd",
                 "api/../../../../etc/passwd", "api//etc/passwd", "api/file?path=/etc/passwd",
                 "api/find?list=/etc/passwd", "api/find?list=../rows", "api/find"):  # fmt: skip
        status, _, body = asked(server, f"/{server.token}/{path}")
        assert status == 404, path
        assert len(body) < 40


def test_a_manifest_that_names_files_elsewhere_is_refused(bad, tmp_path):
    for place in ("../outside.parquet", "/etc/passwd"):
        manifest = json.loads((bad.folder / "manifest.json").read_text("utf-8"))
        manifest["configs"]["sft"]["train"][0]["file"] = place
        with pytest.raises(InvalidDataset, match="outside the folder"):
            Whole(Built(bad.folder, manifest))
    (tmp_path / "ledger").mkdir()
    os.symlink("/etc/passwd", tmp_path / "link.parquet")
    manifest["configs"] = {"sft": {"train": [{"file": "link.parquet", "rows": 1}]}}
    with pytest.raises(InvalidDataset, match="outside the folder"):
        Whole(Built(tmp_path, manifest))


HARD = [
    "'",
    '"',
    "'; DROP TABLE drops; --",
    "%",
    "_",
    "\\",
    "a' OR '1'='1",
    "—",
    "\x00",
    "-",
    "1-x",
    "9" * 40,
]


@pytest.mark.parametrize("value", [*HARD, *HOSTILE])
def test_what_is_asked_is_a_value_and_no_command(server, value):
    for key in ("source", "department", "tag", "length", "config"):
        question(server, "counts", list="rows", **{key: value})
    for key in ("rule", "stage", "tag", "q"):
        question(server, "find", list="drops", most=3, **{key: value})
    question(server, "find", list="rows", q=value, most=3)
    question(server, "get", id=value)
    assert question(server, "counts", list="drops")["rows"] > 10


def test_the_database_reads_no_other_file(whole):
    import duckdb

    for sql in ("SELECT * FROM read_text('/etc/passwd')", "SET enable_external_access = true",
                "COPY rows TO '/tmp/chimed-out.csv'", "INSTALL httpfs"):  # fmt: skip
        with pytest.raises(duckdb.Error):
            whole.connection.cursor().execute(sql)


def test_a_fault_is_one_line(server, monkeypatch):
    def fails(*_):
        raise ReportError("it is\nbroken")

    monkeypatch.setattr(server.whole, "counts", fails)
    status, _, body = asked(server, f"/{server.token}/api/counts?list=rows")
    assert (status, body) == (500, b"it is broken\n")


def test_a_port_in_use_is_one_line(server, bad):
    command = ["report", "--serve", str(bad.folder), "--port", str(server.port)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1
    assert "cannot be listened on" in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_without_duckdb_one_line_names_the_extra(bad, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = CliRunner().invoke(app, ["report", "--serve", str(bad.folder)])
    assert done.exit_code == 1
    assert "chimed-datasets[serve]" in done.output


def test_nothing_is_written(server, bad, tmp_path):
    before = {p: p.stat().st_mtime_ns for p in bad.folder.rglob("*")}
    question(server, "find", list="rows", q="头痛", most=5)
    assert {p: p.stat().st_mtime_ns for p in bad.folder.rglob("*")} == before


# --- in a browser ----------------------------------------------------------------------------


def test_the_page_over_all_rows(browser, server, bad):
    rows = sum(entry["rows"] for _, _, entry in bad.files())
    with opened(browser, server.address) as found:
        tab = found.tab
        done = "part => document.getElementById(part).dataset.counted !== undefined"
        tab.wait_for_function(done, arg="rows")
        assert found.count("rows") == f"{rows} of {rows} rows"
        n = found.options("rows", "config")["sft"]
        found.choose("rows", config="sft")
        tab.wait_for_function(
            "n => document.querySelector('#rows > .count').textContent.startsWith(n + ' of ')",
            arg=str(n),
        )
        word = pages_page(7)["title"][:4]
        assert 0 < len(found.search("rows", word)) < n
        assert tab.locator("#rows .first mark").first.inner_text() == word
        found.open("rows").locator(".vote .no").click()
        assert found.count("votes") == "1 vote, 1 to take down"
        found.only("drops", rule="near")
        body = found.open("drops")
        assert body.locator(".rejected ins").all_inner_texts() == ["吧"]
        tab.wait_for_function("document.querySelectorAll('.checks .pass').length > 5")
        assert tab.evaluate("window.broken") is None
        wrong = [line for line in found.told if not line.startswith(f"request: http://{HOST}:")]
        assert wrong == []


def test_hostile_texts_are_inert_here_too(browser, server):
    with opened(browser, server.address) as found:
        for words in HOSTILE[:5]:
            found.search("rows", words.split()[0])
            if found.heads("rows").count():
                found.open("rows")
        inside = ".list img, .list script, .list style, .list svg, .list h1"
        assert found.tab.locator(inside).count() == 0
        assert found.tab.evaluate("window.broken") is None
        assert not [line for line in found.told if line.startswith(("error", "console error"))]

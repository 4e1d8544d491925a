"""Two local sites with the trouble of real ones, crawled through the command line and built."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from datasets import load_dataset

import chimed_datasets as chimed
from chimed_datasets.collect.examples.content import ENTRIES, THREADS
from chimed_datasets.collect.examples.site import Site, Trouble, encyclopedia, platform
from chimed_datasets.recipe import parse

from crawling import FAST, answered, begin, crawl, end, jsonl, outcomes, quiet, site_file, until  # isort: skip
from tests.common.files import write_jsonl

PERMISSION = "the example site of chimed-datasets, written for it and free to collect"


GENTLE = FAST | {"delay": 0.3, "throttle": True, "concurrency": 1}
MODES = ("missing", "forbidden", "failing", "hanging")


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    """What most tests look at, crawled at once, as most of it is waiting: folder, and sites by
    name. Their servers are closed."""
    folder = tmp_path_factory.mktemp("collected")
    sites = {
        "platform": Site(platform, trouble=Trouble(slow=True)),
        "encyclopedia": Site(encyclopedia),
        "delaying": Site(encyclopedia, trouble=Trouble(delay=0.4)),
        **{mode: Site(encyclopedia, trouble=Trouble(robots=mode)) for mode in MODES},
    }
    with ExitStack() as stack:
        for site in sites.values():
            stack.enter_context(site)
        for name in ("delaying", "missing"):
            (folder / f"{name}.site").mkdir()
        hosts = [f"{sites[mode].url}/" for mode in MODES]
        files = {
            "platform": site_file(folder, sites["platform"]),
            "encyclopedia": site_file(folder, sites["encyclopedia"], pace=GENTLE),
            "delaying": site_file(folder / "delaying.site", sites["delaying"]),
            "robots": site_file(folder / "missing.site", sites["missing"], start_urls=hosts),
        }
        crawls = [
            begin(
                path, folder / name, "--allow-private", *(["--limit", "4"] * (name == "delaying"))
            )
            for name, path in files.items()
        ]
        for status, _, err in map(end, crawls):
            assert status == 0, err
    return folder, sites


@pytest.fixture(scope="module")
def collected(crawled):
    """Of these the two sites: (folder, platform, encyclopedia)."""
    folder, sites = crawled
    return folder, sites["platform"], sites["encyclopedia"]


def test_every_thread_as_the_page_has_it(collected):
    rows = jsonl(collected[0] / "platform" / "threads.jsonl")
    by_title = {row["title"]: row for row in rows}
    assert len(rows) == len(by_title) == len(THREADS)
    for number, thread in enumerate(THREADS):
        row = by_title[thread.title]
        assert row["question_content"] == thread.question
        assert row["department"] == thread.department
        assert row["labels"] == "\t".join(thread.phrases)
        assert row["patient_infos"] == ([thread.patient] if thread.patient else [])
        assert row["question_time"] == f"2024-03-{number + 1:02d}"
        assert row["permission"] == PERMISSION
        order = list(range(len(thread.answers)))
        if number % 2 == 0 and thread.best is not None:  # in a box above the others
            order.remove(thread.best)
            order.insert(0, thread.best)
        assert [a["answer"] for a in row["answers"]] == [thread.answers[k] for k in order]
        assert [a["adopted"] for a in row["answers"]] == [k == thread.best for k in order]
        assert [a["recommended"] for a in row["answers"]] == [
            k == 0 and number % 3 == 0 for k in order
        ]
    assert not any("医生" in str(row["answers"][0]["mid"]) for row in rows)


def test_every_entry_with_list_and_table(collected):
    rows = jsonl(collected[0] / "encyclopedia" / "articles.jsonl")
    assert {row["title"] for row in rows} == {entry.name for entry in ENTRIES}
    for row in rows:
        entry = next(e for e in ENTRIES if e.name == row["title"])
        table = [" ".join(cells) for cells in entry.table]
        assert row["text"] == "\n".join([*entry.paragraphs, *entry.items, *table])


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("", "links_only"),
        ("question/broken", "status_500"),
        ("question/lost", "status_404"),
        ("question/elsewhere", "redirect_offsite"),
        ("question/intranet", "redirect_offsite"),
        ("question/moved", "redirect"),
        ("question/circle", "redirect"),
        ("question/circle2", "redirect"),
        ("question/huge", "too_large"),
        ("question/huge-told", "too_large"),
        ("question/scan", "not_html"),
        ("question/unanswered", "no_answer"),
        ("question/internal", "robots"),
        ("question/slow", "timeout"),
    ],
)
def test_the_ledger_says_why(collected, page, reason):
    assert outcomes(collected[0] / "platform")[page] == reason


def test_nothing_is_lost_and_nothing_asked_twice(collected):
    folder, asked, _ = collected
    out = folder / "platform"
    told = set(outcomes(out)) | {
        row["url"].split("/", 3)[3] for row in jsonl(out / "threads.jsonl")
    }
    fetched = {a.path.lstrip("/") for a in asked.log if a.path != "/robots.txt"}
    assert fetched <= told
    assert told - fetched == {"question/internal"}
    assert max(Counter(answered(asked)).values()) == 1
    # A page in passing trouble is asked for once more (retries: 1), no other.
    tries = Counter(a.path for a in asked.log)
    again = {path for path, n in tries.items() if n > 1}
    assert again == {f"/question/{name}" for name in ("3", "5", "7", "broken", "slow")}


def test_a_list_that_goes_on_for_ever_is_left(collected):
    reasons = outcomes(collected[0] / "platform")
    pages = sorted(int(p.partition("=")[2]) for p in reasons if p.startswith("list/?page="))
    assert pages == list(range(1, len(pages) + 1))
    assert len(pages) < 12
    assert reasons[f"list/?page={pages[-1]}"] == "nothing_new"


def test_a_page_without_end_is_given_up_early(collected):
    sent = {a.path: a.sent for a in collected[1].log}
    for path in ("/question/huge", "/question/huge-told"):
        assert sent[path] < 40_000_000


def test_the_crawler_says_who_it_is(collected):
    assert collected[1].agents == {
        f"chimed-datasets/{chimed.__version__} (+https://example.org/your-crawler)"
    }


def test_what_was_collected_builds_into_all_three_configs(collected):
    folder = collected[0]
    sources = []
    for name in ("platform", "encyclopedia"):
        made = yaml.safe_load((folder / name / "recipe.yaml").read_text("utf-8"))
        for source in made["sources"]:
            sources.append(source | {"path": f"{name}/{source['path']}"})
    recipe = folder / "both.yaml"
    recipe.write_text(yaml.safe_dump({"name": "both", "sources": sources}), "utf-8")
    manifest = chimed.build(chimed.load_recipe(recipe), folder / "built")
    assert chimed.validate(folder / "built") == []
    assert {s["name"]: s["out"] for s in manifest["sources"]} == {
        "example-platform-threads": len(THREADS),
        "example-encyclopedia-articles": len(ENTRIES),
    }
    rows = {
        config: [r for split in load_dataset(str(folder / "built"), config).values() for r in split]
        for config in ("pretrain", "sft", "preference")
    }
    assert {r["license"] for r in rows["sft"]} == {"cc0-1.0"}
    assert {r["license"] for r in rows["pretrain"]} == {f"by permission: {PERMISSION}"}
    for row in rows["pretrain"]:
        assert json.loads(row["metadata"])["permission"] == PERMISSION
    best = {t.answers[t.best] for t in THREADS if t.best is not None}
    pairs = [(r["chosen"][0]["content"], r["rejected"][0]["content"]) for r in rows["preference"]]
    adopted = [pair for pair in pairs if pair[0] in best]
    assert len(adopted) >= 10  # the 1st and 99th percentile of lengths take some
    assert not {rejected for _, rejected in adopted} & best
    assert {r["label_origin"]["domain"] for r in rows["pretrain"]} == {"stated"}
    for config in ("sft", "preference"):
        assert {r["label_origin"]["department"] for r in rows[config]} == {"source"}


def test_where_an_answer_stood_makes_no_difference(collected, tmp_path):
    """On a page the adopted answer often stands first. What is built from pages that have them the
    other way round is the same, but for the places that a row reports."""
    threads = jsonl(collected[0] / "platform" / "threads.jsonl")
    source = {"name": "s", "layout": "chimed_pages", "path": "threads.jsonl", "license": "mit"}
    built = {}
    for way in (1, -1):
        folder = tmp_path / f"way{way}"
        write_jsonl(
            folder / "threads.jsonl", [t | {"answers": t["answers"][::way]} for t in threads]
        )
        recipe = parse({"name": "w", "sources": [source]}, folder)
        chimed.build(recipe, folder / "built")
        built[way] = [
            {
                str(sorted((k, str(v)) for k, v in row.items() if k not in ("id", "positions")))
                for split in load_dataset(str(folder / "built"), config).values()
                for row in split
            }
            for config in ("sft", "preference")
        ]
    assert len(built[1][1]) > 10
    assert built[1] == built[-1]


# --- killed and resumed ----------------------------------------------------------------------


def test_killed_twice_and_resumed_without_loss(tmp_path):
    """Pages are held back, so that what was answered before the kill was also taken in: of these
    none may be asked for again."""
    out = tmp_path / "out"
    trouble = Trouble(held={"/question/6"})
    with Site(platform, trouble=trouble) as site:
        path = site_file(tmp_path, site)
        for held in ({"/question/6", "/list/?page=3"}, {"/question/12", "/list/?page=5"}):
            trouble.held = held
            trouble.release.clear()
            site.holding.clear()
            process = begin(path, out, "--allow-private")
            quiet(site)
            process.send_signal(signal.SIGKILL)
            assert end(process)[0] == -signal.SIGKILL
            trouble.release.set()
        before = len(answered(site))
        told = crawl(path, out)
        assert len(answered(site)) > before > 5
        assert max(Counter(answered(site)).values()) == 1
        assert {row["title"] for row in jsonl(out / "threads.jsonl")} == {t.title for t in THREADS}
        assert "0 waiting" in told
        # Done is done: a further run asks for nothing, with --retry for what failed in passing.
        count = len(site.log)
        assert crawl(path, out, "--retry").startswith(told.splitlines()[0])
        assert {a.path for a in site.log[count:]} == {"/robots.txt", "/question/broken"}


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path):
    """Without held pages a kill may fall between an answer and its being taken in: only the pages
    under way at that moment, at most ``concurrency`` of them, may be asked for again."""
    out, kills = tmp_path / "out", 4
    with Site(platform) as site:
        path = site_file(tmp_path, site)
        for kill in range(kills):
            process = begin(path, out, "--allow-private")
            start = len(site.log)
            until(lambda start=start, kill=kill: len(site.log) >= start + 4 + 3 * kill)
            process.send_signal(signal.SIGKILL)
            end(process)
        crawl(path, out)
        twice = sum(n - 1 for n in Counter(answered(site)).values())
        assert twice <= 4 * kills
        assert len(jsonl(out / "threads.jsonl")) == len(THREADS)


def test_a_limit_leaves_the_rest_waiting_and_one_crawl_at_a_time(tmp_path):
    out = tmp_path / "out"
    with Site(encyclopedia, trouble=Trouble(held={"/entry/2"})) as site:
        path = site_file(tmp_path, site, pace=FAST | {"timeout": 60})  # held while another starts
        first = begin(path, out, "--allow-private", "--limit", "4")
        until(lambda: bool(site.holding))
        status, _, err = end(begin(path, out, "--allow-private"))
        assert status == 1
        assert "in use by another crawl" in err
        site.trouble.release.set()
        status, told, _ = end(first)
        assert status == 0
        assert told.startswith("3 records of 8 addresses known, 4 waiting.")
        assert Counter(outcomes(out).values())["waiting"] == 4
        other = site_file(tmp_path, site, ignore=["^/entry/3"])
        status, _, err = end(begin(other, out, "--allow-private"))
        assert status == 1
        assert "another site file" in err


# --- where a crawl may not go ----------------------------------------------------------------


def test_robots_txt_fails_closed(crawled):
    folder, sites = crawled
    asked = {mode: answered(sites[mode]) for mode in MODES}
    assert len(asked.pop("missing")) == 2 + len(ENTRIES)
    assert asked == {"forbidden": [], "failing": [], "hanging": []}
    refused = [r for r in jsonl(folder / "robots" / "ledger.jsonl") if "robots" in r["reason"]]
    assert {(r["reason"], r["passing"]) for r in refused} == {("robots_unreachable", True)}
    told = " ".join(r["evidence"] for r in refused)
    for why in ("status 403", "status 500", "Timeout"):
        assert why in told


def test_private_addresses_are_not_connected_to(tmp_path):
    with Site(encyclopedia) as site:
        hosts = ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0")
        port = site.server_port
        path = site_file(
            tmp_path,
            site,
            start_urls=[f"http://{host}:{port}/" for host in hosts],
            allowed_domains=[host.strip("[]") for host in hosts],
        )
        status, told, err = end(begin(path, tmp_path / "out"))
        assert status == 0, err
        assert site.log == []
        rows = jsonl(tmp_path / "out" / "ledger.jsonl")
        assert Counter(row["reason"] for row in rows) == {"not_public": len(hosts)}
        assert told.startswith("0 records")
        assert f"{len(hosts)} not_public  at no public address; --allow-private" in told
        # Whoever forgot to allow it need not begin anew.
        assert not crawl(path, tmp_path / "out", "--limit", "2").startswith("0 records of 6")
        assert "/" in answered(site)


REBINDING = """
import socket, sys
from pathlib import Path

# "rebind.test" is 127.0.0.1 when it is looked up for robots.txt and 127.0.0.2 afterwards,
# "inside.test" is always the latter.
real, times = socket.getaddrinfo, {}

def lookup(host, *args, **more):
    times[host] = times.get(host, 0) + 1
    inside = host == "inside.test" or (host == "rebind.test" and times[host] > 1)
    return real("127.0.0.2" if inside else "127.0.0.1", *args, **more)

socket.getaddrinfo = lookup  # before Twisted takes it

from chimed_datasets.collect import addresses, crawl
from chimed_datasets.sources.site.site_file import load_site

# 127.0.0.1 stands for a public server, 127.0.0.2 for one inside.
addresses.is_public = crawl.is_public = lambda address: address == "127.0.0.1"
crawl.collect(load_site(sys.argv[1]), Path(sys.argv[2]))
"""


def test_neither_a_redirect_nor_a_second_lookup_leads_inside(tmp_path):
    def pages(site, path):
        page = platform(site, path)
        if path == "/question/1":
            page = page._replace(
                status=302, headers=(("Location", f"http://inside.test:{port}/question/2"),)
            )
        return page

    with Site(pages) as site:
        port = site.server_port
        inside = Site(platform, port, address="127.0.0.2")
        with inside:
            path = site_file(
                tmp_path,
                site,
                start_urls=[f"http://{h}:{port}/" for h in ("good.test", "rebind.test")],
                allowed_domains=["good.test", "rebind.test", "inside.test"],
                pace={"delay": 0, "throttle": False, "retries": 0, "timeout": 5},
            )
            out = tmp_path / "out"
            run = subprocess.run(
                [sys.executable, "-c", REBINDING, str(path), str(out)],
                capture_output=True, text=True, timeout=90, check=False,
            )  # fmt: skip
            assert run.returncode == 0, run.stderr
            assert inside.log == []
        assert answered(site)
    reasons = {row["url"]: row["reason"] for row in jsonl(out / "ledger.jsonl")}
    assert reasons[f"http://rebind.test:{port}/"] == "not_public"
    assert reasons[f"http://inside.test:{port}/question/2"] == "not_public"
    assert reasons[f"http://good.test:{port}/question/1"] == "redirect"


def test_the_longer_of_delay_and_crawl_delay_is_kept_to(crawled):
    """Scrapy draws a wait between half of it and one and a half; no gap for itself is looked at, as
    a busy machine notes times late."""
    for name, wait, pages in (("delaying", 0.4, 4), ("encyclopedia", 0.3, 2 + len(ENTRIES))):
        times = [a.time for a in crawled[1][name].log if a.path != "/robots.txt"]
        assert len(times) == pages
        assert max(times) - min(times) > 0.9 * wait / 2 * (pages - 1)


def test_ctrl_c_takes_in_what_is_under_way_and_leaves_the_files(tmp_path):
    out = tmp_path / "out"
    with Site(encyclopedia, trouble=Trouble(held={"/entry/3"})) as site:
        path = site_file(tmp_path, site, pace=FAST | {"timeout": 60, "concurrency": 1})
        process = begin(path, out, "--allow-private")
        until(lambda: bool(site.holding))
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)  # it must not be released before the signal is there
        site.trouble.release.set()
        status, told, err = end(process)
        assert status == 0, err
        assert "Run it again to go on." in told
        assert {row["title"] for row in jsonl(out / "articles.jsonl")} == {
            entry.name for entry in ENTRIES[:4]
        }
        crawl(path, out)
        assert max(Counter(answered(site)).values()) == 1
        assert len(jsonl(out / "articles.jsonl")) == len(ENTRIES)


def test_a_missing_site_file_is_one_line(tmp_path):
    status, _, err = end(begin(Path("nowhere.yaml"), tmp_path / "out"))
    assert (status, err) == (1, "chimed: nowhere.yaml: there is no such site file.\n")
    assert not (tmp_path / "out").exists()

"""Whole runs over real sockets: every input accounted for, resume after kill -9, budgets, keys."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from fault_server import WIRE, Server, brain
from filelock import FileLock
from makers import write_documents

from chimed_datasets import records
from chimed_datasets.errors import GenerateError, RecipeError
from chimed_datasets.generate.recipe import load, parse
from chimed_datasets.generate.run import dry_run, generate
from chimed_datasets.recipe import parse as parse_build
from chimed_datasets.records import ledger
from chimed_datasets.sources import FileReport, SourceFile, layout
from tests.common.text import prose

ROOT = Path(__file__).resolve().parents[2]


def lines_of(out):
    return [json.loads(line) for line in (out / "records.jsonl").read_text("utf-8").splitlines()]


def ledger_of(out):
    return pq.read_table(out / "ledger.parquet").to_pylist()


def outcome_of(out):
    """What must be equal of two runs: the bytes of records and ledger, and the manifest."""
    return (
        (out / "records.jsonl").read_bytes(),
        (out / "ledger.parquet").read_bytes(),
        (out / "manifest.json").read_text("utf-8"),
    )


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3))])
def test_300_rows_through_every_fault_are_all_accounted_for(qa_recipe, tmp_path, seed):
    server = Server(
        seed=seed, rate=0.2, bad=0.2, hopeless=0.08, hang=6, delay=0.001, retry_after="0.02"
    )
    with (
        server
    ):  # seconds enough for a busy machine: a request that was given up unread is no fault
        endpoint = {"base_url": server.url, "concurrency": 32, "timeout": 5, "backoff": 0.01,
                    "attempts": 12}  # fmt: skip
        done = generate(qa_recipe(server.url, 300, endpoint=endpoint), tmp_path / "out")
        stats = server.stats
    assert set(stats.faults) >= set(WIRE)
    told, lost = lines_of(tmp_path / "out"), ledger_of(tmp_path / "out")
    (job,) = done.manifest["tasks"]
    assert (job["inputs"], done.manifest["complete"], done.stopped) == (300, True, None)
    assert len(told) == job["results"]
    assert len(lost) == sum(job["dropped"].values()) == 300 - len(told)
    assert 5 <= len(lost) <= 60
    assert {row["rule"] for row in lost} == {"invalid_output"}
    assert all(row["stage"] == "qa_from_document" and row["evidence"] for row in lost)
    # Each input is in one of them, once, in the order of the files; and each answer is its own.
    parents = [row["metadata"]["parent"] for row in told] + [row["id"] for row in lost]
    expected = [records.record_id("docs", f"docs.jsonl#{n}") for n in range(300)]
    assert sorted(parents) == sorted(expected)
    assert [p for p in expected if p in set(parents[: len(told)])] == parents[: len(told)]
    for row in told:
        number = expected.index(row["metadata"]["parent"])
        assert row["question"] == f"药{number}有什么说法？"
        assert row["answers"][0]["text"] == f"古人说：{prose(number, 120)[:30]}"
    assert done.spent.requests == done.sent == stats.arrived


def test_a_finished_run_costs_nothing_again_and_writes_the_same(qa_recipe, tmp_path):
    with Server(bad=0.3, hopeless=0.1) as server:
        recipe = qa_recipe(server.url, 40)
        generate(recipe, tmp_path / "out")
        before, arrived = outcome_of(tmp_path / "out"), server.stats.arrived
        done = generate(recipe, tmp_path / "out")
        assert done.sent == 0
        assert server.stats.arrived == arrived
        assert outcome_of(tmp_path / "out") == before
        assert sorted(p.name for p in tmp_path.iterdir()) == ["docs.jsonl", "out", "out.cache"]
        assert not (tmp_path / "out.cache" / "work").exists()


@pytest.mark.parametrize("concurrency", [1, 7])
def test_the_output_does_not_depend_on_concurrency(qa_recipe, tmp_path, concurrency):
    with Server(bad=0.3, hopeless=0.1, delay=0.001) as server:
        outcomes = []
        for name, many in (("a", 32), ("b", concurrency)):
            endpoint = {"base_url": server.url, "concurrency": many}
            generate(qa_recipe(server.url, 60, endpoint=endpoint), tmp_path / name)
            outcomes.append(outcome_of(tmp_path / name))
    assert outcomes[0] == outcomes[1]


def test_retry_asks_again_only_where_there_was_no_result(qa_recipe, tmp_path):
    with Server(bad=0.5, hopeless=0.2) as server:
        recipe = qa_recipe(server.url, 60)
        done = generate(recipe, tmp_path / "out")
        (job,) = done.manifest["tasks"]
        bad = job["dropped"]["invalid_output"]
        assert 3 <= bad < 30
        server.bad = 0.0
        assert generate(recipe, tmp_path / "out").sent == 0
        again = generate(recipe, tmp_path / "out", retry=True)
        assert again.sent == bad
        assert again.manifest["tasks"][0]["results"] == 60
        assert again.manifest["tasks"][0]["dropped"] == {}


def test_rows_that_failed_are_tried_by_the_next_run(qa_recipe, tmp_path):
    def refuse(body, headers):
        return (500, "broken", {}) if '"药7"' in body["messages"][-1]["content"] else None

    with Server(refuse=refuse) as server:
        endpoint = {"base_url": server.url, "backoff": 0.01, "attempts": 2}
        recipe = qa_recipe(server.url, 20, endpoint=endpoint)
        done = generate(recipe, tmp_path / "out")
        assert done.manifest["tasks"][0]["dropped"] == {"server_error": 1}
        (row,) = ledger_of(tmp_path / "out")
        assert row["key"] == "docs.jsonl#7#0-121"
        assert "HTTP 500: broken (2 attempts)" in row["evidence"]
        server.refuse = lambda body, headers: None
        done = generate(recipe, tmp_path / "out")
        assert (done.sent, done.manifest["tasks"][0]["dropped"]) == (1, {})


def test_a_bug_in_a_task_costs_one_row(qa_recipe, tmp_path, monkeypatch):
    from chimed_datasets.generate import checks

    sound = checks.ungrounded

    def buggy(answer, passage, least):
        if passage.startswith(prose(5, 10)[:10]):
            raise ZeroDivisionError("division by zero")
        return sound(answer, passage, least)

    monkeypatch.setattr(checks, "ungrounded", buggy)
    with Server() as server:
        done = generate(qa_recipe(server.url, 10), tmp_path / "out")
    assert done.manifest["tasks"][0]["dropped"] == {"task_error": 1}
    (row,) = ledger_of(tmp_path / "out")
    assert row["evidence"] == "ZeroDivisionError: division by zero"


# --- kill -9 ---------------------------------------------------------------------------------


COMMAND = "from chimed_datasets.cli import app; app()"


def start(tmp_path, recipe, out, *options, code=COMMAND, **environment):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True), "utf-8")
    return subprocess.Popen(
        [sys.executable, "-c", code, "generate", "--recipe", str(path), "--out", str(out),
         "--workers", "1", *options],
        cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def cached(out):
    """Return the number of answers in a cache that another process writes."""
    path = out.with_name(f"{out.name}.cache") / "cache.sqlite"
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT count(*) FROM answers").fetchone()[0]
    return 0


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def test_a_run_killed_twice_pays_nothing_twice_and_equals_an_unbroken_one(qa_recipe, tmp_path):
    """The server stops answering after 25 and after 60 answers; when all of these are stored the
    process is killed, with eight requests under way."""
    out = tmp_path / "out"
    with Server(bad=0.3, hopeless=0.1, hold=25) as server:
        endpoint = {"base_url": server.url, "concurrency": 8, "timeout": 60}
        recipe = qa_recipe(server.url, 80, content=True, endpoint=endpoint)
        for hold in (25, 60):
            server.hold = hold
            process = start(tmp_path, recipe, out)
            until(lambda: server.stats.most >= 8 and cached(out) >= hold)  # noqa: B023
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            assert cached(out) == hold == sum(server.stats.answered.values())
            assert not out.exists()
        server.release()
        process = start(tmp_path, recipe, out)
        told, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert f"{cached(out) - 60:,} requests sent" in told
        assert "60 answers are in the cache" in errors
        assert set(server.stats.answered.values()) == {1}
        paid = dict(server.stats.answered)
        generate(load(tmp_path / "recipe.yaml"), tmp_path / "unbroken")
        assert server.stats.answered == Counter(dict.fromkeys(paid, 2))
    assert outcome_of(out) == outcome_of(tmp_path / "unbroken")
    assert sorted(p.name for p in (tmp_path / "out.cache").iterdir()) == ["cache.sqlite", "lock"]


@pytest.mark.slow
def test_killed_at_any_moment(qa_recipe, tmp_path):
    """Killed ten times whenever it comes: only what was under way can have been asked again."""
    out = tmp_path / "out"
    with Server(rate=0.1, bad=0.2, delay=0.02, hang=1, retry_after="0.05") as server:
        endpoint = {"base_url": server.url, "concurrency": 4, "timeout": 0.5, "backoff": 0.01,
                    "attempts": 12}  # fmt: skip
        recipe = qa_recipe(server.url, 300, content=True, endpoint=endpoint)
        kills = 0
        while kills < 10:
            stored = cached(out)
            process = start(tmp_path, recipe, out)
            until(lambda: cached(out) > stored + 3 or process.poll() is not None)  # noqa: B023
            time.sleep(0.037 * kills)
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            kills += 1
            process.communicate()
        process = start(tmp_path, recipe, out)
        process.communicate(timeout=120)
        assert process.returncode == 0
        again = sum(n - 1 for n in server.stats.answered.values())
        assert again <= 4 * kills + server.stats.faults["drop_half"]
        generate(parse(recipe, tmp_path), tmp_path / "unbroken")
    assert outcome_of(out)[:2] == outcome_of(tmp_path / "unbroken")[:2]


def test_a_row_that_waits_for_its_next_try_holds_no_place(qa_recipe, tmp_path):
    """One place: the row that failed comes again after a second or two, the others before."""
    asked = []

    def refuse(body, headers):
        asked.append(json.dumps(body["messages"]))
        return (500, "not now", {}) if len(asked) == 1 else None

    with Server(refuse=refuse) as server:
        endpoint = {"base_url": server.url, "concurrency": 1, "backoff": 3, "structured": "text"}
        generate(qa_recipe(server.url, 4, endpoint=endpoint), tmp_path / "out")
    assert len(asked) == 5
    assert asked.index(asked[0], 1) == 4
    assert len(lines_of(tmp_path / "out")) == 4


def test_two_runs_into_one_folder_do_not_pay_twice(qa_recipe, tmp_path):
    recipe = qa_recipe("http://127.0.0.1:9/v1", 5)
    (tmp_path / "out.cache").mkdir()
    with FileLock(tmp_path / "out.cache" / "lock"), pytest.raises(GenerateError) as caught:
        generate(recipe, tmp_path / "out")
    assert str(caught.value).endswith("out: another run is at it.")


NO_EXCHANGE = """
import os, signal, sys
from chimed_datasets.building import checkpoint
checkpoint.exchange = lambda new, old: False

def hook(event, args):
    if event == "os.rename" and str(args[1]) == sys.argv[5] and not os.path.exists(args[1]):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
"""
"""A system that cannot exchange two names; dies when the old output has left its name and the new
one has not taken it."""


def test_killed_between_two_renames_the_old_output_stands(qa_recipe, tmp_path):
    out = tmp_path / "out"
    tasks = [{"task": "qa_from_document", "models": ["m"], "answer": 500}]
    with Server() as server:
        generate(qa_recipe(server.url, 5), out)
        before = outcome_of(out)
        other = qa_recipe(server.url, 5, tasks=tasks, content=True)
        process = start(tmp_path, other, out, "--overwrite", code=NO_EXCHANGE + COMMAND)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, errors
        assert not out.exists()
        # It is not forgotten that it is another recipe's; and a run that fails gives it back.
        with pytest.raises(GenerateError, match="what another recipe generated: pass --overwrite"):
            generate(parse(other, tmp_path), out)
        (tmp_path / "out.cache" / "cache.sqlite").unlink()
        server.refuse = lambda body, headers: (401, "who?", {})
        with pytest.raises(GenerateError, match="HTTP 401: who"):
            generate(parse(other, tmp_path), out, overwrite=True)
        assert outcome_of(out) == before
        server.refuse = lambda body, headers: None
        generate(parse(other, tmp_path), out, overwrite=True)
    assert outcome_of(out) != before
    assert sorted(p.name for p in tmp_path.iterdir() if "out" in p.name) == ["out", "out.cache"]
    assert not (tmp_path / "out.cache" / "work").exists()


# --- budgets ---------------------------------------------------------------------------------


def test_a_spent_budget_stops_cleanly_and_more_goes_on(qa_recipe, tmp_path):
    with Server() as server:
        recipe = qa_recipe(server.url, 50, budget={"requests": 20})
        done = generate(recipe, tmp_path / "out")
        (job,) = done.manifest["tasks"]
        assert server.stats.arrived == 20
        assert (job["results"], job["dropped"]) == (20, {"budget_spent": 30})
        assert done.manifest["complete"] is False
        assert done.stopped.startswith("requests: 20 of 20 spent")
        assert {row["rule"] for row in ledger_of(tmp_path / "out")} == {"budget_spent"}
        assert generate(recipe, tmp_path / "out").sent == 0  # the same budget is spent for ever
        done = generate(qa_recipe(server.url, 50, budget={"requests": 60}), tmp_path / "out")
        assert (done.sent, done.manifest["complete"]) == (30, True)
        assert set(server.stats.answered.values()) == {1}


def test_the_command_says_that_it_stopped(qa_recipe, tmp_path):
    with Server() as server:
        recipe = qa_recipe(server.url, 10, content=True, budget={"requests": 4})
        process = start(tmp_path, recipe, tmp_path / "out")
        told, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "4 results in 4 records, 6 in the ledger (budget_spent 6)" in told
    assert "is not complete: requests: 4 of 4 spent" in errors
    assert "Run again to go on." in errors


def test_a_dry_run_asks_nothing_and_leaves_nothing(qa_recipe, tmp_path):
    with Server() as server:
        price = {"prompt": 1.0, "completion": 2.0}
        models = [{"name": "m", "model": "x", "max_tokens": 200, "price": price}]
        recipe = qa_recipe(server.url, 30, models=models, budget={"money": 5})
        told = "\n".join(dry_run(recipe, tmp_path / "out"))
        assert server.stats.arrived == 0
        assert [p.name for p in tmp_path.iterdir()] == ["docs.jsonl"]
        assert "30 inputs; 0 answers are in the cache, 30 requests to send" in told
        assert "at most 6,000 of answers" in told
        assert "money: about 0.0" in told
        assert "budget: money 5; spent so far: 0 requests, 0 tokens" in told
        done = generate(recipe, tmp_path / "out")
        told = "\n".join(dry_run(recipe, tmp_path / "out"))
        assert "30 answers are in the cache, 0 requests to send" in told
        assert "spent so far: 30 requests, 4,500 tokens" in told
        assert done.manifest["usage"] == {
            "m": {"answers": 30, "prompt_tokens": 3000, "completion_tokens": 1500, "money": 0.006}
        }


# --- the folder ------------------------------------------------------------------------------


def test_what_is_there_is_not_replaced_by_another_recipe(qa_recipe, tmp_path):
    with Server() as server:
        out = tmp_path / "out"
        generate(qa_recipe(server.url, 5), out)
        other = qa_recipe(
            server.url, 5, tasks=[{"task": "qa_from_document", "models": ["m"], "answer": 500}]
        )
        before = outcome_of(out)
        with pytest.raises(GenerateError, match="what another recipe generated: pass --overwrite"):
            generate(other, out)
        assert outcome_of(out) == before
        generate(other, out, overwrite=True)
        assert outcome_of(out) != before
        shutil.rmtree(out)
        out.mkdir()
        generate(other, out)  # an empty folder is no loss
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.txt").write_text("mine")
        with pytest.raises(GenerateError, match="was not made by chimed generate"):
            generate(other, tmp_path / "mine", overwrite=True)


def test_nothing_is_written_where_the_endpoint_never_answers(qa_recipe, tmp_path):
    with Server(refuse=lambda body, headers: (401, "who?", {})) as server:
        with pytest.raises(GenerateError, match="HTTP 401: who"):
            generate(qa_recipe(server.url, 5), tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assert not (tmp_path / "out.cache" / "work").exists()


def test_sample_draws_by_seed(qa_recipe, tmp_path):
    with Server() as server:

        def drawn(name, **top):
            generate(qa_recipe(server.url, 60, **top), tmp_path / name)
            return [row["metadata"]["parent"] for row in lines_of(tmp_path / name)]

        ten, more = drawn("a", sample=10), drawn("b", sample=20)
        assert (len(ten), len(more)) == (10, 20)
        assert more[:10] == ten
        assert sorted(drawn("c", sample=10, seed=7)) != sorted(ten)
        manifest = json.loads((tmp_path / "a" / "manifest.json").read_text("utf-8"))
        (source,) = manifest["sources"]
        assert (source["in"], source["clean"], source["taken"]) == (60, 60, 10)


def test_inputs_are_cleaned_and_what_is_not_taken_is_told(tmp_path):
    write_documents(tmp_path / "docs.jsonl", 6)
    rows = [json.loads(line) for line in (tmp_path / "docs.jsonl").read_text("utf-8").splitlines()]
    rows.append(rows[0] | {"id": 90})  # a duplicate
    rows.append({"id": 91, "title": "电话", "text": "联系电话13812345678。" + prose(77, 60)})
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows) + "[1]\n")
    turns = [("human", "头痛怎么办，已经三天了？"), ("gpt", prose(5, 40))]
    talk = {"conversations": [{"from": who, "value": what} for who, what in turns]}
    (tmp_path / "talk.json").write_text(json.dumps([talk]))
    fields = {"text": "text", "title": "title"}
    with Server() as server:
        given = {
            "name": "qa",
            "sources": [
                {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "cc0-1.0",
                 "kind": "document", "fields": fields},
                {"name": "talk", "layout": "sharegpt", "path": "talk.json", "license": "mit"},
            ],
            "endpoint": {"base_url": server.url},
            "models": [{"name": "m", "model": "x"}],
            "tasks": [{"task": "qa_from_document", "models": ["m"]}],
        }  # fmt: skip
        done = generate(parse(given, tmp_path), tmp_path / "out")
        sent = json.dumps(server.bodies, ensure_ascii=False)
    assert "13812345678" not in sent
    docs, talk = done.manifest["sources"]
    assert (docs["in"], docs["dropped"], docs["clean"], docs["taken"]) == (9, 2, 7, 7)
    assert (talk["in"], talk["taken"], done.manifest["no_task"]) == (1, 1, 1)
    rules = Counter((row["stage"], row["rule"]) for row in ledger_of(tmp_path / "out"))
    assert rules == {
        ("read", "not_an_object"): 1,
        ("deduplicate", "exact"): 1,
        ("generate", "no_task"): 1,
    }
    table = pq.read_table(tmp_path / "out" / "ledger.parquet")
    assert table.schema.equals(ledger.SCHEMA)


def test_no_key_is_written_anywhere(qa_recipe, tmp_path, api_key):
    """Every file, the output and the errors of runs that go well, badly, and not at all."""

    def refuse(body, headers):
        assert headers["authorization"] == f"Bearer {api_key}"
        content = body["messages"][-1]["content"]
        if '"药3"' in content or '"药4"' in content:
            return 400 if '"药3"' in content else 500, f"bad token {api_key} in {headers}", {}
        return None

    with Server(refuse=refuse, brain=lambda d, b: brain(d, b) + f" {api_key}") as server:
        endpoint = {"base_url": server.url, "api_key_env": "TEST_KEY", "backoff": 0.01,
                    "attempts": 2}  # fmt: skip
        recipe = qa_recipe(server.url, 12, content=True, endpoint=endpoint)
        process = start(
            tmp_path, recipe, tmp_path / "out", TEST_KEY=f" {api_key}\n", OPENAI_LOG="debug"
        )
        told = "".join(process.communicate(timeout=60))
        assert process.returncode == 0, told
        server.refuse = lambda body, headers: (401, f"bad key {api_key}", {})
        with pytest.raises(GenerateError, match=r"bad key \[key\]"):
            generate(parse(recipe, tmp_path), tmp_path / "other")
    assert "[key]" in json.dumps(ledger_of(tmp_path / "out"), ensure_ascii=False)
    assert "DEBUG" in told  # the client's own log was on
    assert api_key not in told
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"manifest.json", "ledger.parquet", "records.jsonl", "cache.sqlite"} <= {
        path.name for path in files
    }
    for path in files:
        assert api_key.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("held", [None, "", "   ", "a key", "kéy"])
def test_a_key_that_is_none(qa_recipe, tmp_path, monkeypatch, held):
    """What stands in the recipe is not repeated either: it may be the key in the wrong place."""
    name = "sk_live_4f9QsecretZb7"
    if held is not None:
        monkeypatch.setenv(name, held)
    endpoint = {"base_url": "http://127.0.0.1:9/v1", "api_key_env": name}
    with pytest.raises(RecipeError, match=r"endpoint\.api_key_env: ") as caught:
        generate(qa_recipe("", 1, endpoint=endpoint), tmp_path / "out")
    assert name not in str(caught.value)


# --- what comes out goes in ------------------------------------------------------------------


def test_what_is_generated_is_a_source_and_ends_as_preference_rows(tmp_path):
    """Answers by two models, judged by one, then built: the whole way."""
    from datasets import load_dataset

    from chimed_datasets import build

    rows = [
        {"instruction": f"{prose(n, 14)}怎么治？", "input": "", "output": prose(1000 + n, 40)}
        for n in range(12)
    ]
    (tmp_path / "asked.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    source = {"name": "asked", "layout": "instruction", "path": "asked.json", "license": "mit"}

    def say(data, body):
        if "answer_A" in data:
            return brain(data, body)
        number = int(data["conversation"][-1]["text"].encode().hex(), 16) % 1000
        told = prose(
            number + (7 if body["model"] == "x" else 9), 30 if body["model"] == "x" else 60
        )
        return json.dumps({"answer": told}, ensure_ascii=False)

    with Server(brain=say) as server:
        common = {
            "endpoint": {"base_url": server.url},
            "models": [{"name": "short", "model": "x"}, {"name": "long", "model": "y"}],
        }
        answers = common | {
            "name": "answers",
            "sources": [source],
            "tasks": [{"task": "answer", "models": ["short", "long"]}],
        }
        generate(parse(answers, tmp_path), tmp_path / "answers")
        source = {"name": "answers", "layout": "generated", "path": "answers", "license": "mit"}
        judged = common | {
            "name": "judged",
            "sources": [source],
            "tasks": [{"task": "judge", "models": ["short", "long"]}],
        }
        done = generate(parse(judged, tmp_path), tmp_path / "judged")
    assert done.manifest["tasks"][0]["results"] == 12
    recipe = {
        "name": "whole",
        "sources": [{"name": "judged", "layout": "generated", "path": "judged", "license": "mit"}],
    }
    build(parse_build(recipe, tmp_path), tmp_path / "whole")
    splits = load_dataset(str(tmp_path / "whole"), "preference")
    pairs = [row for split in splits.values() for row in split]
    assert len(pairs) == 12
    for row in pairs:
        assert len(row["chosen"][0]["content"]) > len(row["rejected"][0]["content"])
        assert row["scores"] == {"chosen": 1.0, "rejected": -1.0, "margin": 2.0, "std": 0.0}


def test_the_layout_gives_back_every_record(tmp_path):
    from chimed_datasets.generate.output import line
    from chimed_datasets.records import Answer, Dialogue, Document, Message, QAThread

    made = [
        Document("a/1", "正文", "题", domain="tcm", origin="llm", metadata={"parent": "s-1"}),
        QAThread("b", "问？", [Answer("答。", model="x", adopted=True)], department="内科"),
        Dialogue(
            "c",
            [Message("user", "问？")],
            [Answer("甲", score=0.5, rank=0), Answer("乙", score=-0.5, rank=1)],
            keyphrases=["热"],
            origin="human",
        ),
        Dialogue("d", [Message("user", "问？"), Message("assistant", "答。")]),
    ]
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"".join(map(line, made)))
    found = list(read(path))
    for one, other in zip(made, found, strict=True):
        assert other.key == f"records.jsonl#{one.key}"
        other.key = one.key
        assert other == one


def read(path):
    file = SourceFile(path.name, str(path), path.stat().st_size)
    return layout("generated").read([file], layout("generated").options({}), FileReport())


ROW = {"key": "a"}
DOCUMENT = ROW | {"kind": "document", "text": "正文"}
QA = ROW | {"kind": "thread", "question": "问"}
TALK = ROW | {"kind": "dialogue"}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (None, "not_an_object"),
        (ROW, "missing_field"),
        (ROW | {"kind": "document"}, "missing_field"),
        (DOCUMENT | {"kind": "documnet"}, "unknown_kind"),
        (DOCUMENT | {"text": 5}, "wrong_type"),
        (DOCUMENT | {"metadata": []}, "wrong_type"),
        (QA | {"answers": ["y"]}, "wrong_type"),
        (QA | {"answers": [{"text": "答", "scor": 1}]}, "unknown_field"),
        (QA | {"answers": [{"text": "答", "score": True}]}, "wrong_type"),
        (TALK | {"messages": [{"role": "doctor", "content": "x"}]}, "unknown_role"),
        (TALK | {"messages": 3}, "wrong_type"),
    ],
)
def test_a_row_that_is_no_record(tmp_path, row, rule):
    path = tmp_path / "records.jsonl"
    path.write_text('{"kind": "document", "key": "b", "text": "正文"}\n' + json.dumps(row), "utf-8")
    good, bad = read(path)
    assert bad.rule == rule
    assert good.text == "正文"

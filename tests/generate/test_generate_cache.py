"""The cache file under several writers and kill -9; the account in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import request

from chimed_datasets.errors import GenerateError
from chimed_datasets.generate.budget import Budget, Cost, actual, most, price
from chimed_datasets.generate.cache import Cache, connect
from chimed_datasets.generate.exchange import Completion, Failed
from chimed_datasets.generate.models import Limits, Model, Price

ANSWER = Completion("桂枝三两", "stop", 10, 5, "2026-01-31T12:00:00Z")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def db(tmp_path):
    with contextlib.closing(connect(tmp_path / "cache.sqlite")) as db:
        yield db


def test_what_is_put_is_got(db):
    cache = Cache(db)
    assert cache.get("k") is None
    assert cache.put("k", "x", ANSWER) == ANSWER
    assert cache.get("k") == ANSWER


def test_of_two_writers_the_first_is_right(db):
    cache = Cache(db)
    cache.put("k", "x", ANSWER)
    assert cache.put("k", "x", ANSWER._replace(text="另一个")) == ANSWER


def test_bad_answers_are_kept_until_they_are_forgotten(db):
    cache = Cache(db)
    for key in "abc":
        cache.put(key, "x", ANSWER)
    cache.mark_bad(["a", "c", "unknown"])
    assert cache.get("a") == ANSWER
    assert cache.forget_bad() == 2
    assert [cache.get(key) for key in "abc"] == [None, ANSWER, None]
    assert cache.forget_bad() == 0


def test_a_file_that_is_no_cache(tmp_path):
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 20)
    with pytest.raises(GenerateError, match="cannot be used as a cache"):
        connect(path)


def test_a_cache_of_the_future(tmp_path):
    path = tmp_path / "cache.sqlite"
    connect(path).close()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version=7")
    with pytest.raises(GenerateError, match="version 7; this library writes version 1"):
        connect(path)


WRITER = """
import sys
from pathlib import Path
from chimed_datasets.generate.budget import Cost
from chimed_datasets.generate.cache import Cache, connect
from chimed_datasets.generate.exchange import Completion

db = connect(Path(sys.argv[1]))
cache = Cache(db)
print("ready", flush=True)
for n in range(int(sys.argv[3])):
    # Every second key is shared by all writers.
    key = f"{n}" if n % 2 else f"{n}-{sys.argv[2]}"
    cache.put(key, "x", Completion(f"{key} " + "字" * 500, "stop", 1, 1, "2026-01-31T12:00:00Z"))
    db.execute("UPDATE spent SET requests = requests + 1")
    print(key, flush=True)
"""


def writer(path, name, count):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_writers_at_once_and_killed_ones_lose_and_damage_nothing(tmp_path):
    path = tmp_path / "cache.sqlite"
    processes = [writer(path, "ab"[n], 300) for n in range(2)]
    killed = writer(path, "killed", 10**9)
    assert killed.stdout.readline() == "ready\n"
    told = [killed.stdout.readline().strip() for _ in range(100)]
    os.kill(killed.pid, signal.SIGKILL)
    told += killed.stdout.read().split("\n")[:-1]  # a last line cut in two says nothing
    killed.wait()
    killed.stdout.close()
    for process in processes:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        told += out.splitlines()[1:]
    with contextlib.closing(connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = dict(db.execute("SELECT key, text FROM answers"))
        (requests,) = db.execute("SELECT requests FROM spent").fetchone()
    assert len(told) >= 700
    assert all(kept[key] == f"{key} " + "字" * 500 for key in told)
    assert len(told) <= requests <= len(told) + 1


# --- the account -----------------------------------------------------------------------------

PRICED = Model(name="m", model="x", max_tokens=100, price=Price(prompt=0.1, completion=0.3))


@pytest.mark.parametrize(
    ("prompt", "completion", "nano"),
    [(0, 0, 0), (1, 0, 100), (1_000_000, 0, 10**8), (0, 1_000_000, 3 * 10**8), (3, 7, 2400)],
)
def test_price(prompt, completion, nano):
    assert price(PRICED, prompt, completion) == nano
    assert price(Model(name="m", model="x"), prompt, completion) == 0


@settings(deadline=None)
@given(st.text(max_size=200))
def test_a_prompt_has_no_more_tokens_than_bytes(words):
    asked = request(1, words=words)
    said = sum(len(m["content"].encode("utf-8", "replace")) for m in asked.messages)
    assert asked.prompt_bound >= said
    assert most(asked) == Cost(1, asked.prompt_bound + 100, 0)


def test_actual_cost():
    assert actual(request(1, PRICED), ANSWER) == Cost(1, 15, 2500)


# (the most it may cost, what it does cost) for each request, and the limit
JOBS = st.lists(
    st.tuples(st.integers(1, 50), st.integers(0, 50)).map(lambda p: (max(p), min(p))), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(JOBS, st.integers(1, 300), st.integers(1, 8))
def test_no_interleaving_overspends(jobs, limit, workers):
    db = connect(Path(":memory:"))
    budget = Budget(db, Limits(tokens=limit))
    queue, paid, refused = iter(jobs), [], []
    peaks = []

    async def worker():
        for bound, cost in queue:
            try:
                await budget.reserve(Cost(1, bound))
            except Failed:
                refused.append(bound)
                continue
            peaks.append(budget.spent().tokens)
            await asyncio.sleep(0)
            await budget.settle(Cost(1, bound), Cost(1, cost))
            paid.append(cost)

    async def everyone():
        await asyncio.wait_for(asyncio.gather(*(worker() for _ in range(workers))), 20)

    asyncio.run(everyone())
    assert len(paid) + len(refused) == len(jobs)
    assert budget.spent() == Cost(len(paid), sum(paid))
    assert max(peaks, default=0) <= limit
    if refused:  # nothing was refused that fitted when all the rest had been settled
        assert budget.spent_up
        assert max(refused) + sum(paid) > limit
    db.close()


def test_a_killed_process_leaves_its_reservations_on_the_account(tmp_path):
    path = tmp_path / "cache.sqlite"
    script = f"""
import asyncio, time
from pathlib import Path
from chimed_datasets.generate.budget import Budget, Cost
from chimed_datasets.generate.cache import connect
from chimed_datasets.generate.models import Limits
asyncio.run(Budget(connect(Path({str(path)!r})), Limits(requests=5)).reserve(Cost(1, 70, 9)))
print("reserved", flush=True)
time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout.readline() == "reserved\n"
    process.kill()
    process.wait()
    process.stdout.close()
    with contextlib.closing(connect(path)) as db:
        assert Budget(db, Limits()).spent() == Cost(1, 70, 9)


def test_putting_is_fast(db):
    """A store for each answer must not slow a run that gets a thousand of them a second."""
    cache = Cache(db)
    began = time.perf_counter()
    for n in range(500):
        cache.put(str(n), "x", ANSWER)
    assert (time.perf_counter() - began) / 500 < 0.002

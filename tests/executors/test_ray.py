"""Builds on a Ray cluster of two nodes, of which one dies: the same bytes as a build here.

pytest tests/executors/test_ray.py             # a node dies while units are read
pytest tests/executors/test_ray.py -m slow     # and while bands are searched, shards written
"""

from __future__ import annotations

import filecmp
import os
import threading
import time
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from chimed_datasets import build, load_recipe, validate
from chimed_datasets.building.decide import deduplicate, weighed
from chimed_datasets.built.dataset import open_built
from chimed_datasets.errors import BuildError, SourceError
from chimed_datasets.executors import ray as ray_executor
from chimed_datasets.executors.ray import RayExecutor
from tests.common.files import write_jsonl
from tests.common.text import prose

HEALTH = {"health_check_period_ms": 1000, "health_check_timeout_ms": 30_000}
"""A killed node is known for dead after 5 s, and one that a busy machine starves is not."""
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}


@pytest.fixture(scope="module")
def cluster():
    """A head that takes no tasks, and a node; tests add what they kill."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        found = Cluster(
            initialize_head=True,
            head_node_args={
                **NODE,
                "num_cpus": 0,
                "include_dashboard": False,
                "_system_config": HEALTH,
            },
        )
        found.add_node(**NODE)
        RayExecutor(found.address)
        yield found
        ray.shutdown()
        found.shutdown()


@pytest.fixture
def many(workshop, monkeypatch):
    """The workshop with its documents in twelve files; as many units, several ranges of band keys,
    several tasks that weigh near-duplicates, and several parts to survey: of some near pairs both
    stay. Returns the folder of a build on this machine, in one process."""
    (workshop / "docs.jsonl").unlink()
    for n in range(12):
        rows = [{"id": f"{n}-{i}", "text": prose(100 * n + i // 2, 80)} for i in range(20)]
        for i, amount in enumerate(("五毫升", "5毫升", "15毫升")):
            rows.append({"id": f"{n}-dose-{i}", "text": f"{prose(5000 + n, 80)}每次{amount}。"})
        write_jsonl(workshop / "docs" / f"{n:02d}.jsonl", rows)
    recipe = workshop / "recipe.yaml"
    recipe.write_text(recipe.read_text("utf-8").replace("docs.jsonl", "docs"), "utf-8")
    monkeypatch.setattr("chimed_datasets.building.plan.UNIT_BYTES", 2000)
    monkeypatch.setattr(deduplicate, "AT_ONCE", 100)
    monkeypatch.setattr(weighed, "AT_ONCE", 300)
    monkeypatch.setattr(
        "chimed_datasets.building.decide.choice.SURVEYED_AT_ONCE", 5
    )  # several tasks for every phase
    build(load_recipe(recipe), workshop / "here")
    assert open_built(workshop / "here").manifest["measured"]["weighed"]["kinds"] == {"dose": 12}
    return workshop / "here"


def assert_same(one: Path, other: Path) -> None:
    found = [
        sorted(str(p.relative_to(f)) for p in f.rglob("*") if p.is_file()) for f in (one, other)
    ]
    assert found[0] == found[1]
    assert filecmp.cmpfiles(one, other, found[0], shallow=False)[1:] == ([], [])


class Hanging(RayExecutor):
    """What runs ``name`` on the node ``victim`` tells so in ``seen`` and never ends. Elsewhere it
    waits for that: of a few short tasks none might ever come to the victim."""

    def __init__(self, victim: str, name: str, seen: Path) -> None:
        self.victim, self.name, self.seen, self.ray = victim, name, seen, ray

    def run(self, function, shared, tasks):
        victim, seen = self.victim, str(self.seen)

        def hang(shared, task):
            if ray.get_runtime_context().get_node_id() == victim:
                Path(seen).write_text(victim)
                time.sleep(600)
            deadline = time.monotonic() + 60
            while not Path(seen).exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            return function(shared, task)

        return super().run(hang if function.__name__ == self.name else function, shared, tasks)


def wait_for_death(node) -> None:
    """The build can end before the cluster lists the node as dead."""
    deadline = time.monotonic() + 60
    while any(n["Alive"] for n in ray.nodes() if n["NodeID"] == node.node_id):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def killed_mid_build(cluster, workshop: Path, name: str) -> None:
    node = cluster.add_node(**NODE)
    seen = workshop / "seen"

    def kill() -> None:
        while not seen.exists():
            time.sleep(0.05)
        cluster.remove_node(node, allow_graceful=False)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    build(
        load_recipe(workshop / "recipe.yaml"),
        workshop / "there",
        executor=Hanging(node.node_id, name, seen),
    )
    thread.join(timeout=60)
    assert seen.read_text() == node.node_id
    wait_for_death(node)


def test_a_node_dies_mid_build(cluster, many, workshop):
    killed_mid_build(cluster, workshop, "read_unit")
    assert_same(workshop / "there", many)
    assert validate(workshop / "there") == []
    assert [p.name for p in workshop.iterdir() if p.name.startswith(".there")] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["write_part", "_search", "_weigh", "_survey", "write_shard"])
def test_a_node_dies_in_any_phase(cluster, many, workshop, name):
    killed_mid_build(cluster, workshop, name)
    assert_same(workshop / "there", many)


def test_results_come_in_order_and_errors_pass_through(cluster):
    executor = RayExecutor(cluster.address)
    assert str(executor) == "1 CPUs of 1 Ray node"
    assert list(executor.run(lambda shared, task: shared - task, 10, range(20))) == list(
        range(10, -10, -1)
    )
    assert list(executor.run(lambda shared, task: 0, None, [])) == []

    def fail(_, task):
        raise SourceError(f"no {task}")

    with pytest.raises(SourceError, match=r"^no 3$"):
        list(executor.run(fail, None, [3]))


def test_a_node_that_is_gone_and_still_listed(cluster, monkeypatch):
    """Found on a machine where the cluster was slow to notice: the next build could not begin."""
    node = cluster.add_node(**NODE)
    executor = RayExecutor(cluster.address)
    listed = executor.nodes()
    assert len(listed) == 2
    cluster.remove_node(node, allow_graceful=False)
    wait_for_death(node)
    monkeypatch.setattr(RayExecutor, "nodes", lambda self: listed)
    (told,) = executor.everywhere(lambda shared, name: shared, 7)
    assert told[1] == 7


def test_a_worker_that_always_dies(cluster, monkeypatch):
    monkeypatch.setattr(ray_executor, "RETRIES", 1)
    with pytest.raises(BuildError, match="lost a task 2 times"):
        list(RayExecutor(cluster.address).run(lambda *_: os._exit(9), None, [0]))


def test_a_node_that_lacks_a_source(cluster, workshop, monkeypatch):
    """The folder is looked for by another name, as on a node that does not share the disk."""
    from chimed_datasets.building import machines

    look = machines.look_for

    def elsewhere(sought, machine):
        return look(sought._replace(folder=Path("/nowhere")), machine)

    monkeypatch.setattr(machines, "look_for", elsewhere)
    with pytest.raises(BuildError, match="/nowhere is not there: put --out on a disk that all"):
        build(
            load_recipe(workshop / "recipe.yaml"),
            workshop / "there",
            executor=RayExecutor(cluster.address),
        )
    assert not (workshop / "there").exists()
    assert [p.name for p in workshop.iterdir() if p.name.startswith(".there")] == []


def test_a_source_that_is_mended_after_a_stop(cluster, many, workshop, monkeypatch):
    """What the nodes had read is used again but for the file that changed."""
    recipe, executor = load_recipe(workshop / "recipe.yaml"), RayExecutor(cluster.address)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("chimed_datasets.building.run.close", die)
        with pytest.raises(KeyboardInterrupt):
            build(recipe, workshop / "there", executor=executor)
    rows = [{"id": f"3-{i}", "text": prose(7000 + i, 80)} for i in range(20)]
    write_jsonl(workshop / "docs" / "03.jsonl", rows)
    told: list[str] = []
    build(recipe, workshop / "there", executor=executor, tell=told.append)
    assert told[:2] == [
        "reads again: docs (its files changed); 2 others are taken from the last run",
        "going on: 13 of 14 units were finished before",
    ]
    build(recipe, workshop / "from-scratch")
    assert_same(workshop / "there", workshop / "from-scratch")
    build(recipe, workshop / "there", executor=executor, tell=told.append)
    assert told[-1] == f"{workshop / 'there'} is up to date"

"""A generation task from outside the package, put to a real endpoint."""

from __future__ import annotations

import json

from fault_server import Server

from chimed_datasets.generate.recipe import parse
from chimed_datasets.generate.run import dry_run, generate
from tests.common import guests


def test_a_guests_task(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(guests.install(tmp_path / "guests")))
    said = json.dumps({"headline": "头痛要点与对策"}, ensure_ascii=False)
    with Server(brain=lambda data, body: said) as server:
        content = {
            "name": "headlines",
            "sources": guests.recipe(tmp_path)["sources"],
            "endpoint": {"base_url": server.url},
            "models": [{"name": "m", "model": "m"}],
            "tasks": [{"task": "headline", "models": ["m"], "most": 4}],
        }
        recipe = parse(content, tmp_path)
        told = dry_run(recipe, tmp_path / "o")
        assert any("task 'headline' of forum-guests 1.2" in line for line in told)
        done = generate(recipe, tmp_path / "o")
    (task,) = done.manifest["tasks"]
    assert (task["task"], task["results"]) == ("headline", 8)
    found = {(guest["kind"], guest["key"]) for guest in done.manifest["guests"]}
    assert found == {("layouts", "forum"), ("tasks", "headline")}
    lines = (tmp_path / "o" / "records.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["title"] for line in lines} == {"头痛要点"}

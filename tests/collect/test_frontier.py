"""The frontier: each address once, in order, with all that it led to or still waiting."""

from __future__ import annotations

import pytest

from chimed_datasets.collect.frontier import Frontier, Link, PageOutcome
from chimed_datasets.errors import CollectError


def links(*keys: str) -> list[Link]:
    return [Link(key, f"http://h/{key}") for key in keys]


def drained(frontier: Frontier) -> list[str]:
    found = []
    while (waiting := frontier.next()) is not None:
        found.append(waiting.key)
    return found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.sqlite"


def test_each_address_once_in_the_order_of_discovery(path):
    """Also where more wait than it looks ahead to, and more are found meanwhile."""
    frontier = Frontier(path, "f")
    names = [f"{n:04d}" for n in range(450)]
    assert frontier.add(links(*names[:300])) == 300
    assert frontier.add(links(*names[:2])) == 0
    taken = [frontier.next().key for _ in range(250)]
    assert frontier.finish(taken[0], PageOutcome("links_only", links=links(*names[290:]))) == 150
    assert taken + drained(frontier) == names
    assert not frontier.has_next()


def test_what_was_not_finished_waits_for_the_next_run(path):
    frontier = Frontier(path, "f")
    frontier.add(links("a", "b", "c"))
    drained(frontier)
    frontier.finish("b", PageOutcome("record", kind="article", row={"text": "甲"}))
    frontier.close()
    frontier = Frontier(path, "f")
    assert drained(frontier) == ["a", "c"]
    assert frontier.counts() == {"record": 1, "waiting": 2}
    assert list(frontier.rows("article")) == [("b", "http://h/b", {"text": "甲"})]


def test_an_outcome_is_written_with_all_its_links_or_not_at_all(path):
    frontier = Frontier(path, "f")
    frontier.add(links("a"))

    def found():
        yield from links("b", "c")
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        frontier.finish("a", PageOutcome("links_only", links=found()))
    assert frontier.counts() == {"waiting": 1}
    assert frontier.known(["a", "b", "c"]) == {"a"}


def test_what_failed_in_passing_may_wait_again(path):
    frontier = Frontier(path, "f")
    frontier.add(links("a", "b", "c"))
    frontier.finish("a", PageOutcome("status_500", passing=True))
    frontier.finish("b", PageOutcome("status_404"))
    frontier.finish("c", PageOutcome("not_public"))
    assert frontier.passing() == 1
    assert (frontier.retry(), frontier.passing()) == (1, 0)
    assert frontier.reopen("not_public") == 1
    assert drained(frontier) == ["a", "c"]


def test_one_crawl_at_a_time_with_one_site_file(path):
    frontier = Frontier(path, "f")
    with pytest.raises(CollectError, match="in use by another crawl"):
        Frontier(path, "f")
    frontier.close()
    with pytest.raises(CollectError, match="begun with another site file"):
        Frontier(path, "g")
    Frontier(path, "f").close()


def test_what_is_no_state_is_told(path):
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(CollectError, match="not a crawl's state"):
        Frontier(path, "f")

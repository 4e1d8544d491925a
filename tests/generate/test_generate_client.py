"""The client against an endpoint that goes wrong: sockets, not mocks."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from fault_server import Server
from makers import request

from chimed_datasets.errors import GenerateError
from chimed_datasets.generate import client as module
from chimed_datasets.generate.budget import most
from chimed_datasets.generate.client import retry_after
from chimed_datasets.generate.exchange import Failed
from chimed_datasets.generate.models import Limits, Model, Price
from chimed_datasets.generate.throttle import Gate


async def all_of(client, requests):
    """Return answers, and what failed in their place."""
    return await asyncio.gather(*map(client.complete, requests), return_exceptions=True)


def test_an_answer_is_asked_for_once(with_client):
    with Server() as server:

        async def use(client):
            first = await client.complete(request(1))
            return first, await client.complete(request(1))

        one, two = with_client(server.url, use)
        assert one == two
        assert (one.finish, one.prompt_tokens, one.completion_tokens) == ("stop", 100, 50)
        assert with_client(server.url, lambda c: c.complete(request(1))) == one  # from the file
        assert server.stats.arrived == 1


def test_equal_requests_under_way_are_one(with_client):
    with Server(delay=0.1) as server:
        answers = with_client(server.url, lambda c: all_of(c, [request(1)] * 20))
        assert len(set(answers)) == 1
        assert server.stats.arrived == 1


@pytest.mark.parametrize(
    "other",
    [
        request(1, Model(name="m", model="y", max_tokens=100)),
        request(1, Model(name="m", model="x", max_tokens=101)),
        request(1, Model(name="m", model="x", max_tokens=100, temperature=0.5)),
        request(1, Model(name="m", model="x", max_tokens=100, extra={"top_k": 1})),
        request(1, words="。"),
    ],
)
def test_the_key_covers_model_messages_and_parameters(other):
    assert other.key != request(1).key
    assert request(1, Model(name="other", model="x", max_tokens=100)).key == request(1).key


def test_no_more_than_the_limit_are_under_way(with_client):
    with Server(delay=0.02) as server:
        with_client(server.url, lambda c: all_of(c, map(request, range(40))), concurrency=5)
        assert server.stats.most == 5
        assert server.stats.arrived == 40


@pytest.mark.parametrize("fault", ["500", "drop", "drop_half", "half_body", "wrong_body", "slow"])
def test_a_fault_is_tried_again(with_client, fault):
    with Server(rate=0.4, wire=(fault,), delay=0.001) as server:
        answers = with_client(server.url, lambda c: all_of(c, map(request, range(30))), attempts=12)
        assert not [a for a in answers if isinstance(a, Exception)]
        assert server.stats.faults[fault] >= 5
        assert sum(server.stats.answered.values()) - server.stats.faults["drop_half"] <= 30


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("500", "server_error"),
        ("drop", "dropped"),
        ("drop_half", "dropped"),
        ("hang", "timeout"),
        ("half_body", "bad_response"),
        ("wrong_body", "bad_response"),
        ("endless", "bad_response"),
    ],
)
def test_a_row_fails_when_its_own_attempts_are_used_up(with_client, monkeypatch, fault, rule):
    monkeypatch.setattr(module, "MAX_BODY", 1_000_000)
    with Server(rate=1.0, wire=(fault,)) as server:
        options = {"attempts": 2, "timeout": 0.3 if fault == "hang" else 5}
        (answer,) = with_client(server.url, lambda c: all_of(c, [request(1)]), **options)
        assert isinstance(answer, Failed)
        assert answer.rule == rule
        assert "(2 attempts)" in answer.evidence
        assert server.stats.arrived == 2


def test_a_failure_is_not_remembered(with_client):
    with Server(rate=1.0, wire=("500",)) as server:
        (answer,) = with_client(server.url, lambda c: all_of(c, [request(1)]), attempts=1)
        assert isinstance(answer, Failed)
        server.rate = 0
        assert with_client(server.url, lambda c: c.complete(request(1))).text


def test_one_failing_row_costs_no_other(with_client):
    def refuse(body, headers):
        return (500, "broken", {}) if "药3" in body["messages"][1]["content"] else None

    with Server(refuse=refuse) as server:
        answers = with_client(server.url, lambda c: all_of(c, map(request, range(10))))
        failed = [n for n, a in enumerate(answers) if isinstance(a, Exception)]
        assert failed == [3]
        for number, answer in enumerate(answers):
            assert number == 3 or f"药{number}" in answer.text


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_refusal_closes_the_endpoint_to_all_and_burns_no_attempt(with_client, status):
    """All requests of the first moments are refused; no row may make a single failed attempt."""
    began = time.monotonic()
    times = []

    def refuse(body, headers):
        times.append(time.monotonic() - began)
        return (status, "slow down", {"Retry-After": "0.3"}) if times[-1] < times[0] + 0.2 else None

    with Server(refuse=refuse) as server:
        answers = with_client(
            server.url,
            lambda c: all_of(c, map(request, range(30))),
            concurrency=4,
            attempts=1,
            structured="text",
        )
        assert not [a for a in answers if isinstance(a, Exception)]
        first = times[0]
        refused = [t for t in times if t < first + 0.2]
        assert 1 <= len(refused) <= 4  # those that were on the way; then silence
        assert min(t for t in times if t >= first + 0.2) >= first + 0.3
        assert server.stats.arrived == 30 + len(refused)


@pytest.mark.parametrize(
    ("refusals", "let_in"),
    [
        ([0.01], 7),  # the endpoint said when: one less
        ([None], 4),  # it did not: half
        ([0.01, 0.01], 3),  # it said so twice without an answer between: half of seven
    ],
)
def test_how_many_are_let_in_after_refusals(refusals, let_in):
    async def main():
        gate, inside = Gate(8, backoff=0.01, patience=60), []
        for after in refusals:
            async with gate as started:
                assert gate.refused(started, after)

        async def enter():
            async with gate:
                inside.append(1)
                await asyncio.Event().wait()

        tasks = [asyncio.create_task(enter()) for _ in range(8)]
        while not inside:
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        return len(inside)

    assert asyncio.run(main()) == let_in


def test_many_refusals_burn_no_attempt(with_client):
    with Server(rate=0.3, wire=("429", "503"), retry_after="0.01") as server:
        answers = with_client(
            server.url, lambda c: all_of(c, map(request, range(100))), attempts=1, concurrency=16
        )
        assert not [a for a in answers if isinstance(a, Exception)]
        assert server.stats.faults["429"] + server.stats.faults["503"] >= 20
        assert set(server.stats.answered.values()) == {1}


def test_patience_ends_the_run_not_the_row(with_client):
    with Server() as server:

        async def use(client):
            await client.complete(request(0))
            server.refuse = lambda body, headers: (429, "quota for today is used", {})
            return await all_of(client, map(request, range(1, 20)))

        began = time.monotonic()
        answers = with_client(server.url, use, concurrency=4, patience=0.5)
        assert {a.rule for a in answers} == {"endpoint_unavailable"}
        assert "quota for today" in answers[0].evidence
        assert 0.2 < time.monotonic() - began < 3
        assert server.stats.arrived < 40


def test_an_endpoint_that_never_answers_is_an_error(with_client):
    with Server(refuse=lambda body, headers: (503, "starting", {"Retry-After": "3600"})) as server:
        with pytest.raises(GenerateError, match="HTTP 503: starting"):
            with_client(server.url, lambda c: c.complete(request(1)), patience=5)
        assert server.stats.arrived == 1


def test_nobody_there(with_client):
    with Server() as server:
        url = server.url
    with pytest.raises(GenerateError, match="no connection"):
        with_client(url, lambda c: c.complete(request(1)), patience=0.3)


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_an_endpoint_that_does_not_know_us_is_an_error_at_once(with_client, status):
    with Server(refuse=lambda body, headers: (status, "who are you", {})) as server:
        with pytest.raises(GenerateError, match=f"HTTP {status}: who are you"):
            with_client(server.url, lambda c: c.complete(request(1)))
        assert server.stats.arrived == 1


def test_money_that_is_gone_stops_the_run(with_client):
    with Server() as server:

        async def use(client):
            await client.complete(request(0))
            server.refuse = lambda body, headers: (429, "insufficient_quota", {"Retry-After": "1"})
            return await all_of(client, map(request, range(1, 9)))

        answers = with_client(server.url, use, concurrency=2)
        assert {a.rule for a in answers} == {"endpoint_unavailable"}
        assert server.stats.arrived <= 3


def test_an_endpoint_that_is_down_for_a_while_costs_no_row(with_client):
    """Nothing but 500 for half a second: far more failures than the rows have attempts."""
    times = []

    def refuse(body, headers):
        times.append(time.monotonic())
        return (500, "crashed", {}) if times[-1] - times[0] < 0.5 else None

    with Server(refuse=refuse) as server:
        answers = with_client(
            server.url, lambda c: all_of(c, map(request, range(50))), concurrency=4, attempts=5
        )
        failed = [a for a in answers if isinstance(a, Exception)]
        assert len(failed) <= 2  # at most those that were far gone before it was clear
        assert server.stats.arrived > 50


# --- the server's ways -----------------------------------------------------------------------


def formats(bodies):
    return [body.get("response_format", {}).get("type", "text") for body in bodies]


@pytest.mark.parametrize(
    ("known", "status", "words", "tried"),
    [
        ({"json_schema"}, 400, "", ["json_schema"]),
        ({"json_object"}, 400, "bad request", ["json_schema", "json_object"]),
        ({"json_object"}, 422, "response_format.type: unknown", ["json_schema", "json_object"]),
        ({"json_object"}, 500, "'response_format' invalid", ["json_schema", "json_object"]),
        (set(), 400, "bad request", ["json_schema", "json_object", "text"]),
    ],
)
def test_the_best_format_is_found_by_the_first_request(with_client, known, status, words, tried):
    def refuse(body, headers):
        kind = body.get("response_format", {}).get("type")
        return None if kind is None or kind in known else (status, words, {})

    with Server(refuse=refuse) as server:
        answers = with_client(server.url, lambda c: all_of(c, map(request, range(10))))
        assert not [a for a in answers if isinstance(a, Exception)]
        assert formats(server.bodies) == tried + [tried[-1]] * 9


def test_a_bad_first_row_does_not_spoil_the_format(with_client):
    """Too long in every format: that says nothing of the server."""

    def refuse(body, headers):
        return (400, "context", {}) if "药0" in body["messages"][1]["content"] else None

    with Server(refuse=refuse) as server:
        answers = with_client(
            server.url, lambda c: all_of(c, map(request, range(5))), concurrency=1
        )
        assert answers[0].rule == "refused_request"
        assert formats(server.bodies)[-4:] == ["json_schema"] * 4


def test_the_newer_name_of_the_token_limit_is_found(with_client):
    def refuse(body, headers):
        if "max_tokens" in body:
            return 400, "max_tokens is not supported, use max_completion_tokens", {}
        return None

    with Server(refuse=refuse) as server:
        answers = with_client(server.url, lambda c: all_of(c, map(request, range(3))))
        assert not [a for a in answers if isinstance(a, Exception)]
        assert formats(server.bodies) == ["json_schema"] * 4
        assert [b.get("max_completion_tokens") for b in server.bodies] == [None, 100, 100, 100]


def test_what_is_sent(with_client):
    seen = []

    def refuse(body, headers):
        seen.append(headers)
        return None

    model = Model(
        name="m", model="x", max_tokens=9, temperature=None, top_p=0.5, seed=3, extra={"top_k": 2}
    )
    with Server(refuse=refuse) as server:
        with_client(server.url, lambda c: c.complete(request(1, model)), key="abc")
        (body,) = server.bodies
        kept = ("max_tokens", "top_p", "seed", "top_k", "temperature", "stream")
        assert {k: body[k] for k in kept if k in body} == {
            "max_tokens": 9, "top_p": 0.5, "seed": 3, "top_k": 2,
        }  # fmt: skip
        assert seen[0]["authorization"] == "Bearer abc"
        assert seen[0]["idempotency-key"] == request(1, model).key


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2065 07:28:00 GMT"}, 1e9),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, seconds):
    found = retry_after(headers)
    assert min(found, 1e9) == seconds if found is not None else seconds is None


# --- budgets ---------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 16])
def test_no_request_beyond_the_budget(with_client, concurrency):
    with Server(rate=0.2, wire=("500", "429"), retry_after="0.01") as server:
        limits = Limits(requests=25)
        answers = with_client(
            server.url,
            lambda c: all_of(c, map(request, range(60))),
            limits=limits,
            concurrency=concurrency,
        )
        assert server.stats.arrived == 25
        spent = [a for a in answers if isinstance(a, Failed) and a.rule == "budget_spent"]
        assert len(spent) >= 35
        assert "requests: 25 of 25 spent" in spent[0].evidence


def test_tokens_are_bounded_and_used_up(with_client):
    """Each request may cost its most and costs 150: the rest is given back and used."""
    bound = most(request(1)).tokens
    assert bound > 250
    with Server(delay=0.005) as server:
        limits = Limits(tokens=bound + 150 * 9)
        answers = with_client(
            server.url, lambda c: all_of(c, map(request, range(40))), limits=limits, concurrency=8
        )
        good = [a for a in answers if not isinstance(a, Exception)]
        assert 9 <= len(good) <= 10
        assert server.stats.arrived == len(good)


def test_money_is_bounded_over_runs(with_client):
    model = Model(name="m", model="x", max_tokens=100, price=Price(prompt=1.0, completion=2.0))
    each = (100 * 1.0 + 50 * 2.0) / 1e6
    bound = most(request(1, model)).money
    with Server() as server:
        limits = Limits(money=bound + each * 4.5)

        def some(first):
            requests = [request(n, model) for n in range(first, first + 4)]
            return with_client(
                server.url,
                lambda c: all_of(c, requests),
                limits=limits,
                concurrency=2,
            )

        assert not [a for a in some(0) if isinstance(a, Exception)]
        later = [a for a in some(100) if isinstance(a, Exception)]
        assert len(later) == 3
        assert {a.rule for a in later} == {"budget_spent"}
        assert server.stats.arrived == 5


def test_a_server_that_does_not_count_is_charged_the_most(with_client):
    with Server(usage=False) as server:

        async def use(client):
            answer = await client.complete(request(1))
            return answer, client.budget.spent()

        answer, spent = with_client(server.url, use)
        assert spent == most(request(1))
        assert answer.completion_tokens == 100


# --- keys ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_key_that_a_server_repeats_goes_nowhere(with_client, caplog, status, tmp_path):
    key = "sk-proj-4f9Q/secret+Zb7"

    def refuse(body, headers):
        return status, f"no good: {headers['authorization']}", {"Retry-After": "0.6"}

    caplog.set_level(logging.DEBUG)
    with Server(refuse=refuse) as server:
        try:
            (failure,) = with_client(
                server.url, lambda c: all_of(c, [request(1)]), key=key, attempts=2, patience=0.5
            )
        except GenerateError as error:
            failure = error
        told = f"{failure!r} {failure} {vars(failure)}"
        assert "no good: Bearer [key]" in told
        assert key not in told
        assert key not in caplog.text
    for file in tmp_path.rglob("*"):
        assert key.encode() not in file.read_bytes()


def test_a_key_in_an_answer_is_not_kept(with_client, tmp_path):
    key = "sk-proj-4f9Q/secret+Zb7"
    with Server(brain=lambda data, body: f"你的密钥是 {key}") as server:
        answer = with_client(server.url, lambda c: c.complete(request(1)), key=key)
        assert answer.text == "你的密钥是 [key]"
    for file in tmp_path.rglob("*"):
        assert key.encode() not in file.read_bytes()

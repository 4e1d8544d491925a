"""The budget: what was spent into one output folder, over all runs, and the line it must not cross.

Before a request is sent, the most that it can cost is added to the account in the cache file, in
one statement that does nothing where the sum would cross the line; when the answer is there, what
it did not cost is given back. So requests under way are counted, a killed process leaves its own
on the account (nobody knows whether they were billed), and no interleaving can overspend.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
from typing import NamedTuple

from ..lang import N_
from .exchange import Completion, Failed, Request
from .models import Limits, Model

SPENT = N_("{name}: {had:,g} of {limit:,g} spent, the next request may take {more:,g}")
ELSEWHERE = N_("spent by another run")
"""Which limit stopped a run; its ledger has it in English."""


class Cost(NamedTuple):
    """Requests, tokens, and money in thousand-millionths of the price table's currency."""

    requests: int = 0
    tokens: int = 0
    nano: int = 0

    @property
    def money(self) -> float:
        return self.nano / 1e9


def price(model: Model, prompt_tokens: int, completion_tokens: int) -> int:
    """Return what tokens cost, in nano units, rounded up."""
    if model.price is None:
        return 0
    each = model.price
    # A price is for 10^6 tokens, a nano unit is 10^-9. Floats make 0.3 · 7 a little more than 2.1.
    nano = 1000 * (each.prompt * prompt_tokens + each.completion * completion_tokens)
    return math.ceil(round(nano, 6))


def most(request: Request) -> Cost:
    """Return the most that one request can cost: every byte of the prompt a token, and
    ``max_tokens`` of answer."""
    prompt, answer = request.prompt_bound, request.model.max_tokens
    return Cost(1, prompt + answer, price(request.model, prompt, answer))


def actual(request: Request, answer: Completion) -> Cost:
    """Return what an answered request cost."""
    tokens = answer.prompt_tokens + answer.completion_tokens
    return Cost(1, tokens, price(request.model, answer.prompt_tokens, answer.completion_tokens))


class Budget:
    """The account in ``db`` (see :mod:`.cache`) against its limits."""

    def __init__(self, db: sqlite3.Connection, limits: Limits) -> None:
        self._db = db
        never = 2**62
        self._limits = Cost(
            limits.requests or never,
            limits.tokens or never,
            never if limits.money is None else round(limits.money * 1e9),
        )
        self._under_way = 0
        self._settled = asyncio.Condition()
        self.spent_up: str | None = None  # which limit stopped the run

    def spent(self) -> Cost:
        """Return what all runs into this folder have cost, requests under way at their most."""
        return Cost(*self._db.execute("SELECT requests, tokens, nano FROM spent").fetchone())

    async def reserve(self, cost: Cost) -> None:
        """Put ``cost`` on the account. Where that would cross the line, wait for requests under
        way to give back what they did not need; when none is left, raise :class:`Failed`
        "budget_spent", now and for every later request."""
        async with self._settled:
            while self.spent_up is None:
                if self._add(cost):
                    self._under_way += 1
                    return
                if not self._under_way:
                    self.spent_up = self._which(cost)
                    self._settled.notify_all()
                    break
                await self._settled.wait()
            raise Failed("budget_spent", self.spent_up or "")

    async def settle(self, reserved: Cost, cost: Cost) -> None:
        """Give back what a request of ``reserved`` did not cost; ``cost`` may also be more."""
        self._db.execute(
            "UPDATE spent SET requests = requests + ?, tokens = tokens + ?, nano = nano + ?",
            [now - before for now, before in zip(cost, reserved, strict=True)],
        )
        async with self._settled:
            self._under_way -= 1
            self._settled.notify_all()

    def _add(self, cost: Cost) -> bool:
        done = self._db.execute(
            "UPDATE spent SET requests = requests + :r, tokens = tokens + :t, nano = nano + :n"
            " WHERE requests + :r <= :mr AND tokens + :t <= :mt AND nano + :n <= :mn",
            dict(zip(("r", "t", "n", "mr", "mt", "mn"), (*cost, *self._limits), strict=True)),
        )
        return done.rowcount == 1

    def _which(self, cost: Cost) -> str:
        """Say which limit ``cost`` would cross."""
        spent = self.spent()
        for name, scale in (("requests", 1), ("tokens", 1), ("nano", 1e9)):
            had, more, limit = (getattr(c, name) / scale for c in (spent, cost, self._limits))
            if had + more > limit:
                name = "money" if name == "nano" else name
                return SPENT.format(name=name, had=had, limit=limit, more=more)
        return ELSEWHERE

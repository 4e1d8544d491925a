"""The gate of an endpoint: how many requests are under way, and for how long none may start."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from .exchange import Failed

LONGEST_PAUSE = 60.0
"""Seconds between two knocks at an endpoint that refuses without saying for how long."""


class Gate:
    """``async with gate:`` lets at most ``limit`` in at once, in the order of arrival.

    A refusal (:meth:`refused`) closes it to everyone for a while and lowers the number let in: by
    half, or by one where the endpoint said for how long and has answered since the refusal before.
    Each answer (:meth:`answered`) raises it again, by one for every full round (additive increase,
    multiplicative decrease, as in TCP), so that a run settles at the rate that the endpoint
    grants. :meth:`close` closes it for good.
    """

    def __init__(self, limit: int, backoff: float, patience: float) -> None:
        self.limit, self.backoff, self.patience = limit, backoff, patience
        self.closed: str | None = None  # why, once it is for good
        self._allowed = float(limit)
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._opens_at = 0.0
        self._closed_at = 0.0
        self._pauses = 0  # since the last answer
        self._refused_since = 0.0

    async def __aenter__(self) -> float:
        """Return the moment (monotonic seconds) at which the request was let in: now.

        Raises :class:`Failed` "endpoint_unavailable" once the gate is closed for good.
        """
        if self.closed is not None:
            raise Failed("endpoint_unavailable", self.closed)
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._let_in()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and not place.exception():
                self._leave()
            raise
        return time.monotonic()

    async def __aexit__(self, *error: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        wait = self._opens_at - time.monotonic()
        if wait > 0:
            if self._timer is None and self._waiting:
                self._timer = asyncio.get_running_loop().call_later(wait, self._open)
            return
        while self._waiting and self._inside < int(self._allowed):
            place = self._waiting.popleft()
            if not place.done():  # else its task was cancelled
                self._inside += 1
                place.set_result(None)

    def _open(self) -> None:
        self._timer = None
        self._let_in()

    def answered(self) -> None:
        """An answer came."""
        self._allowed = min(self.limit, self._allowed + 1 / self._allowed)
        self._pauses = 0

    def refused(self, started: float, after: float | None) -> bool:
        """Let nobody in for ``after`` seconds; None: for twice as long as the time before.

        ``started`` is when the refused request was let in: those that were on the way when the
        gate closed tell nothing new. Return false where patience is at its end.
        """
        now = time.monotonic()
        if self._pauses == 0:
            self._refused_since = now
        if started >= self._closed_at:
            self._pauses += 1
            self._closed_at = now
            taken_at_its_word = after is not None and self._pauses == 1
            lowered = self._allowed - 1 if taken_at_its_word else self._allowed / 2
            self._allowed = max(1.0, lowered)
            if after is None:
                after = min(LONGEST_PAUSE, self.backoff * 2 ** (self._pauses - 1))
        self._opens_at = max(self._opens_at, now + (after or 0.0))
        return self._opens_at - self._refused_since <= self.patience

    def close(self, why: str) -> None:
        """Let nobody in from now on, for ``why``."""
        self.closed = why if self.closed is None else self.closed
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(Failed("endpoint_unavailable", self.closed))

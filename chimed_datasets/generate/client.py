"""One endpoint: from a request to its answer, through failures, refusals and the server's ways."""

from __future__ import annotations

import asyncio
import email.utils
import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
import openai

from ..errors import GenerateError
from ..lang import N_, _, retold
from ..records import shorten
from .budget import Budget, Cost, actual, most
from .cache import Cache
from .exchange import Completion, Failed, Request
from .models import Endpoint, Model
from .throttle import Gate

MAX_BODY = 16 * 1024 * 1024
"""Bytes of an answer beyond which it is dropped unread: no chat answer comes near."""
LONGEST_BACKOFF = 60.0
MODES = ("json_schema", "json_object", "text")
"""How an answer's shape can be asked for, best first. What a server ignores, parsing finds."""
_REFUSALS = (429, 503, 529)
_TRANSIENT = (408, 409, 425)
_DENIALS = (401, 402, 403, 404)


_NO_ANSWER = N_("no answer in {seconds:g} s")
_NO_CONNECTION = N_("no connection ({reason})")
_ATTEMPTS = N_("{evidence} ({attempt} attempts)")
"""What the ledger tells of a request that came to nothing, in English."""


class _Busy(Exception):
    """The endpoint takes no request now; ``after`` seconds as far as it says."""

    def __init__(self, evidence: str, after: float | None, sent: bool = True) -> None:
        super().__init__(evidence)
        self.evidence, self.after, self.sent = evidence, after, sent


class _Broken(Exception):
    """This request failed and may be tried again; ``billed``: it may have cost its most."""

    def __init__(self, rule: str, evidence: str, billed: bool, after: float | None = None) -> None:
        super().__init__(evidence)
        self.rule, self.evidence, self.billed, self.after = rule, evidence, billed, after


class _Unfit(Exception):
    """The server will not have this request, now or later."""


class _Denied(Exception):
    """The server will have no request of ours."""


@dataclass
class _Dialect:
    """What a model's server understands, found with the first request that it answers."""

    mode: str
    token_limit: str = "max_tokens"
    proven: bool = False
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)


class Client:
    """Asks one endpoint. ``key`` leaves this object only in the request's header."""

    def __init__(self, endpoint: Endpoint, key: str | None, cache: Cache, budget: Budget) -> None:
        self.endpoint, self.cache, self.budget = endpoint, cache, budget
        self.gate = Gate(endpoint.concurrency, endpoint.backoff, endpoint.patience)
        self.answers = 0
        self._failures = 0  # since the last answer, of all rows
        self._key = key
        self._under_way: dict[str, asyncio.Task[Completion]] = {}
        self._dialects: dict[str, _Dialect] = {}
        self._api = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=key or "none",  # the client insists on one
            timeout=endpoint.timeout,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(
                timeout=endpoint.timeout,
                limits=openai.DEFAULT_CONNECTION_LIMITS,
            ),
        )

    async def close(self) -> None:
        await self._api.close()

    async def complete(self, request: Request) -> Completion:
        """Return the answer to ``request``, from the cache or the endpoint.

        Equal requests that are under way at once are one. Raises :class:`Failed` where there is
        no answer, :class:`GenerateError` where an endpoint that never answered will not do so.
        """
        key = request.key
        if known := self.cache.get(key):
            return known
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._answer(request))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key))
        return await task

    async def _answer(self, request: Request) -> Completion:
        """Try until there is an answer, or this row's own attempts are used up."""
        attempt = 0
        while True:
            try:
                return await self._through_gate(request)
            except _Busy as busy:  # the endpoint's affair: no attempt of this row
                evidence = busy.evidence
            except _Broken as failure:
                attempt += 1
                evidence = _ATTEMPTS.format(evidence=failure.evidence, attempt=attempt)
                if attempt >= self.endpoint.attempts:
                    raise Failed(failure.rule, evidence) from None
                wait = min(LONGEST_BACKOFF, self.endpoint.backoff * 2 ** (attempt - 1))
                await asyncio.sleep(max(wait * (0.5 + random.random() / 2), failure.after or 0))
            if self.gate.closed is not None:
                raise Failed("endpoint_unavailable", evidence)

    async def _through_gate(self, request: Request) -> Completion:
        dialect = self._dialect(request.model)
        if not dialect.proven:
            async with dialect.alone:  # the others wait until it is known how to ask
                if not dialect.proven:
                    return await self._paid(request, dialect)
        return await self._paid(request, dialect)

    async def _paid(self, request: Request, dialect: _Dialect) -> Completion:
        """Send one request, in the server's dialect, and put its cost on the account."""
        refused_modes = 0
        while True:
            reserved = most(request)
            cost = reserved
            async with self.gate as started:
                await self.budget.reserve(reserved)
                try:
                    answer = await self._send(request, dialect)
                    answer = self.cache.put(request.key, request.model.model, answer)
                    cost = actual(request, answer)
                    self.gate.answered()
                    self.answers += 1
                    self._failures = 0
                    dialect.proven = True
                    return answer
                except _Busy as busy:
                    cost = Cost(int(busy.sent))
                    if not self.gate.refused(started, busy.after):
                        self._give_up(busy.evidence)
                    raise
                except _Broken as failure:
                    cost = reserved if failure.billed else Cost(1)
                    self._failures += 1
                    if self._failures <= 2 * self.endpoint.concurrency + self.endpoint.attempts:
                        raise
                    # Nothing but failures, over many rows: that is an endpoint which is down.
                    if not self.gate.refused(started, failure.after):
                        self._give_up(failure.evidence)
                    raise _Busy(failure.evidence, None) from None
                except _Denied as denial:
                    cost = Cost(1)
                    self._give_up(str(denial))
                    raise Failed("endpoint_unavailable", str(denial)) from None
                except _Unfit as complaint:
                    cost = Cost(1)
                    refused_modes += 1
                    if not self._another_way(dialect, str(complaint), refused_modes):
                        raise Failed("refused_request", str(complaint)) from None
                finally:
                    await self.budget.settle(reserved, cost)

    def _dialect(self, model: Model) -> _Dialect:
        asked = self.endpoint.structured
        fresh = _Dialect(MODES[0] if asked == "auto" else asked)
        return self._dialects.setdefault(model.model, fresh)

    def _another_way(self, dialect: _Dialect, complaint: str, tried: int) -> bool:
        """Whether there is another way to put a request that the server called malformed."""
        if "max_completion_tokens" in complaint and dialect.token_limit == "max_tokens":
            dialect.token_limit = "max_completion_tokens"
            return True
        if dialect.proven or self.endpoint.structured != "auto":
            return False
        if dialect.mode == MODES[-1]:
            dialect.mode = MODES[0]  # then it was the request, and nothing is known of the server
            return False
        dialect.mode = MODES[MODES.index(dialect.mode) + 1]
        return tried < 2 * len(MODES)

    def _give_up(self, evidence: str) -> None:
        """No request will be answered any more. Raises :class:`GenerateError` where none was."""
        self.gate.close(evidence)
        if not self.answers:
            said = _("{address}: {reason}")
            raise GenerateError(
                said.format(address=self.endpoint.base_url, reason=retold(evidence))
            ) from None

    # --- the wire ------------------------------------------------------------------------

    async def _send(self, request: Request, dialect: _Dialect) -> Completion:
        try:
            async with asyncio.timeout(self.endpoint.timeout):
                body = await self._body(request, dialect)
        except TimeoutError:
            raise _Broken(
                "timeout", _NO_ANSWER.format(seconds=self.endpoint.timeout), True
            ) from None
        except openai.APIStatusError as error:
            raise self._meaning(error) from None
        except openai.APITimeoutError:
            raise _Broken(
                "timeout", _NO_ANSWER.format(seconds=self.endpoint.timeout), True
            ) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            evidence = self._clean(f"{type(cause).__name__}: {cause}")
            if type(cause).__name__ in ("ConnectError", "ConnectTimeout"):
                raise _Busy(_NO_CONNECTION.format(reason=evidence), None, sent=False) from None
            raise _Broken("dropped", evidence, True) from None
        except httpx2.HTTPError as error:  # while the body was read
            evidence = self._clean(f"{type(error).__name__}: {error}")
            raise _Broken("dropped", evidence, True) from None
        return self._completion(request, body)

    async def _body(self, request: Request, dialect: _Dialect) -> bytes:
        parameters = request.model.parameters(request.sample)
        limit = parameters.pop("max_tokens")
        call = self._api.chat.completions.with_streaming_response.create(
            model=request.model.model,
            messages=list(request.messages),  # type: ignore[arg-type]
            extra_body={
                **parameters,
                dialect.token_limit: limit,
                **_response_format(dialect.mode, request.schema),
            },
            # A gateway that knows this header bills a request that is sent again only once.
            extra_headers={"Idempotency-Key": request.key},
        )
        body = bytearray()
        async with call as response:
            async for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_BODY:
                    raise _Broken("bad_response", f"more than {MAX_BODY:,} bytes", True)
        return bytes(body)

    def _completion(self, request: Request, body: bytes) -> Completion:
        """Read a response body. Raises :class:`_Broken` for what is no chat completion."""
        text = self._clean(body.decode("utf-8", "replace"), whole=True)
        try:
            said = json.loads(text, strict=False)
            choice = said["choices"][0]
            message = choice["message"]
            content = message["content"] or message.get("refusal") or ""
            usage = said.get("usage") or {}
            if not isinstance(content, str):
                raise TypeError
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise _Broken("bad_response", f"no chat completion: {shorten(text)}", True) from None
        return Completion(
            self._clean(content.encode("utf-8", "replace").decode(), whole=True),
            shorten(str(choice.get("finish_reason") or "unknown"), 20),
            _count(usage, "prompt_tokens", request.prompt_bound),
            _count(usage, "completion_tokens", request.model.max_tokens),
            datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )

    def _meaning(self, error: openai.APIStatusError) -> Exception:
        """What an error status says: of the endpoint, of this attempt, or of this request."""
        status = error.status_code
        body = error.body
        words = body.get("message") if isinstance(body, dict) else None
        evidence = f"HTTP {status}: {self._clean(str(words or body or 'no reason given'))}"
        after = retry_after(error.response.headers)
        if "response_format" in evidence:  # llama-cpp-python says so with a 500
            return _Unfit(evidence)
        if status == 429 and "insufficient_quota" in evidence:
            return _Denied(evidence)
        if status in _REFUSALS:
            return _Busy(evidence, after)
        if status >= 500 or status in _TRANSIENT:
            return _Broken("server_error", evidence, False, after)
        if status in _DENIALS and (status < 403 or not self.answers):
            return _Denied(evidence)
        return _Unfit(evidence)

    def _clean(self, text: str, whole: bool = False) -> str:
        """Return a server's words without our key in them, and (unless ``whole``) short."""
        if self._key:
            text = text.replace(self._key, "[key]")
        return text if whole else shorten(text)


def _response_format(mode: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the body's ``response_format``.

    "json_schema" is OpenAI's (also vLLM's, SGLang's, llama.cpp's own server's); "json_object"
    with a schema is llama-cpp-python's and Together's; "text" asks for nothing.
    """
    if mode == "json_schema":
        shape = {"name": schema.get("title", "answer"), "strict": True, "schema": schema}
        return {"response_format": {"type": mode, mode: shape}}
    if mode == "json_object":
        return {"response_format": {"type": mode, "schema": schema}}
    return {}


def _count(usage: Any, name: str, bound: int) -> int:
    """Return a count of tokens; the most that it can be, where the server does not say."""
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and value >= 0 else bound


def retry_after(headers: Any) -> float | None:
    """Return the seconds that a server asks for: retry-after-ms, or Retry-After as seconds or
    date (RFC 9110, section 10.2.3). None where it does not, or not in a form known."""
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * scale
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    try:
        date = email.utils.parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max(0.0, date.timestamp() - time.time())

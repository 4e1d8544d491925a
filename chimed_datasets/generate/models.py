"""Models, where they are served, and what they may cost: parts of a generation's recipe."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PositiveInt,
    field_validator,
)

from ..recipe import Name
from ..settings import StrictModel


def _plain_url(url: str) -> str:
    """A key in the address would end in logs and manifests."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected an address as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("name, password and query do not belong in the address: use api_key_env")
    return url


class Strict(StrictModel):
    # What was given may be a key in the wrong place: errors must not repeat it.
    model_config = ConfigDict(hide_input_in_errors=True)
    SECRET = True


class Endpoint(Strict):
    """A server that speaks the OpenAI chat API.

    api_key_env: the environment variable that holds its key; left out for a server without one.
    concurrency: requests under way at once, at most.
    timeout:     seconds that one request may take from first to last byte.
    attempts:    how often a row's request may fail (5xx, dropped, timed out, broken body) before
                 the row goes to the ledger. A refusal (429, 503) is no failure of the row.
    backoff:     seconds before the first new attempt; each later one waits twice as long.
    patience:    seconds that the endpoint may refuse everything before the run stops.
    structured:  how an answer's shape is asked for; "auto" finds the best that the server takes.
    """

    base_url: Annotated[str, AfterValidator(_plain_url)]
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8
    timeout: Annotated[float, Field(gt=0)] = 120
    attempts: PositiveInt = 5
    backoff: Annotated[float, Field(ge=0)] = 0.5
    patience: Annotated[float, Field(gt=0)] = 3600
    structured: Literal["auto", "json_schema", "json_object", "text"] = "auto"


class Price(Strict):
    """Money for a million tokens, in the currency of ``budget.money``."""

    prompt: Annotated[float, Field(ge=0)]
    completion: Annotated[float, Field(ge=0)]


_TAKEN = {
    "model", "messages", "temperature", "top_p", "max_tokens", "max_completion_tokens", "seed",
    "n", "stream", "response_format",
}  # fmt: skip
_ELSEWHERE = "sampling has keys of its own, and several answers are the task's affair"


class Model(Strict):
    """A model with its sampling parameters; a null one is not sent.

    name:     what tasks call it (one model may stand here under several names and temperatures).
    model:    what the server calls it.
    extra:    further fields of the request body, as the server knows them.
    endpoint: where it is served, where that is not the recipe's endpoint.
    """

    name: Name
    model: Annotated[str, Field(min_length=1)]
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: PositiveInt = 1024
    seed: int | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    price: Price | None = None
    endpoint: Endpoint | None = None

    @field_validator("extra")
    @classmethod
    def _check_extra(cls, extra: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(_TAKEN & set(extra)):
            raise ValueError(f"{', '.join(taken)} cannot stand here; {_ELSEWHERE}")
        return extra

    def parameters(self, sample: int = 0) -> dict[str, Any]:
        """Return the sampling parameters of the ``sample``-th answer to one question."""
        given = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "seed": None if self.seed is None else self.seed + sample,
        }
        return {key: value for key, value in given.items() if value is not None} | self.extra


class Limits(Strict):
    """The most that may be spent into one output folder, over all runs; none given: no limit.

    requests: sent, those that failed or were refused included.
    tokens:   of prompts and answers.
    money:    by the models' prices.
    """

    requests: PositiveInt | None = None
    tokens: PositiveInt | None = None
    money: Annotated[float, Field(gt=0)] | None = None

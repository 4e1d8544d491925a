"""A request, the answer to it, and why there may be none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from .models import Model

T = TypeVar("T")


class Failed(Exception):
    """A row has no answer. ``rule`` and ``evidence`` are what its ledger row will say."""

    def __init__(self, rule: str, evidence: str) -> None:
        super().__init__(rule, evidence)
        self.rule, self.evidence = rule, evidence


class Completion(NamedTuple):
    """One answer of a model.

    text:              what it said.
    finish:            the server's finish reason ("stop", "length", …).
    prompt_tokens, completion_tokens: as counted by the server; upper bounds where it does not.
    created:           when it came, UTC, as 2026-01-31T12:00:00Z.
    """

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    created: str


@dataclass(frozen=True)
class Request:
    """One question to one model.

    prompt: the prompt's name, version and digest.
    schema: the JSON schema of the answer. It is part of the prompt's digest, not of the key by
            itself: how a shape is asked for differs from server to server.
    sample: number of the answer, where the same question is asked several times.
    """

    model: Model
    messages: tuple[dict[str, str], ...]
    prompt: str
    schema: dict[str, Any]
    sample: int = 0

    @cached_property
    def key(self) -> str:
        """256 bits (hex) over model, messages, prompt version, parameters and sample."""
        parts = [
            self.model.model,
            self.messages,
            self.prompt,
            self.model.parameters(self.sample),
            self.sample,
        ]
        text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def prompt_bound(self) -> int:
        """Tokens that the messages cannot exceed: a token of a byte-level vocabulary covers one
        byte or more, and a chat template adds a few to each message."""
        return sum(len(m["content"].encode("utf-8", "replace")) + 16 for m in self.messages)


class Reply(NamedTuple, Generic[T]):
    """An accepted answer, which model gave it, and when."""

    value: T
    model: Model
    sample: int
    date: str

"""What the tests of generation share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from makers import write_documents

from chimed_datasets.generate.budget import Budget
from chimed_datasets.generate.cache import Cache, connect
from chimed_datasets.generate.client import Client
from chimed_datasets.generate.models import Endpoint, Limits
from chimed_datasets.generate.recipe import parse as parse_recipe


@pytest.fixture
def with_client(tmp_path: Path) -> Callable[..., Any]:
    """``with_client(url, use, key=…, limits=…, **endpoint)`` runs ``use(client)`` and returns
    what it returns; the client's cache lies in tmp_path / "cache.sqlite"."""

    def run(
        url: str,
        use: Callable[[Client], Awaitable[Any]],
        key: str | None = None,
        limits: Limits | None = None,
        **options: Any,
    ) -> Any:
        endpoint = Endpoint(base_url=url, **{"backoff": 0.005, "timeout": 5, **options})

        async def main() -> Any:
            client = Client(endpoint, key, Cache(db), Budget(db, limits or Limits()))
            try:
                return await use(client)
            finally:
                await client.close()

        with contextlib.closing(connect(tmp_path / "cache.sqlite")) as db:
            return asyncio.run(main())

    return run


@pytest.fixture
def qa_recipe(tmp_path: Path) -> Callable[..., Any]:
    """``qa_recipe(url, rows, **top)`` writes documents and returns a recipe that asks about them
    (and, with ``content=True``, its plain mapping)."""

    def make(url: str, rows: int = 30, content: bool = False, **top: Any) -> Any:
        write_documents(tmp_path / "docs.jsonl", rows)
        fields = {"text": "text", "title": "title"}
        source = {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "cc0-1.0",
                  "kind": "document", "fields": fields}  # fmt: skip
        given = {
            "name": "qa",
            "sources": [source],
            "endpoint": {"base_url": url, "concurrency": 16, "timeout": 2, "backoff": 0.02},
            "models": [{"name": "m", "model": "x", "max_tokens": 200}],
            "tasks": [{"task": "qa_from_document", "models": ["m"]}],
        } | top
        return given if content else parse_recipe(given, tmp_path)

    return make


@pytest.fixture
def api_key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A key in the environment, under TEST_KEY."""
    key = "sk-proj-4f9Q/secret+Zb7-do-not-print"
    monkeypatch.setenv("TEST_KEY", key)
    return key

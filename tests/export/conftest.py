"""A build that has what exports must carry over."""

from __future__ import annotations

import pytest

from chimed_datasets.built.dataset import Built, open_built
from tests.common import exports


@pytest.fixture(scope="session")
def full(tmp_path_factory) -> Built:
    """Traces in fields of their own, system prompts, pairs, long rows, rows that trainers bend."""
    return open_built(exports.made(tmp_path_factory.mktemp("full")))

"""What stands on the pages of the two example sites: made up, and no advice."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import yaml


class Thread(NamedTuple):
    """A question; ``best`` is the index of the adopted answer, None where there is none."""

    department: str
    title: str
    question: str
    patient: str
    phrases: list[str]
    answers: list[str]
    best: int | None


class Entry(NamedTuple):
    """An encyclopedia entry: paragraphs, list items, and a table of two columns."""

    name: str
    paragraphs: list[str]
    items: list[str]
    table: list[list[str]]


_CONTENT = yaml.safe_load(Path(__file__).with_name("content.yaml").read_text("utf-8"))
THREADS = [Thread(**fields) for fields in _CONTENT["threads"]]
ENTRIES = [Entry(**fields) for fields in _CONTENT["entries"]]

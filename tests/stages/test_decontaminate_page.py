"""docs/reference/decontaminate.md: its example runs, and its rules are those of the stage."""

from __future__ import annotations

import re
from pathlib import Path

from tests.common import pages, rules

PAGE = (pages.ROOT / "docs" / "reference" / "decontaminate.md").read_text("utf-8")
STAGE = Path("chimed_datasets/stages/leaks/judge.py")


def test_the_example_runs():
    (code,) = (text for language, text in pages.blocks(PAGE) if language == "python")
    exec(compile(code, "decontaminate.md", "exec"), {})


def test_the_rules_are_those_of_the_stage():
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M))
    assert told == rules.of_text((pages.ROOT / STAGE).read_text("utf-8"))

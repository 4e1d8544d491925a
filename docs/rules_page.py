"""docs/reference/drop-rules.md: its tables of rules, written from the sentences of the package.

    python docs/rules_page.py

The rest of the page is written by hand; this puts the tables of built/reasons.json into it.
"""

from __future__ import annotations

import re
from pathlib import Path

from chimed_datasets.built.reasons import reasons

PAGE = Path(__file__).resolve().parent / "reference" / "drop-rules.md"
_SECTION = re.compile(r"^## (\w+)$", re.M)
_TABLE = re.compile(r"(?<=^\| --- \| --- \|\n)(?:\| `\w+` \| .* \|\n)+", re.M)


def page(text: str) -> str:
    """Return the page with the tables of today, given the page as it is. A new section is first
    written by hand, with a table of one row."""
    head, *parts = _SECTION.split(text)
    out = [head]
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        table = "".join(f"| `{rule}` | {why} |\n" for rule, why in reasons()[name].items())
        out += [f"## {name}", _TABLE.sub(lambda _, table=table: table, body, count=1)]
    return "".join(out)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")

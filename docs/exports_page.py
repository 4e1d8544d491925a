"""docs/reference/exports.md, from exports: ``python docs/exports_page.py`` prints it.

The build of tests/common/exports.py is exported in every format, with rows in it that trainers
would drop, cut or bend; the table says what becomes of them.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for the tests' own build

from chimed_datasets.built.dataset import open_built
from chimed_datasets.export import format_of, formats, write_export
from tests.common.exports import add_faults, made

_HEAD = """\
<!-- Written by `python docs/exports_page.py`; a test compares the two. Do not edit it here. -->

# Export formats

`chimed export DIR --to FORMAT` writes the rows of a build in one of these formats;
[how to export](../how-to/export.md) says how a trainer is told of the files. A format that is tried
was read by the trainer's own loader, converter and template, and each row was compared
(`make trainers`; for TRL a test trains on it). The form of one that is not tried is by the
trainer's documents alone."""
_LOST = """\
## What is lost

The tests have a small build with reasoning traces, system prompts, several turns, pairs and long
rows, and with rows that a trainer would drop, cut or bend. This is what becomes of it. Rows that
are lost *in part* are in the file without that part. [The rules](drop-rules.md#export) have a
sentence each."""


def page() -> str:
    """Return the whole of docs/reference/exports.md."""
    with tempfile.TemporaryDirectory() as name:
        folder = made(Path(name))
        add_faults(folder)
        told = list(_table(folder, Path(name)))
    listed = [_row("format", "what it is", "takes", "tried with"), _row(*["---"] * 4)]
    for key in formats():
        form = format_of(key)
        takes = ", ".join(form.configs or ["all configs"])
        listed.append(_row(f"`{key}`", form.summary, takes, form.tried or "not tried"))
    return "\n\n".join([_HEAD, "\n".join(listed), _LOST, "\n".join(told)]) + "\n"


def _table(folder: Path, work: Path) -> Iterator[str]:
    """Yield the lines of the table: a line for each format and file, all splits together."""
    yield _row("format", "file", "rows in", "rows out", "rows lost", "lost in part")
    yield _row("---", "---", "--:", "--:", "---", "---")
    for key in formats():
        files = write_export(open_built(folder), format_of(key), work / key)
        for name in dict.fromkeys(file.name for file in files):
            ours = [file for file in files if file.name == name]
            lost = sum((f.lost for f in ours), Counter[str]())
            parts = sum((f.parts for f in ours), Counter[str]())
            yield _row(
                f"`{key}`",
                f"`{name}`",
                str(sum(f.rows for f in ours)),
                str(sum(f.out for f in ours)),
                _told(lost - parts),
                _told(parts),
            )


def _told(rules: Counter[str]) -> str:
    return ", ".join(f"{rule} {n}" for rule, n in sorted(rules.items()))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(page(), end="")

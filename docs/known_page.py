"""docs/reference/known-sources.md: every known source and benchmark, and what becomes of its form.

``python docs/known_page.py`` prints it. The counts are of the small files in tests/known/published,
which have the form of the real ones.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from chimed_datasets import known
from chimed_datasets.known import registry
from chimed_datasets.records import Malformed

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.known import make, reading

_HEAD = """\
<!-- Written by `python docs/known_page.py`; a test compares the two. Do not edit it here. -->

# Known sources and benchmarks

A recipe calls these by name, and `chimed known NAME` shows what is known of one:

```yaml
sources:
  - {known: huatuo26m-lite}
  - {known: webmedqa, path: downloads/webMedQA}      # your own copy
  - {known: medical-o1-reasoning-sft, name: o1, domain: tcm}
benchmarks:
  - {known: cmb-exam}
```

An entry says where the files lie, how they are read, the licence **as it is stated and by whom**,
who or which model wrote the texts, known defects, and what a corpus holds of others. What stands
beside `known:` in a recipe counts before that. Licence, tier and defects go into the manifest, the
card and the Croissant file of a build. `path:` names your own copy; an entry without an address
needs one.

| tier | what it says |
| --- | --- |
| `public` | A free licence is stated. |
| `research` | Non-commercial or academic use alone is allowed. |
| `ask` | A login is needed, or no licence is stated. |
| `closed` | Re-use is forbidden. |

The publisher of a corpus is often not the author of its texts. A push is refused where the licence
is not one that lets changed texts out, or where the entry says that they may not be handed on. An
entry whose answers are web addresses, whose rows make no sense without their images, or whose
questions are for evaluation, is refused by a build.

**Most entries were written from published descriptions and programs, not from the real files;** the
line `checked` of `chimed known NAME` says so. All are held against small files in the same form,
written for this project: each row of these becomes a record, or is refused by a rule of
[the ledger](drop-rules.md). `chimed known NAME --check` compares an entry with the real files:
their names, the fields of their first rows, and what they become. Do this before you rely on one,
and [correct it](../how-to/add-a-source.md#a-public-corpus-by-name) where it is wrong."""


def page() -> str:
    """Return the whole page."""
    return "\n\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    yield _HEAD
    yield "## Sources"
    yield (
        "`rows` are those of the files in the published form. `left out` are rows of files that "
        "the entry does not read; `chimed known NAME` says why."
    )
    rows = [_source(entry) for entry in known.entries("sources")]
    yield _table(("source", "tier", "licence", "rows", "records", "refused", "left out"), rows)
    yield "## Benchmarks"
    rows = [_benchmark(entry) for entry in known.entries("benchmarks")]
    yield _table(("benchmark", "tier", "licence", "rows", "items"), rows)
    yield "## The keys of an entry"
    yield (
        "For those who [add one](../how-to/add-a-source.md#a-public-corpus-by-name). Keys in bold "
        "are required. The file's folder and name say the kind and the name of the entry."
    )
    yield _table(("key", "what it says"), list(_keys()))


def _source(entry: known.Entry) -> tuple[str, ...]:
    about = (f"[`{entry.name}`]({entry.page})", entry.tier, entry.licence.id)
    if entry.refused:
        rows = make.form(entry.name)["rows"] if reading.has_fixture(entry.name) else "·"
        return (*about, str(rows), "0", f"the whole: {entry.refused}", "")
    rows = make.form(reading.fixture_of(entry.name))["rows"]
    with tempfile.TemporaryDirectory() as folder:
        made, files = reading.read_source(entry.name, Path(folder))
    rules = Counter(one.rule for one in made if isinstance(one, Malformed))
    refused = ", ".join(f"`{rule}` {count}" for rule, count in sorted(rules.items()))
    left = reading.rows_left_out(entry.name, files)
    return (*about, str(rows), str(len(made) - rules.total()), refused, str(left) if left else "")


def _benchmark(entry: known.Entry) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        items = reading.read_benchmark(entry.name, Path(folder))
    rows = make.form(reading.fixture_of(entry.name, "benchmarks"))["rows"]
    name = f"[`{entry.name}`]({entry.page})"
    return name, entry.tier, entry.licence.id, str(rows), str(len(items))


_PARTS = {"licence": "Licence", "checked": "Checked", "republish": "Republish", "defects": "Defect"}
"""Keys that are mappings, or lists of them, and the class of one."""


def _keys() -> Iterator[tuple[str, str]]:
    """Yield the keys of an entry and what its docstring says of each."""
    fields = {field.name: field for field in dataclasses.fields(known.Entry)}
    told = re.findall(r"^(\w[\w, ]*):\s+(.+(?:\n +.+)*)", inspect.getdoc(known.Entry) or "", re.M)
    for names, meaning in told:
        for name in names.split(", "):
            if name in ("name", "kind"):
                continue
            needed = fields[name].default is fields[name].default_factory is dataclasses.MISSING
            said = " ".join(meaning.split())
            if name in _PARTS:
                parts = dataclasses.fields(getattr(registry, _PARTS[name]))
                said += f" Each of its keys is required: {', '.join(f'`{p.name}`' for p in parts)}."
            yield f"**`{name}`**" if needed else f"`{name}`", said[0].upper() + said[1:]


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in one) + " |" for one in lines
    )


if __name__ == "__main__":
    print(page(), end="")

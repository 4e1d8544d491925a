"""What `chimed detect` says of real data, against the layouts that a recipe names for it:

    python tests/prove_detect.py DATA [RECIPE]

DATA is the folder that the paths of RECIPE lead into (default: tests/recipes/everything.yaml, whose
paths begin with ../../../shared/data). It prints a row for each source and benchmark, and exits
with 1 where more than one of them is not found.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from chimed_datasets.detection import Detected, detect

RECIPE = Path(__file__).parent / "recipes" / "everything.yaml"
NEEDED = ("text", "question", "answer", "messages")


def is_right(entry: dict[str, Any], found: Detected) -> bool:
    """Whether the layout is the recipe's, and so are the columns that a record cannot do without."""
    if found.best is None or found.best.layout != entry["layout"]:
        return False
    asked, given = entry.get("fields", {}), found.best.options.get("fields", {})
    kind = found.best.options.get("kind", "document")
    return kind == entry.get("kind", "document") and all(
        asked.get(name) == given.get(name) for name in NEEDED if name in asked
    )


def main(data: Path, recipe: Path = RECIPE) -> int:
    content = yaml.safe_load(recipe.read_text("utf-8"))
    table = Table(title=f"detect over {recipe.name}", title_justify="left")
    for name in ("source", "recipe", "detected", "grade", "share", "second", "s"):
        table.add_column(name, justify="right" if name in ("share", "s") else "left")
    wrong = 0
    for entry in [*content["sources"], *content.get("benchmarks", ())]:
        path = data / entry["path"].rpartition("shared/data/")[2]
        found = detect(path)
        right = is_right(entry, found)
        wrong += not right
        best, second = found.best, found.second
        fields = best.options.get("fields", {}) if best else {}
        columns = ", ".join(f"{n}: {fields[n]}" for n in NEEDED if n in fields)
        table.add_row(
            entry["name"],
            entry["layout"],
            f"{'' if right else 'WRONG '}{best and best.layout} {columns}".strip(),
            found.grade,
            f"{best.share:.0%}" if best else "-",
            f"{second.layout} {second.share:.0%}" if second else "-",
            f"{found.seconds:.2f}",
        )
    Console(width=110).print(table)
    print(f"{wrong} not found")
    return int(wrong > 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(Path, sys.argv[2:3])))

"""The precision and recall of each check of a reasoning trace, on rows that were labelled before.

    python tests/rows_traces_table.py [FILE.jsonl ...]

Without files, the two halves of ``tests/fixtures/traces`` and both together. A row has ``question``,
``reasoning``, ``reply`` and ``faults``, the flags that it deserves.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from chimed_datasets.rows.traces import FLAGS, flags

PLACE = Path(__file__).parent / "fixtures" / "traces"


class Figures(NamedTuple):
    """right: raised and deserved. wrong: raised, not deserved. missed: deserved, not raised."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong or 1)

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed or 1)


def rows(*paths: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def figures(labelled: Iterable[dict[str, Any]]) -> dict[str, Figures]:
    """Return the figures of each flag."""
    pairs = [
        (
            {one.flag for one in flags(row["reasoning"], row["reply"], row["question"])},
            row["faults"],
        )
        for row in labelled
    ]
    return {
        flag: Figures(
            sum(flag in raised and flag in deserved for raised, deserved in pairs),
            sum(flag in raised and flag not in deserved for raised, deserved in pairs),
            sum(flag not in raised and flag in deserved for raised, deserved in pairs),
        )
        for flag in FLAGS
    }


def main(paths: list[Path]) -> None:
    halves = [[path] for path in paths] + ([paths] if len(paths) > 1 else [])
    for half in halves:
        labelled = rows(*half)
        print(f"{' + '.join(path.stem for path in half)}: {len(labelled)} rows")
        print(f"{'flag':12} right wrong missed precision recall")
        for flag, (right, wrong, missed) in (found := figures(labelled)).items():
            precision, recall = found[flag].precision, found[flag].recall
            print(f"{flag:12} {right:5} {wrong:5} {missed:6} {precision:9.2f} {recall:6.2f}")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or [PLACE / "dev.jsonl", PLACE / "held.jsonl"])

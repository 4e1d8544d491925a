"""Write the figures that a version ships: ``python -m chimed_datasets.selftest``.

It runs the self-test over the sets of the package, writes ``chimed_datasets/built/figures.json``,
and prints what is other than before. Run it in a checkout after a change of a rule, and say in the
change log which figures fell.
"""

from __future__ import annotations

from pathlib import Path

from .. import built
from ..built import figures
from .run import measure


def main() -> None:
    """Measure, write the figures, and print a line for each that changed."""
    path = Path(str(built.__file__)).with_name(figures.NAME)
    old = {(one.stage, one.kind): one for one in figures.shipped()} if path.exists() else {}
    new = [result.figure for result in measure()]
    path.write_text(figures.as_json(new), "utf-8")
    for one in new:
        before = old.pop((one.stage, one.kind), None)
        if before != one:
            told = f"{before.right:,} of {before.of:,}" if before else "new"
            print(f"{one.stage}, {one.kind}: {told} -> {one.right:,} of {one.of:,}")
    for gone in old.values():
        print(f"{gone.stage}, {gone.kind}: is not measured any more")
    print(f"{path}: {len(new)} figures.")


if __name__ == "__main__":
    main()

"""Prints the sha256 of every file of four datasets and of their withheld copies.

    python tests/prove_bytes.py DIR > after.txt

DIR (new) gets the builds: the bundled samples and ``tests/recipes/everything.yaml`` (it reads
../shared/data), each with one worker and with two, and a copy of each without its first source. Run
it in two checkouts and compare what they print: equal lines are equal bytes. With PYTHONPATH set to
another checkout, that one's library is used.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from chimed_datasets import build, load_recipe, open_built, samples
from chimed_datasets.publish.withholding import withhold

EVERYTHING = Path(__file__).with_name("recipes") / "everything.yaml"


def main(folder: Path) -> None:
    """Build into ``folder`` and print "sha256  path" for every file, sorted."""
    folder.mkdir(parents=True)
    for name, path in (("samples", samples.RECIPE), ("everything", EVERYTHING)):
        recipe = load_recipe(path)
        for workers in (1, 2):
            out = folder / f"{name}-{workers}"
            build(recipe, out, workers=workers)
            withhold(open_built(out), [recipe.sources[0].name], folder / f"{out.name}-withheld")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            print(f"{digest}  {path.relative_to(folder)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

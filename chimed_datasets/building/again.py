"""The same command once more: is what stands there what it would build?"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..built.checks import check_files, check_manifest
from ..built.dataset import open_built
from ..built.manifest import LIBRARY
from ..errors import InvalidDataset, SourceError
from ..lang import _
from ..recipe import Recipe
from . import origin
from .origin import Origin
from .plan import stored_keys
from .prepared import benchmark_files
from .progress import Opening, Tell, silent

MADE_FROM = ".origin.json"
"""In the folder of a build: what it was made from. It is no part of the dataset, and is not pushed:
the manifest has what others may want to know."""


def note(made_from: Origin, target: Path) -> None:
    """Write down what the build in ``target`` was made from."""
    (target / MADE_FROM).write_text(json.dumps(made_from, indent=1) + "\n", "utf-8")


def what_changed(
    recipe: Recipe,
    out: Path,
    limit: int | None,
    staging: Path,
    opening: Opening = silent,
    tell: Tell = silent,
) -> str:
    """Return "" where the dataset in ``out`` is whole and is what a build would make now, else why
    not.

    staging: a folder for what must be unpacked; it is taken away again. tell: gets a line on each
    address that could not be looked up.
    """
    try:
        built = open_built(out)
    except InvalidDataset:
        return _("it is empty")
    try:
        made_from = json.loads((out / MADE_FROM).read_text("utf-8"))
    except (OSError, ValueError):
        library = built.manifest["library"]
        return (
            _("it was built by {library}").format(library=library)
            if library != LIBRARY
            else _("it has no {made_from}").format(made_from=MADE_FROM)
        )
    if not isinstance(made_from, dict):
        return _("its {made_from} is damaged").format(made_from=MADE_FROM)
    try:
        exam_files = benchmark_files(recipe, staging, opening, tell)
        common = origin.of_all(recipe, exam_files, limit)
        now = origin.of_build(recipe, common, stored_keys(recipe, staging, opening, tell))
    except SourceError as error:
        return str(error).rstrip(".")
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if names := origin.changed(made_from, now):
        return origin.in_words(names)
    for complaint in (*check_manifest(built), *check_files(built)):
        return complaint.rpartition(": ")[0]  # what to do about it is said here
    return "" if (out / "README.md").is_file() else _("its README.md is missing")

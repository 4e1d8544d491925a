"""Records that were taken down: a text file of ids that every build of a recipe leaves out.

One record a line: its id, and after a blank the reason, where there is one. Lines that begin with
``#`` are notes. The file is meant to be kept with the recipe.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import RecipeError, did_you_mean
from ..lang import _

DEFAULT = "takedowns.txt"
"""Beside the recipe; read where the recipe names no other."""
STAGE, LISTED, COPY = "takedown", "listed", "copy"
"""What the ledger says of a listed record, and of one of the same cluster of duplicates."""
_ID = re.compile(r"([a-z0-9][a-z0-9_-]*-[0-9a-f]{20})(?:-\d+)?")


def place(base: Path, given: str | None) -> Path:
    """Return where the file of a recipe is, or would be. base: the recipe's folder; given: the path
    that it names, in which ``~`` and ``$NAME`` are replaced."""
    return base / Path(os.path.expandvars(given or DEFAULT)).expanduser()


def record_of(name: str) -> str:
    """Return the record's id of a record or row. Raises :class:`RecipeError` for anything else."""
    match = _ID.fullmatch(name)
    if not match:
        raise RecipeError(
            _(
                "{name!r} is no id of a record: one is a source's name, a dash and 20 hex "
                "digits, as in the column id."
            ).format(name=name)
        )
    return match[1]


def read(path: Path) -> dict[str, str]:
    """Return the reasons by record id ("" where none is given)."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except FileNotFoundError:
        raise RecipeError(_("takedowns: there is no file {path}.").format(path=path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            _("takedowns: {path} cannot be read as UTF-8 text ({error}).").format(
                path=path, error=error
            )
        ) from None
    reasons = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            name, *reason = line.split(maxsplit=1)
            try:
                reasons[record_of(name)] = " ".join(reason).strip()
            except RecipeError as error:
                raise RecipeError(
                    _("takedowns: {path}, line {number}: {error}").format(
                        path=path, number=number, error=error
                    )
                ) from None
    return reasons


def add(path: Path, names: Iterable[str], sources: Iterable[str], reason: str = "") -> list[str]:
    """Add records to the file and return those that were not in it; nothing is taken out.

    names:   ids of records or rows; a mapping has a reason for each.
    sources: names of the sources that the records can come from.
    reason:  of those that have none of their own.
    """
    known = read(path) if path.exists() else {}
    reasons = dict(names) if isinstance(names, Mapping) else {}
    names = list(names)
    why = {record_of(name): reasons.get(name) or reason for name in names}
    records = list(dict.fromkeys(map(record_of, names)))
    for name in records:
        source = name.rpartition("-")[0]
        if source not in sources:
            raise RecipeError(
                _("{name}: there is no source {source!r}.{did_you_mean}").format(
                    name=name, source=source, did_you_mean=did_you_mean(source, sources)
                )
            )
    new = [name for name in records if name not in known]
    if new:
        text = path.read_text("utf-8-sig") if path.exists() else "# Records that no build takes.\n"
        if not text.endswith("\n"):
            text += "\n"
        lines = (" ".join([name, *why[name].split()]) for name in new)
        text += "".join(f"{line}\n" for line in lines)
        path.write_text(text, "utf-8")
    return new

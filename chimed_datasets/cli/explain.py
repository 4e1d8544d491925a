"""The command that tells the story of one record: explain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ChimedError, SourceError
from .console import AllowCode, Folder, out, say

if TYPE_CHECKING:
    from ..building.preview import Shown
    from ..built.changes import Piece
    from ..built.dataset import Built
    from ..recipe import Recipe

SHOWN_PIECES = 1_200
"""Characters that are shown of a text beside another."""


def explain(
    folder: Folder,
    record: Annotated[str, typer.Argument(metavar="RECORD_ID", help="The id of a record or row.")],
    recipe: Annotated[
        Path | None,
        typer.Option(help="The recipe of the build; sources and benchmarks are read by it."),
    ] = None,
    brief: Annotated[
        bool, typer.Option("--brief", help="Print what the ledger says; read no source.")
    ] = False,
    allow_code: AllowCode = False,
) -> None:
    """Print what happened to one record, and why, with its text before and after each stage."""
    from ..built.dataset import open_built
    from ..report.explain import explain as story
    from ..report.explain import find

    built = open_built(folder)
    for line in story(built, record):
        out.print(line, markup=False, soft_wrap=True)
    if brief:
        return
    row = find(built, record)
    if row.get("stage") == "takedown":
        return
    at_hand = AtHand(built, recipe, allow_code)
    shown = _print_text(built, row, at_hand)
    if shown is not None and row.get("twin"):
        _print_twin(built, row["twin"], shown)
    if shown is not None and row.get("stage") == "decontaminate":
        _print_items(built, row["id"], shown, at_hand)


class AtHand:
    """The recipe of a build: the user's own file, else what the manifest says, with the folders
    that its paths may start from. A manifest may be another's: no address in it is opened."""

    def __init__(self, built: Built, recipe: Path | None, allow_code: bool) -> None:
        self.built, self.recipe, self.allow_code = built, recipe, allow_code

    def recipes(self, path: str) -> Iterator[Recipe]:
        """Yield the recipe, for each folder that may be the right one. path: what is to be read.

        Raises :class:`SourceError` where that is an address and the user did not name a recipe.
        """
        from .. import recipe as recipes
        from .. import samples
        from ..building.reread import is_address, recipe_of

        if self.recipe is not None:
            yield recipes.load(self.recipe, allow_code=self.allow_code)
            return
        if is_address(path):
            raise SourceError(f"{path} is an address")
        for base in (Path(), self.built.folder.absolute().parent, samples.RECIPE.parent):
            yield recipe_of(self.built.manifest, base.absolute(), allow_code=self.allow_code)


def changed_in(
    built: Built, records: Sequence[str], recipe: Path | None, allow_code: bool
) -> dict[str, Any]:
    """Return record -> (stage, what it changed), of the records whose source is at hand."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from ..building import reread

    kept = built.ledger("kept", ["id", "source", "key"])
    rows = kept.filter(pc.is_in(kept["id"], pa.array(records, pa.string()))).to_pylist()
    paths = {source["name"]: source["path"] for source in built.manifest["sources"]}
    at_hand = AtHand(built, recipe, allow_code)
    found: dict[str, Any] = {}
    for name, path in paths.items():
        keys = {row["key"]: row["id"] for row in rows if row["source"] == name}
        failed = None
        try:
            for one in at_hand.recipes(path) if keys else ():
                try:
                    told = reread.changed_in(one, name, keys)
                except (ChimedError, OSError) as error:
                    failed = failed or error
                    continue
                found |= {keys[key]: steps for key, steps in told.items()}
                failed = None
                break
        except ChimedError as error:
            failed = error
        if failed:
            say(
                f"source {name!r} is not at hand, so nothing is told of its changes: {_why(failed)}"
            )
    return found


def _print_text(built: Built, row: dict[str, Any], at_hand: AtHand) -> Shown | None:
    """Print the text of a record, kept or read again, with what each stage made of it."""
    from ..building.reread import from_kept
    from ..built import texts
    from .records import print_record

    kept = texts.kept(built.folder, [row["id"]])
    shown = None
    if kept:
        shown = from_kept(kept[0], row["evidence"])
        _say("Its text, as the build kept it:")
        print_record(shown)
        if kept[0]["before"] is not None:
            return shown
    try:
        again, notes = _read_again(built, row, at_hand)
    except (ChimedError, OSError) as error:
        what = "How it was before the stages" if kept else "Its text"
        _say(
            f"{what} is not kept, and source {row['source']!r} is not at hand ({_why(error)}): "
            "pass --recipe FILE to read it with the recipe of the build."
        )
        return shown
    if kept:
        again.texts = ()
    _say(f"{'What the stages made of it' if kept else 'Its text'}, read again from {row['key']}:")
    print_record(again)
    for note in notes:
        _say(note)
    return shown or again


def _read_again(built: Built, row: dict[str, Any], at_hand: AtHand) -> tuple[Shown, list[str]]:
    """Read a record again. Raises what the first folder raises where none has its source."""
    from ..building.reread import read_again

    source = next(s for s in built.manifest["sources"] if s["name"] == row["source"])
    sizes = {file["name"]: file["bytes"] for file in source["files"]}
    failed: list[ChimedError | OSError] = []
    for recipe in at_hand.recipes(source["path"]):
        try:
            return read_again(recipe, row["source"], row["key"], sizes)
        except (ChimedError, OSError) as error:
            failed.append(error)
    raise failed[0]


def _why(error: Exception | None) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _say(line: str) -> None:
    out.print(f"\n{line}", markup=False, soft_wrap=True)


def _body(shown: Shown) -> str:
    """Return what a record says, as the rows of a config would."""
    from ..built.texts import body

    return "\n".join(text for _, text in body(shown.kind, shown.last))


def _print_twin(built: Built, twin: str, shown: Shown) -> None:
    """Print a dropped record beside the one that was kept instead, with what they differ in."""
    from ..built.changes import marked
    from ..report.explain import text_of

    text, own = text_of(built, twin), _body(shown)
    if not text:
        _say(f"{twin}, which was kept instead, has no row in this folder.")
    elif text == own:
        _say(f"{twin}, which was kept instead, says the same.")
    else:
        _say(f"Beside {twin}, which was kept instead; what it alone says and what this one says:")
        _print_pieces(marked(text, own))


def _print_items(built: Built, name: str, shown: Shown, at_hand: AtHand) -> None:
    """Print the benchmark items that a record holds, and its own text, with what they share."""
    from ..building.reread import exam_items, is_address
    from ..built.changes import shared

    wanted: dict[str, list[str]] = {}
    for benchmark, entry in built.manifest["benchmarks"].items():
        if keys := [one["item"] for one in entry["matches"] if one["record"] == name]:
            wanted[benchmark] = keys
    items: dict[tuple[str, str], str] = {}
    failed: Exception | None = None
    try:
        entries = built.manifest["recipe"].get("benchmarks", [])
        paths = [one["path"] for one in entries if one["name"] in wanted]
        for recipe in at_hand.recipes(next(filter(is_address, paths), "")):
            try:
                items = exam_items(recipe, wanted)
                break
            except (ChimedError, OSError) as error:
                failed = failed or error
    except ChimedError as error:
        failed = error
    if not items:
        _say(f"Its benchmark is not at hand ({_why(failed)}): pass --recipe FILE to read it.")
        return
    own = _body(shown)
    for (benchmark, key), text in items.items():
        _say(f"Item {key} of benchmark {benchmark}; marked is what the record holds, too:")
        _print_pieces(shared(text, own))
        _say("The record; marked is what the item holds, too:")
        _print_pieces(shared(own, text))


def _print_pieces(pieces: list[Piece]) -> None:
    from rich.text import Text

    from .records import add_piece, print_text

    text = Text()
    size = 0
    for piece in pieces:
        if size > SHOWN_PIECES:
            text.append("…")
            break
        size += len(piece.text)
        add_piece(text, piece)
    print_text("", text)

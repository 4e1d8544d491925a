"""The command that tells the story of one record: explain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ChimedError, SourceError
from ..lang import _
from .console import AllowCode, AsJson, Folder, opened, print_json, say, say_all

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
        typer.Option(
            metavar="RECIPE",
            help="The recipe of the build; sources and benchmarks are read by it.",
        ),
    ] = None,
    brief: Annotated[
        bool, typer.Option("--brief", help="Print what the ledger says; read no source.")
    ] = False,
    as_json: AsJson = False,
    allow_code: AllowCode = False,
) -> None:
    """Tell what happened to one record, and why.

    Its text is shown before and after each stage, and beside a twin that was kept instead.
    """
    from ..report.explain import explain as story
    from ..report.explain import find

    built = opened(folder)
    lines = story(built, record)
    if not as_json:
        for line in lines:
            say_all(line)
    row = find(built, record)
    at_hand = AtHand(built, recipe, allow_code)
    whole = not brief and row.get("stage") != "takedown"
    looked = _look(built, row, at_hand) if whole else Looked()
    shown = looked.kept or looked.again
    items = Items()
    if shown is not None and row.get("stage") == "decontaminate":
        items = _items(built, row["id"], at_hand)
    if as_json:
        print_json(_as_dict(built, row, lines, looked, items))
        return
    if whole:
        _print_text(row, looked)
    if shown is not None and row.get("twin"):
        _print_twin(built, row["twin"], shown)
    if shown is not None and row.get("stage") == "decontaminate":
        _print_items(shown, items)


@dataclass
class Looked:
    """The text of a record. kept: as the build kept it; again: as its source has it now, or why
    that is not at hand (``failed``); notes: what should be known beside.

    complete: whether what was kept tells of each stage, so that no source is read.
    """

    kept: Shown | None = None
    again: Shown | None = None
    notes: list[str] = field(default_factory=list)
    failed: Exception | None = None
    complete: bool = False


@dataclass
class Items:
    """The benchmark items that a record holds: (benchmark, key) -> text; or why none is there."""

    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    failed: Exception | None = None


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
            raise SourceError(_("{path} is an address").format(path=path))
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
                _(
                    "source {name!r} is not at hand, so nothing is told of its changes: {why}"
                ).format(name=name, why=_why(failed))
            )
    return found


def _look(built: Built, row: dict[str, Any], at_hand: AtHand) -> Looked:
    """Return the text of a record, as it was kept and as its source has it."""
    from ..building.reread import from_kept
    from ..built import texts

    looked = Looked()
    if kept := texts.kept(built.folder, [row["id"]]):
        looked.kept = from_kept(kept[0], row["evidence"])
        looked.complete = kept[0]["before"] is not None
    if not looked.complete:
        try:
            looked.again, looked.notes = _read_again(built, row, at_hand)
        except (ChimedError, OSError) as error:
            looked.failed = error
    return looked


def _print_text(row: dict[str, Any], looked: Looked) -> None:
    """Print the text of a record, kept or read again, with what each stage made of it."""
    from dataclasses import replace

    from .records import print_record

    if looked.kept is not None:
        _say(_("Its text, as the build kept it:"))
        print_record(looked.kept)
    if looked.failed is not None:
        what = _("Its text") if looked.kept is None else _("How it was before the stages")
        _say(
            _(
                "{what} is not kept, and source {source!r} is not at hand ({why}): pass "
                "--recipe FILE to read it with the recipe of the build."
            ).format(what=what, source=row["source"], why=_why(looked.failed))
        )
    if looked.again is not None and looked.kept is None:
        _say(_("Its text, read again from {key}:").format(key=row["key"]))
        print_record(looked.again)
    elif looked.again is not None:
        _say(_("What the stages made of it, read again from {key}:").format(key=row["key"]))
        print_record(replace(looked.again, texts=()))
    for note in looked.notes:
        _say(note)


def _as_dict(
    built: Built, row: dict[str, Any], lines: list[str], looked: Looked, items: Items
) -> dict[str, Any]:
    """Return the story of a record as JSON can hold it."""
    from ..built.reasons import reason
    from ..report.explain import text_of

    about: dict[str, Any] = {"ledger": row, "story": lines}
    if "stage" in row:
        about["reason"] = reason(row["stage"], row["rule"])
    for name, shown in (("kept", looked.kept), ("read_again", looked.again)):
        about[name] = None if shown is None else _of_shown(shown)
    about["notes"] = [*looked.notes, *(_why(e) for e in (looked.failed, items.failed) if e)]
    if row.get("twin"):
        about["twin_text"] = text_of(built, row["twin"])
    about["benchmark_items"] = [
        {"benchmark": benchmark, "item": key, "text": text}
        for (benchmark, key), text in items.texts.items()
    ]
    return about


def _of_shown(shown: Shown) -> dict[str, Any]:
    texts = [{"place": place, "text": text} for place, text in shown.texts]
    return {"kind": shown.kind, "texts": texts, "stages": [asdict(step) for step in shown.steps]}


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
    say_all(f"\n{line}")


def _body(shown: Shown) -> str:
    """Return what a record says, as the rows of a config would."""
    from ..built.texts import body

    return "\n".join(text for __, text in body(shown.kind, shown.last))


def _print_twin(built: Built, twin: str, shown: Shown) -> None:
    """Print a dropped record beside the one that was kept instead, with what they differ in."""
    from ..built.changes import marked
    from ..report.explain import text_of

    text, own = text_of(built, twin), _body(shown)
    if not text:
        _say(_("{twin}, which was kept instead, has no row in this folder.").format(twin=twin))
    elif text == own:
        _say(_("{twin}, which was kept instead, says the same.").format(twin=twin))
    else:
        _say(
            _(
                "Beside {twin}, which was kept instead; what it alone says and what this one says:"
            ).format(twin=twin)
        )
        _print_pieces(marked(text, own))


def _items(built: Built, name: str, at_hand: AtHand) -> Items:
    """Return the benchmark items that a record holds."""
    from ..building.reread import exam_items, is_address

    wanted: dict[str, list[str]] = {}
    for benchmark, entry in built.manifest["benchmarks"].items():
        if keys := [one["item"] for one in entry["matches"] if one["record"] == name]:
            wanted[benchmark] = keys
    found = Items()
    try:
        entries = built.manifest["recipe"].get("benchmarks", [])
        paths = [one["path"] for one in entries if one["name"] in wanted]
        for recipe in at_hand.recipes(next(filter(is_address, paths), "")):
            try:
                return Items(exam_items(recipe, wanted))
            except (ChimedError, OSError) as error:
                found.failed = found.failed or error
    except ChimedError as error:
        found.failed = error
    return found


def _print_items(shown: Shown, items: Items) -> None:
    """Print the benchmark items that a record holds, and its own text, with what they share."""
    from ..built.changes import shared

    if not items.texts:
        _say(
            _("Its benchmark is not at hand ({why}): pass --recipe FILE to read it.").format(
                why=_why(items.failed)
            )
        )
        return
    own = _body(shown)
    for (benchmark, key), text in items.texts.items():
        _say(
            _("Item {key} of benchmark {benchmark}; marked is what the record holds, too:").format(
                key=key, benchmark=benchmark
            )
        )
        _print_pieces(shared(text, own))
        _say(_("The record; marked is what the item holds, too:"))
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

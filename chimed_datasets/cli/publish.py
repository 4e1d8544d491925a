"""Commands that hand data on: card, push, rehydrate, takedown."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.cells import cell_len

from .. import lang
from ..errors import PublishError
from ..lang import _
from . import completing
from .console import AllowCode, Folder, Quiet, expanded, hush, out, progress_bars, say, say_all

Vouch = Annotated[
    list[str] | None,
    typer.Option(metavar="LICENCE", help="You have the right to hand on data under this licence."),
]


class Gating(StrEnum):
    """Who is let in to a gated dataset."""

    AUTO = "auto"
    MANUAL = "manual"


def card(
    folder: Folder,
    url: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address of the dataset's page.")
    ] = "",
    published: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Date of publication."),
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(metavar="DIR_A", help="The build before; the card lists what changed."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write the card again, with its pictures and its Croissant file."""
    from ..built.dataset import open_built
    from ..publish import changelog
    from ..publish.extras import write_extras

    hush(quiet)
    built = open_built(folder)
    if since:
        say_all(str(changelog.write(open_built(since), built)))
    for path in write_extras(built, url, published, lang.asked()):
        say_all(str(path))


def push(
    folder: Folder,
    repo: Annotated[
        str,
        typer.Argument(
            metavar="ORG/NAME", help="The dataset's repository; modelscope:ORG/NAME on ModelScope."
        ),
    ],
    public: Annotated[
        bool, typer.Option("--public", help="Make the repository public. Default: private.")
    ] = False,
    gated: Annotated[
        Gating | None,
        typer.Option(help="Readers must ask for access: granted at once, or by hand."),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option(metavar="BRANCH", help="A branch; created if it is not there."),
    ] = None,
    tag: Annotated[
        str | None, typer.Option(metavar="NAME", help="A name for this version.")
    ] = None,
    withhold: Annotated[
        bool, typer.Option("--withhold", help="Send ids and hashes of restricted sources only.")
    ] = False,
    vouch: Vouch = None,
    texts: Annotated[
        bool, typer.Option("--texts", help="Send the kept texts of dropped records, too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check, list files and sizes; send nothing.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Send a build to the Hugging Face Hub or to ModelScope, in one commit."""
    hush(quiet)
    from ..publish import hub, modelscope

    allowed = vouch or ()
    with hub.outgoing(folder, withhold=withhold, vouched=allowed, dropped_texts=texts) as what:
        for name in what.withheld:
            say(_("withheld: source {name}, its rows go out as ids and hashes").format(name=name))
        if dry_run:
            for file in what.files:
                say_file(file.size, file.name)
            total = sum(file.size for file in what.files)
            say_all(
                _("{total:>14,}  bytes in {files} files; nothing was sent.").format(
                    total=total, files=len(what.files)
                )
            )
            return
        asked = cast("hub.Gated | None", gated and gated.value)
        name = repo.removeprefix(modelscope.PREFIX)
        there = hub if name == repo else modelscope
        done = there.push(what, name, public=public, gated=asked, revision=revision, tag=tag)
    if done.commit or done.changed or done.deleted:
        commit = f"commit {done.commit[:12]}" if done.commit else "one commit"
        say_all(
            _("{url}: {changed} files in {commit}, {same} were there, {deleted} deleted").format(
                url=done.url,
                changed=len(done.changed),
                commit=commit,
                same=done.same,
                deleted=len(done.deleted),
            ),
        )
    else:
        say_all(_("{url} has it already.").format(url=done.url))


def say_file(size: int, name: str) -> None:
    """Print a file's size in bytes before its name, or above it: a name is not broken."""
    line = f"{size:>14,}  {name}"
    if out.is_terminal and cell_len(line) > out.width:
        say_all(f"{size:>14,}")
        say_all(f"  {name}")
    else:
        say_all(line)


def export(
    folder: Folder,
    to: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            autocompletion=completing.export_formats,
            help="alpaca, axolotl (not tried), jsonl, llama-factory, ms-swift, openrlhf (not "
            "tried), sharegpt, trl-kto, verl (not tried), xlsx, or a format of an installed "
            "package. Not tried: by the trainer's documents alone.",
        ),
    ],
    target: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="The folder to make. Default: DIR-FORMAT."),
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A config to write. Default: all.",
            autocompletion=completing.configs,
        ),
    ] = None,
    cutoff: Annotated[
        int | None,
        typer.Option(min=1, metavar="CHARS", help="Count the rows that are longer, in characters."),
    ] = None,
    withhold: Annotated[
        bool, typer.Option("--withhold", help="Leave out rows of restricted sources.")
    ] = False,
    vouch: Vouch = None,
    takedowns: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Leave out the records that it lists.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder.")] = False,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
) -> None:
    """Write a build's rows in another format.

    Each split is a file; `jsonl` keeps all columns.
    """
    hush(quiet)
    from .. import export as exports
    from ..built.dataset import open_built
    from ..publish import gate
    from ..recipe import takedowns as removals
    from ..report import tables
    from .fitting import print_table

    form = exports.format_of(to, allow_code=allow_code)
    built = open_built(folder)
    place = target or folder.with_name(f"{folder.resolve().name}-{Path(to).stem}")
    refused = gate.restricted(built, vouch or (), withhold=True) if withhold else []
    files = exports.write_export(
        built, form, place, configs=config or (), overwrite=overwrite, cutoff=cutoff,
        withheld={one.source for one in refused},
        removed=removals.read(takedowns) if takedowns else {},
    )  # fmt: skip
    print_table(
        tables.exported((f.config, f.split, f.file, f.rows, f.lines, f.gone) for f in files)
    )
    lost = [
        (f.file, rule, rows - f.parts[rule], f.parts[rule])
        for f in files
        for rule, rows in f.lost.most_common()
    ]
    if lost:
        print_table(tables.lost(lost))
    for told in exports.remarks(built, form, files, cutoff):
        say(told)
    said = _("{place} is ready.")
    if lost:
        said = _("{place} is ready; {lost} tells what is lost, and why.")
    say_all(said.format(place=place, lost=place / exports.LOST))


def rehydrate(
    folder: Folder,
    target: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to make.")],
    source: Annotated[
        list[str], typer.Option(metavar="NAME=PATH", help="Your own copy of a source.")
    ],
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Number of processes.")] = 2,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
) -> None:
    """Make withheld rows again from your own copy of their sources."""
    hush(quiet)
    from ..publish.rehydrate import rehydrate as make

    pairs = [given.partition("=") for given in source]
    for name, equals, path in pairs:
        if not (name and equals and path):
            raise PublishError(_("--source {name!r}: it reads NAME=PATH.").format(name=name))
    with progress_bars() as progress:
        done = make(
            folder, {name: expanded(path) for name, __, path in pairs}, target, workers=workers,
            allow_code=allow_code, progress=progress,
        )  # fmt: skip
    say_all(
        _(
            "{target}: {made:,} rows are back; {missing:,} are not in your copy, "
            "{differ:,} differ, {left:,} are of other sources"
        ).format(
            target=target, made=done.made, missing=done.missing, differ=done.differ, left=done.left
        ),
    )
    if done.missing:
        say(_("A record is known by the name of its file, too: manifest.json lists the names."))


def takedown(
    recipe: Annotated[
        Path,
        typer.Option(metavar="RECIPE", help="The recipe whose later builds leave them out."),
    ],
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID…", help="Ids of records or rows.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A file of ids, a line each with its reason, as the report saves it.",
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="The reason; it is written to the ledger.")
    ] = "",
    allow_code: AllowCode = False,
    quiet: Quiet = False,
) -> None:
    """Take records down, with their copies, from later builds."""
    hush(quiet)
    from ..recipe import load, takedowns

    meant = dict.fromkeys(ids or (), "") | (takedowns.read(file) if file else {})
    if not meant:
        raise PublishError(_("There is no record to take down: give ids, or a file with --file."))
    checked = load(recipe, allow_code=allow_code)
    names = [source.name for source in checked.sources]
    new = takedowns.add(checked.takedowns_path, meant, names, reason)
    say_all(
        _(
            "{takedowns_path}: {new} added, {meant} were there. Build again to take them out."
        ).format(takedowns_path=checked.takedowns_path, new=len(new), meant=len(meant) - len(new)),
    )

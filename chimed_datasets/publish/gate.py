"""What must hold before a build leaves the machine."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..built import card, licences, llama_factory, texts
from ..built.checks import validate
from ..built.dataset import Built, open_built
from ..errors import PublishError
from ..lang import _

_SHOWN = 3
_SECRET = re.compile(r"(?<!\bgithub)://[^/\s@]+@")
"""github://OWNER:NAME@REVISION names a repository, and no user."""


class File(NamedTuple):
    """A file that goes out: its name in the repository, where it lies, bytes."""

    name: str
    path: Path
    size: int


def check(folder: Path) -> Built:
    """Open a build that may go out, licences aside. Raises :class:`PublishError`."""
    complaints = validate(folder)
    if complaints:
        said = _("{folder} is not sound: {complaints}. `chimed validate` tells all.")
        more = len(complaints) - _SHOWN
        if more > 0:
            said = _(
                "{folder} is not sound: {complaints} and {more} more. `chimed validate` tells all."
            )
        told = _("; ").join(complaints[:_SHOWN])
        raise PublishError(said.format(folder=folder, complaints=told, more=more))
    built = open_built(folder)
    mask = built.manifest["stages"].get("mask")
    if not mask or not mask["settings"].get("types"):
        raise PublishError(
            _(
                "{folder} was built with masking off: build it with the stage mask to publish it."
            ).format(folder=folder)
        )
    for source in built.manifest["sources"]:
        if _SECRET.search(source["path"]):
            raise PublishError(
                _(
                    "source {name!r}: its path in the recipe holds a user name or "
                    "password, and manifest.json tells it: take it out of the recipe and "
                    "build again."
                ).format(name=source["name"])
            )
    return built


def restricted(
    built: Built, vouched: Collection[str] = (), withhold: bool = False
) -> list[licences.Restricted]:
    """Return the sources that may not go out. Raises :class:`PublishError` for them unless they
    are to be withheld.

    vouched: licences that the user vouches for.
    """
    withheld = built.manifest.get("withheld")
    gone = {source["name"] for source in withheld["sources"]} if withheld else set()
    refused = [r for r in licences.restricted(built.manifest, vouched) if r.source not in gone]
    if refused and not withhold:
        one = _("source {source!r} has licence {licence}: {why}")
        why = _("; ").join(
            one.format(source=r.source, licence=r.licence, why=r.why) for r in refused
        )
        raise PublishError(
            _(
                "{why}. Pass --withhold to send its rows as ids and hashes only, or "
                "--vouch LICENCE where you hold the right."
            ).format(why=why)
        )
    return refused


def files(built: Built, dropped_texts: bool = False) -> list[File]:
    """Return what goes out: the build's own files and what stands beside it for its card.

    dropped_texts: whether the texts of dropped records go out, too.
    """
    names = [entry["file"] for __, __, entry in built.files()]
    names += [name for name in built.manifest["files"] if name != texts.FILE]
    names += ["manifest.json", "README.md"]
    names += [texts.FILE] * (dropped_texts and (built.folder / texts.FILE).is_file())
    beside = card.beside(built.folder)
    names += [f"{card.PICTURES}/{stem}.png" for stem in beside.pictures]
    names += [f"{card.PICTURES}/{card.SAYS}"] * bool(beside.says)
    names += [llama_factory.FILE] * (built.folder / llama_factory.FILE).is_file()
    names += [card.CROISSANT] * beside.croissant + [card.CHANGES] * bool(beside.changes)
    paths = {name: built.folder / name for name in names}
    return [File(name, path, path.stat().st_size) for name, path in sorted(paths.items())]


@contextmanager
def with_card(files: Sequence[File], address: str = "") -> Iterator[list[File]]:
    """Yield the files with the card as it is published, see :func:`..built.card.published`."""
    with tempfile.TemporaryDirectory(prefix="chimed-card-") as folder:
        place = Path(folder) / "README.md"
        out = []
        for file in files:
            if file.name == place.name:
                text = card.published(file.path.read_text("utf-8"), address)
                place.write_text(text, "utf-8")
                out.append(File(file.name, place, place.stat().st_size))
            else:
                out.append(file)
        yield out


def ours(name: str, configs: Collection[str] = ()) -> bool:
    """Whether a file of a repository is one that a push writes, so that an old one may go.

    configs: those of the build, where they are others than the package's.
    """
    folder, __, rest = name.rpartition("/")
    own = (
        "pretrain", "sft", "preference", "unpaired", "exam", llama_factory.INLINE, "ledger",
        "withheld",
    )  # fmt: skip
    if folder in (*own, *configs):
        return rest.endswith(".parquet")
    if folder == card.PICTURES:
        return rest.endswith(".png") or rest == card.SAYS
    known = (card.CROISSANT, card.CHANGES, llama_factory.FILE)
    return name in (*known, "README.md", "manifest.json", "statistics.json")

"""The checks of `validate` as a list: each with its name, whether it passed, and what is there."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..lang import N_, _
from . import checks, llama_factory, manifest, texts
from .dataset import Built


class Checked(NamedTuple):
    """What one check found.

    name:       what is checked, in a few words.
    passed:     whether nothing is wrong; None where it was not run, since files are not those of
                the build.
    observed:   what is there, with figures.
    complaints: what is wrong, as :func:`.checks.validate` says it.
    """

    name: str
    passed: bool | None
    observed: str
    complaints: list[str]


def checked(built: Built) -> list[Checked]:
    """Return what every check of a build found, in the order in which they run."""
    found: list[Checked] = []
    for check, (name, observed) in _TOLD.items():
        if check in checks.CHECKS and not all(one.passed for one in found[:2]):
            found.append(Checked(_(name), None, _("not run: files are not those of the build"), []))
            continue
        complaints = list(check(built))
        found.append(Checked(_(name), not complaints, observed(built), complaints))
    return found


_NUMBERS = {
    "file": (N_("{n:,} file"), N_("{n:,} files")),
    "text": (N_("{n:,} text"), N_("{n:,} texts")),
    "row": (N_("{n:,} row"), N_("{n:,} rows")),
    "config": (N_("{n:,} config"), N_("{n:,} configs")),
    "group": (N_("{n:,} group"), N_("{n:,} groups")),
}


def _number(n: int, what: str) -> str:
    return _(_NUMBERS[what][n != 1]).format(n=n)


def _see_fingerprint(built: Built) -> str:
    return _("fingerprint {fingerprint}").format(
        fingerprint=built.manifest.get("fingerprint", "missing")
    )


def _see_files(built: Built) -> str:
    entries: dict[str, manifest.FileHash] = {
        entry["file"]: entry for __, __, entry in built.files()
    }
    entries |= built.manifest["files"]
    there = [path for name in entries if (path := built.folder / name).is_file()]
    size = sum(path.stat().st_size for path in there)
    return _("{there:,} of {files}, {size:,.1f} MB").format(
        there=len(there), files=_number(len(entries), "file"), size=size / 1e6
    )


def _see_card(built: Built) -> str:
    path = built.folder / "README.md"
    return (
        _("README.md, {size:,.1f} kB").format(size=path.stat().st_size / 1e3)
        if path.is_file()
        else _("no README.md")
    )


def _see_trainer_info(built: Built) -> str:
    return (
        llama_factory.FILE if (built.folder / llama_factory.FILE).is_file() else _("there is none")
    )


def _see_account(built: Built) -> str:
    kept, dropped = (_length(built, f"ledger/{name}.parquet") for name in ("kept", "dropped"))
    came = sum(source["in"] for source in built.manifest["sources"])
    return _("{came:,} in; {kept:,} kept + {dropped:,} dropped = {both:,}").format(
        came=came, kept=kept, dropped=dropped, both=kept + dropped
    )


def _see_texts(built: Built) -> str:
    if not (built.folder / texts.FILE).is_file():
        return _("no texts are here")
    return _("{texts} of dropped records").format(texts=_number(_length(built, texts.FILE), "text"))


def _see_rows(built: Built) -> str:
    rows = sum(_length(built, entry["file"]) for __, __, entry in built.files())
    return _("{rows} in {configs}").format(
        rows=_number(rows, "row"), configs=_number(len(built.manifest["configs"]), "config")
    )


def _see_groups(built: Built) -> str:
    groups = pc.count_distinct(built.ledger("kept", ["group"])["group"]).as_py()
    return _number(groups, "group")


def _see_conversations(built: Built) -> str:
    told = [
        (
            config,
            sum(_length(built, entry["file"]) for c, __, entry in built.files() if c == config),
        )
        for config in ("sft", "preference", "unpaired", "exam")
        if config in built.manifest["configs"]
    ]
    return _(", ").join(f"{config} {_number(rows, 'row')}" for config, rows in told) or _(
        "there are none"
    )


def _length(built: Built, name: str) -> int:
    rows: int = pq.read_metadata(built.folder / name).num_rows
    return rows


_TOLD = {
    checks.check_manifest: (N_("the manifest is as it was built"), _see_fingerprint),
    checks.check_files: (N_("every file is there and as it was built"), _see_files),
    checks.check_card: (N_("the card says what the manifest says"), _see_card),
    checks.check_trainer_info: (
        N_("dataset_info.json names the files of the build"),
        _see_trainer_info,
    ),
    checks.check_account: (N_("every record is kept or dropped, once"), _see_account),
    checks.check_texts: (N_("kept texts are of dropped records"), _see_texts),
    checks.check_rows: (N_("rows and columns are those that are told of"), _see_rows),
    checks.check_groups: (N_("no group is in two splits"), _see_groups),
    checks.check_conversations: (
        N_("conversations, pairs, labels and exam items are whole"),
        _see_conversations,
    ),
}
"""Every check, with what it checks and how what is there is said."""

"""The checks of `validate` as a list: each with its name, whether it passed, and what is there."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

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
            found.append(Checked(name, None, "not run: files are not those of the build", []))
            continue
        complaints = list(check(built))
        found.append(Checked(name, not complaints, observed(built), complaints))
    return found


def _number(n: int, one: str) -> str:
    return f"{n:,} {one}{'s' * (n != 1)}"


def _see_fingerprint(built: Built) -> str:
    return f"fingerprint {built.manifest.get('fingerprint', 'missing')}"


def _see_files(built: Built) -> str:
    entries: dict[str, manifest.FileHash] = {entry["file"]: entry for _, _, entry in built.files()}
    entries |= built.manifest["files"]
    there = [path for name in entries if (path := built.folder / name).is_file()]
    size = sum(path.stat().st_size for path in there)
    return f"{len(there):,} of {_number(len(entries), 'file')}, {size / 1e6:,.1f} MB"


def _see_card(built: Built) -> str:
    path = built.folder / "README.md"
    return f"README.md, {path.stat().st_size / 1e3:,.1f} kB" if path.is_file() else "no README.md"


def _see_trainer_info(built: Built) -> str:
    return llama_factory.FILE if (built.folder / llama_factory.FILE).is_file() else "there is none"


def _see_account(built: Built) -> str:
    kept, dropped = (_length(built, f"ledger/{name}.parquet") for name in ("kept", "dropped"))
    came = sum(source["in"] for source in built.manifest["sources"])
    return f"{came:,} in; {kept:,} kept + {dropped:,} dropped = {kept + dropped:,}"


def _see_texts(built: Built) -> str:
    if not (built.folder / texts.FILE).is_file():
        return "no texts are here"
    return f"{_number(_length(built, texts.FILE), 'text')} of dropped records"


def _see_rows(built: Built) -> str:
    rows = sum(_length(built, entry["file"]) for _, _, entry in built.files())
    return f"{_number(rows, 'row')} in {_number(len(built.manifest['configs']), 'config')}"


def _see_groups(built: Built) -> str:
    groups = pc.count_distinct(built.ledger("kept", ["group"])["group"]).as_py()
    return _number(groups, "group")


def _see_conversations(built: Built) -> str:
    told = [
        (config, sum(_length(built, entry["file"]) for c, _, entry in built.files() if c == config))
        for config in ("sft", "preference", "unpaired", "exam")
        if config in built.manifest["configs"]
    ]
    return (
        ", ".join(f"{config} {_number(rows, 'row')}" for config, rows in told) or "there are none"
    )


def _length(built: Built, name: str) -> int:
    rows: int = pq.read_metadata(built.folder / name).num_rows
    return rows


_TOLD = {
    checks.check_manifest: ("the manifest is as it was built", _see_fingerprint),
    checks.check_files: ("every file is there and as it was built", _see_files),
    checks.check_card: ("the card says what the manifest says", _see_card),
    checks.check_trainer_info: (
        "dataset_info.json names the files of the build",
        _see_trainer_info,
    ),
    checks.check_account: ("every record is kept or dropped, once", _see_account),
    checks.check_texts: ("kept texts are of dropped records", _see_texts),
    checks.check_rows: ("rows and columns are those that are told of", _see_rows),
    checks.check_groups: ("no group is in two splits", _see_groups),
    checks.check_conversations: (
        "conversations, pairs, labels and exam items are whole",
        _see_conversations,
    ),
}
"""Every check, with what it checks and how what is there is said."""

"""What stands at the head of the report's page: what went in and out, and what the checks saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

import pyarrow.compute as pc

from ..built import checks, dataset, overlap, texts
from ..built.dataset import Built
from ..built.statistics import Statistics

Row = dict[str, Any]
State = Literal["pass", "fail", "not checked", "note"]
COMPLAINTS = 5
"""Complaints of a check that are shown; more are counted."""


def facts(built: Built, statistics: Statistics) -> Row:
    """Return what went in and out, the configs by split, the sources with their licences, the size
    of the data files in bytes, and when the folder was written (UTC)."""
    about = built.manifest
    came, went = (sum(source[key] for source in about["sources"]) for key in ("in", "out"))
    splits = list(dict.fromkeys(split for config in about["configs"].values() for split in config))
    lines = dataset.about(about)
    written = (built.folder / "manifest.json").stat().st_mtime
    return {
        "in": came,
        "out": went,
        "kept": went / came if came else None,
        "rows": sum(config["all"]["rows"] for config in statistics.values()),
        "han": sum(config["all"]["han_chars"] for config in statistics.values()),
        "bytes": sum(entry["bytes"] for _, _, entry in built.files()),
        "written": datetime.fromtimestamp(written, timezone.utc).date().isoformat(),
        "splits": splits,
        "configs": [
            {
                "name": config,
                "about": lines.get(config, ""),
                "rows": counts["all"]["rows"],
                "splits": [counts[split]["rows"] if split in counts else 0 for split in splits],
            }
            for config, counts in statistics.items()
        ],
        "sources": [_source(built, source) for source in about["sources"]],
    }


def _source(built: Built, source: Any) -> Row:
    lost: dict[tuple[str, str], int] = {
        (stage, rule): n
        for stage, rules in built.manifest["dropped"].get(source["name"], {}).items()
        for rule, n in rules.items()
    }
    most = max(lost, key=lambda pair: lost[pair], default=None)
    known = source.get("known")
    return {
        **{key: source[key] for key in ("name", "layout", "license", "domain", "in", "out")},
        "kept": source["out"] / source["in"] if source["in"] else None,
        "title": known["title"] if known else "",
        "stage": most[0] if most else "",
        "rule": most[1] if most else "",
        "lost": lost[most] if most else 0,
    }


# --- checks ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """What a check of :func:`.checks.validate` saw.

    name:       what must be true. observed: the figures that were looked at.
    complaints: what is wrong, the first of them, then how many more.
    """

    name: str
    state: State
    observed: str
    complaints: tuple[str, ...] = ()


def seen(built: Built) -> list[Check]:
    """Run the checks of :func:`.checks.validate` and return what each saw.

    Where files were changed, the others are not run: what the tables say is worth nothing then. How
    many test rows stand inside training rows is not measured: it takes longer than all else.
    """
    found = [_run(built, check) for check in (checks.check_manifest, checks.check_files)]
    if any(check.state == "fail" for check in found):
        rest = [Check(_NAMES.get(c.__name__) or _said(c), "not checked", "") for c in checks.CHECKS]
        return [*found, *rest]
    found += [_run(built, check) for check in checks.CHECKS]
    looks = f"`chimed validate` looks at {overlap.SAMPLE:,} test rows of a config"
    return [*found, Check("Test rows stand in no training row", "not checked", looks)]


def _run(built: Built, check: Callable[[Built], Iterator[str]]) -> Check:
    complaints = list(check(built))
    shown = complaints[:COMPLAINTS]
    if len(complaints) > COMPLAINTS:
        shown.append(f"and {len(complaints) - COMPLAINTS:,} more")
    name = _NAMES.get(check.__name__) or _said(check)
    observe = _OBSERVED.get(check.__name__)
    observed = observe(built) if observe and not complaints else ""
    return Check(name, "fail" if complaints else "pass", observed, tuple(shown))


def _said(check: Callable[..., Any]) -> str:
    """Return the first sentence that a check says of itself."""
    return " ".join((check.__doc__ or check.__name__).split()).partition(". ")[0].rstrip(".")


_NAMES = {
    "check_manifest": "The manifest is as it was signed",
    "check_files": "Every file is there, unchanged",
    "check_card": "The card is that of this build",
    "check_trainer_info": "dataset_info.json names the files of this build",
    "check_account": "Every record that came in is kept or dropped, once",
    "check_texts": "Kept texts are of dropped records only",
    "check_rows": "Rows, columns and ids are as told",
    "check_groups": "No group of near-duplicates is in two splits",
    "check_conversations": "Conversations, pairs and exam items are whole",
}


def _files(built: Built) -> str:
    entries = [*(entry for _, _, entry in built.files()), *built.manifest["files"].values()]
    size = sum(entry["bytes"] for entry in entries)
    return f"{len(entries):,} files, {megabytes(size)}, each compared by sha256"


def _account(built: Built) -> str:
    came, went, lost = (
        sum(source[key] for source in built.manifest["sources"])  # type: ignore[literal-required]
        for key in ("in", "out", "dropped")
    )
    return f"{came:,} in = {went:,} kept + {lost:,} dropped, of {len(built.manifest['sources'])} sources"


def _rows(built: Built) -> str:
    total = sum(entry["rows"] for _, _, entry in built.files())
    return f"{total:,} rows in {len(built.manifest['configs'])} configs, no id twice"


def _groups(built: Built) -> str:
    groups = pc.count_distinct(built.ledger("kept", ["group"])["group"]).as_py()
    return f"{groups:,} groups, 0 in two splits"


def _conversations(built: Built) -> str:
    counts: dict[str, int] = {}
    for config, _, entry in built.files():
        if config in ("sft", "preference", "unpaired", "exam"):
            counts[config] = counts.get(config, 0) + entry["rows"]
    return ", ".join(f"{n:,} rows of {config}" for config, n in counts.items()) or "no such rows"


def _card(built: Built) -> str:
    same = built.is_of_this_version()
    return "the same text" if same else f"not compared: built by {built.manifest['library']}"


_OBSERVED: dict[str, Callable[[Built], str]] = {
    "check_manifest": lambda built: f"fingerprint {built.manifest['fingerprint']}",
    "check_files": _files,
    "check_card": _card,
    "check_account": _account,
    "check_texts": lambda built: f"{texts.count(built.folder):,} texts",
    "check_rows": _rows,
    "check_groups": _groups,
    "check_conversations": _conversations,
}


def megabytes(size: int) -> str:
    """Return a size in bytes as people write it: 840 kB, 84.1 MB, 12.3 GB.

    >>> megabytes(84_100_000)
    '84.1 MB'
    """
    for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= of:
            return f"{size / of:,.1f} {unit}"
    return f"{size:,} bytes"

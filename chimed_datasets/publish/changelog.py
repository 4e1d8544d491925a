"""A changelog entry for the card: what a build changed against the one before it, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..built.card import CHANGES, escape
from ..built.dataset import Built
from ..errors import PublishError
from ..lang import _
from ..report.diff import ABSENT, NEW, Diff, compare

_MARK = "### Build `"
_SHOWN = 12
"""At most so many rules, columns and settings are shown."""


def entry(diff: Diff) -> str:
    """Return the Markdown of one entry: a heading and a list."""
    lines = [f"- {line}" for line in _lines(diff)]
    return "\n".join([f"{_MARK}{diff.new}` since `{diff.old}`", "", *lines]) + "\n"


def _lines(diff: Diff) -> Iterator[str]:
    total = diff.total()
    yield (
        f"{total.after:,} records, {total.after - total.before:+,}: {total.added:,} added, "
        f"{total.gone:,} gone, {total.changed:,} changed, {total.moved:,} in another split."
    )
    for config in dict.fromkeys(split.config for split in diff.splits):
        mine = [split for split in diff.splits if split.config == config]
        before, after = (sum(getattr(s, name) for s in mine) for name in ("before", "after"))
        if before != after:
            yield f"{config}: {after:,} rows, {after - before:+,}."
    moves = [f"{m.rows:,} of {m.config} from {m.before} to {m.after}" for m in diff.moves]
    if moves:
        yield f"Rows in another split: {_some(moves)}."
    touched = [s for s in diff.sources if s.added or s.gone or s.changed or s.moved]
    for source in touched:
        figures = zip(("added", "gone", "changed", "moved"), source[2:6], strict=True)
        parts = ", ".join(f"{n:,} {name}" for name, n in figures if n)
        yield f"Source {escape(source.source)}: {parts}."
    for what, unknown in (("added", NEW), ("gone", ABSENT)):
        counts: dict[str, int] = {}
        for reason in diff.reasons:
            if reason.what == what:
                counts[reason.why] = counts.get(reason.why, 0) + reason.records
        if counts:
            before = "were dropped before by" if what == "added" else "are dropped by"
            reasons = [
                f"{n:,} {'are ' if why == unknown else before + ' '}{escape(why)}"
                for why, n in sorted(counts.items(), key=lambda e: (-e[1], e[0]))
            ]
            yield f"Of those {what}, {_some(reasons)}."
    columns = [escape(f"{c.config}.{c.column} in {c.rows:,} rows") for c in diff.columns]
    if columns:
        yield f"Columns that changed: {_some(columns)}."
    settings = [
        f"{escape(s.name)} {escape(s.before) or 'unset'} → {escape(s.after) or 'unset'}"
        for s in diff.settings
    ]
    if settings:
        yield f"Settings that changed: {_some(settings, '; ')}."


def _some(items: list[str], between: str = ", ") -> str:
    more = len(items) - _SHOWN
    return between.join(items[:_SHOWN]) + (f"{between}and {more} more" if more > 0 else "")


def write(old: Built, new: Built) -> Path:
    """Write ``CHANGES.md`` of ``new``: an entry since ``old``, and what ``old`` tells of itself.

    Raises :class:`PublishError` where somebody wrote that file by hand.
    """
    path = new.folder / CHANGES
    if path.is_file() and not path.read_text("utf-8").startswith(_MARK):
        raise PublishError(
            _("{path} was not written by --since: move it away, or leave --since out.").format(
                path=path
            )
        )
    before = old.folder / CHANGES
    history = before.read_text("utf-8").strip() if before.is_file() else ""
    text = entry(compare(old, new)) + (f"\n{history}\n" if history else "")
    path.write_text(text, "utf-8")
    return path

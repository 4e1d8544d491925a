"""The story of one record: where it came from, what became of it, and why."""

from __future__ import annotations

import difflib
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built.dataset import Built, owner_column
from ..built.reasons import reason
from ..built.statistics import row_texts
from ..errors import ReportError
from ..lang import _

TWINS_SHOWN = 5


def explain(built: Built, name: str) -> list[str]:
    """Return the story of the record (or row) ``name`` in a few lines.

    Raises :class:`ReportError` for an id that the build does not know, with the nearest ones.
    """
    row = find(built, name)
    return _dropped_story(built, row) if "stage" in row else _kept_story(built, row)


def find(built: Built, name: str) -> dict[str, Any]:
    """Return the row of kept.parquet or dropped.parquet of a record, or of the record of a row.

    Raises :class:`ReportError` for an id that the build does not know, with the nearest ones.
    """
    kept = built.ledger("kept")
    for record in (name, name.rpartition("-")[0]):  # a row's id is its record's, or that and -n
        mine = kept.filter(pc.equal(kept["id"], record)).to_pylist()
        if mine:
            return mine[0]  # type: ignore[no-any-return]
        gone = pq.read_table(
            built.folder / "ledger" / "dropped.parquet", filters=[("id", "=", record)]
        ).to_pylist()
        if gone:
            return gone[0]  # type: ignore[no-any-return]
    known = kept["id"].to_pylist() + built.ledger("dropped", ["id"])["id"].to_pylist()
    near = difflib.get_close_matches(name, known[:100_000], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ReportError(
        _("{folder} knows no record {name!r}.{hint}").format(
            folder=built.folder, name=name, hint=hint
        )
    )


def text_of(built: Built, name: str) -> str:
    """Return what the rows of a kept record say, each text once, those of the first config that
    has any; "" where none is there."""
    for config in built.manifest["configs"]:
        said: dict[str, None] = {}
        for other, __, entry in built.files():
            if other == config:
                path = built.folder / entry["file"]
                owner = owner_column(pq.read_schema(path))
                for one in pq.read_table(path, filters=[(owner, "=", name)]).to_pylist():
                    said |= dict.fromkeys(untitled(one, text) for text in row_texts(one))
        if said:
            return "\n".join(said)
    return ""


def untitled(row: dict[str, Any], text: str) -> str:
    """Return a row's text without the line of its title that a config puts before it."""
    return text.removeprefix(f"{row['title']}\n") if row.get("title") else text


def _origin(built: Built, row: dict[str, Any]) -> str:
    source = next(s for s in built.manifest["sources"] if s["name"] == row["source"])
    return _(
        "{id} came from {key} of source {source!r} (layout {layout}, licence {license})."
    ).format(
        id=row["id"],
        key=row["key"],
        source=row["source"],
        layout=source["layout"],
        license=source["license"],
    )


def _dropped_story(built: Built, row: dict[str, Any]) -> list[str]:
    why = reason(row["stage"], row["rule"])
    lines = [
        _origin(built, row),
        _("It was dropped by {stage}, rule {rule!r}. {why}").format(
            stage=row["stage"], rule=row["rule"], why=why
        ),
    ]
    if row["evidence"]:
        lines.append(_("Evidence: {evidence}").format(evidence=row["evidence"]))
    if row["twin"]:
        lines.append(_("Kept instead: {twin}").format(twin=row["twin"]))
        kept = built.ledger("kept")
        twin = kept.filter(pc.equal(kept["id"], row["twin"])).to_pylist()
        lines.extend(f"  {line}" for t in twin for line in _rows(built, t))
    return lines


def _kept_story(built: Built, row: dict[str, Any]) -> list[str]:
    lines = [_origin(built, row), _("It is in split {split!r}.").format(split=row["split"])]
    if row.get("reason"):
        lines.append(
            _("It is near {near}; {reason}.").format(near=row["near"], reason=row["reason"])
        )
    if row.get("contradicts"):
        lines.append(
            _("On the same question it contradicts {contradicts}.").format(
                contradicts=row["contradicts"]
            )
        )
    lines.extend(_rows(built, row))
    refused = built.ledger("refused")
    for one in refused.filter(pc.equal(refused["id"], row["id"])).to_pylist():
        why = reason(one["config"], one["rule"])
        evidence = f" ({one['evidence']})" if one["evidence"] else ""
        lines.append(
            _("No row in {config}: {rule}{evidence}. {why}").format(
                config=one["config"], rule=one["rule"], evidence=evidence, why=why
            )
        )
    twins = pq.read_table(
        built.folder / "ledger" / "dropped.parquet", filters=[("twin", "=", row["id"])]
    ).to_pylist()
    if twins:
        lines.append(
            (
                _("Kept instead of {twins} duplicates:")
                if len(twins) > 1
                else _("Kept instead of {twins} duplicate:")
            ).format(twins=len(twins))
        )
        lines.extend(f"  {t['id']} ({t['key']}, {t['evidence']})" for t in twins[:TWINS_SHOWN])
        if len(twins) > TWINS_SHOWN:
            lines.append(_("  and {twins} more").format(twins=len(twins) - TWINS_SHOWN))
    kept = built.ledger("kept", ["id", "group"])
    others = pc.sum(pc.equal(kept["group"], row["group"])).as_py() - 1
    if others:
        lines.append(
            (
                _("Bound to {others} other kept records in the same split.")
                if others > 1
                else _("Bound to {others} other kept record in the same split.")
            ).format(others=others)
        )
    return lines


def _rows(built: Built, row: dict[str, Any]) -> list[str]:
    lines = []
    for config, split, entry in built.files():
        if split != row["split"] or not row[config]:
            continue
        path = built.folder / entry["file"]
        owner = owner_column(pq.read_schema(path))
        for one in pq.read_table(path, filters=[(owner, "=", row["id"])]).to_pylist():
            text = " ".join(" ".join(row_texts(one)).split())
            lines.append(f"{entry['file']}: {one['id']}: {text[:80]}{'…' * (len(text) > 80)}")
    return lines

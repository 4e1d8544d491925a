"""What must be true of a built dataset. Each check is a function that yields complaints.

Users run them as ``chimed validate DIR``; the library's own tests call the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from . import manifest as manifests
from .dataset import WITHHELD, Built, open_built, repeated


def validate(folder: str | Path) -> list[str]:
    """Run every check over a built dataset and return the complaints (none: it is sound).

    Raises :class:`InvalidDataset` where there is no dataset to check.
    """
    built = open_built(folder)
    complaints = [*check_manifest(built), *check_files(built)]
    if complaints:  # what the tables say is worth nothing when their bytes are not the build's
        return complaints
    return [complaint for check in CHECKS for complaint in check(built)]


def check_manifest(built: Built) -> Iterator[str]:
    """The manifest is the one that its fingerprint was taken of."""
    content = {k: v for k, v in built.manifest.items() if k != "fingerprint"}
    if manifests.fingerprint(content) != built.manifest.get("fingerprint"):
        yield "manifest.json: changed since the build (its fingerprint does not match)"


def check_files(built: Built) -> Iterator[str]:
    """Every file is there with its size and hash, and no data file stands beside them."""
    known = {entry["file"]: entry for _, _, entry in built.files()} | built.manifest["files"]
    for name, entry in known.items():
        path = built.folder / name
        if not path.is_file():
            yield f"{name}: missing"
        elif manifests.describe(path) != {k: entry[k] for k in ("bytes", "sha256")}:
            yield f"{name}: changed since the build (size or sha256 differs)"
    for path in sorted(built.folder.rglob("*.parquet")):
        name = path.relative_to(built.folder).as_posix()
        if name not in known:
            yield f"{name}: not in the manifest"


def check_card(built: Built) -> Iterator[str]:
    """The card says what the manifest says; ``load_dataset`` reads the card."""
    from .card import beside, render

    path = built.folder / "README.md"
    statistics = built.statistics()
    if not path.is_file():
        yield "README.md: missing (load_dataset needs it)"
    elif path.read_text("utf-8") != render(built.manifest, statistics, beside(built.folder)):
        yield "README.md: not the card of this build"


def check_account(built: Built) -> Iterator[str]:
    """in = out + dropped for every source, by the ledger's own rows; no record told twice."""
    from ..rows import builders

    kept = built.ledger("kept", ["id", "source"])
    dropped = built.ledger("dropped", ["id", "source", "stage", "twin"])
    out, lost = manifests.count(kept["source"]), manifests.count(dropped["source"])
    for source in built.manifest["sources"]:
        name = source["name"]
        if source["in"] != out[name] + lost[name]:
            yield (
                f"ledger: source {name!r} read {source['in']} records, but "
                f"{out[name]} are kept and {lost[name]} dropped"
            )
    ids = pa.chunked_array([*kept["id"].chunks, *dropped["id"].chunks], pa.string())
    for one in repeated(ids):
        yield f"ledger: record {one} is told of twice"
    # A twin that was kept may yet have had no row in any config (a limit of the recipe, say).
    refused = dropped.filter(pc.is_in(dropped["stage"], pa.array(list(builders()))))
    known = pa.chunked_array([*kept["id"].chunks, *refused["id"].chunks], pa.string())
    twins = dropped["twin"].drop_null()
    for twin in pc.unique(twins.filter(pc.invert(pc.is_in(twins, known)))).to_pylist()[:10]:
        yield f"ledger: twin {twin} is not a kept record"


def check_rows(built: Built) -> Iterator[str]:
    """Rows: counts and columns as told, ids unique, each of a kept record of the same split."""
    from ..rows import builders

    kept = built.ledger("kept")
    split_of = dict(zip(kept["id"].to_pylist(), kept["split"].to_pylist(), strict=True))
    told = {c: pc.sum(kept[c]).as_py() or 0 for c in builders()}
    if built.manifest.get("withheld"):
        withheld = pq.read_table(built.folder / WITHHELD, columns=["config"])
        for config, n in manifests.count(withheld["config"]).items():
            told[config] -= n
    seen: dict[str, list[pa.ChunkedArray]] = {}
    for config, split, entry in built.files():
        file = pq.ParquetFile(built.folder / entry["file"])
        if file.metadata.num_rows != entry["rows"]:
            found = file.metadata.num_rows
            yield f"{entry['file']}: {found} rows, the manifest says {entry['rows']}"
        if not file.schema_arrow.equals(builders()[config].features.arrow_schema):
            yield f"{entry['file']}: columns are not those of config {config!r}"
            continue
        table = file.read([n for n in ("id", "thread_id") if n in file.schema_arrow.names])
        seen.setdefault(config, []).append(table["id"])
        owners = table["thread_id" if "thread_id" in table.column_names else "id"]
        for owner in pc.unique(owners).to_pylist():
            if split_of.get(owner) != split:
                where = split_of.get(owner)
                yield (
                    f"{entry['file']}: thread {owner} stands in {split}, but belongs to {where}"
                    if where
                    else f"{entry['file']}: thread {owner} is not in ledger/kept.parquet"
                )
    for config, ids in seen.items():
        every = pa.chunked_array([chunk for column in ids for chunk in column.chunks], pa.string())
        for one in repeated(every):
            yield f"{config}: id {one} stands twice"
        if len(every) != told[config]:
            yield f"{config}: {len(every)} rows, ledger/kept.parquet tells of {told[config]}"


def check_groups(built: Built) -> Iterator[str]:
    """No group of near-duplicates or equal questions is in two splits."""
    kept = built.ledger("kept", ["group", "split"])
    splits = kept.group_by("group").aggregate([("split", "count_distinct")])
    for group in splits.filter(pc.greater(splits["split_count_distinct"], 1))["group"].to_pylist():
        yield f"ledger: group {group} stands in more than one split"


def check_conversations(built: Built) -> Iterator[str]:
    """sft rows end with the assistant; preference rows have two different, non-empty sides."""
    for config, _, entry in built.files():
        path = built.folder / entry["file"]
        if config == "sft":
            table = pq.read_table(path, columns=["id", "messages"])
            for row in table.to_pylist():
                roles = [m["role"] for m in row["messages"]]
                if "user" not in roles or roles[-1] != "assistant":
                    yield f"{entry['file']}: {row['id']} has the roles {roles}"
        elif config == "preference":
            table = pq.read_table(path, columns=["id", "prompt", "chosen", "rejected"])
            for row in table.to_pylist():
                sides = [row["chosen"][-1]["content"], row["rejected"][-1]["content"]]
                if sides[0] == sides[1] or not all(sides):
                    yield f"{entry['file']}: {row['id']} has equal or empty sides"
                if not row["prompt"] or row["prompt"][-1]["role"] != "user":
                    yield f"{entry['file']}: the prompt of {row['id']} does not end with the user"


CHECKS = (check_card, check_account, check_rows, check_groups, check_conversations)

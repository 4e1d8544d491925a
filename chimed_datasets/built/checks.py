"""What must be true of a built dataset. Each check is a function that yields complaints.

A complaint says what is wrong, then what to do about it. Users run them as ``chimed validate DIR``;
the library's own tests call the same functions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..lang import N_, _
from ..rows.marks import GOOD
from . import llama_factory, manifest, texts
from .dataset import WITHHELD, Built, open_built, owner_column, repeated
from .statistics import INLINE

AGAIN = N_("build again")
OWN = N_("take the build's own, or build again")


def validate(folder: str | Path) -> list[str]:
    """Run every check over a built dataset and return the complaints, one line each.

    An empty list means that it is sound. Raises :class:`InvalidDataset` where there is no dataset
    to check.

    >>> chimed.validate("chimed2")
    []
    """
    built = open_built(folder)
    complaints = [*check_manifest(built), *check_files(built)]
    if complaints:  # what the tables say is worth nothing when their bytes are not the build's
        return complaints
    return [complaint for check in CHECKS for complaint in check(built)]


def notes(folder: str | Path) -> list[str]:
    """Return what :func:`validate` leaves unsaid since nothing is wrong with it, a line each.

    The card of a build of another version may be of another template: it is not compared.
    Raises :class:`InvalidDataset` where there is no dataset.
    """
    from . import card

    built = open_built(folder)
    path = built.folder / "README.md"
    if built.is_of_this_version() or not path.is_file():
        return []
    if card.is_of(built, path.read_text("utf-8")):
        return []
    return [
        f"README.md: of {built.manifest['library']}, not compared with the card of "
        f"{manifest.LIBRARY}: `chimed card DIR` writes it again"
    ]


def check_manifest(built: Built) -> Iterator[str]:
    """The manifest is the one that its fingerprint was taken of."""
    content = manifest.unsigned(built.manifest)
    known = (manifest.fingerprint(content), manifest.older_fingerprint(content))
    if built.manifest.get("fingerprint") not in known:
        yield _(
            "manifest.json: changed since the build (its fingerprint does not match): {own}"
        ).format(own=_(OWN))


def check_files(built: Built) -> Iterator[str]:
    """Every file is there with its size and hash, and no data file stands beside them. The texts of
    dropped records stay where the build was made."""
    known: dict[str, manifest.FileHash] = {entry["file"]: entry for __, __, entry in built.files()}
    known |= built.manifest["files"]
    for name, entry in known.items():
        path = built.folder / name
        if not path.is_file():
            if name == texts.FILE:
                continue
            yield _("{name}: missing: {own}").format(name=name, own=_(OWN))
        elif manifest.describe(path) != {"bytes": entry["bytes"], "sha256": entry["sha256"]}:
            yield _("{name}: changed since the build (size or sha256 differs): {own}").format(
                name=name, own=_(OWN)
            )
    for path in sorted(built.folder.rglob("*.parquet")):
        name = path.relative_to(built.folder).as_posix()
        if name not in known:
            yield _("{name}: not in the manifest: move it out of the folder").format(name=name)


def check_card(built: Built) -> Iterator[str]:
    """The card says what the manifest says; ``load_dataset`` reads the card. That of another
    version's template says it in other words: see :func:`notes`."""
    from . import card

    path = built.folder / "README.md"
    if not path.is_file():
        yield _("README.md: missing (load_dataset needs it): `chimed card DIR` writes it")
        return
    if built.is_of_this_version() and not card.is_of(built, path.read_text("utf-8")):
        yield _("README.md: not the card of this build: `chimed card DIR` writes it again")


def check_trainer_info(built: Built) -> Iterator[str]:
    """dataset_info.json, where there is one, names the data files that this build has. Those of
    older versions have none."""
    path = built.folder / llama_factory.FILE
    if not path.is_file() or not built.is_of_this_version():
        return
    if path.read_text("utf-8") != llama_factory.of(built.manifest, built.statistics()):
        yield _("{name}: not that of this build: `chimed card DIR` writes it again").format(
            name=path.name
        )


def check_account(built: Built) -> Iterator[str]:
    """in = out + dropped for every source, by the ledger's own rows; no record told twice."""
    from ..rows import builders

    kept = built.ledger("kept", ["id", "source"])
    dropped = built.ledger("dropped", ["id", "source", "stage", "twin"])
    out, lost = manifest.count(kept["source"]), manifest.count(dropped["source"])
    for source in built.manifest["sources"]:
        name = source["name"]
        if source["in"] != out[name] + lost[name]:
            yield (
                _(
                    "ledger: source {name!r} read {in_} records, but {out} are kept and "
                    "{lost} dropped: {again}"
                ).format(
                    name=name, in_=source["in"], out=out[name], lost=lost[name], again=_(AGAIN)
                )
            )
    ids = pa.chunked_array([*kept["id"].chunks, *dropped["id"].chunks], pa.string())
    for one in repeated(ids):
        yield _("ledger: record {one} is told of twice: {again}").format(one=one, again=_(AGAIN))
    # A twin that was kept may yet have had no row in any config (a limit of the recipe, say).
    configs = [*builders(), *(g["name"] for g in built.manifest.get("guests", ()))]
    refused = dropped.filter(pc.is_in(dropped["stage"], pa.array(configs)))
    known = pa.chunked_array([*kept["id"].chunks, *refused["id"].chunks], pa.string())
    twins = dropped["twin"].drop_null()
    for twin in pc.unique(twins.filter(pc.invert(pc.is_in(twins, known)))).to_pylist()[:10]:
        yield _("ledger: twin {twin} is not a kept record: {again}").format(
            twin=twin, again=_(AGAIN)
        )


def check_texts(built: Built) -> Iterator[str]:
    """Kept texts are of dropped records, under the rule that dropped them, and not of one that was
    taken down or whose source is withheld."""
    if not (built.folder / texts.FILE).is_file():
        return
    names = ["id", "source", "stage", "rule"]
    kept = built.ledger(texts.NAME, names)
    dropped = built.ledger("dropped", names)
    dropped = dropped.filter(pc.is_in(dropped["id"], kept["id"].combine_chunks()))
    known = {tuple(row.values()) for row in dropped.to_pylist()}
    withheld = built.manifest.get("withheld")
    hidden = {source["name"] for source in withheld["sources"]} if withheld else set()
    for row in kept.to_pylist():
        if tuple(row.values()) not in known or row["stage"] == "takedown":
            yield _("{file}: {id} is not a record that was dropped so: {again}").format(
                file=texts.FILE, id=row["id"], again=_(AGAIN)
            )
        elif row["source"] in hidden:
            yield _("{file}: {id} is of a source that is withheld: {again}").format(
                file=texts.FILE, id=row["id"], again=_(AGAIN)
            )


def check_rows(built: Built) -> Iterator[str]:
    """Rows: counts and columns as told, ids unique, each of a kept record of the same split."""
    kept = built.ledger("kept")
    split_of = dict(zip(kept["id"].to_pylist(), kept["split"].to_pylist(), strict=True))
    features = built.features()
    ids: dict[str, list[pa.ChunkedArray]] = {}
    for config, split, entry in built.files():
        file = pq.ParquetFile(built.folder / entry["file"])
        rows = file.metadata.num_rows
        if rows != entry["rows"]:
            yield _("{file}: {rows} rows, the manifest says {rows_2}: {again}").format(
                file=entry["file"], rows=rows, rows_2=entry["rows"], again=_(AGAIN)
            )
        if not file.schema_arrow.equals(features[config].arrow_schema):
            yield _("{file}: columns are not those of config {config!r}: {again}").format(
                file=entry["file"], config=config, again=_(AGAIN)
            )
            continue
        owner = owner_column(file.schema_arrow)
        table = file.read(["id", owner])
        ids.setdefault(config, []).append(table["id"])
        owners = table[owner]
        for owner in pc.unique(owners).to_pylist():
            where = split_of.get(owner)
            if where is None:
                yield _("{file}: thread {owner} is not in ledger/kept.parquet: {again}").format(
                    file=entry["file"], owner=owner, again=_(AGAIN)
                )
            elif where != split:
                yield (
                    _(
                        "{file}: thread {owner} stands in {split}, but belongs to {where}: {again}"
                    ).format(
                        file=entry["file"], owner=owner, split=split, where=where, again=_(AGAIN)
                    )
                )
    withheld = _withheld(built)
    for config, columns in ids.items():
        every = pa.chunked_array(
            [chunk for column in columns for chunk in column.chunks], pa.string()
        )
        for one in repeated(every):
            yield _("{config}: id {one} stands twice: {again}").format(
                config=config, one=one, again=_(AGAIN)
            )
        rows = (pc.sum(kept[config]).as_py() or 0) - withheld[config]
        if len(every) != rows:
            yield _("{config}: {every} rows, ledger/kept.parquet tells of {rows}: {again}").format(
                config=config, every=len(every), rows=rows, again=_(AGAIN)
            )


def _withheld(built: Built) -> Counter[str]:
    """Return how many rows of each config were withheld."""
    if not built.manifest.get("withheld"):
        return Counter()
    return manifest.count(pq.read_table(built.folder / WITHHELD, columns=["config"])["config"])


def check_groups(built: Built) -> Iterator[str]:
    """No group of near-duplicates or equal questions is in two splits."""
    kept = built.ledger("kept", ["group", "split"])
    splits = kept.group_by("group").aggregate([("split", "count_distinct")])
    for group in splits.filter(pc.greater(splits["split_count_distinct"], 1))["group"].to_pylist():
        yield _("ledger: group {group} stands in more than one split: {again}").format(
            group=group, again=_(AGAIN)
        )


_MARK = re.compile(r"</?think>")


def _traces(file: str, name: str, messages: list[dict[str, Any]]) -> Iterator[str]:
    """Traces are of replies, and hold something; their marks come in pairs, before the reply."""
    for message in messages:
        if "reasoning_content" not in message:  # schema 1
            continue
        trace = message["reasoning_content"]
        if trace is not None and (message["role"] != "assistant" or not trace.strip()):
            yield (
                _(
                    "{file}: {name} has reasoning_content that is empty or not of the "
                    "assistant: {again}"
                ).format(file=file, name=name, again=_(AGAIN))
            )
        if message["role"] == "assistant":
            marks = _MARK.findall(message["content"])
            inline = marks == ["<think>", "</think>"] and message["content"].startswith(INLINE)
            if marks and not (inline and trace is None):
                yield _("{file}: a reply of {name} has stray marks of a trace: {again}").format(
                    file=file, name=name, again=_(AGAIN)
                )


def check_conversations(built: Built) -> Iterator[str]:
    """sft rows end with the assistant; preference rows have two different, non-empty sides;
    unpaired rows have one reply that is not empty, and a label; exam rows have answers among their
    options, and no option twice."""
    for config, __, entry in built.files():
        path = built.folder / entry["file"]
        if config == "sft":
            table = pq.read_table(path, columns=["id", "messages"])
            for row in table.to_pylist():
                roles = [m["role"] for m in row["messages"]]
                if "user" not in roles or roles[-1] != "assistant":
                    yield (
                        _(
                            "{file}: {id} has the roles {roles} and does not end with the "
                            "assistant: {again}"
                        ).format(file=entry["file"], id=row["id"], roles=roles, again=_(AGAIN))
                    )
                yield from _traces(entry["file"], row["id"], row["messages"])
        elif config == "preference":
            table = pq.read_table(path, columns=["id", "prompt", "chosen", "rejected"])
            for row in table.to_pylist():
                sides = [row["chosen"][-1]["content"], row["rejected"][-1]["content"]]
                if sides[0] == sides[1] or not all(sides):
                    yield _("{file}: {id} has equal or empty sides: {again}").format(
                        file=entry["file"], id=row["id"], again=_(AGAIN)
                    )
                for messages in (row["prompt"], row["chosen"], row["rejected"]):
                    yield from _traces(entry["file"], row["id"], messages)
                yield from _prompt(entry["file"], row)
        elif config == "unpaired":
            table = pq.read_table(path, columns=["id", "prompt", "completion", "label", "mark"])
            for row in table.to_pylist():
                yield from _unpaired(entry["file"], row)
        elif config == "exam":
            columns = ["id", "prompt", "answer", "answer_type", "options"]
            for row in pq.read_table(path, columns=columns).to_pylist():
                yield from _exam(entry["file"], row)


def _prompt(file: str, row: dict[str, Any]) -> Iterator[str]:
    if not row["prompt"] or row["prompt"][-1]["role"] != "user":
        yield _("{file}: the prompt of {id} does not end with the user: {again}").format(
            file=file, id=row["id"], again=_(AGAIN)
        )


def _unpaired(file: str, row: dict[str, Any]) -> Iterator[str]:
    said = row["completion"]
    if [m["role"] for m in said] != ["assistant"] or not all(m["content"] for m in said):
        yield _("{file}: the completion of {id} is not one reply with a text: {again}").format(
            file=file, id=row["id"], again=_(AGAIN)
        )
    if row["label"] is None or row["label"] is not GOOD.get(row["mark"]):
        yield (
            _(
                "{file}: the label of {id} is {label}, which its mark {mark!r} does not "
                "give: {again}"
            ).format(file=file, id=row["id"], label=row["label"], mark=row["mark"], again=_(AGAIN))
        )
    for messages in (row["prompt"], said):
        yield from _traces(file, row["id"], messages)
    yield from _prompt(file, row)


def _exam(file: str, row: dict[str, Any]) -> Iterator[str]:
    letters = [option["letter"] for option in row["options"]]
    texts = [option["text"].strip() for option in row["options"]]
    right = [letter for letter in letters if letter in row["answer"]]
    if not right or "".join(right) != row["answer"]:
        yield (
            _(
                "{file}: the answer of {id} is {answer!r}, its options are {letters}: {again}"
            ).format(
                file=file,
                id=row["id"],
                answer=row["answer"],
                letters="".join(letters),
                again=_(AGAIN),
            )
        )
    if len(set(letters)) < len(letters) or len(set(texts)) < len(texts) or not all(texts):
        yield _("{file}: {id} has an option twice, or an empty one: {again}").format(
            file=file, id=row["id"], again=_(AGAIN)
        )
    if row["answer_type"] not in ("single", "multiple") or (
        row["answer_type"] == "single" and len(right) > 1
    ):
        yield _("{file}: {id} is {answer_type!r} and has {right} answers: {again}").format(
            file=file,
            id=row["id"],
            answer_type=row["answer_type"],
            right=len(right),
            again=_(AGAIN),
        )
    yield from _prompt(file, row)


CHECKS = (
    check_card, check_trainer_info, check_account, check_texts, check_rows, check_groups,
    check_conversations,
)  # fmt: skip

CHECKED = (
    N_("The manifest is as the build wrote it."),
    N_("Every file has its size and hash; there is no other data file."),
    N_("The card and dataset_info.json name the data files that are there."),
    N_("In each source, the records in are those kept and those dropped."),
    N_("Kept texts are of dropped records, under the rule that dropped them."),
    N_("Row counts and columns are as told; ids are unique; each row is of a kept record."),
    N_("No group of near-duplicates or equal questions is in two splits."),
    N_("Conversations, pairs and exam rows have all their parts."),
)
"""What :func:`validate` checks, a sentence each."""

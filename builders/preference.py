"""preference: chosen and rejected replies to one prompt, for RLHF."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from chimed_datasets.lang import N_
from chimed_datasets.rows import Builder, Refusal, Row, Rows, columns, pairs
from chimed_datasets.rows.conversation import FLAGS, MESSAGES, asked, flagged, with_reasoning
from chimed_datasets.rows.pairs import PairChoice

Settings = pairs.Settings

COLUMNS = pa.schema(
    {
        "id": pa.string(),
        "prompt": MESSAGES,
        "chosen": MESSAGES,
        "rejected": MESSAGES,
        "pair_origin": pa.string(),
        "department": pa.string(),
        "label_origin": pa.struct({"department": pa.string()}),
        "scores": pa.struct(
            {name: pa.float64() for name in ("chosen", "rejected", "margin", "std")}
        ),
        "votes": pa.list_(pa.struct({"by": pa.string(), "vote": pa.int8()})),
        "models": pa.struct({"chosen": pa.string(), "rejected": pa.string()}),
        "positions": pa.struct({"chosen": pa.int32(), "rejected": pa.int32()}),
        "defect": pa.string(),
        "source": pa.string(),
        "license": pa.string(),
        "thread_id": pa.string(),
        "reasoning_flags": pa.struct({"chosen": FLAGS, "rejected": FLAGS}),
    }
)


def to_row(
    record: Row, settings: Settings, choice: PairChoice | None = None
) -> Iterator[Row | Refusal]:
    """One row for each pair that stays; ``choice`` says which (None: that of this record alone).

    ``positions`` are the replies' places in their source: a model must not see them, a report on
    bias must.
    """
    offered = pairs.propose(record, settings)
    if isinstance(offered, Refusal):
        yield offered
        return
    if choice is None:
        choice = pairs.choose([pairs.figures([record], [0], settings)], settings)
    question, how = asked(record), settings.reasoning
    for number, pair in enumerate(offered):
        rule = choice.rule(pairs.pair_hash(record, number))
        if rule:
            if rule != "other_pair":
                yield Refusal(rule, pairs.evidence(pair, rule, choice, settings))
            continue
        sides = {"chosen": pair.chosen, "rejected": pair.rejected}
        yield {
            "id": record["id"] if len(offered) == 1 else f"{record['id']}-{number}",
            "prompt": with_reasoning(question, how),
            **{n: with_reasoning([pairs.message(side)], how) for n, side in sides.items()},
            "pair_origin": pair.origin,
            "department": record["department"],
            "label_origin": {"department": record["label_origin"]["department"]},
            "scores": {n: side.score for n, side in sides.items()}
            | {"margin": pair.margin, "std": pair.std},
            "votes": [{"by": name, "vote": vote} for name, vote in pair.votes],
            "models": {n: side.model for n, side in sides.items()},
            "positions": {n: side.position for n, side in sides.items()},
            "defect": pair.defect,
            "source": record["source"],
            "license": record["license"],
            "thread_id": record["id"],
            "reasoning_flags": {
                n: flagged([*question[-1:], pairs.message(side)], how) for n, side in sides.items()
            },
        }


def to_table(batch: pa.RecordBatch, settings: Settings, choice: PairChoice) -> Rows | None:
    """What `to_row` gives of pairs of which only the ranks are known, and which stay."""
    found = pairs.ranking(batch, settings)
    found = found.where(choice.stay(pairs.ranking_hashes(batch, found)))
    if len(found.row) == 0:
        return None
    return columns.ranked_pairs(batch, found, COLUMNS)


BUILDER = Builder(
    name="preference",
    about=N_("Tuples of a prompt with a chosen and a rejected reply, for RLHF."),
    kinds=("thread", "dialogue"),
    features=COLUMNS,
    settings=Settings,
    to_row=to_row,
    to_table=to_table,
    sift=pairs.sift,
    survey=pairs.survey,
    choose=pairs.choose,
)

"""Our near-duplicates alone over flat rows (id, text), with two processes.

python near.py INPUT_FOLDER OUTPUT_FOLDER

The way of a build (read, features, search, weigh) without its stages; the rows that stay go to
OUTPUT_FOLDER/rows.parquet: id, text, and what a build tells of those that stay beside a near one:
its id (near), and the reason.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chimed_datasets.building.decide.deduplicate import find_clusters
from chimed_datasets.building.decide.weighed import choose
from chimed_datasets.building.features import feature_rows, feature_type
from chimed_datasets.building.plan import plan
from chimed_datasets.building.read import Chain, read_unit
from chimed_datasets.building.store import Store
from chimed_datasets.building.workers import start_workers
from chimed_datasets.recipe import parse
from chimed_datasets.stages.deduplicate import Deduplicate

STAGE = Deduplicate()


def main() -> None:
    given, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    out.mkdir(parents=True)
    source = {"name": "rows", "layout": "jsonl", "path": str(given), "license": "cc0-1.0"}
    recipe = parse({"name": "near", "sources": [source]}, given)
    units = plan(recipe, out).units
    executor = start_workers(2)
    origins: dict = {unit.number: {} for unit in units}
    chain = Chain(out, origins, (), STAGE.features, feature_type(STAGE.bands))
    store = Store(tuple(s for r in executor.run(read_unit, chain, units) for s in r.segments))
    features = feature_rows(chain.feature_type, store.segments)
    found = find_clusters(store, features, STAGE, out, executor)
    chosen = choose(store, features, found, features["lane"], STAGE, executor)
    every = [batch for _, batch in store.take(np.arange(len(store)), ["key", "text"])]
    rows = pa.Table.from_batches(every)
    names = [key.rpartition("#")[2] for key in rows["key"].to_pylist()]
    near: list[str | None] = [None] * len(names)
    reason = near.copy()
    for one in chosen.alike:
        near[one.index], reason[one.index] = names[one.other], one.reason
    table = pa.table({"id": names, "text": rows["text"], "near": near, "reason": reason})
    pq.write_table(table.filter(pa.array(chosen.keep)), out / "rows.parquet", compression="zstd")


if __name__ == "__main__":
    main()

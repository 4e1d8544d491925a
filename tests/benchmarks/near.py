"""Our near-duplicates alone over flat rows (id, text), with two processes.

python near.py INPUT_FOLDER OUTPUT_FOLDER [plain]

The way of a build (read, features, search, weigh) without its stages; the rows that stay go to
OUTPUT_FOLDER/rows.parquet: id, text, and what a build tells of those that stay beside a near one:
its id (near), and the reason. ``plain``: two that are near are one, whatever they differ in
(``weigh: false``), which is what other pipelines do.
"""

from __future__ import annotations

import sys
from pathlib import Path

from chimed_datasets.building.workers import start_workers


def main() -> None:
    executor = start_workers(2)
    executor.start()  # as a build does, before it imports the rest
    decide(Path(sys.argv[1]).resolve(), Path(sys.argv[2]), "plain" in sys.argv[3:], executor)


def decide(given: Path, out: Path, plain: bool, executor) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from chimed_datasets.building.decide.deduplicate import find_clusters
    from chimed_datasets.building.decide.weighed import choose
    from chimed_datasets.building.features import feature_rows, feature_type
    from chimed_datasets.building.plan import plan
    from chimed_datasets.building.read import Chain, read_unit
    from chimed_datasets.building.store import Store
    from chimed_datasets.recipe import parse
    from chimed_datasets.stages.deduplicate import Deduplicate
    from chimed_datasets.stages.near.clusters import keepers

    stage = Deduplicate(weigh=not plain)
    out.mkdir(parents=True)
    source = {"name": "rows", "layout": "jsonl", "path": str(given), "license": "cc0-1.0"}
    recipe = parse({"name": "near", "sources": [source]}, given)
    units = plan(recipe, out).units
    origins: dict = {unit.number: {} for unit in units}
    chain = Chain(out, origins, (), stage.features, feature_type(stage.bands))
    store = Store(tuple(s for r in executor.run(read_unit, chain, units) for s in r.segments))
    features = feature_rows(chain.feature_type, store.segments)
    found = find_clusters(store, features, stage, out, executor)
    every = [batch for _, batch in store.take(np.arange(len(store)), ["key", "text"])]
    rows = pa.Table.from_batches(every)
    names = [key.rpartition("#")[2] for key in rows["key"].to_pylist()]
    near: list[str | None] = [None] * len(names)
    reason = near.copy()
    if plain:
        keep, _ = keepers(found.root, features["lane"])
    else:
        chosen = choose(store, features, found, features["lane"], stage, executor)
        keep = chosen.keep
        for one in chosen.alike:
            near[one.index], reason[one.index] = names[one.other], one.reason
    table = pa.table({"id": names, "text": rows["text"], "near": near, "reason": reason})
    pq.write_table(table.filter(pa.array(keep)), out / "rows.parquet", compression="zstd")


if __name__ == "__main__":
    main()

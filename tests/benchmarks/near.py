"""Our near-duplicates alone over flat rows (id, text), with two processes.

python near.py INPUT_FOLDER OUTPUT.parquet
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from chimed_datasets.executors.local import LocalExecutor
from chimed_datasets.records import SCHEMAS
from chimed_datasets.stages.deduplicate import Deduplicate, Features, cluster, keepers

ROWS = 20_000
STAGE = Deduplicate()


def features(_: None, texts: pa.StringArray) -> Features:
    """Return what the search needs to know of the texts."""
    schema = SCHEMAS["document"]
    columns = [texts if f.name == "text" else pa.nulls(len(texts), f.type) for f in schema]
    return STAGE.features(pa.record_batch(columns, schema=schema))


def main() -> None:
    files = sorted(Path(sys.argv[1]).glob("*.jsonl"))
    table = pa.concat_tables([pa.json.read_json(file) for file in files])
    texts = table["text"].combine_chunks()
    parts = [texts.slice(at, ROWS) for at in range(0, len(texts), ROWS)]
    found = [
        np.concatenate(c) for c in zip(*LocalExecutor(2).run(features, None, parts), strict=True)
    ]
    exact, bands, _, chars = found
    clusters = cluster(exact, bands, lambda i: texts.take(pa.array(i)), STAGE, chars)
    keep, _ = keepers(clusters.root, np.zeros(len(texts), np.int8))
    pq.write_table(table.filter(pa.array(keep)), sys.argv[2], compression="zstd")


if __name__ == "__main__":
    main()

"""The floor: read the same files with pyarrow and write them as zstd parquet; nothing else.

python floor.py INPUT_FOLDER OUTPUT_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.json
import pyarrow.parquet as pq


def main() -> None:
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    for file in sorted(source.glob("*/*.jsonl")):
        place = out / file.parent.name / f"{file.stem}.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pyarrow.json.read_json(file), place, compression="zstd")


if __name__ == "__main__":
    main()

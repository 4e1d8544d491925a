"""dolma's deduper over flat rows (id, text): a Bloom filter over n-grams of words, then its mixer.

    python dolma_near.py INPUT OUTPUT

Run in an environment of its own. INPUT holds `documents/*.json.gz`. dolma has no MinHash: a row goes
where 0.8 of its n-grams of five words stand in any rows before it, together. Of Chinese each
character is a word to it (Unicode's segmentation), and a whole text is one paragraph here. Two
processes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import yaml

NGRAMS = 150
"""n-grams of a short answer, about: the filter's size follows from it."""


def main() -> None:
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    work = Path(f"{out}.work")
    for folder in (out, work, source / "attributes"):
        shutil.rmtree(folder, ignore_errors=True)
    work.mkdir(parents=True)
    rows = int((source / "rows").read_text())
    documents = [str(source / "documents" / "*.json.gz")]
    steps = {
        "dedupe": {
            "documents": documents,
            "dedupe": {
                "name": "near",
                "skip_empty": True,
                "paragraphs": {
                    "attribute_name": "near",
                    "paragraph_separator": "\x1e",
                    "by_ngram": {"ngram_length": 5, "stride": 0, "overlap_threshold": 0.8},
                },
            },
            "bloom_filter": {
                "file": str(work / "filter"),
                "read_only": False,
                "estimated_doc_count": rows * NGRAMS,
                "desired_false_positive_rate": 0.0001,
            },
            "processes": 2,
        },
        "mix": {
            "streams": [
                {
                    "name": "rows",
                    "documents": documents,
                    "attributes": ["near"],
                    "output": {"path": str(out), "max_size_in_bytes": 1 << 32},
                    "filter": {
                        "exclude": ["$@.attributes[?(@.near && @.near[0] && @.near[0][2] >= 0.8)]"]
                    },
                }
            ],
            "processes": 2,
        },
    }
    dolma = Path(sys.executable).with_name("dolma")
    for step, told in steps.items():
        config = work / f"{step}.yaml"
        config.write_text(yaml.safe_dump(told, allow_unicode=True))
        subprocess.run([dolma, "-c", config, step], check=True)
    shutil.rmtree(work)


if __name__ == "__main__":
    main()

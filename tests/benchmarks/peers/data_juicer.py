"""The recipe of data-juicer over flat rows (id, text): the chain, or its MinHash alone.

    python data_juicer.py INPUT.jsonl OUTPUT.jsonl near|chain > recipe.yaml
    dj-process --config recipe.yaml

Two processes. Its operators that are nearest to ours; MinHash by characters without punctuation, at
threshold 0.8, else as it comes (256 permutations). It has no decontamination and no splits.
"""

from __future__ import annotations

import json
import sys

NEAR = {
    "document_minhash_deduplicator": {
        "tokenization": "character",
        "window_size": 5,
        "lowercase": True,
        "ignore_pattern": r"[\p{P}\s]",
        "jaccard_threshold": 0.8,
    }
}
CHAIN = [
    {"fix_unicode_mapper": {}},
    {"clean_html_mapper": {}},
    {"whitespace_normalization_mapper": {}},
    {"chinese_convert_mapper": {"mode": "t2s"}},
    {"clean_links_mapper": {}},
    {"pii_redaction_mapper": {"mask_paths": False, "mask_secrets": False}},
    {"text_length_filter": {"min_len": 10, "max_len": 2_000_000}},
    {"special_characters_filter": {"max_ratio": 0.5}},
    {"character_repetition_filter": {"rep_len": 10, "max_ratio": 0.6}},
    {"document_deduplicator": {}},
    NEAR,
]


def main() -> None:
    source, out, task = sys.argv[1:]
    recipe = {
        "project_name": "benchmark",
        "dataset_path": source,
        "export_path": out,
        "np": 2,
        "text_keys": "text",
        "open_tracer": False,
        "process": CHAIN if task == "chain" else [NEAR],
    }
    print(json.dumps(recipe, indent=1))


if __name__ == "__main__":
    main()

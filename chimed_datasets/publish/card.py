"""The dataset card: rendered from the manifest and the statistics, nothing by hand."""

from __future__ import annotations

import html
import re
from importlib import resources
from typing import Any

import jinja2
import yaml

from ..declaration import builders

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"),
         (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))  # fmt: skip
TASKS = {
    "pretrain": "text-generation",
    "sft": "question-answering",
    "preference": "reinforcement-learning",
}


def render(manifest: dict[str, Any], statistics: dict[str, Any]) -> str:
    """Return the card (README.md): YAML front matter, then the template's text."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=False, keep_trailing_newline=True
    )
    environment.filters.update(number=lambda n: f"{n:,}", md=escape)
    text = resources.files("chimed_datasets.cards").joinpath("dataset_card.md.jinja").read_text()
    body = environment.from_string(text).render(
        name=manifest["name"],
        library=manifest["library"],
        seed=manifest["seed"],
        sources=manifest["sources"],
        dropped=_by_stage(manifest["dropped"]),
        benchmarks=manifest["benchmarks"],
        total_rows=sum(s["all"]["rows"] for s in statistics.values()),
        configs={
            name: {
                "about": builders()[name].about,
                "splits": statistics[name],
                "words_counted_on": statistics[name]["all"]["words_counted_on"],
                "columns": {c: _type_name(f) for c, f in builders()[name].features.items()},
            }
            for name in manifest["configs"]
        },
    )
    front = yaml.safe_dump(metadata(manifest), allow_unicode=True, sort_keys=False, width=1000)
    return f"---\n{front}---\n\n{body}"


def metadata(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the card's YAML: what the Hub shows and what ``load_dataset`` reads.

    The build's fingerprint stands in each config's description: `datasets` keys its cache of a
    local folder by this YAML, and would serve the rows of an older build without it.
    """
    licenses = sorted({source["license"] for source in manifest["sources"]})
    rows = sum(f["rows"] for s in manifest["configs"].values() for fs in s.values() for f in fs)
    return {
        "language": ["zh"],
        "license": licenses[0] if len(licenses) == 1 else "other",
        **({} if len(licenses) == 1 else {"license_name": "mixed", "license_link": "README.md"}),
        "pretty_name": manifest["name"],
        "task_categories": [TASKS[name] for name in manifest["configs"]],
        "size_categories": [next((s for n, s in SIZES if rows < n), "n>10M")],
        "tags": ["medical", "chinese", "traditional-chinese-medicine", "chimed"],
        "configs": [
            {
                "config_name": name,
                "description": f"{builders()[name].about} Build {manifest['fingerprint']}.",
                "data_files": [
                    {"split": split, "path": f"{name}/{split}-*.parquet"} for split in splits
                ],
            }
            for name, splits in manifest["configs"].items()
        ],
        "dataset_info": [_info(name, splits) for name, splits in manifest["configs"].items()],
    }


def _info(name: str, splits: dict[str, list[dict]]) -> dict[str, Any]:
    return {
        "config_name": name,
        "features": builders()[name].features._to_yaml_list(),
        "splits": [
            {
                "name": split,
                "num_bytes": sum(f["bytes"] for f in files),
                "num_examples": sum(f["rows"] for f in files),
            }
            for split, files in splits.items()
        ],
        "download_size": sum(f["bytes"] for files in splits.values() for f in files),
        "dataset_size": sum(f["bytes"] for files in splits.values() for f in files),
    }


def _by_stage(dropped: dict[str, dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for stages in dropped.values():
        for stage, rules in stages.items():
            for rule, n in rules.items():
                total.setdefault(stage, {}).setdefault(rule, 0)
                total[stage][rule] += n
    return total


def _type_name(feature: Any) -> str:
    if isinstance(feature, dict):
        return "{" + ", ".join(f"{k}: {_type_name(v)}" for k, v in feature.items()) + "}"
    if type(feature).__name__ == "List":
        return f"list of {_type_name(feature.feature)}"
    return getattr(feature, "dtype", None) if type(feature).__name__ == "Value" else "json"


def escape(text: str) -> str:
    """Make foreign text safe within a line of Markdown: no HTML, no table bars, no marks."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", line)

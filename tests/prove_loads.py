"""Loads a build in old and new versions of `datasets`, and in pandas, polars and DuckDB.

    python tests/prove_loads.py [NAME ...]

The bundled samples are built once, with all configs of ours and one of a guest that has a class label
and a list of structs. Then each version gets an environment of its own, made by `uv`, in which
`load_rows.py` reads every config: by path, as a stream, and from the files without the card. All must
give the rows that the files hold, and a card whose counts disagree with the files must be refused.
Exit 1 where one does not.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import yaml
from load_rows import digest
from uv import find_uv_bin

from chimed_datasets import build, load_recipe, open_built, samples, validate
from chimed_datasets.built.card import LEAST_DATASETS

READER = Path(__file__).with_name("load_rows.py")
WAYS = ("path", "streaming", "files")
LINE = "{:10} {:10} {:>9}  {:12} {:12} {:12}"
REFUSED = "NonMatchingSplitsSizesError"
GUEST = '''"""wards: a config with types that Arrow cannot say."""
from dataclasses import dataclass
from datasets import ClassLabel, Features, List, Value
from chimed_datasets.rows import Builder
@dataclass(frozen=True)
class Settings:
    """Nothing can be set."""
def to_row(record, settings, choice=None):
    yield {"id": record["id"], "source": record["source"], "license": record["license"],
           "ward": len(record["question"] or "") % 2,
           "parts": [{"text": part, "chars": len(part)} for part in (record["title"] or "").split()]}
TEXT = Value("string")
BUILDER = Builder(
    name="wards", about="Questions by ward.", kinds=("thread",), settings=Settings, to_row=to_row,
    features=Features({"id": TEXT, "source": TEXT, "license": TEXT,
                       "ward": ClassLabel(names=["even", "odd"]),
                       "parts": List({"text": TEXT, "chars": Value("int16")})}),
)
'''


def words(seed: int, size: int) -> str:
    """Return text that no two rows share."""
    return "".join(
        random.Random(seed).choices("头痛发热咳嗽应当多休息按时服药饮食清淡复查血压", k=size)
    )


THINKING = {
    "instruction": [
        {"instruction": f"{words(n, 15)}？", "output": words(100 + n, 25),
         **({"reasoning_content": words(200 + n, 30)} if n % 2 else {})}
        for n in range(40)
    ],
    "preference_pairs": [
        {"prompt": f"{words(300 + n, 15)}？", "rejected": words(500 + n, 25),
         "chosen": f"<think>{words(600 + n, 30)}</think>" * (n % 2) + words(400 + n, 25)}
        for n in range(40)
    ],
}  # fmt: skip


class Environment(NamedTuple):
    """What is installed, and what reads the build with it."""

    packages: tuple[str, ...]
    readers: tuple[str, ...] = ("datasets",)


ENVIRONMENTS = {
    "2.16.1": Environment(
        ("datasets==2.16.1", "pyarrow==14.0.2", "numpy<2", "pandas<2.2", "huggingface_hub==0.20.3")
    ),
    "3.6.0": Environment(("datasets==3.6.0",)),
    "4.0.0": Environment(("datasets==4.0.0",)),
    "4.6.1": Environment(("datasets==4.6.1",)),
    "newest": Environment(("datasets",)),
    "files": Environment(("pandas", "pyarrow", "polars", "duckdb"), ("pandas", "polars", "duckdb")),
}


def made(folder: Path) -> Path:
    """Build the samples, some replies with reasoning traces, and a guest's config; return the folder
    of the build."""
    content = yaml.safe_load(samples.RECIPE.read_text("utf-8"))
    for entry in (*content["sources"], *content.get("benchmarks", ())):
        entry["path"] = str(samples.RECIPE.parent / entry["path"])
    for layout, rows in THINKING.items():
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"{layout}.jsonl").write_text("\n".join(lines), "utf-8")
        source = {"name": f"thinking-{layout.replace('_', '-')}", "layout": layout,
                  "path": str(folder / f"{layout}.jsonl"), "license": "cc0-1.0"}  # fmt: skip
        content["sources"].append(source)
    content["builders"] = {
        "sft": {"reasoning": "keep"},
        "preference": {"reasoning": "keep", "unpaired": {"repeat_paired": True}},
    }
    (folder / "wards.py").write_text(GUEST, "utf-8")
    content["builders"] = {**content.get("builders", {}), "./wards.py": {}}
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    build(load_recipe(recipe, allow_code=True), folder / "built", progress=False)
    assert validate(folder / "built") == []
    return folder / "built"


def held(folder: Path) -> dict[str, dict[str, list[Any]]]:
    """Return config -> split -> [rows, sha256] of what the data files of a build hold."""
    paths: dict[str, dict[str, list[Path]]] = {}
    for config, split, entry in open_built(folder).files():
        paths.setdefault(config, {}).setdefault(split, []).append(folder / entry["file"])
    return {
        config: {
            split: digest(row for path in files for row in pq.read_table(path).to_pylist())
            for split, files in splits.items()
        }
        for config, splits in paths.items()
    }


def run(*command: object, **env: str) -> str:
    """Return what a command prints. Raises :class:`RuntimeError` with the end of what it says."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, env={**os.environ, **env}
    )
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-3000:])
    return done.stdout


def prove(name: str, built: Path, truth: dict[str, Any], folder: Path) -> bool:
    """Install an environment, read the build in it, and print a line for each reader."""
    environment = ENVIRONMENTS[name]
    python = folder / name / "bin" / "python"
    start = time.perf_counter()
    try:
        run(find_uv_bin(), "venv", "-q", "--python", sys.executable, folder / name)
        run(find_uv_bin(), "pip", "install", "-q", "--python", python, *environment.packages)
    except RuntimeError as error:
        print(f"{name}: not installed\n{error}", flush=True)
        return False
    installed = f"{time.perf_counter() - start:.1f} s"
    fine = True
    for reader in environment.readers:
        env = {"HF_HOME": str(folder / f"home-{name}"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
        try:
            told = json.loads(run(python, READER, reader, built, **env).splitlines()[-1])
        except RuntimeError as error:
            print(f"{reader} of {name}: failed\n{error}", flush=True)
            fine = False
            continue
        cells = [_cell(told[way], truth) if way in told else "" for way in WAYS]
        refused = told.get("refused", REFUSED)
        faults = [] if refused == REFUSED else [f"a wrong count: {refused or 'no error'}"]
        fine &= not faults and all(cell.startswith("ok") for cell in cells if cell)
        print(LINE.format(reader, told["version"], installed, *cells), *faults, flush=True)
        installed = ""
    return fine


def _cell(found: list[Any], truth: dict[str, Any]) -> str:
    seconds, rows = found
    wrong = [config for config in truth if rows.get(config) != truth[config]]
    return f"other rows of {', '.join(wrong)}" if wrong else f"ok, {seconds} s"


def main(names: list[str]) -> int:
    assert f"{LEAST_DATASETS}.1" in ENVIRONMENTS, "the card names a version that is not tried"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = made(folder)
        truth = held(built)
        print(LINE.format("reader", "version", "install", *WAYS))
        failed = [one for one in names or ENVIRONMENTS if not prove(one, built, truth, folder)]
    print(f"failed: {', '.join(failed)}" if failed else "all read the same rows")
    return min(len(failed), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

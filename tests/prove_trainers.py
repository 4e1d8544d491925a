"""Feeds exports to LLaMA-Factory and ms-swift, through their own loaders, converters and templates.

    python -m tests.prove_trainers FOLDER [llama-factory|ms-swift ...]

Each trainer gets an environment of its own in FOLDER, 1.6 GB, made by `uv` where it is not there
yet. A small dataset with traces, system prompts, several turns, pairs and long rows is built and
exported. What the model would see and learn of each row is compared with the rows of the build: the
whole text, what is trained, the label. LLaMA-Factory also reads two builds as they are, by their
``dataset_info.json``: one with a shard a split, one with several. Exit 1 where a row differs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from uv import find_uv_bin

from chimed_datasets.built.dataset import Built, open_built
from chimed_datasets.export import LOST, format_of, write_export
from tests.common.exports import made

READER = Path(__file__).with_name("read_trainer.py")
TORCH = "torch==2.13.0"
NO_THOUGHT = "<think>\n\n</think>\n\n"
LINE = "{:14} {:14} {:32} {:>5}  {}"


class Trainer(NamedTuple):
    """What is installed, which formats it reads, and the files of which it trains all replies."""

    requirement: str
    module: str
    others: tuple[str, ...]
    formats: tuple[str, ...]
    trains_all: tuple[str, ...]


TRAINERS = {
    "llama-factory": Trainer(
        "llamafactory==0.9.5",
        "llamafactory.data",
        ("transformers==5.6.0", "datasets==4.0.0", "accelerate==1.11.0", "peft==0.18.1",
         "trl==0.24.0", "omegaconf", "sentencepiece", "tiktoken", "modelscope"),
        ("llama-factory", "sharegpt", "alpaca"),
        ("sft",),
    ),
    "ms-swift": Trainer(
        "ms-swift==4.6.0",
        "swift.dataset",
        ("transformers==5.19.0", "datasets==4.8.4", "accelerate==1.15.0", "peft==0.20.0",
         "trl==0.29.1", "modelscope", "pillow", "json-repair", "dacite", "addict", "einops"),
        ("ms-swift",),
        ("sft", "preference", "kto", "unpaired"),
    ),
}  # fmt: skip


def installed(folder: Path, name: str) -> Path:
    """Return the Python of a trainer's environment in ``folder``; make it where there is none."""
    trainer, place = TRAINERS[name], folder / name
    python = place / "bin" / "python"
    check = [python, "-c", f"import {trainer.module}"]
    if python.exists():
        run(*check)
        return python
    pip = [find_uv_bin(), "pip", "install", "-q", "--python", python]
    run(find_uv_bin(), "venv", "-q", "--clear", "--python", sys.executable, place)
    run(*pip, TORCH, *trainer.others)
    run(*pip, "--no-deps", trainer.requirement)
    if name == "llama-factory":  # it imports torchaudio at once, and uses it for sound alone
        home = next((place / "lib").iterdir()) / "site-packages" / "torchaudio"
        home.mkdir(exist_ok=True)
        (home / "__init__.py").write_text('__version__ = "0"\n', "utf-8")
    run(*check)
    return python


def run(*command: object) -> None:
    """Run a command. Raises :class:`RuntimeError` with the end of what it says."""
    env = {**os.environ, "PYTHONPATH": "", "USE_HF": "1"}
    done = subprocess.run([str(w) for w in command], capture_output=True, text=True, env=env)
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-3000:])


# --- what should come out, from the rows of the build ---------------------------------------------


def chat(messages: list[dict[str, Any]]) -> str:
    return "".join(f"<|im_start|>{m['role']}\n{words(m)}<|im_end|>\n" for m in messages)


def words(message: dict[str, Any]) -> str:
    """Return what a turn says, its trace before it."""
    trace = message["reasoning_content"]
    return f"<think>\n{trace}\n</think>\n\n{message['content']}" if trace else message["content"]


def forgot(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a prompt without its traces, as LLaMA-Factory's own template reads it."""
    return [
        {**m, "reasoning_content": None, "content": m["content"].rpartition("</think>\n\n")[2]}
        for m in messages
    ]


def expected(built: Built, name: str, split: str, gone: set[str], trainer: str) -> Iterator[dict]:
    """Yield what a trainer should make of each row of a file."""
    config = "preference" if name == "kto" else name
    every = name in TRAINERS[trainer].trains_all
    for row in rows_of(built, config, split):
        if row["id"] in gone:
            continue
        if name == "pretrain":
            yield {"text": row["text"], "trained": row["text"]}
            continue
        if name == "sft":
            yield both(row["messages"], every)
            continue
        prompt = forgot(row["prompt"]) if trainer == "llama-factory" else row["prompt"]
        if name == "unpaired":
            yield {**both([*prompt, *row["completion"]], every), "label": row["label"]}
            continue
        good, bad = (both([*prompt, *row[side]], every) for side in ("chosen", "rejected"))
        if name == "kto":
            yield from ({**good, "label": True}, {**bad, "label": False})
        else:
            yield good | {f"other {key}": value for key, value in bad.items()}


def both(messages: list[dict[str, Any]], every: bool) -> dict[str, str]:
    replies = [m for m in messages if m["role"] == "assistant"]
    learnt = "".join(f"{words(m)}<|im_end|>\n" for m in (replies if every else replies[-1:]))
    return {"text": chat(messages), "trained": learnt}


def rows_of(built: Built, config: str, split: str) -> Iterator[dict[str, Any]]:
    for one, part, entry in built.files():
        if (one, part) == (config, split):
            yield from pq.read_table(built.folder / entry["file"]).to_pylist()


def plain(found: dict[str, Any]) -> dict[str, Any]:
    """Return an example without the empty thoughts and the last mark that a template puts in."""
    return {
        key: value.replace(NO_THOUGHT, "").rstrip("\n") if isinstance(value, str) else value
        for key, value in found.items()
    }


def same(found: dict[str, Any], wanted: dict[str, Any], name: str) -> bool:
    found, wanted = plain(found), plain(wanted)
    if name == "pretrain":  # an end mark behind it; the first token, a byte, is not always trained
        end = "<|im_end|>"
        return found["text"] == wanted["text"] + end and wanted["text"][1:] in found["trained"]
    return found == wanted


# --- the proof ------------------------------------------------------------------------------------


def prove(trainer: str, python: Path, form: str, folder: Path, built: Built, work: Path) -> bool:
    """Read a folder with a trainer; print a line for each of its files."""
    target = work / f"{trainer}-{form}-{built.folder.parent.name}.json"
    run(python, READER, trainer, folder, target)
    ledger = folder / LOST
    told = ledger.read_text("utf-8") if ledger.exists() else ""
    lost = [json.loads(line) for line in told.splitlines()]
    fine = True
    for entry, found in json.loads(target.read_text("utf-8")).items():
        name, _, split = entry.partition("-")
        gone = {one["id"] for one in lost if one["whole"] and one["file"] == f"{entry}.jsonl"}
        wanted = list(expected(built, name, split, gone, trainer))
        wrong = [
            n for n, pair in enumerate(zip(found, wanted, strict=False)) if not same(*pair, name)
        ]
        ok = len(found) == len(wanted) > 0 and not wrong
        fine &= ok
        verdict = "ok" if ok else f"of {len(wanted)}; others than in the build: {wrong}"
        print(LINE.format(trainer, form, entry, len(found), verdict), flush=True)
    return fine


def main(home: str, names: list[str]) -> int:
    fine = True
    with tempfile.TemporaryDirectory() as work_name:
        work = Path(work_name)
        for name in ("kept", "one", "many"):
            (work / name).mkdir()
        inline = {"sft": {"reasoning": "inline"}}
        kept = open_built(made(work / "kept"))
        ready = [
            open_built(made(work / "one", sound=True, builders=inline)),
            open_built(made(work / "many", sound=True, builders=inline, shard_size="4KiB")),
        ]
        print(LINE.format("trainer", "format", "file", "rows", ""))
        for trainer in names or TRAINERS:
            python = installed(Path(home), trainer)
            for form in TRAINERS[trainer].formats:
                write_export(kept, format_of(form), work / form)
                fine &= prove(trainer, python, form, work / form, kept, work)
            if trainer == "llama-factory":
                assert any(len(f) > 1 for f in ready[1].manifest["configs"]["sft"].values())
                for built in ready:
                    fine &= prove(trainer, python, "a build", built.folder, built, work)
    print("every row came through" if fine else "FAILED")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

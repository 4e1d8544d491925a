"""The benchmark: makes the data, runs ours, the floor and the peers, prints the table.

    python tests/benchmarks/run.py OUT [--scale 1] [--only NAME ...] [--turns 3] [--data ../shared/data]

    OUT/SCALE/data     what make_data.py makes
    OUT/SCALE/flat     the same for the peers, who read one text a row: rows of (id, text); not timed
    OUT/venv-NAME      an environment for each peer, made here by pip
    OUT/SCALE/results.json, table.md

The measured runs, each a process of its own with two workers, one after the other:

    floor         pyarrow reads the files and writes zstd parquet
    chimed        the whole chain (chimed build); these two in turn, so many times as --turns says:
                  the table has of each the run of the median wall time
    data-juicer, datatrove, datatrove-chinese
                  the nearest chain that each has; see peers/
    near-NAME     near-duplicates alone, of 350,000 short answers (by scale); near-chimed as a build
                  has them, near-chimed-plain without weighing what two differ in, as the peers

A run whose results are there is not run again: delete results.json, or name it with --only. On a
machine that others use too, trust the CPU seconds more than the wall time; the load is printed.
"""

from __future__ import annotations

import argparse
import compileall
import gzip
import json
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import make_data
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import pyarrow.parquet as pq
from measured import Measured, run

from chimed_datasets.records import codepoints
from chimed_datasets.stages.deduplicate import Deduplicate
from chimed_datasets.stages.near.jaccard import jaccard
from chimed_datasets.stages.text.grams import fold, gram_hashes, whole_windows

HERE = Path(__file__).resolve().parent
SHORT_ANSWERS = 350_000
STAGE = Deduplicate()
IN_TURN = ("floor", "chimed")
TEXTS = {
    "documents": ("text",),
    "qa": ("question", "answer"),
    "preference": ("prompt", "chosen", "rejected"),
}
PEERS = {
    # aiohttp: data-juicer imports it and does not ask for it. The operators' own packages would be
    # fetched at their first use: that would be timed.
    "data-juicer": (
        "py-data-juicer==1.6.*", "aiohttp", "ftfy", "selectolax", "opencc", "regex", "scipy",
        "numpy", "uv",
    ),
    "datatrove": ("datatrove[io,processing]==0.10.*", "spacy", "jieba"),
    "dolma": ("dolma==1.2.*",),
}  # fmt: skip


# --- what the peers read ---------------------------------------------------------------------------


def flatten(data: Path, flat: Path, scale: float) -> None:
    """Write flat/chain (all rows) and flat/near (short answers) as two files each, and the truth
    of both, with the similarity by which our stage compares (``searched``)."""
    shutil.rmtree(flat, ignore_errors=True)
    for name in ("chain", "near", "dolma/documents"):
        (flat / name).mkdir(parents=True)
    whole, answers = [], {}
    for kind, fields in TEXTS.items():
        for file in sorted((data / kind).glob("*.jsonl")):
            for line in file.read_bytes().splitlines():
                row = orjson.loads(line)
                whole.append((row["id"], "\n".join(row[field] for field in fields)))
                if kind == "qa" and len(answers) < SHORT_ANSWERS * scale:
                    answers[row["id"]] = row["answer"]
    for name, rows in (("chain", whole), ("near", list(answers.items()))):
        for part in (0, 1):
            lines = [orjson.dumps({"id": i, "text": text}) for i, text in rows[part::2]]
            (flat / name / f"{part}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
            if name == "near":  # dolma reads what is gzipped
                packed = gzip.compress(b"\n".join(lines) + b"\n", 1)
                (flat / "dolma/documents" / f"{part}.json.gz").write_bytes(packed)
    (flat / "dolma/rows").write_text(f"{len(answers)}")
    truth = pq.read_table(data / "truth.parquet").to_pylist()
    short = []
    for row in truth:
        pair = answers.get(row["copy"]), answers.get(row["original"])
        if row["kind"] == "qa" and None not in pair:
            short.append({**row, "similarity": min(make_data.similarity(*pair))})
    for name, pairs, texts in (("chain", truth, dict(whole)), ("near", short, answers)):
        found = as_searched(texts, [(row["copy"], row["original"]) for row in pairs])
        pairs = [{**row, "searched": one} for row, one in zip(pairs, found, strict=True)]
        pq.write_table(pa.Table.from_pylist(pairs), flat / f"{name}-truth.parquet")


def as_searched(texts: dict[str, str], pairs: list[tuple[str, str]]) -> list[float]:
    """Return the similarity of pairs of ids as our stage compares their texts."""
    found: list[float] = []
    for begin in range(0, len(pairs), 256):
        some = pairs[begin : begin + 256]
        both = pa.array([texts[i] for pair in some for i in pair], pa.string())
        left = np.arange(0, 2 * len(some), 2)
        found += STAGE.similarity(both, left, left + 1)[1].tolist()
    return found


# --- the runs --------------------------------------------------------------------------------------


def environment(out: Path, name: str) -> Path:
    """Return the bin folder of a peer's environment, made where it is not there."""
    place = out / f"venv-{name}"
    if not (place / "ready").exists():
        venv.create(place, with_pip=True, clear=True)
        # dolma pins old packages: pip goes back through all versions of boto3 for it.
        subprocess.run([place / "bin/pip", "install", "-q", "uv"], check=True)
        uv = [place / "bin/uv", "pip", "install", "-q", "--python", place / "bin/python"]
        subprocess.run([*uv, *PEERS[name]], check=True)
        (place / "ready").touch()
    return place / "bin"


def commands(out: Path, place: Path) -> dict[str, Any]:
    """Return name -> (commands to run first, the command that is measured, its output)."""
    data, flat, made = place / "data", place / "flat", place / "made"

    def datatrove(task: str, tokens: str) -> list:
        script = HERE / "peers" / "datatrove_chain.py"
        target = made / f"datatrove-{task}-{tokens}"
        python = environment(out, "datatrove") / "python"
        return [python, script, flat / task, target, task, tokens]

    def juicer(task: str) -> tuple[list, list]:
        target, recipe = made / f"data-juicer-{task}", made / f"data-juicer-{task}.yaml"
        shutil.rmtree(target, ignore_errors=True)
        told = subprocess.run(
            [sys.executable, HERE / "peers/data_juicer.py", flat / task, target / "rows.jsonl", task],
            check=True, capture_output=True,
        )  # fmt: skip
        recipe.write_bytes(told.stdout)
        command = [environment(out, "data-juicer") / "dj-process", "--config", recipe]
        return command, target / "rows.jsonl"

    def dolma() -> tuple[list, Path]:
        target = made / "near-dolma"
        python = environment(out, "dolma") / "python"
        return [python, HERE / "peers/dolma_near.py", flat / "dolma", target], target

    def near(*how: str) -> tuple[list, Path]:
        target = made / "-".join(["near-chimed", *how])
        shutil.rmtree(target, ignore_errors=True)
        command = [sys.executable, HERE / "near.py", flat / "near", target, *how]
        return command, target / "rows.parquet"

    chimed = Path(sys.executable).with_name("chimed")
    build = [chimed, "build", "--recipe", data / "recipe.yaml", "--out", made / "chimed"]
    return {
        "floor": lambda: ([sys.executable, HERE / "floor.py", data, made / "floor"], None),
        "chimed": lambda: ([*build, "--workers", "2", "--overwrite"], made / "chimed"),
        "datatrove": lambda: ((c := datatrove("chain", "characters")), c[3]),
        "datatrove-chinese": lambda: ((c := datatrove("chain", "chinese")), c[3]),
        "data-juicer": lambda: juicer("chain"),
        "near-chimed": near,
        "near-chimed-plain": lambda: near("plain"),
        "near-datatrove": lambda: ((c := datatrove("near", "characters")), c[3]),
        "near-datatrove-chinese": lambda: ((c := datatrove("near", "chinese")), c[3]),
        "near-data-juicer": lambda: juicer("near"),
        "near-dolma": dolma,
    }


# --- what came out ---------------------------------------------------------------------------------


def ids(target: Path) -> set[str]:
    """Return the ids of the rows that a run let through."""
    if (target / "ledger").is_dir():
        keys = pq.read_table(target / "ledger/kept.parquet")["key"].to_pylist()
        return {key.partition("#")[2] for key in keys}
    if target.suffix == ".jsonl":
        return set(pa.json.read_json(target)["id"].to_pylist())
    if packed := list(target.glob("*.json.gz")):
        return {i for f in packed for i in pa.json.read_json(f)["id"].to_pylist()}
    files = [target] if target.is_file() else list(target.rglob("*.parquet"))
    return set(
        pa.concat_arrays([c for f in files for c in pq.read_table(f)["id"].chunks]).to_pylist()
    )


def rows_of(folder: Path) -> pa.Table:
    return pa.concat_tables([pa.json.read_json(file) for file in sorted(folder.glob("*.jsonl"))])


def beside(target: Path) -> dict[str, str]:
    """Return of each row that stayed for a reason the one that it is near, where a run tells."""
    if (target / "ledger").is_dir():
        rows = pq.read_table(target / "ledger/kept.parquet", columns=["id", "key", "near"])
        ids, keys, near = (column.to_pylist() for column in rows.columns)
        names = {i: key.partition("#")[2] for i, key in zip(ids, keys, strict=True)}
        return {names[i]: names[other] for i, other in zip(ids, near, strict=True) if other}
    if target.suffix == ".parquet" and "near" in pq.read_schema(target).names:
        rows = pq.read_table(target, columns=["id", "near"]).to_pylist()
        return {row["id"]: row["near"] for row in rows if row["near"]}
    return {}


def met(pairs: Iterable[dict[str, Any]], kept: set[str], near: dict[str, str]) -> dict[str, int]:
    """Return in how many planted pairs one of the two went, how many stayed both for a reason (see
    :func:`beside`), and how many a run has not met."""
    counts = {"one_gone": 0, "both_kept": 0, "not_met": 0}
    for pair in pairs:
        one, other = pair["copy"], pair["original"]
        if one not in kept or other not in kept:
            counts["one_gone"] += 1
        elif near.get(one) == other or near.get(other) == one:
            counts["both_kept"] += 1
        else:
            counts["not_met"] += 1
    return counts


def unlike(place: Path, target: Path) -> tuple[int, int]:
    """Return of how many rows our build says that they are near another, and how many of these are
    neither planted nor near to it, as they came in."""
    names: dict[str, str] = {}
    for part in ("kept", "dropped"):
        rows = pq.read_table(target / f"ledger/{part}.parquet").to_pylist()
        names |= {row["id"]: row["key"].partition("#")[2] for row in rows}
    pairs = [(names[row["id"]], names[row["twin"]]) for row in rows if row["rule"] == "near"]
    flat = rows_of(place / "flat" / "chain").to_pydict()
    texts = dict(zip(flat["id"], flat["text"], strict=True))
    truth = pq.read_table(place / "flat/chain-truth.parquet", columns=["copy", "original"])
    planted = {frozenset(row.values()) for row in truth.to_pylist()}
    found = zip(pairs, as_searched(texts, pairs), strict=True)
    wrong = [p for p, one in found if one < STAGE.threshold and frozenset(p) not in planted]
    return len(pairs), len(wrong)


_ASKED, _AT_ONCE = 1500, 32
Compared = Callable[[pa.StringArray, np.ndarray, np.ndarray], np.ndarray]


def by_letters(texts: pa.StringArray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return jaccard(fold(codepoints(texts)), left, right, 5)


def by_our_stage(texts: pa.StringArray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return STAGE.similarity(texts, left, right)[1]


def alike(
    rows: pa.Table,
    gone: Iterable[str],
    compared: Compared,
    least: float = 0.8,
    draws: int = 24,
) -> float:
    """Return the share of the rows ``gone`` that have a twin of similarity ``least`` among all
    rows, over ``_ASKED`` of them.

    Measured, not estimated: whoever shares a third of 24 n-grams drawn from a row is compared with
    it in full. A twin at 0.8 shares 19 of them on average, fewer than 8 in one case of 10^6.
    compared: the similarity of texts left[i] and right[i].
    """
    texts = rows["text"].combine_chunks()  # of chunks, each `take` would make one array anew
    folded = fold(codepoints(texts))
    hashes = gram_hashes(folded.points, 5, np.uint64)
    whole = np.flatnonzero(whole_windows(folded.offsets, 5))
    owner = np.searchsorted(folded.offsets, whole, "right") - 1
    hashes = hashes[whole]
    first = np.searchsorted(owner, np.arange(len(rows) + 1))
    place = {name: n for n, name in enumerate(rows["id"].to_pylist())}
    asked = np.array(sorted(place[name] for name in gone), np.int64)
    asked = asked[first[asked + 1] > first[asked]]
    draw = np.random.default_rng(1)
    asked = draw.permutation(asked)[:_ASKED]
    at = first[asked] + (draw.random((draws, len(asked))) * np.diff(first)[asked]).astype(np.int64)
    wanted = np.unique(hashes[at])
    slot = np.searchsorted(wanted, hashes)
    slot[slot == len(wanted)] = 0
    hit = wanted[slot] == hashes
    slot, held = slot[hit], owner[hit]
    order = np.argsort(slot, kind="stable")
    slot, held = slot[order], held[order]
    ends = np.searchsorted(slot, np.arange(len(wanted) + 1))
    found = 0
    for number, row in enumerate(asked.tolist()):
        slots = np.searchsorted(wanted, np.unique(hashes[at[:, number]]))
        several = [np.unique(held[ends[s] : ends[s + 1]]) for s in slots.tolist()]
        others, counts = np.unique(np.concatenate(several), return_counts=True)
        likely = (counts * 3 >= len(slots)) & (others != row)
        others = others[likely][np.argsort(-counts[likely], kind="stable")]
        for begin in range(0, len(others), _AT_ONCE):  # the twin is most often among the first
            some = others[begin : begin + _AT_ONCE]
            pair = texts.take(pa.array(np.concatenate([[row], some])))
            one = np.zeros(len(some), np.int64)
            measured = compared(pair, one, np.arange(1, len(pair)))
            if measured.max() >= least:
                found += 1
                break
    return found / max(len(asked), 1)


def judge(name: str, place: Path, target: Path | None) -> dict[str, Any]:
    """Return what is to be said of a run's output beside its cost."""
    if target is None:
        return {}
    near = name.startswith("near-")
    rows = rows_of(place / "flat" / ("near" if near else "chain"))
    kept = ids(target)
    truth = pq.read_table(place / f"flat/{'near' if near else 'chain'}-truth.parquet").to_pylist()
    planted = [pair for pair in truth if pair["similarity"] >= 0.8]
    told: dict[str, Any] = {"rows_in": len(rows), "rows_out": len(kept), "planted": len(planted)}
    told |= met(planted, kept, beside(target))
    if ours := "chimed" in name:
        # Among these our stage promises to miss none: they are near by its own definition.
        promised = [pair for pair in planted if pair["searched"] >= STAGE.threshold]
        told["promised"] = len(promised)
        told["promised_not_met"] = met(promised, kept, beside(target))["not_met"]
    if near:
        gone = set(rows["id"].to_pylist()) - kept
        compared = by_our_stage if ours else by_letters
        told |= {"dropped": len(gone), "precision": alike(rows, gone, compared)}
    if name == "chimed":
        dropped = pq.read_table(target / "ledger/dropped.parquet")
        told["accounted"] = len(dropped) + len(kept)
        told["near"], told["unlike"] = unlike(place, target)
        counts = pc.value_counts(dropped["stage"]).to_pylist()
        told["dropped_by"] = {one["values"]: one["counts"] for one in counts}
    return told


# --- the table -------------------------------------------------------------------------------------


def machine() -> str:
    model = "?"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    cores = len(__import__("os").sched_getaffinity(0))
    return f"{model}, {cores} cores, Python {platform.python_version()}, pyarrow {pa.__version__}"


def table(results: dict[str, Any]) -> str:
    lines = [
        "| run | wall s | CPU s | peak GB | of its own | wall, times ours | rows in | rows out | "
        "planted found | one gone | both kept | not met | precision | load |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, told in results.items():
        ours = results.get("near-chimed" if name.startswith("near-") else "chimed")
        ratio = f"{told['seconds'] / ours['seconds']:.1f}" if ours else ""
        planted = told.get("planted")
        found = f"{100 - 100 * told['not_met'] / planted:.2f} %" if planted else ""
        fates = [f"{told[n]:,}" if n in told else "" for n in ("one_gone", "both_kept", "not_met")]
        precision = f"{100 * told['precision']:.2f} %" if "precision" in told else ""
        rows = [f"{told[n]:,}" if n in told else "" for n in ("rows_in", "rows_out")]
        lines.append(
            f"| {name} | {told['seconds']:.1f} | {told['cpu']:.1f} | {told['peak'] / 1e9:.2f} | "
            f"{told['own'] / 1e9:.2f} | {ratio} | {rows[0]} | {rows[1]} | {found} | "
            f"{' | '.join(fates)} | {precision} | "
            f"{told['load']:.1f} |"
        )
    lines.append("")
    turns = [[one[0] for one in results.get(name, {}).get("turns", ())] for name in IN_TURN]
    if all(turns) and len(turns[0]) == len(turns[1]):
        ratios = sorted(ours / floor for floor, ours in zip(*turns, strict=True))
        lines.append(
            f"chimed takes {ratios[len(ratios) // 2]:.2f} times the wall time of the floor "
            f"({', '.join(f'{one:.2f}' for one in ratios)}; "
            f"{' and '.join(', '.join(f'{one:.1f}' for one in some) for some in turns)} s in turn).\n"
        )
    for name, told in results.items():
        if "promised" in told:
            lines.append(
                f"{name}: of {told['promised']:,} planted copies that are near as our stage compares, "
                f"{told['promised_not_met']:,} were not met."
            )
        if "unlike" in told:
            lines.append(
                f"{name}: of {told['near']:,} rows dropped as near to another, {told['unlike']:,} are "
                "neither planted nor near to it as they came in."
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    given.add_argument("out", type=Path)
    given.add_argument("--scale", type=float, default=1.0)
    given.add_argument("--only", nargs="*", default=[])
    given.add_argument("--turns", type=int, default=3)
    given.add_argument("--data", type=Path, default=make_data.SHARED)
    asked = given.parse_args()
    for part in ("chimed_datasets", "builders"):  # as pip does with all that it installs
        compileall.compile_dir(HERE.parents[1] / part, quiet=1)
    place = asked.out / f"{asked.scale:g}x"
    if not (place / "data" / "told.json").exists():
        shutil.rmtree(place / "data", ignore_errors=True)
        make_data.make(place / "data", asked.scale, asked.data)
    if not (place / "flat" / "chain-truth.parquet").exists():
        flatten(place / "data", place / "flat", asked.scale)
    (place / "made").mkdir(exist_ok=True)
    log = place / "results.json"
    results = json.loads(log.read_text()) if log.exists() else {}
    prepared = {
        name: prepare
        for name, prepare in commands(asked.out, place).items()
        if name in asked.only or not (asked.only or name in results)
    }
    turns = [name for name in IN_TURN if name in prepared] * asked.turns
    took: dict[str, list[Measured]] = {}
    for name in turns + [name for name in prepared if name not in IN_TURN]:
        command, target = prepared[name]()
        measured = run(command, place / "made" / f"{name}.log")
        if measured.code:
            print(f"{name}: failed, see {place / 'made' / f'{name}.log'}", file=sys.stderr)
            continue
        took.setdefault(name, []).append(measured)
        if len(took[name]) < (asked.turns if name in IN_TURN else 1):
            continue
        told = sorted(took[name])[len(took[name]) // 2]._asdict() | {"turns": took[name]}
        results[name] = told | judge(name, place, Path(target) if target else None)
        log.write_text(json.dumps(results, indent=1) + "\n")
    told = json.loads((place / "data" / "told.json").read_text())
    heading = (
        f"{machine()}. chimed-datasets {version('chimed-datasets')}, scale {asked.scale:g}: "
        f"{told['documents']:,} documents, {told['qa']:,} question-answer pairs, "
        f"{told['preference']:,} tuples, {told['han'] / 1e6:.1f} M Chinese characters.\n\n"
    )
    (place / "table.md").write_text(heading + table(results))
    print(heading + table(results))


if __name__ == "__main__":
    main()

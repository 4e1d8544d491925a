"""Multiple choice through lm-eval: the parts `mcq` and `probes` of `evaluate.py`.

The tasks are the YAML files in tasks/, in lm-eval's own format, so that its command runs them too:

    lm_eval --include_path train_examples/tasks --tasks chimed_cmmlu \\
        --model hf --model_args pretrained=out/sft

Questions are asked by the letters of their options, as above, or by the options' texts (`--forms
text`): the likeliest text per character is the answer. Small models know more than they can letter.
A question with several right options is asked by letters alone: the likeliest set of two letters or
more is the answer. Such questions are a task of their own in the tables.

With --data-dir their `metadata.local` tells which files below that folder are read instead; a
subject whose file is not there is left out, and said so.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from tasks import questions

TASKS = Path(__file__).with_name("tasks")
KINDS = {".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}


class _Loader(yaml.SafeLoader):
    """Reads lm-eval's `!function questions.alike`."""


_Loader.add_constructor(
    "!function", lambda loader, node: getattr(questions, node.value.partition(".")[2])
)


FORMS: dict[str, dict] = {
    "letter": {},
    "text": {
        "process_docs": questions.alone,
        "doc_to_text": "{{question}}\n答案：",
        "doc_to_choice": "options",
        "metric_list": [
            {"metric": name, "aggregation": "mean", "higher_is_better": True}
            for name in ("acc", "acc_norm")
        ],
    },
}
"""How a question is asked: what stands in place of the task's own form."""


def subjects(name: str, data_dir: Path | None, form: str = "letter") -> Iterator[tuple[str, dict]]:
    """Yield each subject of a benchmark and its lm-eval configuration in one of :data:`FORMS`."""
    path = TASKS / f"{name}.yaml"
    if not path.exists():
        known = sorted(p.stem for p in TASKS.glob("[a-z]*.yaml"))
        raise SystemExit(f"Unknown task {name!r}. Known: {', '.join(known)}.")
    config = yaml.load(path.read_text("utf-8"), _Loader)
    shared = yaml.load((TASKS / config.pop("include")).read_text("utf-8"), _Loader)
    group, members = config.pop("group"), config.pop("task")
    local = config.pop("metadata")["local"]
    config.pop("aggregate_metric_list", None)  # of the group: lm-eval's own command prints it
    if not members and data_dir:
        found = sorted(p for p in data_dir.iterdir() if p.suffix in KINDS)
        members = [{"task": p.stem} for p in found]
    for member in members:
        subject = member["task"]
        task = f"{group}_{subject}" + ("" if form == "letter" else f"_{form}")
        own = {**shared, **config, **member, **FORMS[form], "task": task}
        if data_dir:
            files = {split: find(data_dir, p, subject) for split, p in local.items()}
            files = {split: path for split, path in files.items() if path}
            if (own.get("test_split") or own["validation_split"]) not in files:
                print(f"{name}: no file of {subject} in {data_dir}", file=sys.stderr)
                continue
            own |= {"custom_dataset": read_files, "dataset_name": None}
            own["dataset_kwargs"] = {"files": {k: str(v) for k, v in files.items()}}
            if "dev" not in files:
                own.pop("fewshot_split", None)
        yield subject, own


def find(data_dir: Path, pattern: str, subject: str) -> Path | None:
    found = sorted(data_dir.glob(pattern.format(subject=subject)))
    return next((path for path in found if path.suffix in KINDS), None)


def read_files(files: dict[str, str], **_) -> dict:
    """Return a split for each file; their columns may differ (C-Eval explains its examples)."""
    from datasets import load_dataset

    made = {}
    for split, path in files.items():
        kind = KINDS[Path(path).suffix]
        more = {"keep_default_na": False} if kind == "csv" else {}
        made[split] = load_dataset(kind, data_files=path, split="train", **more)
    return made


def found_in_sources(dataset: str) -> set[str]:
    """Return the text of benchmark items that the build met in its sources (folders only).

    The build dropped the records that held them. They are told apart all the same: a source with
    an item in it may hold others in a form that no comparison of characters finds.
    """
    manifest = Path(dataset) / "manifest.json"
    if not manifest.exists():
        return set()
    reports = json.loads(manifest.read_text("utf-8"))["benchmarks"].values()
    return {folded(match["text"]) for report in reports for match in report["matches"]}


def folded(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def same(asked: str, text: str) -> bool:
    """Tell whether one holds the other; short ones ("鼓室") are found in too many."""
    short, long = sorted((asked, text), key=len)
    return short in long and (len(short) >= 10 or short == long)


def asked(scorer, configs: list[dict], args: argparse.Namespace, **more) -> dict[str, list[dict]]:
    """Return lm-eval's samples of each task, in the order of its rows."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager
    from together import Together  # lm-eval takes seconds to import

    model = Together(scorer.model, tokenizer=scorer.tokenizer, batch_size=args.batch_size)
    samples = simple_evaluate(
        model=model,
        tasks=configs,
        bootstrap_iters=0,
        task_manager=TaskManager(include_defaults=False),
        random_seed=args.seed,
        numpy_random_seed=args.seed,
        torch_random_seed=args.seed,
        fewshot_random_seed=args.seed,
        **more,
    )["samples"]
    return {name: sorted(own, key=lambda one: one["doc_id"]) for name, own in samples.items()}


def asked_probes(scorer, args: argparse.Namespace) -> list[dict]:
    """Return an item for every probe: its task and group, whether the model was right, and whether
    the prior alone is. Which of lm-eval's measures counts stands in the task's file."""
    paths = sorted(args.probes.glob("chimed_*.yaml"))
    read = [yaml.safe_load(path.read_text("utf-8")) for path in paths]
    configs = {one["task"]: one for one in read if "dataset_path" in one}  # without the group
    if unknown := {*(args.probe_tasks or ())} - {*configs}:
        raise SystemExit(f"--probe-tasks {min(unknown)}: known are {', '.join(configs)}.")
    wanted = {}
    for name in args.probe_tasks or configs:
        file = args.probes / f"{name}.jsonl"
        n = len(file.read_text("utf-8").splitlines())
        if n:
            own = {"dataset_kwargs": {"data_files": {"test": str(file)}}}
            wanted[name] = (configs[name] | own, n)
    if not wanted:
        raise SystemExit(f"{args.probes}: no probe has an item. Hold out more with `split`.")
    drawn = {}
    for name, (_, n) in wanted.items():
        order = random.Random(f"{args.seed} {name}").sample(range(n), n)
        drawn[name] = sorted(order[: args.probe_items])
    found = asked(scorer, [c for c, _ in wanted.values()], args, samples=drawn)
    return [
        {
            "id": sample["doc"]["id"],
            "group": sample["doc"]["group"],
            "task": name,
            "right": bool(sample[wanted[name][0]["metadata"]["measure"]]),
            "prior": sample["doc"]["prior"],
            "hard": sample["doc"]["hard"],
        }
        for name in wanted
        for sample in found[name]
    ]


def multiple_choice(scorer, args: argparse.Namespace) -> list[dict]:
    """Return an item for every question asked: task, subject, whether the model was right."""
    wanted = {
        config["task"]: (name, subject, form, config)
        for name in args.tasks
        for form in args.forms
        for subject, config in subjects(name, args.data_dir, form)
    }
    if not wanted:
        raise SystemExit(f"--tasks {' '.join(args.tasks)}: no question was found.")
    configs = [config for *_, config in wanted.values()]
    samples = asked(scorer, configs, args, num_fewshot=args.shots, limit=args.limit)
    leaked = found_in_sources(args.dataset)
    items = []
    for key, (name, subject, form, _) in wanted.items():
        for sample in samples[key]:
            doc = sample["doc"]
            question = folded(doc["question"])
            told = f"{name}, several right" if doc["several"] else name
            items.append(
                {
                    "id": f"{key}#{sample['doc_id']}",
                    "group": f"{key}#{sample['doc_id']}",
                    "options": len(doc["choices"] if form == "letter" else doc["options"]),
                    "task": told if form == "letter" else f"{name}, by {form}",
                    "subject": subject,
                    "right": bool(sample["acc" if form == "letter" else "acc_norm"]),
                    "contaminated": any(same(question, text) for text in leaked),
                }
            )
    return items

"""Evaluate one model or several on the held-out rows of a dataset and on benchmarks.

    python train_examples/evaluate.py --models base=models/tiny sft=out/sft dpo=out/dpo \\
        --reference dpo=sft --dataset chimed2 --out out/evaluation
    python train_examples/evaluate.py --models base=models/tiny dpo=out/dpo \\
        --parts mcq --tasks cmmlu ceval --data-dir benchmarks --out out/evaluation

The first model is what the others are compared with, item by item. Parts:

perplexity  nats per character of `pretrain` test documents, by domain
answers     nats per character of the last answer of `sft` test rows, given what came before it
preference  `preference` test pairs: is the chosen answer the likelier one? For a model with a
            --reference also: did training raise it more than the rejected one (DPO's own reward)?
generation  greedy answers to `sft` test questions: BLEU and ROUGE over characters, and
            signs of danger in them and in the given replies (see safety.py)
mcq         multiple choice through lm-eval (see mcq.py)
probes      questions of knowledge that make_probes.py wrote to --probes, through lm-eval
general     nats per character of general text (--general): what was forgotten

Scores of single items are kept under --out and are not computed twice, so that a run goes on
where it broke off. Their file is named by a hash of the model's files, of the dataset and of the
settings: what has changed is scored anew. `evaluation.json`, `evaluation.md` and `evaluation.png`
tell the result. Each scoring adds a line to --looks: how often a test split was looked at is told.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from common import (
    TEMPLATE,
    decoding,
    general_text,
    load_model,
    load_tokenizer,
    tokens_to_answer,
    without_thought,
    without_traces,
)
from datasets import Dataset, load_dataset
from safety import signs
from transformers import AutoConfig

PARTS = ("perplexity", "answers", "preference", "generation", "mcq", "probes", "general")
Sequence = tuple[list[int], int]
"""Token ids, and the position from which on they are scored (1 or later)."""


class Scorer:
    """A loaded model that tells how likely texts are, on a GPU where there is one."""

    def __init__(self, path: str, dtype: str, batch_tokens: int) -> None:
        self.tokenizer = load_tokenizer(path)
        self.model = load_model(path, dtype)
        self.batch_tokens = batch_tokens

    @torch.inference_mode()
    def nats(self, sequences: list[Sequence]) -> list[tuple[float, int]]:
        """Return for each sequence the sum of -log P of its scored tokens, and their number."""
        found: list[tuple[float, int]] = [(0.0, 0)] * len(sequences)
        for batch in batched_by_length([len(ids) for ids, _ in sequences], self.batch_tokens):
            chosen = [sequences[n] for n in batch]
            width = max(len(ids) for ids, _ in chosen)
            pad = self.tokenizer.pad_token_id
            ids = torch.tensor([i + [pad] * (width - len(i)) for i, _ in chosen])
            place = torch.arange(width)
            mask = (place < torch.tensor([[len(i)] for i, _ in chosen])).long()
            scored = (place >= torch.tensor([[max(start, 1)] for _, start in chosen])) & mask.bool()
            ids, mask, scored = (x.to(self.model.device) for x in (ids, mask, scored))
            logits = self.model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
            loss = torch.nn.functional.cross_entropy(  # flat: over a transposed view it is slow
                logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none"
            ).view(len(chosen), -1)
            sums = (loss * scored[:, 1:]).sum(1).tolist()
            counts = scored[:, 1:].sum(1).tolist()
            for n, total, count in zip(batch, sums, counts, strict=True):
                found[n] = (total, count)
        return found

    def document(self, text: str) -> Sequence:
        """The first token is scored too where the tokenizer has a token for a beginning."""
        start = self.tokenizer.bos_token_id
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return [self.tokenizer.eos_token_id if start is None else start, *ids], 1

    def answer(self, before: list[dict], answer: list[dict]) -> Sequence:
        """The answer is scored, with the token that ends it."""
        before, answer = without_traces(before), without_traces(answer)
        asked = tokens_to_answer(self.tokenizer, before)["input_ids"]
        whole = self.tokenizer.apply_chat_template(before + answer, return_dict=True)["input_ids"]
        while whole[-1] != self.tokenizer.eos_token_id and len(whole) > len(asked):
            whole = whole[:-1]  # a line break behind the end belongs to the template
        return whole, common_start(asked, whole)

    @torch.inference_mode()
    def reply(self, messages: list[dict], max_new_tokens: int) -> str:
        """Return the greedy answer, without a thought: the same decoding for every model."""
        self.model.generation_config = decoding(self.tokenizer, max_new_tokens, 0.0, 1.0)
        asked = tokens_to_answer(self.tokenizer, messages, return_tensors="pt")
        asked = asked.to(self.model.device)
        made = self.model.generate(**asked)[0, asked["input_ids"].shape[1] :]
        return without_thought(self.tokenizer.decode(made, skip_special_tokens=True))


def common_start(one: list[int], other: list[int]) -> int:
    """Return how many tokens two sequences begin with in common."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def batched_by_length(lengths: list[int], batch_tokens: int) -> Iterator[list[int]]:
    """Yield positions in batches of at most ``batch_tokens`` tokens, padding included."""
    batch: list[int] = []
    for n in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and lengths[n] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(n)
    if batch:
        yield batch


def held_out(args: argparse.Namespace, config: str, limit: int | None) -> Dataset:
    """Return rows of a held-out split: all, or ``limit`` that the seed draws."""
    rows = load_dataset(args.dataset, config, split=args.split).shuffle(seed=args.seed)
    return rows.select(range(min(len(rows), limit or len(rows))))


def subject_of(document: dict) -> str:
    """Return what other documents may be on too: the book of a section, the title of an entry."""
    about = document["metadata"]
    about = json.loads(about) if isinstance(about, str) else about or {}
    return str(about.get("book") or document["title"] or document["id"])


def perplexity(scorer: Scorer, args: argparse.Namespace) -> list[dict]:
    """Score documents, each cut to --max-chars *characters*: the same text for every tokenizer."""
    rows = load_dataset(args.dataset, "pretrain", split=args.split).shuffle(seed=args.seed)
    domains = sorted(set(rows["domain"]))
    items = []
    for domain in domains:
        ours = [n for n, d in enumerate(rows["domain"]) if d == domain][: args.documents]
        items += [
            {
                "id": row["id"],
                "group": subject_of(row),
                "domain": domain,
                "text": row["text"][: args.max_chars],
            }
            for row in rows.select(ours)
        ]
    scores = scorer.nats([scorer.document(item["text"]) for item in items])
    for item, (nats, _) in zip(items, scores, strict=True):
        item |= {"nats": nats, "chars": len(item.pop("text"))}
    return items


def answers(scorer: Scorer, args: argparse.Namespace) -> list[dict]:
    """Score the last answer of each conversation that is not longer than --max-answer-chars."""
    rows = [
        row
        for row in held_out(args, "sft", None)
        if chars_of(row["messages"]) <= args.max_answer_chars
    ][: args.answers]
    scores = scorer.nats([scorer.answer(r["messages"][:-1], r["messages"][-1:]) for r in rows])
    return [
        {
            "id": row["id"],
            "group": row["thread_id"],
            "source": row["source"],
            "origin": row["origin"],
            "nats": nats,
            "chars": len(row["messages"][-1]["content"]),
        }
        for row, (nats, _) in zip(rows, scores, strict=True)
    ]


def longer_in_train(args: argparse.Namespace) -> dict[str, float]:
    """Return by source how often the longer reply is the chosen one in the pairs of train; nothing
    where there is no such split. Pairs of one length are left out."""
    try:
        rows = load_dataset(args.dataset, "preference", split="train")
    except ValueError:
        return {}
    longer: dict[str, list[bool]] = {}
    for row in rows:
        chosen, rejected = (chars_of(row[side]) for side in ("chosen", "rejected"))
        if chosen != rejected:
            longer.setdefault(row["source"], []).append(chosen > rejected)
    return {source: sum(found) / len(found) for source, found in longer.items()}


def chars_of(messages: list[dict]) -> int:
    return sum(len(m["content"]) for m in messages)


def preference(scorer: Scorer, args: argparse.Namespace) -> list[dict]:
    """Score both sides of pairs, each cut to --max-side-chars *characters*."""
    rows = [
        row
        for row in held_out(args, "preference", None)
        if chars_of(row["prompt"]) <= args.max_prompt_chars
    ][: args.pairs]
    sides = []
    for row in rows:
        for side in ("chosen", "rejected"):
            cut = [{**m, "content": m["content"][: args.max_side_chars]} for m in row[side]]
            ids, start = scorer.answer(row["prompt"], cut)
            sides.append((ids if cut == row[side] else ids[:-1], start))
    scores = scorer.nats(sides)
    chars = [[chars_of(r[s]) for s in ("chosen", "rejected")] for r in rows]
    known = longer_in_train(args)
    return [
        {
            "id": row["id"],
            "group": row["thread_id"],
            "source": row["source"],
            "longer_in_train": known.get(row["source"]),
            "chosen": -scores[2 * n][0],
            "rejected": -scores[2 * n + 1][0],
            "chosen_tokens": scores[2 * n][1],
            "rejected_tokens": scores[2 * n + 1][1],
            "chosen_chars": chars[n][0],
            "rejected_chars": chars[n][1],
        }
        for n, row in enumerate(rows)
    ]


def generation(scorer: Scorer, args: argparse.Namespace) -> list[dict]:
    items = []
    for row in held_out(args, "sft", args.generations):
        *asked, given = row["messages"]
        question = "\n".join(m["content"] for m in asked if m["role"] == "user")
        answer, reference = scorer.reply(asked, args.max_new_tokens), given["content"]
        items.append(
            {
                "id": row["id"],
                "group": row["thread_id"],
                "answer": answer,
                "reference": reference,
                "signs": signs(question, answer),
                "reference_signs": signs(question, reference),
            }
        )
    return items


def mcq(scorer: Scorer, args: argparse.Namespace) -> list[dict]:
    from mcq import multiple_choice  # lm-eval takes seconds to import

    return multiple_choice(scorer, args)


def probes(scorer: Scorer, args: argparse.Namespace) -> list[dict]:
    from mcq import asked_probes

    return asked_probes(scorer, args)


def general(scorer: Scorer, args: argparse.Namespace) -> list[dict]:
    """Score general text, each cut to --max-chars characters; of a list of texts the first."""
    rows = general_text(args.general, args.general_column).shuffle(seed=args.seed)
    rows = rows.select(range(min(len(rows), args.documents)))
    texts = [one[0] if isinstance(one, list) else one for one in rows[args.general_column]]
    texts = [text[: args.max_chars] for text in texts]
    scores = scorer.nats([scorer.document(text) for text in texts])
    return [
        {"id": str(n), "group": text, "nats": nats, "chars": len(text)}
        for n, (text, (nats, _)) in enumerate(zip(texts, scores, strict=True))
    ]


PART: dict[str, Callable[[Scorer, argparse.Namespace], list[dict]]] = {
    "perplexity": perplexity,
    "answers": answers,
    "preference": preference,
    "generation": generation,
    "mcq": mcq,
    "probes": probes,
    "general": general,
}


ASKED = {
    "perplexity": ("documents", "max_chars"),
    "answers": ("answers", "max_answer_chars"),
    "preference": ("pairs", "max_prompt_chars", "max_side_chars"),
    "generation": ("generations", "max_new_tokens"),
    "mcq": ("tasks", "forms", "limit", "shots"),
    "probes": ("probe_tasks", "probe_items"),
    "general": ("documents", "max_chars", "general", "general_column"),
}
"""The settings that a part's items depend on, beside those of all."""
CONFIG = {"perplexity": "pretrain", "answers": "sft", "preference": "preference"}


def model_hash(path: str) -> str:
    """Return a hash of the files of a model's folder, or the commit of a model of the Hub."""
    folder, found = Path(path), hashlib.sha256()
    if not folder.is_dir():
        return str(getattr(AutoConfig.from_pretrained(path), "_commit_hash", None) or path)
    for file in sorted(one for one in folder.iterdir() if one.is_file()):
        if file.name != "training.json":  # it tells of the run
            found.update(f"{file.name} {sha256_of(file)}\n".encode())
    return found.hexdigest()


def sha256_of(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def data_files(part: str, args: argparse.Namespace) -> list:
    """Return what changes where the data of a part do: the names that `datasets` gives to what it
    read, which hold a hash of the files; or the local files of benchmarks, and what was met."""
    if part in ("probes", "general"):
        named = sorted(args.probes.glob("*.jsonl")) if part == "probes" else [Path(args.general)]
        return [(p.name, sha256_of(p)) for p in named if p.is_file()]
    if part != "mcq":
        rows = load_dataset(args.dataset, CONFIG.get(part, "sft"), split=args.split)
        return [file["filename"] for file in rows.cache_files]
    own = sorted(args.data_dir.rglob("*")) if args.data_dir else []
    own = [file for file in (*own, Path(args.dataset) / "manifest.json") if file.is_file()]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in own]


def key(path: str, part: str, args: argparse.Namespace) -> str:
    """Return 64 bits (hex) over all that a part's items of a model depend on."""
    names = ("dataset", "split", "seed", "dtype", *ASKED[part])
    told = {name: getattr(args, name) for name in names}
    content = [model_hash(path), TEMPLATE.read_text("utf-8"), part, told, data_files(part, args)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def score(label: str, path: str, part: str, args: argparse.Namespace, loaded: dict) -> list[dict]:
    """Return the scored items of one part for one model, from --out where they lie there."""
    kept = args.out / "items" / f"{label}.{part}.{key(path, part, args)}.json"
    if kept.exists():
        return json.loads(kept.read_text("utf-8"))
    began = time.monotonic()
    if path not in loaded:
        loaded.clear()
        loaded[path] = Scorer(path, args.dtype, args.batch_tokens)
    items = PART[part](loaded[path], args)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(items, ensure_ascii=False), "utf-8")
    look = {"split": args.split, "data": fingerprint(args.dataset), "part": part, "model": label}
    args.looks.parent.mkdir(parents=True, exist_ok=True)
    with args.looks.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**look, "key": kept.stem.rpartition(".")[2]}) + "\n")
    print(f"{label} {part}: {len(items)} items, {time.monotonic() - began:.0f} s", file=sys.stderr)
    return items


def fingerprint(dataset: str) -> str:
    """Return the fingerprint of a built dataset, or its name where it is no folder of a build."""
    manifest = Path(dataset) / "manifest.json"
    if not manifest.exists():
        return dataset
    return str(json.loads(manifest.read_text("utf-8"))["fingerprint"])


def looks(args: argparse.Namespace) -> dict[str, int]:
    """Return by part how many different models or settings were scored on this split so far."""
    lines = args.looks.read_text("utf-8").splitlines() if args.looks.exists() else []
    seen = {part: set() for part in args.parts}  # type: dict[str, set[str]]
    for look in map(json.loads, lines):
        ours = (look["split"], look["data"]) == (args.split, fingerprint(args.dataset))
        if ours and look["part"] in seen:
            seen[look["part"]].add(look["key"])
    return {part: len(keys) for part, keys in seen.items()}


def pairs(texts: list[str], what: str) -> dict[str, str]:
    """Return `label=value` arguments as a dictionary."""
    wrong = [text for text in texts if "=" not in text]
    if wrong:
        raise SystemExit(f"--{what} {wrong[0]}: expected label=value, as base=models/tiny.")
    return dict(text.split("=", 1) for text in texts)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--models", nargs="+", required=True, metavar="LABEL=PATH")
    add("--reference", nargs="*", default=[], metavar="LABEL=LABEL",
        help="which model a preference-trained one started from")  # fmt: skip
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS[:3]))
    add("--dataset", default="chimed2", help="folder or Hub name")
    add("--split", default="test")
    add("--out", type=Path, default=Path("out/evaluation"))
    add("--seed", type=int, default=42)
    add("--dtype", default="float32")
    add("--batch-tokens", type=int, default=2048)
    add("--documents", type=int, default=500, help="perplexity: documents of each domain")
    add("--max-chars", type=int, default=512, help="perplexity: characters of each document")
    add("--answers", type=int, default=500, help="answers: conversations")
    add("--max-answer-chars", type=int, default=2000)
    add("--pairs", type=int, default=500, help="preference: pairs")
    add(
        "--max-prompt-chars", type=int, default=2000, help="preference: longer prompts are left out"
    )
    add("--max-side-chars", type=int, default=1000, help="preference: characters of each answer")
    add("--generations", type=int, default=50)
    add("--max-new-tokens", type=int, default=128)
    add(
        "--legacy-bleu", action="store_true", help="generation: as old tables have it, to read them"
    )
    add("--tasks", nargs="+", default=["cmmlu", "ceval"], help="mcq: files of tasks/")
    add("--forms", nargs="+", choices=("letter", "text"), default=["letter"],
        help="mcq: choose among letters, or among the texts of the options")  # fmt: skip
    add("--data-dir", type=Path, help="mcq: local files instead of the Hub")
    add("--limit", type=int, help="mcq: questions of each subject")
    add("--batch-size", type=int, default=8, help="mcq: questions at a time")
    add("--shots", type=int, default=0, help="mcq: solved examples before each question")
    add("--probes", type=Path, help="probes: the folder that make_probes.py wrote")
    add("--probe-tasks", nargs="+", metavar="TASK", help="probes: these alone")
    add("--probe-items", type=int, help="probes: items of each, drawn by the seed")
    add("--general", help="general: .jsonl, .json, .txt, or a dataset's name")
    add("--general-column", default="text", help="general: its column of text")
    add("--title", default="Evaluation", help="heading of evaluation.md")
    add("--looks", type=Path, help="where scorings are counted; default: looks.jsonl in --out")
    args = parser.parse_args(argv)
    for part, file in (("probes", "the folder of make_probes.py"), ("general", "general text")):
        if part in args.parts and getattr(args, part) is None:
            raise SystemExit(f"--parts {part}: name {file} with --{part}.")
    args.looks = args.looks or args.out / "looks.jsonl"
    args.models, args.reference = pairs(args.models, "models"), pairs(args.reference, "reference")
    if unknown := ({*args.reference, *args.reference.values()} - {*args.models}):
        parser.error(f"--reference {min(unknown)}: known models are {', '.join(args.models)}.")
    return args


def main() -> None:
    from tables import write

    args = arguments()
    scores: dict[str, dict[str, list[dict]]] = {part: {} for part in args.parts}
    loaded: dict[str, Scorer] = {}
    for label, path in args.models.items():
        for part in args.parts:
            scores[part][label] = score(label, path, part, args, loaded)
    write(scores, args, looks(args))


if __name__ == "__main__":
    main()

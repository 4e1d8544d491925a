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

`plan` names a file that says before the runs what is told first, of which seeds, and where looks at
the test split are counted (see results/plan.yaml): a seed that it does not name is refused.
out/results.md holds the tables, with the command, the commit, the fingerprint of the dataset and
the plan; out/log.txt all that was printed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TextIO

import yaml

HERE = Path(__file__).parent
KNOWN = {"name", "model", "dataset", "out", "plan", "stages", "evaluate"}


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
    if "plan" in config:
        check_plan(config, planned(config, path.parent))
    return config


def planned(config: dict, recipes: Path) -> dict:
    """Return the plan that the config names, by a path from its own folder."""
    return yaml.safe_load((recipes / config["plan"]).read_text("utf-8"))


def check_plan(config: dict, plan: dict) -> None:
    """Raise SystemExit where a run is not what was planned: another seed, or no headline."""
    for label, settings in config["stages"].items():
        if (seed := settings.get("seed", 42)) not in plan["seeds"]:
            raise SystemExit(
                f"stages.{label}.seed: {seed} is not in the plan. Planned: {plan['seeds']}."
            )
    part = plan["headline"]["part"]
    if part not in config["evaluate"].get("parts", ()):
        raise SystemExit(f"evaluate.parts: the headline of the plan, {part!r}, is not asked.")


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
    if "looks" in config:
        more += ["--looks", config["looks"]]
    out = ["--out", str(Path(config["out"]) / "evaluation")]
    script = str(HERE / "evaluate.py")
    run([sys.executable, script, "--models", *named, *more, *out, *flags(settings, "-")])


def run(command: list[str]) -> None:
    """Run a command; what it prints goes to the screen and to the log as it comes."""
    print("+", shlex.join(command), flush=True)
    made = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "TQDM_MININTERVAL": "20"},  # a bar is a line of the log each time
    )
    assert made.stdout is not None
    for line in made.stdout:
        print(line, end="", flush=True)
    if code := made.wait():
        raise SystemExit(f"ended with exit code {code}: {shlex.join(command)}")


class Log(io.TextIOBase):
    """A stream that writes to another one and to a file."""

    def __init__(self, stream: TextIO, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.stream, self.file = stream, path.open("a", encoding="utf-8")

    def write(self, text: str) -> int:
        self.file.write(text)
        return self.stream.write(text)

    def flush(self) -> None:
        if not self.file.closed:
            self.file.flush()
        self.stream.flush()

    def close(self) -> None:
        super().close()
        self.file.close()


def heading(config: dict, recipes: Path) -> str:
    """Return what the results were made by, of and under which plan."""
    manifest = Path(config["dataset"]) / "manifest.json"
    built = json.loads(manifest.read_text("utf-8"))["fingerprint"] if manifest.exists() else None
    told = {
        "command": shlex.join(["python", *sys.argv]),
        "commit": commit(),
        "dataset": f"{config['dataset']}, fingerprint {built or 'unknown'}",
        "log": str(Path(config["out"]) / "log.txt"),
    }
    if "plan" in config:
        text = (recipes / config["plan"]).read_bytes()
        told["plan"] = f"{Path(config['plan']).name}, sha256 {hashlib.sha256(text).hexdigest()}"
        headline = planned(config, recipes)["headline"]
        told["headline"] = ", ".join(f"{k} {v}" for k, v in headline.items())
    return "\n".join(f"- {name}: `{value}`" for name, value in told.items()) + "\n"


def commit() -> str:
    """Return the commit of these scripts, and whether files differ from it; or "unknown"."""
    git = ["git", "-C", str(HERE)]
    try:
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "."], capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.decode().strip() + (", with changes" if changed.stdout else "")


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
    config, recipes = read(args.config, args.changes), args.config.parent
    if "plan" in config and (looks := planned(config, recipes).get("looks")):
        config["looks"] = looks
    log = Log(sys.stdout, Path(config["out"]) / "log.txt")
    with log, contextlib.redirect_stdout(log):
        chain(config, recipes, shlex.split(args.launcher))


def chain(config: dict, recipes: Path, launcher: list[str]) -> None:
    """Train and evaluate stage by stage; write results.md."""
    models = {"base": str(config["model"])}
    evaluate(config, models)
    for label, origin in origins(config).items():
        models[label] = train(config, label, models[origin], recipes, launcher)
        evaluate(config, models)
    out = Path(config["out"])
    page = (out / "evaluation" / "evaluation.md").read_text("utf-8")
    title, _, tables = page.partition("\n")
    parts = (title + "\n", heading(config, recipes), tables.lstrip("\n"), account(config, models))
    (out / "results.md").write_text("\n".join(parts), "utf-8")
    print(account(config, models))


if __name__ == "__main__":
    main()

"""The dataset card: rendered from the manifest and the statistics, nothing by hand.

`build` writes README.md with what it knows; ``chimed card`` writes it again when pictures, a
Croissant file or a note of changes stand beside it. These are no part of a build: they need a
renderer, a font and another dataset that a build should not need, and a picture's bytes follow
the renderer's version. :func:`beside` finds them, so that a card can always be checked exactly: it
is what :func:`of` returns.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jinja2
import pyarrow as pa
import yaml

from ..lang import LANGUAGES, N_, _, named, speaking
from ..stages import place_of
from . import licences
from .dataset import Built, about, declared
from .manifest import BiasEntry, DataFile, Manifest
from .parquet import Columns, is_plain
from .reasons import reason
from .statistics import Figures, Statistics

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"),
         (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))  # fmt: skip
TASKS = {
    "pretrain": ["text-generation"],
    "sft": ["question-answering", "text-generation"],
    "preference": ["reinforcement-learning"],
    "unpaired": ["reinforcement-learning"],
    "exam": ["multiple-choice", "question-answering"],
}
COLUMNS = {
    "id": N_("unique within the config; starts with the id of the record it came from"),
    "text": N_("the document, one chapter of a book or one entry"),
    "title": N_("its title, where the source has one"),
    "domain": N_("`tcm`, `modern` or `general`"),
    "source": N_("the source's name, see Sources"),
    "license": N_("the source's licence, as stated by its holder"),
    "num_chars": N_("code points of `text`"),
    "metadata": N_(
        "a JSON object as text: what else the source says, such as book, author and "
        "dynasty; `{}` where it says nothing"
    ),
    "messages": N_("the conversation; ends with the assistant"),
    "department": N_("the medical department as the source names it"),
    "keyphrases": N_("labels of the page"),
    "label_origin": N_("where each label is from: `source`, `stated`, `classifier` or `tfidf`"),
    "origin": N_("`human` or `llm`: who wrote the answer"),
    "thread_id": N_("the record; all rows of a record are in one split"),
    "prompt": N_("the conversation that both sides answer; ends with the user"),
    "chosen": N_("the preferred reply"),
    "rejected": N_("the other reply"),
    "completion": N_("the reply, one message of the assistant"),
    "label": N_("true for a good reply, false for a bad one"),
    "mark": N_(
        "what says so: `adopted`, `recommended`, `not_adopted`, `score_high` or `score_low`"
    ),
    "score": N_("the reply's score in its source, where it has one"),
    "model": N_("the model that wrote the reply, where a model did and its name is known"),
    "pair_origin": N_("how the preference came about"),
    "scores": N_(
        "scores of both sides, their margin and its standard deviation, where there are any"
    ),
    "votes": N_("how each judge voted: 1 for the chosen side, -1 for the other, 0 for neither"),
    "reasoning_flags": N_("what the checks of the reasoning traces found, each with its reason"),
    "models": N_("the model that wrote a side, where a model did and its name is known"),
    "positions": N_("the replies' places in their source: for reports on bias, not for training"),
    "defect": N_("the defect that was put into the rejected reply, where one was"),
}
EXAM_COLUMNS = {
    "id": N_("the id of the record"),
    "prompt": N_("the task, one message of the user: the question, its options, how to answer"),
    "answer": N_("the letters of the right options, in the order of the options, as `ACD`"),
    "answer_type": N_("`single`: one option is to be named; `multiple`: all that are right"),
    "options": N_("the options, each with its letter, in the order of the source"),
    "explanation": N_("why, where the source says it"),
    "type": N_("the type of question in Chinese exams: `A1`, `A2`, `A3/A4`, `B1`, `X`"),
    "subject": N_("the subject as the source names it"),
    "year": N_("the year of the exam, where the source says it"),
    "has_image": N_("whether it cannot be answered without a picture that is not here"),
    "origin": N_("`human` or `llm`: who wrote the question"),
}
"""Columns of `exam`; others as in :data:`COLUMNS`."""


def meanings_of(config: str) -> dict[str, str]:
    """Return what each column of a config means, by its name."""
    return {**COLUMNS, **(EXAM_COLUMNS if config == "exam" else {})}


PAPER = {
    "pretrain": N_("164.8K documents"),
    "sft": N_("351.6K pairs"),
    "preference": N_("41.7K tuples"),
}
"""ChiMed 2.0 as its abstract says (arXiv 2507.15275)."""
LEAST_DATASETS = "2.16"
"""The oldest version of `datasets` that loads what a build writes; see tests/prove_loads.py."""
TEMPLATES = {"en": "dataset_card.md.jinja", "zh": "dataset_card.zh.md.jinja"}
PICTURES = "pictures"
DARK = "-dark"
"""How the stem of a picture ends that is for a dark page."""
SAYS = "says.json"
"""In ``pictures/``: stem of a picture -> a sentence on what it shows."""
CHANGES = "CHANGES.md"
CROISSANT = "croissant.json"


class Beside(NamedTuple):
    """What stands beside a build and is shown in its card.

    pictures:  stems of the PNG files in ``pictures/``, sorted; for a dark page with "-dark".
    croissant: whether there is a Croissant file.
    changes:   the Markdown text of CHANGES.md, "" where there is none.
    says:      what each picture says, by its stem; empty where a library before 0.2 drew them.
    """

    pictures: tuple[str, ...] = ()
    croissant: bool = False
    changes: str = ""
    says: Mapping[str, str] = MappingProxyType({})


def beside(folder: Path) -> Beside:
    """Return what stands beside the build in ``folder``."""
    changes, says = folder / CHANGES, folder / PICTURES / SAYS
    return Beside(
        tuple(sorted(path.stem for path in (folder / PICTURES).glob("*.png"))),
        (folder / CROISSANT).is_file(),
        changes.read_text("utf-8") if changes.is_file() else "",
        json.loads(says.read_text("utf-8")) if says.is_file() else {},
    )


def of(built: Built, language: str | None = None) -> str:
    """Return the card of a build, with what stands beside it by now.

    language: see :func:`render`.
    """
    return render(
        built.manifest, built.statistics(), beside(built.folder), built.features(), language
    )


def is_of(built: Built, text: str) -> bool:
    """Return whether a text is the card of a build, in any language, as it was published or not."""
    told = published(text)
    return any(published(of(built, language)) == told for language in LANGUAGES)


def language_of(manifest: Manifest) -> str:
    """Return the language of a build's card: that of its recipe, else English."""
    return named(manifest["recipe"].get("lang") or "") or "en"


_DARK_FORM = re.compile(
    r'^<source media="[^"\n]{0,80}" srcset="(?:[^"\n]{0,400}/)?(pictures/[^"\n/]{1,80})">\n', re.M
)


def published(text: str, address: str = "") -> str:
    """Return a card with the dark forms of its pictures at an address, such as
    ``https://huggingface.co/datasets/ORG/NAME/resolve/main``, or without them.

    Whether a hub's page finds what stands beside the card is known of the plain form alone.
    """
    if not address:
        return _DARK_FORM.sub("", text)
    return _DARK_FORM.sub(lambda match: match[0].replace(match[1], f"{address}/{match[1]}"), text)


def write(built: Built, language: str | None = None) -> None:
    """Write README.md again, with what stands beside the build by now.

    language: see :func:`render`.
    """
    (built.folder / "README.md").write_text(of(built, language), "utf-8")


def render(
    manifest: Manifest,
    statistics: Statistics,
    extras: Beside | None = None,
    columns: Mapping[str, Columns] | None = None,
    language: str | None = None,
) -> str:
    """Return the card (README.md): YAML front matter, then the template's text.

    columns:  by config; None: those that are declared.
    language: one of :data:`..lang.LANGUAGES`; None: that of the recipe, else English. The
              surroundings have no say in it: the same recipe gives the same bytes.
    """
    language = language or language_of(manifest)
    with speaking(language):
        return _rendered(manifest, statistics, extras, columns, TEMPLATES[language])


def _rendered(
    manifest: Manifest,
    statistics: Statistics,
    extras: Beside | None,
    columns: Mapping[str, Columns] | None,
    template: str,
) -> str:
    columns = columns or declared(manifest)
    abouts = about(manifest)
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    environment.filters.update(
        number=lambda n: f"{n:,}",
        percent=_percent,
        md=escape,
        code=code,
        decimal=_decimal,
        attribute=html.escape,
    )
    text = resources.files("chimed_datasets.cards").joinpath(template).read_text("utf-8")
    body = environment.from_string(text).render(
        name=manifest["name"],
        library=manifest["library"],
        fingerprint=manifest["fingerprint"],
        seed=manifest["seed"],
        guests=manifest.get("guests", []),
        recipe=_recipe(manifest),
        recipe_texts=manifest["recipe"].get("ledger", {}).get("texts"),
        sources=manifest["sources"],
        known=[source for source in manifest["sources"] if "known" in source],
        stages=manifest["stages"],
        dropped=_by_stage(manifest["dropped"]),
        refused=manifest["refused"],
        benchmarks=manifest["benchmarks"],
        measured=manifest.get("measured", {}),
        selftest=manifest.get("measured", {}).get("selftest", {}),
        learnt=_learnt(manifest.get("measured", {}).get("learnt") or {}),
        withheld=manifest.get("withheld"),
        total_rows=sum(s["all"]["rows"] for s in statistics.values()),
        han_chars=sum(s["all"]["han_chars"] for s in statistics.values()),
        records_in=sum(s["in"] for s in manifest["sources"]),
        records_out=sum(s["out"] for s in manifest["sources"]),
        non_commercial=sorted(
            {
                s["license"]
                for s in manifest["sources"]
                if licences.terms(s["license"]) == "non-commercial"
            }
        ),
        paper={config: _(told) for config, told in PAPER.items()},
        bias_groups=_bias_groups,
        thresholds=_thresholds(manifest),
        extras=extras or Beside(),
        dark=DARK,
        reason=reason,
        loads=_loads(manifest, columns),
        configs={
            name: _config(
                name,
                abouts[name],
                statistics[name],
                columns[name],
                _reasoning_how(manifest, name),
            )
            for name in manifest["configs"]
        },
    )
    front = yaml.safe_dump(
        metadata(manifest, columns), allow_unicode=True, sort_keys=False, width=1000
    )
    body = re.sub(r"\n{3,}", "\n\n", body).strip()
    return f"---\n{front}---\n\n{body}\n"


def metadata(manifest: Manifest, columns: Mapping[str, Columns] | None = None) -> dict[str, Any]:
    """Return the card's YAML: what the Hub shows and what ``load_dataset`` reads.

    columns: by config; None: those that are declared.

    The build's fingerprint stands in each config's description: `datasets` keys its cache of a
    local folder by this YAML, and would serve the rows of an older build without it.
    """
    columns = columns or declared(manifest)
    abouts = about(manifest)
    names = licences.hub_ids({source["license"] for source in manifest["sources"]})
    rows = sum(f["rows"] for s in manifest["configs"].values() for fs in s.values() for f in fs)
    domains = {source["domain"] for source in manifest["sources"]}
    return {
        "language": ["zh"],
        "license": names[0] if len(names) == 1 else names,
        **({"license_name": _license_name(manifest)} if names == ["other"] else {}),
        "pretty_name": manifest["name"],
        "task_categories": list(
            dict.fromkeys(task for name in manifest["configs"] for task in TASKS.get(name, []))
        ),
        "size_categories": [next((s for n, s in SIZES if rows < n), "n>10M")],
        "tags": [
            "medical",
            "chinese",
            *(["traditional-chinese-medicine"] if "tcm" in domains else []),
            *(["preference", "rlhf"] if "preference" in manifest["configs"] else []),
            *(["unpaired-preference", "kto"] if "unpaired" in manifest["configs"] else []),
            "chimed",
        ],
        "configs": [
            {
                "config_name": name,
                "description": f"{abouts[name]} Build {manifest['fingerprint']}.",
                "data_files": [
                    {"split": split, "path": f"{name}/{split}-*.parquet"} for split in splits
                ],
            }
            for name, splits in manifest["configs"].items()
        ],
        "dataset_info": [
            _info(name, splits, columns[name]) for name, splits in manifest["configs"].items()
        ],
    }


def _license_name(manifest: Manifest) -> str:
    """Return the licences that the Hub has no id for, as it wants them: one word in lower case."""
    names = {source["license"].strip().lower() for source in manifest["sources"]}
    return "-and-".join(sorted({re.sub(r"[^a-z0-9.]+", "-", name).strip("-") for name in names}))


def _info(name: str, splits: dict[str, list[DataFile]], columns: Columns) -> dict[str, Any]:
    return {
        "config_name": name,
        # What is not plain is in the files themselves. A type that a version of `datasets` does not
        # know would keep it from loading any config.
        **({"features": _yaml_list(columns)} if is_plain(columns) else {}),
        "splits": [
            {
                "name": split,
                "num_bytes": sum(f["bytes"] for f in files),
                "num_examples": sum(f["rows"] for f in files),
            }
            for split, files in splits.items()
        ],
        "download_size": sum(f["bytes"] for files in splits.values() for f in files),
        "dataset_size": sum(f["bytes"] for files in splits.values() for f in files),
    }


def _loads(manifest: Manifest, columns: Mapping[str, Columns]) -> str:
    """Return which versions of `datasets` load the build: the least of tests/prove_loads.py."""
    if manifest.get("schema_version", 1) < 2:
        return _("Loads with `datasets` {version} or later.").format(version="4.7")
    special = [name for name in manifest["configs"] if not is_plain(columns[name])]
    if not special:
        return _("Loads with `datasets` {version} or later.").format(version=LEAST_DATASETS)
    names = ", ".join(f"`{name}`" for name in special)
    return _(
        "Loads with `datasets` {version} or later, but {names} only with versions that know the "
        "types of all columns."
    ).format(version=LEAST_DATASETS, names=names)


def _config(
    name: str, about: str, statistics: dict[str, Figures], columns: Columns, how: str
) -> dict[str, Any]:
    """Return what the card says of one config; ``how``: what became of reasoning traces."""
    total = statistics["all"]
    meanings = meanings_of(name)
    departments = [(d, n) for d, n in total["department"].items() if d]
    return {
        "about": _(about),
        "splits": statistics,
        "words_counted_on": total["words_counted_on"],
        "columns": [
            (column, _type_name(feature), _(meanings.get(column, "")))
            for column, feature in _items(columns)
        ],
        "reasoning": total.get("reasoning", {}),
        "reasoning_how": how,
        "reasoning_flags": total.get("reasoning_flags", {}),
        "departments": departments[:10],
        "more_departments": len(departments[10:]),
        "origins": {o: n for o, n in total["origin"].items() if o},
        "domains": {d: n for d, n in total["domain"].items() if d},
    }


def _reasoning_how(manifest: Manifest, config: str) -> str:
    """Return what became of reasoning traces: the recipe's word, or the builder's."""
    builder = "preference" if config == "unpaired" else config  # it has the settings of the pairs
    said = manifest["recipe"].get("builders", {}).get(builder, {})
    how: str = said.get("reasoning", "inline" if builder == "preference" else "keep")
    return how


def _bias_groups(bias: BiasEntry) -> list[tuple[str, dict[str, Any]]]:
    """Return the figures of all pairs, of each origin and of each department, by name."""
    kinds = {_("origin {name}"): bias["origins"], _("department {name}"): bias["departments"]}
    return [
        (_("all"), bias["all"]),
        *(
            (kind.format(name=name), f)
            for kind, groups in kinds.items()
            for name, f in groups.items()
        ),
    ]


def _thresholds(manifest: Manifest) -> dict[str, dict[str, float]]:
    """Return the thresholds on scores that the recipe gives, by source."""
    preference = manifest["recipe"].get("builders", {}).get("preference") or {}
    unpaired = preference.get("unpaired")
    found: dict[str, dict[str, float]] = {}
    if isinstance(unpaired, dict):
        found = unpaired.get("scores") or {}
    return found


def _learnt(learnt: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the card says of each classifier that judged any record."""
    classifiers = {"relevance": learnt.get("relevance"), **(learnt.get("label") or {})}
    out = {}
    for name, figures in classifiers.items():
        if figures and "held_out" in figures:
            held = figures["held_out"]
            out[name] = {
                "judged": figures.get("asked", figures.get("judged")),
                "given": figures.get("given", figures.get("refused")),
                "held_out": sum(held.values()) if isinstance(held, dict) else held,
                "precision": figures.get("precision"),
                "recall": figures.get("recall"),
            }
    return out


def _by_stage(dropped: dict[str, dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    """Return the dropped records by stage and rule, as stages run, the largest rule first."""
    total: dict[str, Counter[str]] = {}
    for stages in dropped.values():
        for stage, rules in stages.items():
            total.setdefault(stage, Counter()).update(rules)
    return {stage: dict(total[stage].most_common()) for stage in sorted(total, key=place_of)}


def _recipe(manifest: Manifest) -> str:
    """Return the recipe as YAML, with the last part of every path alone: the rest is the
    builder's machine. Stages are given by all their settings, whatever the defaults are."""
    recipe = dict(manifest["recipe"])
    for kind in ("sources", "benchmarks"):
        recipe[kind] = [
            {**entry, "path": entry["path"].rstrip("/").rpartition("/")[2]}
            for entry in recipe.get(kind, [])
        ]
    if recipe.get("takedowns"):
        recipe["takedowns"] = recipe["takedowns"].rpartition("/")[2]
    keys = {g["name"]: g["key"] for g in manifest.get("guests", ()) if g["kind"] == "stages"}
    recipe["stages"] = {
        keys.get(name, name): stage["settings"] if stage else False
        for name, stage in manifest["stages"].items()
    }
    recipe = {key: value for key, value in recipe.items() if value not in ([], {}, None)}
    return yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False, width=100)


def _items(columns: Columns | pa.StructType) -> list[tuple[str, Any]]:
    """Return the names of columns, or of the fields of one, and what each holds."""
    if isinstance(columns, pa.Schema | pa.StructType):
        return [(field.name, field.type) for field in columns]
    return list(columns.items())


def _dtype(kind: pa.DataType) -> str:
    """Return what `datasets` calls an Arrow type of values."""
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def _yaml_list(columns: Columns | pa.StructType) -> list[dict[str, Any]]:
    """Return columns as a card has them: what `datasets` would make, but without loading it."""
    if not isinstance(columns, pa.Schema | pa.StructType):
        made: list[dict[str, Any]] = columns._to_yaml_list()
        return made
    return [{"name": name, **_yaml_type(kind)} for name, kind in _items(columns)]


def _yaml_type(kind: pa.DataType) -> dict[str, Any]:
    if isinstance(kind, pa.StructType):
        return {"struct": _yaml_list(kind)}
    if isinstance(kind, pa.ListType):
        (inner,) = _yaml_type(kind.value_type).values()
        return {"list": inner}
    return {"dtype": _dtype(kind)}


def _type_name(feature: Any) -> str:
    if isinstance(feature, dict | pa.StructType):
        return "{" + ", ".join(f"{k}: {_type_name(v)}" for k, v in _items(feature)) + "}"
    if isinstance(feature, pa.ListType):
        return f"list of {_type_name(feature.value_type)}"
    if isinstance(feature, pa.DataType):
        return _dtype(feature)
    kind = type(feature).__name__
    if kind == "List":
        return f"list of {_type_name(feature.feature)}"
    if kind == "Value":
        return str(feature.dtype)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()  # "class label"


def _percent(share: float | None) -> str:
    return "·" if share is None else f"{share:.1%}"


def _decimal(value: float) -> str:
    return f"{value:,.1f}"


def escape(text: str) -> str:
    """Make foreign text safe within a line of Markdown: no HTML, no table bars, no marks."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|~$])", r"\\\1", line)


def code(text: str, language: str = "") -> str:
    """Return ``text`` as a fenced block that nothing in it can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"

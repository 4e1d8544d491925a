"""The Croissant file: what a build's files hold, for machines, with the RAI fields.

`mlcroissant` writes and checks it (``pip install 'chimed-datasets[croissant]'``). Everything in
it comes from the manifest. ``load_dataset`` does not look at it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..built import licences
from ..built.card import meanings_of
from ..built.dataset import Built, about
from ..built.manifest import DataFile, Manifest
from ..errors import PublishError, broken_extra
from ..lang import _

if TYPE_CHECKING:
    from datasets import Features

NO_ADVICE = (
    "The texts hold errors and outdated or dangerous statements and are no medical advice; "
    "nobody checked them for truth."
)
NO_HASH = "https://github.com/mlcommons/croissant/issues/80"
"""What stands, by custom, for the hash of a whole repository; the manifest has every file's."""
_TYPES = {"string": "TEXT", "int8": "INT8", "int32": "INT32", "int64": "INT64",
          "float64": "FLOAT64", "bool": "BOOL"}  # fmt: skip


def croissant(built: Built, url: str = "", published: datetime | None = None) -> dict[str, Any]:
    """Return the Croissant description (JSON-LD) of a build.

    url:       the dataset's page, where it has one.
    published: when it was put there.
    """
    mlc = _library()
    manifest, features, lines = built.manifest, built.features(), about(built.manifest)
    try:
        described: dict[str, Any] = mlc.Metadata(
            name=manifest["name"],
            description=_description(manifest, lines),
            license=sorted({source["license"] for source in manifest["sources"]}),
            url=url or None,
            version="1.0.0",
            date_published=published,
            in_language=["zh"],
            keywords=["medical", "chinese", *manifest["configs"]],
            creators=[mlc.Organization(name=f"built with {manifest['library']}")],
            cite_as=f"Build {manifest['fingerprint']} of {manifest['name']}; "
            "the design follows ChiMed 2.0, arXiv 2507.15275.",
            distribution=_distribution(mlc, manifest, url),
            record_sets=[
                _record_set(mlc, manifest, name, features[name], lines[name])
                for name in manifest["configs"]
            ],
            **_rai(manifest),
        ).to_json()
        # mlcroissant 1.1 misspells the name that the RAI vocabulary has.
        if misspelt := described.pop("rai:dataDataManipulationProtocol", None):
            described["rai:dataManipulationProtocol"] = misspelt
        return described
    except mlc.ValidationError as error:
        why = " ".join(str(error).split())
        raise PublishError(_("the Croissant file is not sound: {why}").format(why=why)) from None


def _library() -> Any:
    try:
        import mlcroissant
    except ImportError as error:
        raise PublishError(broken_extra(error, "croissant")) from None
    return mlcroissant


def text(described: dict[str, Any]) -> str:
    """Return the file's content."""
    return json.dumps(described, ensure_ascii=False, indent=1, default=str) + "\n"


def _description(manifest: Manifest, lines: dict[str, str]) -> str:
    configs = "; ".join(
        f"{name}: {lines[name]} {sum(_rows(splits).values()):,} rows"
        for name, splits in manifest["configs"].items()
    )
    return f"Chinese medical text in {len(manifest['configs'])} configs. {configs}. {NO_ADVICE}"


def _rows(splits: dict[str, list[DataFile]]) -> dict[str, int]:
    return {split: sum(file["rows"] for file in files) for split, files in splits.items()}


def _distribution(mlc: Any, manifest: Manifest, url: str) -> list[Any]:
    repo = mlc.FileObject(
        id="repo",
        name="repo",
        description="The folder of the build, or its repository.",
        content_url=url or ".",
        encoding_formats=["git+https"],
        sha256=NO_HASH,
    )
    sets = [
        mlc.FileSet(
            id=f"{name}-files",
            name=f"{name}-files",
            description=f"The parquet files of config {name}.",
            contained_in=["repo"],
            encoding_formats=["application/x-parquet"],
            includes=[f"{name}/*.parquet"],
        )
        for name in manifest["configs"]
    ]
    return [repo, *sets]


def _record_set(mlc: Any, manifest: Manifest, config: str, features: Features, about: str) -> Any:
    split = mlc.Field(
        id=f"{config}/split",
        name="split",
        description=", ".join(
            f"{split} ({rows:,} rows)" for split, rows in _rows(manifest["configs"][config]).items()
        ),
        data_types=[mlc.DataType.TEXT],
        source=mlc.Source(
            file_set=f"{config}-files",
            extract=mlc.Extract(file_property=mlc.FileProperty.fullpath),
            transforms=[mlc.Transform(regex=rf".*{config}/([a-z]+)-[^/]+\.parquet$")],
        ),
    )
    fields = [_field(mlc, config, column, feature) for column, feature in features.items()]
    return mlc.RecordSet(
        id=config, name=config, description=about, key=[f"{config}/id"],
        fields=[split, *fields],
    )  # fmt: skip


def _field(mlc: Any, config: str, column: str, feature: Any) -> Any:
    """Return a column's field: a plain value, a list, or a (list of a) struct as subfields."""
    repeated = type(feature).__name__ == "List"
    inner = feature.feature if repeated else feature
    source = {"file_set": f"{config}-files", "extract": mlc.Extract(column=column)}
    about = {
        "id": f"{config}/{column}",
        "name": column,
        "description": meanings_of(config).get(column, column),
    }
    if not isinstance(inner, dict):
        return mlc.Field(
            **about, data_types=[_type(mlc, inner)], repeated=repeated or None,
            source=mlc.Source(**source),
        )  # fmt: skip
    parts = [
        mlc.Field(
            id=f"{config}/{column}/{name}",
            name=name,
            data_types=[_type(mlc, part)],
            source=mlc.Source(**source, transforms=[mlc.Transform(json_path=name)]),
        )
        for name, part in inner.items()
    ]
    return mlc.Field(**about, repeated=repeated or None, sub_fields=parts)


def _type(mlc: Any, feature: Any) -> Any:
    return getattr(mlc.DataType, _TYPES[getattr(feature, "dtype", "string")], mlc.DataType.TEXT)


def _rai(manifest: Manifest) -> dict[str, Any]:
    """Return the fields of responsible AI, each from what the build measured or the recipe says."""
    sources = manifest["sources"]
    stages = {name: entry for name, entry in manifest["stages"].items() if entry}
    read, out = sum(s["in"] for s in sources), sum(s["out"] for s in sources)
    restricted = [s["name"] for s in sources if licences.terms(s["license"]) != "free"]
    limits = [f"Not free for every use: {', '.join(restricted)}."] if restricted else []
    by_models = any(s["origin"] == "llm" for s in sources)
    return {
        "data_collection": f"{read:,} records of {len(sources)} sources: "
        + "; ".join(f"{s['name']} ({s['layout']}, {s['license']}): {s['in']:,}" for s in sources),
        "data_collection_type": ["Secondary data analysis"]
        + (["Others: written by language models"] if by_models else []),
        "data_collection_missing_data": f"{read - out:,} records were dropped; "
        "ledger/dropped.parquet has a row for each with the rule and its evidence.",
        "data_preprocessing_protocol": [
            f"{name}: {json.dumps(entry['settings'], ensure_ascii=False)}"
            for name, entry in stages.items()
        ],
        "data_manipulation_protocol": "; ".join(
            f"{name}: {sum(entry['changed'].values()):,} changes, "
            f"{sum(entry['dropped'].values()):,} records dropped"
            for name, entry in stages.items()
        ),
        "data_annotation_protocol": [
            text for config, text in _ANNOTATED.items() if config in manifest["configs"]
        ]
        or None,
        "data_biases": [_bias(manifest), *_label_bias(manifest)],
        "data_use_cases": [
            "Research on Chinese medical language models: further pre-training, supervised "
            "fine-tuning, preference tuning. Not for diagnosis or treatment.",
            *(text for config, text in _USES.items() if config in manifest["configs"]),
        ],
        "data_limitations": [NO_ADVICE, *limits, *_known(manifest)],
        "data_social_impact": "A model trained on it may repeat folk remedies, withdrawn drugs and "
        "doses of other centuries with confidence.",
        "personal_sensitive_information": _personal(manifest),
        "data_release_maintenance_plan": "Records are taken down by id; every later build leaves "
        "them and their copies out.",
    }


_ANNOTATED = {
    "preference": "Chosen and rejected replies follow adopted answers, rankings or scores of the "
    "sources.",
    "unpaired": "Labels of single replies follow adopted and recommended answers, or thresholds on "
    "scores; `mark` names which.",
    "exam": "Answers of `exam` are the keys of the sources, unchanged. An item whose explanation "
    "names another option has no row; equal items with two keys both stay, and "
    "`ledger/kept.parquet` names them in `contradicts`.",
}
_USES = {
    "exam": "Reinforcement learning with rewards by a rule, over questions with known letters. An "
    "exam that is trained on measures nothing afterwards.",
}


def _known(manifest: Manifest) -> list[str]:
    """Return licence, tier and defects of the public corpora that the sources are."""
    return [
        f"{source['name']} is {known['title']} ({known['page']}): licence {source['license']}, "
        f"stated by {known['licence_by']}; tier {known['tier']}."
        + "".join(f" Known defect: {defect}." for defect in known.get("defects", ()))
        for source in manifest["sources"]
        if (known := source.get("known"))
    ]


def _label_bias(manifest: Manifest) -> list[str]:
    labels = (manifest.get("measured") or {}).get("unpaired")
    if not labels:
        return []
    sources = (f"{name} {f['true']:.1%}" for name, f in labels["sources"].items())
    return [f"Single replies with the label true, by source: {', '.join(sources)}."]


def _bias(manifest: Manifest) -> str:
    """Return how often length alone gives the chosen side away, where that was measured."""
    bias = (manifest.get("measured") or {}).get("preference")
    if bias and bias["all"]["longer_wins"] is not None:
        return (
            f"In {bias['all']['longer_wins']:.1%} of the pairs of different length the longer "
            "reply is the chosen one."
        )
    return "Sources, departments and centuries are in no proportion; see the counts."


def _personal(manifest: Manifest) -> list[str]:
    """Return what is done about personal data, and how well where that was measured."""
    mask = manifest["stages"].get("mask")
    masking = (manifest.get("measured") or {}).get("masking")
    lines = [
        "Names of authors are hashed and appear in no config; names of persons within a text are "
        "not masked."
    ]
    if mask:
        lines.append(f"Replaced by marks: {', '.join(mask['settings']['types'])}.")
    else:
        lines.append("Masking was off: numbers and addresses may stand in the texts.")
    selftest = (manifest.get("measured") or {}).get("selftest", {}).get("mask")
    if selftest:
        for f in selftest["kinds"]:
            ends = f"95 % interval {f['low']:.1%} to {f['high']:.1%}"
            lines.append(
                f"{f['kind']}: {f['right']:,} of {f['of']:,} labelled texts right ({ends}), with "
                f"the default settings, on the set {f['set']} made before the rules."
            )
    elif masking:
        for kind, figures in masking["held"].items():
            if kind != "cases" and figures["recall"] is not None:
                recall = f"{figures['recall']:.3f}"
                lines.append(f"{kind}: recall {recall} on held-out sentences written for this.")
    return lines

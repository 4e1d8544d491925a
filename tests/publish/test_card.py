"""The card: the Hub takes it, `datasets` reads it, it tells what the build says, texts stay texts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from datasets.info import DatasetInfosDict
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.built import card
from chimed_datasets.built.dataset import Built
from chimed_datasets.rows import builders
from chimed_datasets.stages import place_of
from tests.common.files import write_jsonl
from tests.common.sources import recipe
from tests.common.text import prose

HTML = re.compile(r"<(?!/?(?:br)\b)[a-zA-Z/!]")


def text(built: Built) -> str:
    return (built.folder / "README.md").read_text("utf-8")


def body(built: Built) -> str:
    """Return a card's Markdown without its YAML and without what stands in fences."""
    inside = text(built).partition("\n---\n")[2]
    return re.sub(r"^(`{3,})\w*\n.*?^\1$", "", inside, flags=re.M | re.S)


def told(built: Built, **changes) -> str:
    """Return the card of a build whose manifest were another."""
    statistics = json.loads((built.folder / "statistics.json").read_text("utf-8"))
    return card.render({**built.manifest, **changes}, statistics)


@pytest.fixture(params=["free", "contract", "bad"])
def built(request) -> Built:
    found = request.getfixturevalue(request.param)
    return found if isinstance(found, Built) else open_built(found)


# --- the Hub and `datasets` ------------------------------------------------------------------


def test_the_hub_takes_it(built, hub):
    found = DatasetCard.load(built.folder / "README.md")
    found.validate(repo_type="dataset")  # posts it to the Hub of these tests
    assert hub.requests == ["POST /api/validate-yaml"]
    assert found.data.to_dict() == card.metadata(built.manifest)


def test_the_hub_of_these_tests_would_refuse_another(built, hub):
    found = DatasetCard.load(built.folder / "README.md")
    found.data.license = "home-made"
    with pytest.raises(ValueError, match="license"):
        found.validate(repo_type="dataset")


def test_datasets_reads_it(built):
    data = DatasetCard.load(built.folder / "README.md").data
    infos = DatasetInfosDict.from_dataset_card_data(data)
    configs = MetadataConfigs.from_dataset_card_data(data)
    assert list(infos) == list(configs) == list(built.manifest["configs"])
    for name, splits in built.manifest["configs"].items():
        assert infos[name].features == builders()[name].features
        rows = {split: sum(f["rows"] for f in files) for split, files in splits.items()}
        assert {s: i.num_examples for s, i in infos[name].splits.items()} == rows
        assert infos[name].download_size == sum(
            (built.folder / f["file"]).stat().st_size for files in splits.values() for f in files
        )


def test_columns_are_told_alike_in_either_form(built):
    """Those of a build are Arrow's, so that it need not import `datasets`."""
    names = built.manifest["configs"]
    arrow = {name: builders()[name].columns for name in names}
    features = {name: builders()[name].features for name in names}
    assert card.metadata(built.manifest, arrow) == card.metadata(built.manifest, features)
    statistics = built.statistics()
    alike = [card.render(built.manifest, statistics, columns=one) for one in (arrow, features)]
    assert alike[0] == alike[1]


@pytest.mark.parametrize("name", builders())
def test_columns_of_every_config_in_either_form(name, free):
    builder = builders()[name]
    assert builder.schema == builder.features.arrow_schema
    manifest = {**open_built(free).manifest, "configs": {name: {}}}
    told = [card.metadata(manifest, {name: one}) for one in (builder.columns, builder.features)]
    assert told[0] == told[1]


def test_a_licence_without_an_id_is_named(free):
    built = open_built(free)
    sources = [{**s, "license": "Contract, No. 7"} for s in built.manifest["sources"]]
    found = card.metadata({**built.manifest, "sources": sources})
    assert (found["license"], found["license_name"]) == ("other", "contract-no.-7")
    assert "license_name" not in card.metadata(built.manifest)


# --- what it tells ---------------------------------------------------------------------------


def rows_of(markdown: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table under a heading, without its two header lines."""
    part = markdown[markdown.index(f"\n{heading}\n") :]
    (table, *_) = re.findall(r"(?:^\|.*\n)+", part, re.M)
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in table.splitlines()[2:]
    ]


def test_every_figure_is_the_builds(free):
    built, markdown = open_built(free), body(open_built(free))
    statistics = json.loads((free / "statistics.json").read_text("utf-8"))
    for source, row in zip(built.manifest["sources"], rows_of(markdown, "## Sources"), strict=True):
        figures = [f"{source[key]:,}" for key in ("in", "out", "dropped")]
        assert row == [
            *(source[k] for k in ("name", "layout", "license", "domain", "origin")),
            *figures,
        ]
    for config, splits in statistics.items():
        for row in rows_of(markdown, f"### {config}"):
            assert row[1] == f"{splits[row[0]]['rows']:,}"
            assert row[3] == f"{splits[row[0]]['han_chars']:,}"
    rules = {
        (row[0], row[1].replace("\\", "")): row[2]
        for row in rows_of(markdown, "### What was dropped")
    }
    total: dict[tuple[str, str], int] = {}
    for stages in built.manifest["dropped"].values():
        for stage, found in stages.items():
            for rule, n in found.items():
                total[stage, rule] = total.get((stage, rule), 0) + n
    assert rules == {key: f"{n:,}" for key, n in total.items()}
    assert [row[0] for row in rows_of(markdown, "## Pipeline")] == list(built.manifest["stages"])
    stages = list(dict.fromkeys(stage for stage, _ in rules))
    assert stages == sorted(stages, key=place_of), "as they run"


def test_every_column_is_explained():
    for builder in builders().values():
        assert set(builder.features) <= set(card.meanings_of(builder.name)), builder.name


def test_it_holds_what_a_reader_must_know(free):
    markdown = body(open_built(free))
    assert "Not medical advice. 不构成医疗建议。" in markdown
    for heading in ("Configs", "Sources", "Pipeline", "Splits", "Decontamination", "Personal data",
                    "Bias of the preferences", "Known limits", "ChiMed 2.0 and this build",
                    "Rebuild it", "Citation"):  # fmt: skip
        assert f"\n## {heading}\n" in markdown
    assert "This build is not the authors' dataset" in markdown
    assert "2507.15275" in text(open_built(free))


def test_what_was_not_done_is_said_loudly(free):
    built = open_built(free)
    assert "**No benchmark was given: this build was not decontaminated.**" in body(built)
    stages = {**built.manifest["stages"], "mask": None}
    assert "**Masking was off" in told(built, stages=stages)


def test_bias_is_told_for_every_group(free):
    built = open_built(free)
    bias = built.manifest["measured"]["preference"]
    first = rows_of(body(built), "## Bias of the preferences")
    names = ["all", *(f"origin {name}" for name in bias["origins"]),
             *(f"department {name}" for name in bias["departments"])]  # fmt: skip
    assert [row[0] for row in first] == [card.escape(name) for name in names]
    assert first[0][1] == f"{bias['all']['pairs']:,}"
    assert first[0][4] == f"{bias['all']['longer_wins']:.1%}"


def test_what_was_learnt_is_told_with_its_measure(free):
    built = open_built(free)
    figures = {
        "classes": 2,
        "held_out": 50,
        "asked": 300,
        "precision": 0.92,
        "recall": 0.5,
        "given": 120,
    }
    relevant = {"precision": 0.97, "recall": 0.9, "held_out": {"medical": 30, "general": 20},
                "margin": 0.1, "judged": 80, "refused": 9}  # fmt: skip
    learnt = {
        "relevance": relevant,
        "label": {"department": figures, "keyphrases": {"most": 5, "texts": 9}},
    }
    changed = told(built, measured={**built.manifest["measured"], "learnt": learnt})
    assert rows_of(changed, "## What was learnt") == [
        ["relevance", "80", "9", "50", "97.0%", "90.0%"],
        ["department", "300", "120", "50", "92.0%", "50.0%"],
    ]
    assert "## What was learnt" not in text(built)


def test_its_recipe_builds_the_same(free, tmp_path):
    """What stands under "Rebuild it" is a recipe; with the sources' paths it gives the same rows."""
    told = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text(open_built(free)), re.S)[1])
    recipe(tmp_path)
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(told, allow_unicode=True), "utf-8")
    again = build(load_recipe(tmp_path / "again.yaml"), tmp_path / "again")
    assert again["configs"] == open_built(free).manifest["configs"]


# --- hostile texts ---------------------------------------------------------------------------


def test_no_text_of_the_data_is_markup(bad):
    markdown = body(bad)
    assert not HTML.search(markdown), HTML.search(markdown)
    front = yaml.safe_load(text(bad).split("---\n")[1])
    assert front == card.metadata(bad.manifest)
    plain = re.findall(r"^#+ .*", markdown, re.M)
    assert len(plain) == len(set(plain))
    assert not any("A heading" in heading for heading in plain)
    assert "](javascript:" not in markdown
    assert "window.broken" in markdown  # the licence and the departments are there, as text
    assert validate(bad.folder) == []


def test_every_table_keeps_its_columns(bad):
    """A bar in a department or a licence makes no cell of its own."""
    for table in re.findall(r"(?:^\|.*\n)+", body(bad), re.M):
        cells = {len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("a | b", "a \\| b"),
        ("*a* _b_ `c`", "\\*a\\* \\_b\\_ \\`c\\`"),
        ("[x](javascript:y)", "\\[x\\](javascript:y)"),
        ("line\n# heading\u2028more", "line # heading more"),
        ("$x$ ~~y~~", "\\$x\\$ \\~\\~y\\~\\~"),
        ("a\\|b", "a\\\\\\|b"),
    ],
)
def test_escaping(given, shown):
    assert card.escape(given) == shown


@pytest.mark.parametrize("inside", ["plain", "```\nout", "`````", "a `b` c\n````"])
def test_a_fence_that_nothing_inside_can_end(inside):
    shown = card.code(inside, "yaml")
    fence = re.match(r"`+", shown)[0]
    assert not any(line.startswith(fence) for line in shown.splitlines()[1:-1])
    assert shown.splitlines()[-1] == fence


def test_a_path_tells_nothing_of_the_machine(tmp_path):
    home = tmp_path / "home-of-somebody"
    write_jsonl(home / "docs.jsonl", [{"text": prose(i, 80)} for i in range(20)])
    source = {"name": "docs", "layout": "jsonl", "path": str(home / "docs.jsonl"), "license": "mit",
              "kind": "document", "fields": {"text": "text"}}  # fmt: skip
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"name": "x", "sources": [source]}), "utf-8")
    build(load_recipe(path), tmp_path / "x")
    assert "home-of-somebody" not in (tmp_path / "x" / "README.md").read_text("utf-8")
    assert "path: docs.jsonl" in (tmp_path / "x" / "README.md").read_text("utf-8")


# --- what stands beside the build ------------------------------------------------------------


def test_pictures_changes_and_croissant_are_shown_where_they_are(free, tmp_path):
    names = ("bias", "clusters", "departments", "domains", "lengths", "waterfall")
    extras = card.Beside(names, True, "### Build `a`\n\n- One.")
    built = open_built(free)
    statistics = json.loads((free / "statistics.json").read_text("utf-8"))
    shown = card.render(built.manifest, statistics, extras)
    found = re.findall(r"(?<=\n\n)!\[[^\]]+\]\(pictures/(\w+)\.png\)(?=\n\n)", shown)
    assert sorted(found) == list(names), "a picture that follows a table's line is a row of it"
    assert "`croissant.json` describes the files" in shown
    assert shown.rstrip().endswith("## Changes\n\n### Build `a`\n\n- One.")
    assert "pictures/" not in text(built)
    assert Path(free / "README.md").read_text("utf-8") == card.render(built.manifest, statistics)

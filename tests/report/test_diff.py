"""What a new build changed: every record that differs is told of once, and with the reason."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.built.dataset import Built
from chimed_datasets.cli import app
from chimed_datasets.publish import changelog
from chimed_datasets.publish.withholding import withhold
from chimed_datasets.recipe import takedowns
from chimed_datasets.records import record_id
from chimed_datasets.report.diff import (
    ABSENT,
    NEW,
    Diff,
    OfColumn,
    OfSource,
    Reason,
    compare,
    differing,
    settings,
)
from tests.common.files import write_jsonl
from tests.common.sources import page
from tests.common.text import prose

RECIPE = {
    "name": "small",
    "sources": [
        {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "mit",
         "domain": "tcm", "kind": "document", "id": "id", "fields": {"text": "text"}},
        {"name": "pages", "layout": "chimed_pages", "path": "pages.jsonl", "license": "mit"},
    ],
}  # fmt: skip
DOCS = [{"id": i, "text": prose(i, 20 + i)} for i in range(30)]
PAGES = [page(i) for i in range(30)]


def made(folder: Path, docs=DOCS, pages=PAGES, down: tuple[str, ...] = (), **more) -> Built:
    write_jsonl(folder / "docs.jsonl", docs)
    write_jsonl(folder / "pages.jsonl", pages)
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({**RECIPE, **more}, allow_unicode=True), "utf-8")
    if down:
        takedowns.add(folder / takedowns.DEFAULT, down, ["docs", "pages"])
    build(load_recipe(path), folder / "built")
    return open_built(folder / "built")


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Built:
    return made(tmp_path_factory.mktemp("first"))


def of(diff: Diff, name: str) -> OfSource:
    return next(source for source in diff.sources if source.source == name)


def test_the_same_build(first):
    diff = compare(first, first)
    assert diff.total() == OfSource("all", 60, 0, 0, 0, 0, 60)
    assert (diff.reasons, diff.columns, diff.settings) == ([], [], [])
    done = CliRunner().invoke(app, ["diff", str(first.folder), str(first.folder)])
    assert "are the same build" in done.output.replace("\n", " ")


DOCS_B = [{**DOCS[0], "text": DOCS[0]["text"] + "改。"}, *DOCS[1:28],
          *({"id": 100 + i, "text": prose(900 + i, 50)} for i in range(3))]  # fmt: skip
"""The first text is another, two are no longer there, three are new."""
CASES = [
    (
        "content", {"docs": DOCS_B},
        {"docs": (30, 3, 2, 1, 31), "pages": (30, 0, 0, 0, 30)},
        [Reason("added", "docs", NEW, 3), Reason("gone", "docs", ABSENT, 2)],
        [OfColumn("pretrain", "text", 1), OfColumn("pretrain", "num_chars", 1)],
        {"sources.docs.content"},
    ),
    (
        "a threshold", {"stages": {"filter": {"min_document_chars": 26}}},
        {"docs": (30, 0, 5, 0, 25), "pages": (30, 0, 0, 0, 30)},
        [Reason("gone", "docs", "filter: too_short", 5)], [],
        {"stages.filter.min_document_chars"},
    ),
    (
        "a takedown", {"down": (record_id("pages", "pages.jsonl#p7"),)},
        {"docs": (30, 0, 0, 0, 30), "pages": (30, 0, 1, 0, 29)},
        [Reason("gone", "pages", "takedown: listed", 1)], [], set(),
    ),
    (
        "another licence, and a builder's setting",
        {"sources": [RECIPE["sources"][0], {**RECIPE["sources"][1], "license": "cc-by-4.0"}],
         "builders": {"sft": {"answers": "all"}}},
        {"docs": (30, 0, 0, 0, 30), "pages": (30, 0, 0, 30, 30)},
        [], [OfColumn("preference", "license", 30)],
        {"sources.pages.license", "builders.sft.answers"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "counts", "reasons", "columns", "names"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_change_is_told_of_with_its_reason(
    first, tmp_path, change, counts, reasons, columns, names
):
    second = made(tmp_path, **change)
    diff = compare(first, second)
    for name, (before, added, gone, changed, after) in counts.items():
        found = of(diff, name)
        assert (found.before, found.added, found.gone, found.changed, found.after) == (
            before, added, gone, changed, after,
        )  # fmt: skip
    assert sorted(diff.reasons) == sorted(reasons)
    assert diff.columns == columns
    assert {s.name for s in diff.settings} == names
    back = compare(second, first)  # the other way round the same records are told of
    assert [(s.added, s.gone) for s in back.sources] == [(s.gone, s.added) for s in diff.sources]
    assert {(r.source, r.records) for r in back.reasons} == {(r.source, r.records) for r in reasons}
    for split in diff.splits:
        for name, built in (("before", first), ("after", second)):
            files = built.manifest["configs"].get(split.config, {}).get(split.split, [])
            assert getattr(split, name) == sum(file["rows"] for file in files)


def test_another_seed_moves_records_and_changes_none(first, tmp_path):
    diff = compare(first, made(tmp_path, seed=7))
    total = diff.total()
    splits = [
        dict(
            zip(*(built.ledger("kept")[name].to_pylist() for name in ("id", "split")), strict=True)
        )
        for built in (first, open_built(tmp_path / "built"))
    ]
    assert total.moved == sum(splits[1][name] != split for name, split in splits[0].items()) > 0
    assert (total.added, total.gone, total.changed, diff.columns) == (0, 0, 0, [])
    assert [tuple(s) for s in diff.settings] == [("seed", "42", "7")]


def splits_of_rows(built: Built, config: str) -> dict[str, str]:
    """Row id -> split, as the data files have it."""
    return {
        name: split
        for split, files in built.manifest["configs"][config].items()
        for file in files
        for name in pq.read_table(built.folder / file["file"], columns=["id"])["id"].to_pylist()
    }


def test_rows_that_moved_are_counted_by_config_and_way(first, tmp_path):
    docs = [*DOCS[1:], {"id": "new", "text": prose(777, 40)}]  # one is gone, one is new
    second = made(tmp_path, docs=docs, seed=7)
    counts = Counter(
        (config, split, after[name])
        for config in first.manifest["configs"]
        for after in [splits_of_rows(second, config)]
        for name, split in splits_of_rows(first, config).items()
        if name in after and after[name] != split
    )
    diff = compare(first, second)
    assert {tuple(move[:3]): move.rows for move in diff.moves} == counts
    assert len({move.config for move in diff.moves}) > 1
    lines = [line.split() for line in run("diff", first.folder, second.folder).splitlines()]
    for key, rows in counts.items():
        assert [*key, str(rows)] in lines
    assert "- Rows in another split: " in changelog.entry(diff)
    assert compare(first, first).moves == []


def test_sources_that_come_and_go(first, tmp_path):
    diff = compare(first, made(tmp_path, sources=RECIPE["sources"][:1]))
    assert of(diff, "pages") == OfSource("pages", 30, 0, 30, 0, 0, 0)
    assert diff.reasons == [Reason("gone", "pages", ABSENT, 30)]
    assert [tuple(s) for s in diff.settings] == [
        ("sources.pages", "layout chimed_pages, licence mit", "")
    ]
    assert {s.config: s.after for s in diff.splits if s.split == "train"}["sft"] == 0
    back = compare(open_built(tmp_path / "built"), first)
    assert back.reasons == [Reason("added", "pages", NEW, 30)]


def test_a_withheld_copy_changed_nothing(first, tmp_path):
    """Its rows are not there to be compared; its records are."""
    copy = withhold(first, ["pages"], tmp_path / "copy")
    diff = compare(first, copy)
    assert diff.total() == OfSource("all", 60, 0, 0, 0, 0, 60)
    assert {s.after for s in diff.splits if s.config == "sft"} == {0}


TEXT, LIST = pa.string(), pa.list_(pa.struct([("role", pa.string()), ("n", pa.int8())]))


@pytest.mark.parametrize(
    ("kind", "one", "two", "differ"),
    [
        (TEXT, ["a", "b", None, None], ["a", "c", None, "d"], [0, 1, 0, 1]),
        (pa.float64(), [1.0, None, 0.0], [1.0, 0.0, None], [0, 1, 1]),
        (pa.list_(TEXT), [["a"], ["a", "b"], [], None], [["a"], ["b", "a"], ["x"], []], [0, 1, 1, 1]),
        (pa.list_(TEXT), [["a"], ["b", "c"], ["d"]], [["a", "a"], ["b", "c"], ["e"]], [1, 0, 1]),
        (LIST, [[{"role": "u", "n": 1}], [{"role": "u", "n": None}]],
         [[{"role": "u", "n": 2}], [{"role": "u", "n": None}]], [1, 0]),
        (pa.struct([("a", pa.list_(TEXT))]), [{"a": ["x"]}, None, {"a": None}],
         [{"a": ["y"]}, None, {"a": None}], [1, 0, 0]),
    ],
)  # fmt: skip
def test_where_two_arrays_differ(kind, one, two, differ):
    arrays = pa.array(one, kind), pa.array(two, kind)
    assert differing(*arrays).tolist() == [bool(x) for x in differ]
    sliced = [array.slice(1) for array in arrays]
    assert differing(*sliced).tolist() == [bool(x) for x in differ[1:]]


MORE = pa.list_(pa.struct([*LIST.value_type, ("more", TEXT)]))


def test_a_field_that_one_of_two_structs_has_counts_as_null_in_the_other():
    one = pa.array([[{"role": "u", "n": 1}], [{"role": "u", "n": 1}], [], None], LIST)
    two = pa.array([[{"role": "u", "n": 1}], [{"role": "u", "n": 1, "more": "x"}], [], None], MORE)
    assert (
        differing(one, two).tolist() == differing(two, one).tolist() == [False, True, False, False]
    )


def test_values_of_two_types_differ():
    one, two = pa.array([1, None], pa.int8()), pa.array(["1", None], TEXT)
    assert differing(one, two).tolist() == [True, False]
    lists = pa.array([["1"], None], pa.list_(TEXT))
    assert differing(lists, two).tolist() == [True, False]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m["recipe"]["sources"][0].update(path="/elsewhere/docs.jsonl"), []),
        (lambda m: m["stages"].update(simplify=None),
         [("stages.simplify", "", "off"), ("stages.simplify.share", "0.05", ""),
          ("stages.simplify.region", "auto", ""), ("stages.simplify.classics", "false", ""),
          ("stages.simplify.words", "false", "")]),
        (lambda m: m["stages"]["mask"]["settings"].update(types=["url", "qq"]),
         [("stages.mask.types", "email, url, resident_id, bank_card, mobile, landline, qq, wechat, "
           "record_number, passport, other_id, licence_plate, person_name, postal_address",
           "url, qq")]),
        (lambda m: m["versions"].update(pyarrow="1.0"), [("versions.pyarrow", pa.__version__, "1.0")]),
        (lambda m: m["sources"][1].update(sha256="0" * 64), [("sources.pages.content", None, "0" * 12)]),
    ],
)  # fmt: skip
def test_settings(first, change, told):
    changed = json.loads(json.dumps(first.manifest))
    change(changed)
    found = [tuple(setting) for setting in settings(first.manifest, changed)]
    told = [
        (n, first.manifest["sources"][1]["sha256"][:12] if b is None else b, a) for n, b, a in told
    ]
    assert found == told


# --- the commands ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def second(tmp_path_factory) -> Built:
    return made(
        tmp_path_factory.mktemp("second"),
        docs=DOCS_B,
        stages={"filter": {"min_document_chars": 26}},
    )


def run(*command: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in command])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_tables(first, second):
    told = run("diff", first.folder, second.folder)
    lines = [line.split() for line in told.splitlines()]
    assert ["docs", "30", "3", "7", "·", "·", "26"] in lines
    assert ["gone", "docs", "filter:", "too_short", "5"] in lines
    for split in compare(first, second).splits:
        if split.before != split.after:
            figures = (split.before, split.after, f"{split.after - split.before:+}")
            assert [split.config, split.split, *map(str, figures)] in lines
    assert ["stages.filter.min_document_chars", "10", "26"] in lines


def test_the_changelog_entry_and_the_card(first, second, tmp_path):
    told = run("diff", first.folder, second.folder, "--changelog")
    heading, _, first_line, *_ = told.splitlines()
    old, new = first.manifest["fingerprint"], second.manifest["fingerprint"]
    assert heading == f"### Build `{new}` since `{old}`"
    assert first_line.startswith("- 56 records, -4: 3 added, 7 gone, 0 changed, ")
    assert (
        "- Of those gone, 5 are dropped by filter: too\\_short, 2 are not in the new sources."
        in told
    )
    assert "stages.filter.min\\_document\\_chars 10 → 26" in told
    copies = [Built(tmp_path / name, b.manifest) for name, b in (("a", first), ("b", second))]
    for copy, built in zip(copies, (first, second), strict=True):
        shutil.copytree(built.folder, copy.folder)
    (copies[0].folder / "CHANGES.md").write_text("### Build `0` since `1`\n\n- Older.\n", "utf-8")
    run("card", copies[1].folder, "--since", copies[0].folder)
    run("card", copies[1].folder, "--since", copies[0].folder)  # again, the same
    card = (copies[1].folder / "README.md").read_text("utf-8")
    assert card.count(heading) == 1
    assert card.index("## Changes") < card.index(heading) < card.index("- Older.")
    assert validate(copies[1].folder) == []


def test_what_somebody_wrote_by_hand_stays(first, second, tmp_path):
    shutil.copytree(second.folder, tmp_path / "b")
    (tmp_path / "b" / "CHANGES.md").write_text("By hand.", "utf-8")
    done = CliRunner().invoke(app, ["card", str(tmp_path / "b"), "--since", str(first.folder)])
    assert done.exit_code == 1
    assert "was not written by --since" in done.output.replace("\n", " ")
    assert (tmp_path / "b" / "CHANGES.md").read_text("utf-8") == "By hand."


def test_a_setting_with_marks_breaks_no_line(first):
    from chimed_datasets.report.diff import Setting

    found = Diff("a", "b", [], [], [], [], [Setting("name", "<b>|`x`", "*\n- y*")])
    entry = changelog.entry(Diff(**{**vars(found), "sources": [OfSource("s", 1, 0, 0, 0, 0, 1)]}))
    assert "&lt;b&gt;\\|\\`x\\` → \\*" in entry
    assert len(entry.splitlines()) == 4

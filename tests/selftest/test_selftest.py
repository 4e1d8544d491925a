"""The self-test: builds over labelled rows, its figures, its command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe, open_built
from chimed_datasets.built import figures
from chimed_datasets.built.card import render
from chimed_datasets.built.figures import Figure, of_stages, shipped, wilson
from chimed_datasets.cli import app
from chimed_datasets.errors import ReportError, SourceError
from chimed_datasets.recipe import Stages
from chimed_datasets.report import tables
from chimed_datasets.selftest import below, measure
from tests.common.files import write_jsonl

ANEW = "python -m chimed_datasets.selftest"


@pytest.fixture(scope="module")
def results():
    return measure()


@pytest.fixture
def mine(tmp_path) -> Path:
    """Sets of a user: two rows each, one of which comes out right."""
    phone = "13812345678"
    long = "高血压患者应当低盐饮食，规律服药，定期监测血压。"
    write_jsonl(tmp_path / "mask_phone.jsonl", [
        {"text": f"手机：{phone}", "hide": [phone]},
        {"text": f"手机：{phone}，姓某", "hide": [phone, "姓某"]},
    ])  # fmt: skip
    write_jsonl(tmp_path / "clean.jsonl", [
        {"text": "白细胞<br>升高，建议复查血常规", "want": "白细胞\n升高，建议复查血常规"},
        {"text": "头痛三天，无发热。", "want": "头痛四天，无发热。"},
    ])  # fmt: skip
    write_jsonl(tmp_path / "filter_keep.jsonl", [{"text": long}, {"text": "短"}])
    write_jsonl(tmp_path / "filter_drop.jsonl", [
        {"text": "短", "why": "short"},
        {"question": "血压高怎么办？", "answer": long, "why": "short"},
    ])  # fmt: skip
    return tmp_path


def run(*command: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["selftest", *map(str, command)])
    return done.exit_code, done.output


# --- figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_wilson(right, of, low, high):
    assert wilson(right, of) == pytest.approx((low, high), abs=5e-5)
    assert wilson(of - right, of) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_the_shipped_figures_are_those_of_now(results):
    """Where a rule changed them: run the command, and tell of it in the change log."""
    assert shipped() == [result.figure for result in results], ANEW


def test_the_file_is_as_the_command_writes_it(results):
    text = figures.as_json(result.figure for result in results)
    assert text == (Path(figures.__file__).with_name(figures.NAME)).read_text("utf-8"), ANEW


def test_figures_of_the_stages_that_run():
    told = of_stages(dict(Stages.model_validate({"simplify": False, "clean": {"badges": False}})))
    assert list(told) == ["clean", "filter", "mask", "decontaminate", "deduplicate"]
    assert [entry["default_settings"] for entry in told.values()] == [False, True, True, True, True]
    assert [kind["kind"] for kind in told["clean"]["kinds"]] == ["must change", "must stay"]
    for kind in told["mask"]["kinds"]:
        assert 0 <= kind["low"] <= kind["right"] / kind["of"] <= kind["high"] <= 1


def test_a_kind_below_its_floor(mine):
    results = measure(["mask"], mine)
    (figure,) = [result.figure for result in results]
    assert (figure.right, figure.of) == (1, 2)
    for right, of, worse in ((1, 2, False), (51, 100, True), (49, 100, False), (2, 2, True)):
        floor = Figure("mask", "phone", "mask_phone", "", right, of)
        assert below(results, [floor]) == ([(figure, floor)] if worse else [])
    assert below(results, [Figure("mask", "email", "mask_email", "", 9, 9)]) == []


# --- builds --------------------------------------------------------------------------------------


def test_a_build_over_every_set(results):
    stages = {"clean", "simplify", "filter", "mask", "decontaminate", "deduplicate"}
    assert {result.figure.stage for result in results} == stages
    for result in results:
        assert result.figure.of >= 20
        assert len(result.wrong) == result.figure.of - result.figure.right


def test_rows_of_a_user(mine):
    told = {(r.figure.stage, r.figure.kind): r for r in measure(sets=mine)}
    assert {kind: (r.figure.right, r.figure.of) for kind, r in told.items()} == {
        ("clean", "must change"): (1, 2),
        ("filter", "drop: short"): (1, 2),
        ("filter", "keep"): (1, 2),
        ("mask", "phone"): (1, 2),
    }
    wrong = {kind: r.wrong[0] for kind, r in told.items()}
    assert wrong["clean", "must change"].got == "头痛三天，无发热。"
    assert wrong["filter", "keep"].got is None
    assert wrong["mask", "phone"].why == "can be read: 姓某"
    assert wrong["mask", "phone"].row.number == 2


def test_leaks_of_a_user(tmp_path):
    """Rows in all shapes, against the benchmark beside them; without one it says what is missing."""
    rows = [
        {"question": "胆汁由何处分泌？", "answer": "肝细胞。", "want": "drop", "kind": "short"},
        {"turns": ["你好", "你好。", "胆汁由何处分泌", "肝。"], "want": "drop", "kind": "talk"},
        {"text": "胆汁由肝细胞分泌，经胆道入肠。", "want": "keep", "kind": "prose"},
        {"text": "胆囊储存并浓缩胆汁，进食后收缩排出。", "want": "drop", "kind": "wrong"},
    ]
    write_jsonl(tmp_path / "decontaminate.jsonl", rows)
    with pytest.raises(SourceError, match=r"decontaminate_items\.jsonl is not there"):
        measure(sets=tmp_path)
    items = [
        {"question": "胆汁由何处分泌", "answer": "肝细胞"},
        {"question": "胆囊收缩素由哪种细胞分泌", "options": ["I细胞", "S细胞"], "answer": "A"},
    ]
    write_jsonl(tmp_path / "decontaminate_items.jsonl", items)
    told = {r.figure.kind: (r.figure.right, r.wrong) for r in measure(sets=tmp_path)}
    assert {kind: right for kind, (right, _) in told.items()} == {
        "drop: short": 1, "drop: talk": 1, "keep: prose": 1, "drop: wrong": 0,
    }  # fmt: skip
    assert told["drop: wrong"][1][0].why == "it stayed"


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        (["maks"], "'maks' is not measured. Did you mean 'mask'"),
        (["simplify"], "no rows for simplify"),
    ],
)
def test_stages_that_cannot_be_measured(mine, stages, told):
    with pytest.raises(ReportError, match=told):
        measure(stages, mine)


# --- the command ---------------------------------------------------------------------------------


def test_the_table(mine):
    code, told = run("--sets", mine, "--show", 1)
    assert code == 0
    assert "50.0%" in told
    assert "mask_phone.jsonl, line 2: can be read: 姓某" in told
    assert "question: 血压高怎么办？" in told
    assert "filter_keep.jsonl, line 2: it was dropped" in told
    assert "line 1:" not in told


def test_stages_and_json(mine):
    code, told = run("mask", "--sets", mine, "--json", "--show", 3)
    (entry,) = json.loads(told)
    assert code == 0
    assert (entry["stage"], entry["right"], entry["of"], entry["share"]) == ("mask", 1, 2, 0.5)
    assert (entry["low"], entry["high"]) == pytest.approx(wilson(1, 2), abs=1e-6)
    assert [row["line"] for row in entry["wrong"]] == [2]


def test_the_table_fits_a_terminal(results):
    from rich.console import Console

    table = tables.selftest(result.figure for result in results)
    assert Console(width=200).measure(table).maximum <= 80


def test_a_broken_floor(monkeypatch):
    now = next(figure for figure in shipped() if figure.right < figure.of)
    assert run(now.stage)[0] == 0
    monkeypatch.setattr(figures, "shipped", lambda: [now._replace(right=now.right + 1)])
    code, told = run(now.stage, "--json")
    assert code == 1
    line = f"{now.stage}, {now.kind}: {now.right} of {now.of} rows are right, but this version says"
    assert f"{line} {now.right + 1} of {now.of}." in told


def test_rows_that_cannot_be_read(tmp_path):
    (tmp_path / "mask_a.jsonl").write_text('{"text": "a"}\n', "utf-8")
    code, told = run("--sets", tmp_path)
    assert code == 1
    assert "line 1: it is no row of this set (no hide)" in told.replace("\n", " ")


def test_importing_it_loads_nothing_heavy():
    code = "import chimed_datasets.selftest, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pyarrow", "numpy", "pydantic", "datasets"} & set(done.stdout.split())


# --- what a build tells --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("told")
    write_jsonl(
        folder / "a.jsonl", [{"text": "感冒是常见的急性上呼吸道感染，多数人一周左右自行好转。"}]
    )
    (folder / "recipe.yaml").write_text(
        "sources: [{name: a, layout: jsonl, path: a.jsonl, license: mit, fields: {text: text}}]\n"
        "stages: {mask: {types: [mobile]}, simplify: false}\n",
        "utf-8",
    )
    build(load_recipe(folder / "recipe.yaml"), folder / "built")
    return open_built(folder / "built")


def test_the_card_tells_every_figure_with_set_day_and_interval(built):
    card = (built.folder / "README.md").read_text("utf-8")
    for figure in shipped():
        low, high = figure.interval
        name = f"| {figure.stage} | {figure.kind} |".replace("_", "\\_")
        told = [line for line in card.splitlines() if line.startswith(name)]
        if figure.stage == "simplify":
            assert told == []
            continue
        (line,) = told
        assert f"| {figure.of:,} | {figure.share:.1%} | {low:.1%} to {high:.1%} |" in line
        assert line.replace("\\", "").endswith(f"| {figure.set}, {figure.made} |")
    assert "`mask` was measured with its default settings; this build has others." in card
    assert "`clean` was measured with its default" not in card


def test_a_build_of_an_older_version_keeps_its_figures(built):
    """They were of sentences that the authors of the rules wrote, and the card says so."""
    score = {"labelled": 3, "precision": 1.0, "recall": 0.5}
    old = {"held": {"cases": 3, "mobile": score}, "all": {"cases": 7, "mobile": score}}
    measured = {**built.manifest["measured"], "masking": old}
    del measured["selftest"]
    manifest = {**built.manifest, "measured": measured}
    card = render(manifest, built.statistics())
    assert "measured on 7 labelled sentences" in card
    assert "| mobile | 3 | 100.0% | 50.0% |" in card
    assert tables.masking(manifest).row_count == 1
    assert tables.masking(built.manifest).row_count == sum(f.stage == "mask" for f in shipped())

"""What the commands print fits the terminal: no line is wider, no figure is cut or broken."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe
from chimed_datasets.building.progress import Warn, bars
from chimed_datasets.cli import app, closing, console, fitting
from chimed_datasets.cli.console import expanded
from chimed_datasets.cli.wrapping import Screen, breaks, wrapped
from chimed_datasets.detection.published import Look
from tests.common.files import ROOT, write_jsonl
from tests.common.text import prose

WIDTHS = (40, 60, 80, 120)
LONG = "questions-of-a-hospital-with-a-long-name"


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """Two builds of sources with long names and Chinese ones of files, which lose much."""
    folder = tmp_path_factory.mktemp("screens")
    asked = [{"query": prose(n, 20), "response": prose(5000 + n, 40)} for n in range(1200)]
    bad = [{"query": prose(9000 + n, 20), "response": ""} for n in range(400)]
    write_jsonl(folder / "问答.jsonl", [*asked, *asked[:30], *bad])
    write_jsonl(folder / "医案.jsonl", [{"text": prose(n, 300), "title": "医案"} for n in range(9)])
    sources = [
        {"name": LONG, "layout": "query_response", "path": "问答.jsonl", "license": "mit"},
        {"name": "cases", "layout": "jsonl", "path": "$CASES/医案.jsonl", "license": "mit"},
    ]
    recipe = folder / "r.yaml"
    recipe.write_text(yaml.safe_dump({"name": "small", "sources": sources}), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASES", str(folder))
        build(load_recipe(recipe), folder / "b", progress=False)
        build(load_recipe(recipe), folder / "c", limit=100, progress=False)
    return folder


def shown(*words: str, width: int = 80, code: int | None = 0, screen: bool = True) -> str:
    """Return what a command prints, on a terminal of so many columns."""
    told = {"COLUMNS": str(width), "LINES": "24", "TTY_COMPATIBLE": "1" if screen else "0"}
    done = CliRunner().invoke(app, words, env={**told, "TERM": "xterm"})
    assert code in (None, done.exit_code), done.output
    return re.sub(r"\x1b\[[\d;]*m", "", done.output)  # the help has styles of its own


def an_id(folder: Path, rule: str) -> str:
    said = json.loads(shown("show", str(folder), "--rule", rule, "-n", "1", "--json"))
    return str(said["dropped"][0]["id"])


def of_text(lines: list[str]) -> list[str]:
    """Return the lines without those that end with a command, or are one long id: they are there to
    be copied, so that the terminal breaks them."""
    return [
        line
        for line in lines
        if not re.search(r": chimed \w|^  chimed \w", line)
        and not re.fullmatch(rf" *{LONG}-[0-9a-f]{{20}}", line)
    ]


QUICK = """\
|--version|--help|stats b|show b -n 2|show b --rule no_answer -n 2|explain b ID|diff b c
known|known cmexam|detect 问答.jsonl 医案.jsonl|build r.yaml --out b --limit 3|build none.yaml
build --workers 0|bild|push b org/x --dry-run|takedown ID --recipe r.yaml|sources"""
SLOW = """\
validate b -v|preview r.yaml -n 1|build r.yaml --dry-run|build r.yaml --out o|selftest mask
build r.yaml --out v -v --profile|init 问答.jsonl 医案.jsonl --out i.yaml --license mit --domain modern
export b --to llama-factory --out e|report b --out r.html"""


NOT_FIRST = re.compile(r"[ │]*[，。、；：！？）》】」』”％%]")
"""Begins a line that is broken in the wrong place."""


@pytest.mark.parametrize(
    ("language", "width", "commands"),
    [
        *(("en", width, QUICK) for width in WIDTHS),
        *(("zh", width, QUICK) for width in WIDTHS),
        ("en", 40, SLOW),
        ("zh", 80, SLOW),
    ],
)
def test_no_line_is_wider_than_the_terminal(shop, tmp_path, monkeypatch, language, width, commands):
    for file in shop.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CASES", str(shop))
    record = an_id(shop / "b", "exact")
    for command in re.split(r"[|\n]", commands):
        words = command.replace("ID", record).split()
        said = shown(*words, "--lang", language, width=width, code=None)
        assert said
        assert "Traceback" not in said
        for line in of_text(said.splitlines()):
            assert cell_len(line.rstrip()) <= width, (command, line)
            assert not NOT_FIRST.match(line), (command, line)


@pytest.mark.parametrize("name", [c.name or c.callback.__name__ for c in app.registered_commands])
def test_help_has_an_example_and_no_flag_with_a_type(name):
    for width in WIDTHS:
        said = shown(name, "-h", width=width)
        assert all(cell_len(line.rstrip()) <= width for line in said.splitlines())
        assert "…" not in said.replace("ID…", "")
    assert re.search(rf"Example: chimed {name}( |$)", said, re.M)
    assert "bool" not in said
    assert "--no-" not in said
    assert "-h" in said


def figures(text: str) -> list[str]:
    return re.findall(r"\d[\d,]*(?:\.\d+)?%?", text)


@pytest.mark.parametrize("command", [["stats", "b"], ["diff", "b", "c"], ["stats", "b", "--json"]])
def test_the_same_figures_stand_at_every_width(shop, monkeypatch, command):
    """Those of a narrow screen are in another order; nothing stands for 0 there."""
    monkeypatch.chdir(shop)
    wide = set(figures(shown(*command, width=200)))
    for width in (30, *WIDTHS):
        assert set(figures(shown(*command, width=width))) >= wide - {"0", "0.0"}, width


# --- the end of a build ----------------------------------------------------------------------


def test_the_end_of_a_build_is_one_screen(tmp_path, monkeypatch):
    """Of the bundled samples: 18 sources, of which four lose much while they are read."""
    monkeypatch.chdir(tmp_path)
    said = shown("build", "--out", "o")
    lines = said.splitlines()
    assert len(lines) <= 24  # of a terminal of 80 columns
    assert re.search(r"^ source +in +out +lost +share +most of it by", lines[0])
    assert re.search(r"^ all +327 +243 +84 +25\.7%", said, re.M)
    assert "Most was lost by:\n  8 read/no_answer  There is a question but no answer.\n" in said
    warning = (
        "lost more than a fifth while they were read: notes (25 %), preferences (23 %), ranked"
    )
    assert warning in " ".join(said.split())
    assert "243 of 327 records were kept (74.3%)" in said
    assert said.endswith("Next: chimed stats o\n")


def test_quiet_and_verbose(shop, monkeypatch):
    monkeypatch.chdir(shop)
    monkeypatch.setenv("CASES", str(shop))
    quiet = CliRunner().invoke(app, ["build", "r.yaml", "--out", "quiet", "-q"])
    assert (quiet.exit_code, quiet.stdout) == (0, "")
    assert quiet.stderr.startswith(f"source '{LONG}': 24 % was lost while it was read")
    verbose = shown("build", "r.yaml", "--out", "verbose", "-v", screen=False)
    stats = shown("stats", "verbose", screen=False)
    assert "Dropped, by rule" in stats
    assert verbose.startswith(stats)
    assert "loops: " in verbose
    assert "Next: chimed stats verbose" in verbose  # quiet was for one command
    assert CliRunner().invoke(app, ["validate", "verbose", "-q"]).output == ""
    assert CliRunner().invoke(app, ["validate", "file", "-q"]).stderr.startswith("chimed: ")


def test_warnings_are_short_where_they_are_many(monkeypatch, capsys):
    def told(count: int, width: int, screen: bool) -> str:
        monkeypatch.setattr(console.err, "_force_terminal", screen)
        monkeypatch.setenv("COLUMNS", str(width))
        warnings = [Warn(f"source {n} lost: {'why ' * 40}", f"{n} (30 %)") for n in range(count)]
        console.hush(False)
        progress = console.Followed(lambda *_: None, logs=False)
        closing.print_warnings(Path("o"), [*warnings, Warn("other")], progress, whole=False)
        return capsys.readouterr().err

    assert told(1, 120, True).count("why") == 40
    many = told(5, 80, True)
    assert "why why" not in many
    assert "0 (30 %), 1 (30 %), 2 (30 %), 3 (30 %), 4 (30 %)." in " ".join(many.split())
    assert "other" in many
    assert "chimed show o --rule read" in many
    assert told(5, 80, False).count("why") == 200


# --- recipes and paths -----------------------------------------------------------------------


def test_a_recipe_stands_first_or_behind_its_option(shop, monkeypatch):
    monkeypatch.chdir(shop)
    monkeypatch.setenv("CASES", str(shop))
    dry = [shown("build", *words, "--dry-run") for words in (["r.yaml"], ["--recipe", "r.yaml"])]
    assert dry[0] == dry[1]
    assert shown("preview", "r.yaml", "-n", "1") == shown(
        "preview", "--recipe", "r.yaml", "-n", "1"
    )
    said = shown("build", "r.yaml", "--recipe", "q.yaml", code=1, screen=False)
    assert said == "chimed: Two recipes were given, r.yaml and --recipe q.yaml: leave one out.\n"
    assert "A recipe is needed" in shown("generate", "--out", "g", code=2)


def test_home_and_variables_in_paths(shop, monkeypatch):
    monkeypatch.setenv("HOME", str(shop))
    monkeypatch.setenv("CASES", str(shop))
    monkeypatch.setenv("SHOP", str(shop))
    shown("build", "~/r.yaml", "--out=$SHOP/home")
    assert (shop / "home" / "manifest.json").exists()
    assert "is sound" in shown("validate", "~/home")
    assert (
        json.loads(shown("detect", "$SHOP/医案.jsonl", "--json"))[0]["path"] == f"{shop}/医案.jsonl"
    )
    manifest = json.loads((shop / "home" / "manifest.json").read_text("utf-8"))
    assert manifest["sources"][1]["path"] == "$CASES/医案.jsonl"  # it tells of no machine


@pytest.mark.parametrize(
    "address", ["https://x.org/$HOME/a", "hf://datasets/$HOME", "modelscope:$HOME/b"]
)
def test_what_a_variable_holds_is_not_sent_away(address):
    assert expanded(address) == address


def test_an_address_of_a_recipe_is_not_expanded(monkeypatch, tmp_path):
    import fsspec

    from chimed_datasets.sources.files.finding import stored

    monkeypatch.setenv("SECRET", "s3cr3t")
    fsspec.filesystem("memory").pipe("/$SECRET.csv", b"question,answer")
    (file,) = stored("memory://$SECRET.csv", tmp_path, (".csv",), fetch=False).files
    assert file.name == "$SECRET.csv"


# --- the program -----------------------------------------------------------------------------


def run(*command: str, **told: str) -> str:
    here = {**os.environ, "PYTHONPATH": str(ROOT), **told}
    return subprocess.run(command, env=here, capture_output=True, text=True, check=True).stdout


def test_python_m_is_the_same_program():
    assert run(sys.executable, "-m", "chimed_datasets", "--version").startswith("chimed-datasets ")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("chimed val", {"validate"}),
        ("chimed build --execut", {"--executor"}),
        ("chimed build --executor r", {"ray"}),
        ("chimed known cmexam", {"cmexam", "cmexam-hub"}),
        ("chimed export {b} --to tr", {"trl-kto"}),
        ("chimed show {b} --config s", {"sft"}),
        ("chimed show {b} --source c", {"cases"}),
        ("chimed show {b} --rule no_", {"no_answer"}),
        ("chimed show nowhere --config s", set()),
    ],
)
def test_the_tab_key(shop, typed, offered):
    words = typed.format(b=shop / "b")
    said = run(
        sys.executable, "-c", "from chimed_datasets.cli import app; app(prog_name='chimed')",
        _CHIMED_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1),
    )  # fmt: skip
    assert set(said.split()) == offered


def stopped(*_: object) -> None:
    raise KeyboardInterrupt


def one_kind(right: int) -> SimpleNamespace:
    return SimpleNamespace(stage="mask", kind="name", right=right, of=9)


OPENED = "chimed_datasets.built.dataset.open_built"
BELOW = "chimed_datasets.selftest.below"
CHECK = "chimed_datasets.detection.published.check"
STATUSES = [
    ("validate b", 0, None, None),
    ("stats b", 0, None, None),
    ("build r.yaml --dry-run", 0, None, None),
    ("detect 问答.jsonl", 0, None, None),
    ("selftest", 0, BELOW, lambda *_: []),
    ("known cmexam-hub --check", 0, CHECK, lambda *_: Look()),
    ("known nothing", 1, None, None),
    ("build none.yaml", 1, None, None),
    ("stats nowhere", 1, None, None),
    ("explain b none", 1, None, None),
    ("validate nowhere", 1, None, None),
    ("validate faulty", 1, None, None),
    ("validate faulty --json", 1, None, None),
    ("detect nowhere", 1, None, None),
    ("detect 问答.jsonl nowhere", 1, None, None),
    ("selftest", 1, BELOW, lambda *_: [(one_kind(1), one_kind(2))]),
    ("known cmexam-hub --check", 1, CHECK, lambda *_: Look(differences=["less"])),
    ("bild", 2, None, None),
    ("build --workers 0", 2, None, None),
    ("build --workers many", 2, None, None),
    ("build --no-such-option", 2, None, None),
    ("init r.yaml", 2, None, None),
    ("stats", 2, None, None),
    ("stats b --lang fr", 2, None, None),
    ("stats b", 130, OPENED, stopped),
]


@pytest.fixture(scope="module")
def faulty(shop) -> None:
    shutil.copytree(shop / "b", shop / "faulty")
    (shop / "faulty" / "README.md").write_text("x", "utf-8")


@pytest.mark.parametrize(("command", "code", "name", "stands_in"), STATUSES)
def test_exit_statuses(shop, faulty, monkeypatch, command, code, name, stands_in):
    monkeypatch.chdir(shop)
    monkeypatch.setenv("CASES", str(shop))
    if name:
        monkeypatch.setattr(name, stands_in)
        monkeypatch.setattr("chimed_datasets.selftest.measure", lambda *_: [])
    done = CliRunner().invoke(app, command.split(), env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    if code == 1 and name is None and "faulty" not in command:
        *__, line = done.stderr.splitlines()
        assert line.startswith("chimed: ")


def test_the_page_names_the_exit_statuses():
    statuses = re.findall(r"^\| (\d+) \|", PAGE.partition("## Where it goes")[0], re.M)
    assert [int(one) for one in statuses] == sorted({code for __, code, *___ in STATUSES})


# --- JSON ------------------------------------------------------------------------------------


PAGE = (ROOT / "docs" / "reference" / "output.md").read_text("utf-8")


def told_keys(command: str) -> set[str]:
    (cell,) = re.findall(rf"^\| `{command}` \| (.*) \|$", PAGE, re.M)
    plain = re.sub(r"\([^()]*\)", "", cell)
    return set(re.findall(r"`(\w+)`", plain))


def test_the_page_names_the_keys(shop, monkeypatch):
    monkeypatch.chdir(shop)
    record = an_id(shop / "b", "exact")
    (seen,) = json.loads(shown("detect", "问答.jsonl", "--json"))
    assert set(seen) == told_keys("detect")
    for words in (["stats", "b"], ["explain", "b", record], ["validate", "b"], ["diff", "b", "c"]):
        data = json.loads(shown(*words, "--json"))
        assert set(data) == told_keys(words[0]), words
    assert set(json.loads(shown("show", "b", "--json"))) == {"rows", "dropped"}
    assert len(json.loads(shown("known", "--json"))) > 20


def test_json_says_what_the_tables_say(shop, monkeypatch):
    monkeypatch.chdir(shop)
    data = json.loads(shown("stats", "b", "--json", width=40))
    assert data["sources"][LONG]["in"] == 1630
    assert data["sources"][LONG]["dropped"]["read"] == {"no_answer": 400}
    assert data["configs"]["sft"]["all"]["rows"] == data["sources"][LONG]["out"]
    story = json.loads(shown("explain", "b", an_id(shop / "b", "exact"), "--json"))
    assert story["ledger"]["rule"] == "exact"
    assert story["twin_text"]
    assert story["kept"]["texts"]
    told = json.loads(shown("diff", "b", "c", "--json"))
    assert {one["source"]: one["gone"] for one in told["sources"]}["cases"] == 0
    sound = json.loads(shown("validate", "b", "--json"))
    assert (sound["sound"], sound["complaints"]) == (True, [])


def test_a_build_with_a_fault_in_json(shop, tmp_path):
    shutil.copytree(shop / "b", tmp_path / "b")
    (tmp_path / "b" / "README.md").write_text("x", "utf-8")
    said = json.loads(shown("validate", str(tmp_path / "b"), "--json", code=1))
    assert said["sound"] is False
    assert said["complaints"]


# --- lines and tables ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("发热，头痛三天", 6, ["发热，", "头痛三", "天"]),
        ("发热头痛。咳嗽", 8, ["发热头", "痛。咳嗽"]),  # no line begins with 。
        ("甲（乙丙）丁", 4, ["甲", "（乙", "丙）", "丁"]),
        ("共16条记录", 5, ["共16", "条记", "录"]),
        ("丢失25%。", 6, ["丢失", "25%。"]),
        ("  in: 27", 80, ["  in: 27"]),
        ("  一二三四", 6, ["  一二", "  三四"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("read 3, deduplicate 12", 20, ["read 3,", "deduplicate 12"]),
        ("甲（23 %）、乙（38 %）", 20, ["甲（23 %）、乙", "（38 %）"]),
        ("stages.mask：未知", 11, ["stages.mas", "k：未知"]),
        ("共 1630 条", 4, ["共", "1630", "条"]),
        ("甲乙\n丙", 80, ["甲乙", "丙"]),
        ("", 80, [""]),
    ],
)
def test_where_a_line_is_broken(text, columns, lines):
    assert wrapped(text, columns) == lines


@pytest.mark.parametrize("columns", [1, 2, 3, 7, 40])
def test_nothing_is_lost_when_a_line_is_broken(columns):
    text = "共 1,630 条（read/no_answer）：Its text 的重复；甲乙丙" * 3
    ends = [0, *breaks(text, columns), len(text)]
    pieces = [text[a:b] for a, b in pairwise(ends)]
    assert "".join(pieces) == text
    assert all(cell_len(piece.rstrip()) <= max(columns, 2) for piece in pieces)


def test_a_table_without_room_becomes_names_and_values():
    table = Table(title="T")
    table.add_column("来源")
    table.add_column("读入", justify="right")
    table.add_column("why", justify="left")
    table.add_row("很长的中文来源名称", "1,234,567", "重复")
    table.add_row("b", "·", "")
    assert fitting.fits(table, 60)
    assert not fitting.fits(table, 20)
    assert [line.plain for line in fitting.lines_of(table, 20)] == [
        "很长的中文来源名称", "  读入: 1,234,567", "  why: 重复", "b",
    ]  # fmt: skip


@pytest.mark.parametrize("columns", range(24, 60))
def test_a_table_that_fits_breaks_no_name_and_no_full_stop(columns):
    table = Table(title="来源", box=box.SIMPLE_HEAD)
    table.add_column("config")
    table.add_column("行", justify="right")
    table.add_column("原因")
    table.add_row("preference", "1,234,567", "文本太短。没有回答。与另一条记录相同。")
    paper = Screen(file=io.StringIO(), force_terminal=True, width=columns, color_system=None)
    if not fitting.fits(table, columns):
        return
    paper.print(table)
    said = paper.file.getvalue()
    assert "preference" in said
    assert "1,234,567" in said
    for line in said.splitlines():
        assert cell_len(line.rstrip()) <= columns
        assert not NOT_FIRST.match(line)


def test_names_of_files_are_not_broken_where_they_have_room(monkeypatch, capsys):
    from chimed_datasets.cli import publish

    name = "preference/test-00000-of-00001.parquet"
    monkeypatch.setattr(console.out, "_force_terminal", True)
    for width, lines in ((80, 1), (40, 2)):
        monkeypatch.setenv("COLUMNS", str(width))
        publish.say_file(14067, name)
        said = capsys.readouterr().out
        assert len(said.splitlines()) == lines
        assert said.endswith(f"  {name}\n")


def test_a_tab_takes_columns(monkeypatch, capsys):
    monkeypatch.setattr(console.out, "_force_terminal", True)
    monkeypatch.setenv("COLUMNS", "20")
    console.say_all("患者\t管建军\t55岁\t脑出血后遗症")
    said = capsys.readouterr().out
    assert "\t" not in said
    assert all(cell_len(line) <= 20 for line in said.splitlines())


def test_bars_of_nothing_leave_no_line():
    """As of a recipe that is not there: the error is the first line."""
    paper = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with bars(paper):
        pass
    assert "\n" not in paper.file.getvalue()


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_fit(width):
    paper = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    with bars(paper) as progress:
        progress("read", 12, 345, 12_345_678)
        shown = Console(file=io.StringIO(), width=width)
        shown.print(progress.drawn.get_renderable())
    for line in shown.file.getvalue().splitlines():
        assert cell_len(line.rstrip()) <= width
        assert "12/345" in line
        assert "12,345,678" in line

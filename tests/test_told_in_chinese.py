"""What goes wrong is told in Chinese where Chinese is spoken, from whichever process it comes."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from chimed_datasets import lang
from chimed_datasets.cli import app
from chimed_datasets.errors import SourceError
from chimed_datasets.sources import layout, layouts
from chimed_datasets.sources.files import looks
from tests.common.files import write_jsonl
from tests.common.shop import shop_in
from tests.common.text import prose
from tests.test_cli_errors import COMMANDS

NEED_A_SITE = {"html", "warc"}
OWN = {
    "jsonl": {"fields": {"text": "t"}},
    "csv": {"fields": {"text": "t"}},
    "parquet": {"kind": "thread", "fields": {"question": "q", "answer": "a"}},
}
BROKEN = {
    "a PDF": b"%PDF-1.4\n" + b"\0\1" * 99,
    "a page": b"<!doctype html><html><title>404</title><body>x</body></html>",
    "bytes": bytes(range(256)) * 40,
    "a pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "nothing": b"",
    "other names": b'{"a": 1}\n{"a": 2}\n',
    "half an archive": b"\x1f\x8b\x08",
}
OF_OTHERS = (
    r"zlib inflate failed: [^）]*|Truncated compressed stream|Parquet [^）]*"
    r"|File is not a zip file|Start tag expected[^）]*|no line id=…|Expecting value|no question: expected one of [^）]*|not a valid \w+"
)
"""What libraries say, and evidence of rows: both are English in the ledger as well."""
NAMES = r"`[^`]*`|'[^']*'|chimed \w+ \S+|pip install \S+|[\w.-]+/[\w./-]+|\w+(?:\.\w+)+"


def english(said: str) -> list[str]:
    """Return the runs of three English words that a text holds, but for names and what is not
    ours to say."""
    bare = re.sub(f"{OF_OTHERS}|{NAMES}", "·", said)
    return re.findall(r"[A-Za-z]{2,}(?: [a-z]{2,}){2,}", bare)


def told(*words: str) -> str:
    done = CliRunner().invoke(app, ["--lang", "zh", *words], env={"COLUMNS": "1000"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


def recipe(folder: Path, **source: object) -> str:
    entry = {"name": "s", "license": "mit", "domain": "modern", **source}
    place = folder / "r.yaml"
    place.write_text(yaml.safe_dump({"name": "x", "sources": [entry]}), "utf-8")
    return str(place)


@pytest.mark.parametrize("key", sorted(set(layouts()) - NEED_A_SITE))
def test_a_broken_file_of_each_layout(tmp_path, monkeypatch, key):
    monkeypatch.chdir(tmp_path)
    suffix = layout(key).suffixes[0]
    for what, data in BROKEN.items():
        name = f"f{suffix}" + (".gz" if what == "half an archive" else "")
        Path(name).write_bytes(data)
        made = recipe(tmp_path, layout=key, path=name, **OWN.get(key, {}))
        said = told("build", made, "--dry-run")
        assert english(said) == [], (what, said)


def test_an_error_of_a_worker(tmp_path, monkeypatch):
    """A file whose beginning is sound: the first look at it finds nothing, the process that reads
    it does."""
    monkeypatch.chdir(tmp_path)
    rows = "".join(f'{{"t": "{prose(n, 40)}"}}\n'.replace("\n", "") + "\n" for n in range(4000))
    Path("f.jsonl.gz").write_bytes(gzip.compress(rows.encode())[:-4000])
    said = told(
        "build", recipe(tmp_path, layout="jsonl", path="f.jsonl.gz", fields={"text": "t"}),
        "--out", "o", "--workers", "2",
    )  # fmt: skip
    assert "数据源 's'：f.jsonl.gz：无法读取（" in said
    assert english(said) == []


def test_the_ledger_stays_english(tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    monkeypatch.chdir(tmp_path)
    Path("f.txt").write_bytes(BROKEN["a PDF"])
    told("build", recipe(tmp_path, layout="text", path="f.txt"), "--out", "o")
    (evidence,) = pq.read_table("o.ledger/dropped.parquet")["evidence"].to_pylist()
    assert evidence == "this is a PDF: layout pdf reads it"


def test_files_that_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d").mkdir()
    write_jsonl(Path("d/a.jsonl"), [{"t": prose(n, 60)} for n in range(3)])
    Path("d/b.xlsx").write_bytes(b"x")
    Path("d/c.abc").write_bytes(b"x")
    with zipfile.ZipFile("d/e.zip", "w") as out:
        out.writestr("in.rar", b"x")
        out.writestr("deep.zip", b"no archive")
    made = recipe(tmp_path, layout="jsonl", path="d", fields={"text": "t"})
    said = told("build", made, "--dry-run")
    assert "有 4 个文件没有读取" in said
    assert "c.abc（扩展名不在 .jsonl, .json, .ndjson 之列）" in said
    assert english(said) == []
    assert english(told("build", made, "--out", "o")) == []
    CliRunner().invoke(app, ["build", made, "--out", "p"])
    made = [json.loads(Path(out, "manifest.json").read_text("utf-8")) for out in ("o", "p")]
    assert made[0]["sources"] == made[1]["sources"]
    assert made[0]["sources"][0]["not_read"]["b.xlsx"] == "a workbook: layout csv reads its sheets"


def test_what_detect_finds_and_init_writes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, data in enumerate(BROKEN.values()):
        Path(f"{number}.csv").write_bytes(data)
    Path("t.csv").write_text("汇总,,\n" + "问,答\n甲,乙\n" * 9, "utf-8")
    Path("n.csv").write_text("a,b\n" + "".join(f"{prose(n, 9)},{n}\n" for n in range(9)), "utf-8")
    write_jsonl(Path("x.jsonl"), [{"input": prose(n, 9), "b": prose(-n, 9)} for n in range(30)])
    for path in sorted(Path().glob("*.*")):
        said = told("detect", path.name)
        assert english(said) == [], said
    told(
        "init", "x.jsonl", "n.csv", "0.csv", "--license", "mit", "--domain", "modern", "--out", "r"
    )
    assert english(Path("r").read_text("utf-8")) == []
    assert "没有采用 0.csv" in Path("r").read_text("utf-8")


def test_json_of_detect_is_for_programs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("question,answer\n甲,乙\n", "utf-8")
    assert '"a table parted by commas"' in told("detect", "a.csv", "--json")


# --- texts that were made in English -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.csv: there is no such file.", "a.csv：没有这个文件。"),
        ("source 's': b.zip: cannot be read (x).", "数据源 's'：b.zip：无法读取（x）。"),
        ("it reads all 17 rows looked at, with all their text", "检查的 17 行都能读取，文本没有遗漏"),
        ("a.csv: no column 't' (fields.text). Known: a, b.",
         "a.csv：没有列 't'（fields.text）。可选：a, b。"),
        ("a list of JSON from afar: layout jsonl", "a list of JSON from afar: layout jsonl"),
        ("no 'chosen or chosen_messages'; fields: a, b", "没有 'chosen or chosen_messages'；字段：a, b"),
        ("text", "text"),
        ("page one.csv", "page one.csv"),
        ("甲 乙: 丙", "甲 乙: 丙"),
        ("", ""),
    ],
)  # fmt: skip
def test_retold(text, said):
    with lang.speaking("zh"):
        assert lang.retold(text) == said
    assert lang.retold(text) == text


def test_a_shortened_text_is_retold_whole():
    whole = looks.look(BROKEN["a page"])
    assert whole is not None
    text = f"{whole.evidence[:70]}…{whole.evidence[-50:]}"
    with lang.speaking("zh"):
        assert lang.retold(text) == whole.told
        assert english(whole.told) == []


def test_everything_that_a_file_may_be_is_told():
    with lang.speaking("zh"):
        for head in BROKEN.values():
            found = looks.look(head)
            assert found is None or english(found.told) == []
        for ending in (".xlsx", ".abc", ".db", ".doc"):
            assert english(lang.retold(looks.why_not_read(ending, (".csv",)))) == []


def test_an_error_is_of_its_kind_still():
    error = SourceError("x", source="s", key="k")
    error.args = ("y",)
    assert (str(error), error.source, error.key) == ("y", "s", "k")


# --- every command -------------------------------------------------------------------------------

OF_SYSTEMS = re.compile(
    r"（(?:No such file or directory|File name too long)）|'utf-8' codec [^）]*"
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return shop_in(tmp_path_factory.mktemp("shop"))


def test_what_no_command_takes(shop, monkeypatch):
    monkeypatch.chdir(shop)
    for command in COMMANDS:
        words = command.split()
        if words[0] == "push":  # the folder stands first
            words = ["push", words[3], words[2], words[1]]
        said = OF_SYSTEMS.sub("", told(*words))
        assert english(said) == [], (command, said)


def test_what_comes_of_commands_that_end_well(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(shop)
    for command in (
        "build r.yaml --dry-run",
        f"build r.yaml --out {tmp_path}/o -v",
        f"build r.yaml --out {tmp_path}/o",
        f"export b --to jsonl --out {tmp_path}/e",
        "stats b",
        "validate b -v",
        "diff b b",
        "push b org/x --dry-run",
    ):
        said = told(*command.split())
        assert english(said) == [], (command, said)


# --- screens -------------------------------------------------------------------------------------


def test_the_words_of_typer_in_narrow_help():
    done = CliRunner().invoke(app, ["--lang", "zh", "init", "--help"], env={"COLUMNS": "40"})
    assert "[必填]" in done.output
    assert "required" not in done.output


@pytest.mark.parametrize(
    "line",
    [
        "bild", "no-such-command", "build --nope", "build --workrs 2", "explain", "push",
        "build --workers x", "build --limit 0", "show x --rule", "stats a b c", "build --log yaml",
        "--langg zh stats", "build --quiet=3", "stats --lang",
    ],
)  # fmt: skip
def test_what_typer_says_of_a_line(line):
    """In the frame stands a sentence of ours, in English one of typer."""
    done = CliRunner().invoke(app, line.split(), env={"COLUMNS": "300", lang.VARIABLE: "zh"})
    assert done.exit_code == 2
    assert re.search(r"│ .*[\u4e00-\u9fff].*│", done.output), done.output
    assert not english(done.output.replace("[OPTIONS] COMMAND [ARGS]", ""))
    plain = CliRunner().invoke(app, line.split(), env={"COLUMNS": "300", lang.VARIABLE: "en"})
    assert plain.exit_code == 2
    assert plain.output.isascii() or not re.search(r"[\u4e00-\u9fff]", plain.output)


def test_bars_are_as_wide_in_both():
    import io

    from rich.cells import cell_len
    from rich.console import Console

    from chimed_datasets.building.progress import PHASES, bars

    with lang.speaking("zh"):
        assert all(cell_len(lang.in_language(phase, "zh")) <= 8 for phase in PHASES)
        paper = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
        with bars(paper) as progress:
            progress("read", 1, 2, 30)
            progress("decide", 0, 1, 0)
            shown = Console(file=io.StringIO(), width=100)
            shown.print(progress.drawn.get_renderable())
    lines = shown.file.getvalue().splitlines()
    assert lines[0].startswith(f"读取{' ' * 5}")
    assert lines[1].startswith(f"判定{' ' * 5}")


def test_nothing_is_broken_in_a_pipe():
    """Evidence and reasons are one line each, however long."""
    here = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "chimed_datasets", "known", "cmb-exam"]
    wide = subprocess.run(command, env=here, capture_output=True, text=True, check=True).stdout
    assert max(map(len, wide.splitlines())) > 100
    heads = [line for line in wide.splitlines() if line.startswith("   ")]
    assert heads == []

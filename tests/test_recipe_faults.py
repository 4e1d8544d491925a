"""What is wrong with a recipe is told all at once: each fault by its line, with the mend."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from rich.cells import cell_len
from typer.testing import CliRunner

from chimed_datasets import Recipe, samples
from chimed_datasets.building import dry_run
from chimed_datasets.building.progress import Warn
from chimed_datasets.built.licences import doubt, is_id, nearest_id
from chimed_datasets.cli import app
from chimed_datasets.errors import Fault, RecipeError, SourceError, nearest, told
from chimed_datasets.recipe import load, parse
from chimed_datasets.recipe.schema import schema
from chimed_datasets.settings import marked

FAULTS = {
    "a mistyped key in place of a required one": (
        """\
sources:
  - name: qa
    layuot: qa_csv
    path: qa.csv
    license: mit
""",
        [(3, "source 'qa': unknown key 'layuot'. Did you mean 'layout'?")],
    ),
    "a mistyped top key, and what stands below it": (
        """\
sorces:
  - name: qa
    layout: qacsv
    path: qa.csv
""",
        [
            (1, "unknown key 'sorces'. Did you mean 'sources'?"),
            (3, "source 'qa': layout: unknown layout 'qacsv'. Did you mean 'qa_csv'?"),
            (2, "source 'qa': 'license' is missing. Say under which one it may be used"),
        ],
    ),
    "no licence, and an unknown key": (
        """\
sources:
  - name: qa
    layout: qa_csv
    path: qa.csv
    licens_e: mit
    encoding: gbk
""",
        [
            (5, "unknown key 'licens_e'. Did you mean 'license'?"),
            (6, "unknown key 'encoding'. Known: domain"),
        ],
    ),
    "two spellings of one key": (
        """\
sources:
  - name: qa
    layout: qa_csv
    path: qa.csv
    license: mit
    licence: cc-by-4.0
""",
        [(6, "'licence' and 'license' mean the same: keep one of them.")],
    ),
    "names in Chinese and with blanks": (
        """\
name: 内科
sources:
  - name: My Data
    layout: qa_csv
    path: qa.csv
    license: mit
""",
        [
            (1, "name: must have small Latin letters (a-z), digits, - and _ only"),
            (3, "or digit, such as my-data (got 'My Data')."),
        ],
    ),
    "values that are none of a few": (
        """\
sources:
  - name: qa
    layout: jsonl
    path: qa.jsonl
    license: mit
    domain: 外科
    origin: gpt
    kind: qa
""",
        [
            (6, "domain: must be tcm, modern or general (got '外科')."),
            (7, "origin: must be human or llm; did you mean 'llm'? (got 'gpt')."),
            (8, "kind: must be document, thread, dialogue or exam; did you mean 'thread'?"),
        ],
    ),
    "other words for keys": (
        """\
sources:
  - name: qa
    format: qa_csv
    file: qa.csv
    许可证: mit
""",
        [
            (3, "unknown key 'format'. Did you mean 'layout'?"),
            (4, "unknown key 'file'. Did you mean 'path'?"),
            (5, "unknown key '许可证'. Did you mean 'license'?"),
        ],
    ),
    "a layout of benchmarks among the sources, and the other way round": (
        """\
sources:
  - {name: a, layout: cmmlu, path: a.csv, license: mit}
benchmarks:
  - {name: b, layout: qa_csv, path: b.csv}
  - {name: c, layout: cmlu, path: c.csv}
""",
        [
            (2, "layout: unknown layout 'cmmlu'. 'cmmlu' is a layout of benchmarks"),
            (4, "benchmark 'b': layout: unknown layout 'qa_csv'. 'qa_csv' is a layout of sources."),
            (5, "benchmark 'c': layout: unknown layout 'cmlu'. Did you mean 'cmmlu'?"),
        ],
    ),
    "keys of two stages, and a stage": (
        """\
sources: [{name: a, layout: text, path: a, license: mit}]
stages:
  filter: {min_doc_chars: 5, max_run: 2}
  deduplicate:
    treshold: 0.9
    threshold: high
  mark: false
""",
        [
            (3, "stages.filter: unknown key 'min_doc_chars'. Did you mean 'min_document_chars'?"),
            (3, "stages.filter.max_run: must be 1 or less (got 2)."),
            (5, "stages.deduplicate: unknown key 'treshold'. Did you mean 'threshold'?"),
            (6, "stages.deduplicate.threshold: must be a number (got 'high')."),
            (7, "stages: unknown key 'mark'. Did you mean 'mask'?"),
        ],
    ),
    "a stage that is no mapping": (
        """\
sources: [{name: a, layout: text, path: a, license: mit}]
stages:
  split: 0.1
  deduplicate: [near]
""",
        [
            (3, "stages.split: expected a mapping of settings, got 0.1."),
            (4, "stages.deduplicate: expected a mapping of settings, got ['near']."),
        ],
    ),
    "builders": (
        """\
sources: [{name: a, layout: text, path: a, license: mit}]
builders:
  stf: {answers: some}
  preference: {pairs: best}
  unpaired: {}
""",
        [
            (3, "builders: unknown config 'stf'. Did you mean 'sft'?"),
            (3, "builders.stf.answers: must be best or all (got 'some')."),
            (4, "builders.preference.pairs: must be"),
            (5, "it has no settings of its own; set `builders: {preference: {unpaired: true}}`."),
        ],
    ),
    "a key that is like another, with what cannot be meant for it": (
        """\
sources: [{name: a, layout: alpaca, path: a.json, license: mit, fields: {question: q}}]
""",
        [(1, "source 'a': unknown key 'fields'. Did you mean 'files'? Known: domain,")],
    ),
    "names that stand twice": (
        """\
sources:
  - {name: a, layout: text, path: a, license: mit}
  - {name: a, layout: text, path: b, license: mit}
benchmarks:
  - {name: b, layout: mcq, path: a}
  - {name: b, layout: mcq, path: b}
""",
        [
            (3, "source 'a': name: the name 'a' is used twice, first by entry 1."),
            (6, "benchmark 'b': name: the name 'b' is used twice, first by entry 1."),
        ],
    ),
    "keys that stand twice, and more": (
        """\
seed: 1
seed: 2
sources:
  - name: a
    layout: text
    path: a
    path: b
    license: mit
    split: chapter
""",
        [
            (2, "the key 'seed' stands twice, first in line 1: keep one."),
            (7, "the key 'path' stands twice, first in line 6: keep one."),
            (9, "split: must be none, chapters or blank_lines; did you mean 'chapters'?"),
        ],
    ),
    "known names": (
        """\
sources:
  - known: huatuo26mlite
  - known: cmb-exan
    path: x
    domain: TMC
""",
        [
            (
                2,
                "there is no entry 'huatuo26mlite' among the sources. Did you mean 'huatuo26m-lite'?",
            ),
            (3, "there is no entry 'cmb-exan' among the sources. Did you mean 'cmb-exam'?"),
            (5, "domain: must be tcm, modern or general; did you mean 'tcm'? (got 'TMC')."),
        ],
    ),
    "a mapping in place of a list": (
        """\
sources:
  qa:
    layout: qa_csv
    path: qa.csv
""",
        [(1, "sources: must be a list: begin each of its entries with `- `")],
    ),
    "texts in place of mappings and lists": (
        """\
sources:
  - qa.csv
  - name: b
    layout: text
    path: [a.txt, b.txt]
    license: mit
    files: "*.txt"
stages: none
""",
        [
            (2, "sources, entry 1: must be a mapping: `key: value`"),
            (5, "source 'b': path: must be one text, not a list"),
            (7, "source 'b': files: must be a list, as [*.txt]"),
            (8, "stages: must be a mapping: `key: value`"),
        ],
    ),
    "what YAML takes for numbers and truth": (
        """\
name: 2024
sources:
  - name: on
    layout: text
    path: 1.5
    license: no
""",
        [
            (1, "name: must be text: put it in quotation marks (got 2024)."),
            (3, "name: must be text: put it in quotation marks (got True)."),
            (5, "path: must be text: put it in quotation marks (got 1.5)."),
            (6, "license: must be text: put it in quotation marks (got False)."),
        ],
    ),
    "empty values": (
        """\
sources:
  - name:
    layout:
    path: ""
    license: ""
""",
        [
            (2, "name: must be text, and nothing stands there."),
            (3, "layout: must be text, and nothing stands there."),
            (5, "license: must not be empty"),
        ],
    ),
    "no sources": (
        "name: a\nsources: []\nbenchmark: []\n",
        [
            (2, "sources: must not be empty"),
            (3, "unknown key 'benchmark'. Did you mean 'benchmarks'?"),
        ],
    ),
    "nothing but a name": (
        "name: a\n",
        [(None, "'sources' is missing. Say what the dataset is made of: `sources:`")],
    ),
    "sizes and seeds": (
        """\
seed: many
shard_size: big
ledger: {texts: some}
sources: [{name: a, layout: text, path: a, license: mit}]
""",
        [
            (1, "seed: must be a whole number (got 'many')."),
            (2, "shard_size: must be a number of bytes, or a size such as 256MiB or 1GB"),
            (3, "ledger.texts: must be all, sample or none"),
        ],
    ),
    "a mapping of fields": (
        """\
sources:
  - name: a
    layout: jsonl
    path: a.jsonl
    license: mit
    kind: thread
    fields: {question: 3}
    join: {with: b.jsonl, onn: id}
    where: score >
""",
        [
            (8, "join: unknown key 'onn'. Did you mean 'on'?"),
            (7, "fields.question: must be text: put it in quotation marks or a list (got 3)."),
        ],
    ),
    "conditions and targets": (
        """\
sources:
  - {name: a, layout: qa_csv, path: a, license: mit, strip: {frage: [x]}}
  - {name: b, layout: qa_csv, path: b, license: mit, where: "score >"}
""",
        [
            (2, "strip: unknown text 'frage'. Known: answer, question, title."),
            (3, "where: "),
        ],
    ),
    "sources that others name": (
        """\
sources: [{name: clinic, layout: text, path: a, license: mit}]
stages: {relevance: {sources: [clinics]}}
builders:
  preference:
    unpaired: {scores: {klinic: {high: 4}}}
""",
        [
            (2, "unknown source 'clinics'. Did you mean 'clinic'?"),
            (5, "unknown source 'klinic'. Did you mean 'clinic'?"),
        ],
    ),
    "a revision without a hub, and takedowns that are not there": (
        """\
sources:
  - {name: a, layout: text, path: a, license: mit, revision: main}
takedowns: none.txt
""",
        [(2, "revision: 'a' is no repository on a hub")],
    ),
    "takedowns that are not there": (
        """\
sources: [{name: a, layout: text, path: a, license: mit}]
takedowns: none.txt
""",
        [(2, "takedowns: there is no file")],
    ),
    "keys within keys": (
        """\
sources: [{name: a, layout: text, path: a, license: mit}]
builders:
  preference:
    unpaired: {mark: [adopted], scores: {a: {hi: 4}}}
    origins: {scored: {trimm: [1, 2]}}
""",
        [
            (4, "builders.preference.unpaired: unknown key 'mark'. Did you mean 'marks'? Known: "),
            (4, "unpaired.scores.a: unknown key 'hi'. Did you mean 'high'? Known: high, low."),
            (5, "origins.scored: unknown key 'trimm'. Did you mean 'trim'? Known: "),
        ],
    ),
    "code that may not run, and more": (
        """\
sources:
  - {name: a, layout: ./mine.py, path: a, license: mit, domain: 外科}
  - {name: b, layout: qa_csvv, path: b, license: mit}
stages:
  ./own.py: {}
  filter: {max_char: 5}
builders:
  ./config.py: {}
  sft: {answer: all}
""",
        [
            (None, "the recipe names code: layout './mine.py' would run "),
            (2, "source 'a': domain: must be tcm, modern or general (got '外科')."),
            (3, "source 'b': layout: unknown layout 'qa_csvv'. Did you mean 'qa_csv'?"),
            (6, "stages.filter: unknown key 'max_char'. Did you mean 'max_chars'?"),
            (9, "builders.sft: unknown key 'answer'. Did you mean 'answers'?"),
        ],
    ),
    "two sources of another form each": (
        """\
sources:
  - {name: a, layout: alpaca, path: a.json, license: mit, fields: {question: q}}
  - {name: b, layout: pdf, path: b.pdf, license: mit, pages: all}
  - {name: c, layout: no-such, path: c, license: mit, anything: 1}
""",
        [
            (2, "source 'a': unknown key 'fields'."),
            (3, "source 'b': pages: 'all' is no range of pages: write it as 5-300."),
            (4, "source 'c': layout: unknown layout 'no-such'. Known: "),
        ],
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_all_faults_are_told_with_their_lines(tmp_path, case):
    text, faults = FAULTS[case]
    path = tmp_path / "my.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(RecipeError) as caught:
        load(path)
    found = caught.value.faults
    for fault, (line, said) in zip(found, faults, strict=True):
        assert said in fault.told(), fault.told()
        assert fault.line == line, fault.told()
        assert len(fault.told()) < 1000
    whole = str(caught.value)
    assert whole.startswith(f"{path}: ")
    assert len(whole.splitlines()) == (1 if len(faults) == 1 else len(faults) + 1)
    for fault in found:
        assert fault.told(known=False) in whole


NO_YAML = {
    "a tab": ("sources:\n\t- name: a\n", 2, "Indent with blanks"),
    "a colon of Chinese text": (
        "sources:\n  - name：a\n    layout: text\n",
        3,
        "Line 2: behind a key write `: ` (a colon of ASCII and a blank), not `：`.",
    ),
    "no blank behind a colon": (
        "sources:\n  - name:a\n    layout: text\n",
        3,
        "Write a blank behind the colon",
    ),
    "a quotation mark": (
        'sources:\n  - name: "a\n    layout: text\n',
        4,
        "A quotation mark of line 2 is not closed.",
    ),
    "a bracket": (
        "sources:\n  - {name: a, layout: text\n  - {name: b}\n",
        3,
        "A bracket of line 2 is not closed",
    ),
    "a colon in a text": (
        "sources:\n  - name: a\n    path: x: y\n",
        3,
        "Put a text with a colon in it in quotation marks",
    ),
    "columns": (
        "sources:\n  - name: a\n   layout: text\n",
        3,
        "Let all keys of one entry",
    ),
}


@pytest.mark.parametrize("case", NO_YAML)
def test_what_is_no_yaml_is_told_with_its_line_and_a_mend(tmp_path, case):
    text, line, mend = NO_YAML[case]
    path = tmp_path / "my.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(RecipeError) as caught:
        load(path)
    said = str(caught.value)
    assert f"line {line}" in said
    assert mend in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("- name: a\n", "This is a list: write `sources:` above it"),
        ("name：a\n", "Line 1: behind a key write `: `"),
        ("name:a\n", "Behind each key write a colon and a blank."),
    ],
)
def test_a_file_that_is_no_mapping_says_what_to_do(tmp_path, text, mend):
    (tmp_path / "my.yaml").write_text(text, "utf-8")
    with pytest.raises(RecipeError, match=re.escape(mend)):
        load(tmp_path / "my.yaml")


def test_columns_are_told_where_a_line_holds_more():
    text = "sources: [{name: a,\n  layout: txet, path: a, license: mit}]\n"
    content = marked(text)
    with pytest.raises(RecipeError) as caught:
        parse(content.content, Path(), marked=content)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column) == (2, 3)
    assert "line 2, column 3: source 'a': layout: " in str(caught.value)


def test_the_command_line_prints_a_line_for_each(tmp_path):
    (tmp_path / "my.yaml").write_text(FAULTS["names that stand twice"][0], "utf-8")
    result = CliRunner().invoke(app, ["build", "--dry-run", "--recipe", str(tmp_path / "my.yaml")])
    assert result.exit_code == 1
    head, first, second = result.stderr.rstrip("\n").split("\n")
    assert head.endswith("my.yaml: 2 faults:")
    assert first.startswith("  line 3, column 6: source 'a': ")
    assert second.startswith("  line 6, column 6: benchmark 'b': ")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [40, 80])
def test_faults_fit_the_terminal(tmp_path, monkeypatch, language, width):
    monkeypatch.chdir(tmp_path)
    screen = {"COLUMNS": str(width), "TTY_COMPATIBLE": "1", "TERM": "xterm"}
    for case, (text, faults) in FAULTS.items():
        (tmp_path / "my.yaml").write_text(text, "utf-8")
        words = ["build", "my.yaml", "--dry-run", "--lang", language]
        said = CliRunner().invoke(app, words, env=screen).stderr
        lines = re.sub(r"\x1b\[[\d;]*m", "", said).splitlines()
        assert lines[0].startswith("chimed：" if language == "zh" else "chimed: "), case
        assert all(cell_len(line) <= width for line in lines), (case, lines)
        assert not [line for line in lines if re.match(r" *[，。、；：！？）”]", line)], case
        whole = re.sub(r"\s", "", "".join(lines))
        assert all(f"第{line}行" in whole for line, __ in faults if line) or language == "en", case


def test_faults_without_a_file_have_no_lines():
    with pytest.raises(RecipeError) as caught:
        Recipe(sources=[{"name": "a", "layout": "txt", "license": "mit"}], sede=3)
    assert [fault.line for fault in caught.value.faults] == [None, None]
    assert "source 'a': 'path' is missing." in str(caught.value)


def test_what_is_known_is_told_once():
    faults = [
        Fault(f"unknown key {key!r}.", "Known: a, b.", at=(key,), kind="unknown") for key in "xyz"
    ]
    assert told(faults, "f").count("Known: a, b.") == 1


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Qa-CSV", "qa_csv"),
        ("qacsv", "qa_csv"),
        ("TEXT", "text"),
        ("quite different", None),
        ("表格", "csv"),
    ],
)
def test_what_is_meant(word, meant):
    assert nearest(word, ["csv", "qa_csv", "text"], {"表格": "csv"}) == meant


def test_files_and_columns_that_are_not_there_are_told_together(tmp_path):
    (tmp_path / "a.csv").write_text("question,answer\n咳嗽怎么办？,多喝温水，注意休息。\n", "utf-8")
    head = "sources:\n"
    entry = "  - name: {}\n    layout: csv\n    license: mit\n    path: {}\n    kind: thread\n"
    text = head + entry.format("a", "none.csv") + entry.format("b", "nor/this")
    (tmp_path / "my.yaml").write_text(text, "utf-8")
    with pytest.raises(SourceError) as caught:
        dry_run(load(tmp_path / "my.yaml"))
    assert [(fault.line, fault.owner) for fault in caught.value.faults] == [
        (5, "source 'a'"),
        (10, "source 'b'"),
    ]
    fields = "    fields: {{question: {}, answer: answer}}\n"
    text = head + entry.format("a", "a.csv") + fields.format("quesion")
    text += entry.format("b", "a.csv") + fields.format("q")
    (tmp_path / "my.yaml").write_text(text, "utf-8")
    with pytest.raises(SourceError) as caught:
        dry_run(load(tmp_path / "my.yaml"))
    first, second = caught.value.faults
    assert (first.line, second.line) == (7, 13)
    assert "no column 'quesion' (fields.question). Did you mean 'question'?" in first.told()
    assert "no column 'q' (fields.question). Known: answer, question." in second.told()


def test_code_is_told_in_one_line_whatever_else_is_wrong():
    sources = [{"name": "a", "layout": "./mine.py", "path": "a", "license": "mit"}]
    content = {"sources": sources, "stages": {"./own.py": {}}, "builders": {"own.config": {}}}
    with pytest.raises(RecipeError) as caught:
        parse(content, Path("/r"), "my.yaml")
    (fault,) = caught.value.faults
    assert str(caught.value) == f"my.yaml: {fault.told()}"
    for would in ("layout './mine.py'", "stage './own.py'", "builder 'own.config'"):
        assert f"{would} would run " in fault.said
    assert "Nothing of it was run." in fault.said


@pytest.mark.parametrize("place", ["sources", "stages", "builders"])
def test_code_does_not_run_whatever_else_is_wrong(tmp_path, place):
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n", "utf-8")
    entry = {"name": "a", "layout": "text", "path": "a", "license": "mit", "wrong": 1}
    content = {"sources": [entry], "seed": "x", "stages": {"filtr": {}}, "builders": {"stf": {}}}
    if place == "sources":
        entry["layout"] = "./mine.py"
    else:
        content[place]["./mine.py"] = {}
    with pytest.raises(RecipeError, match="names code"):
        parse(content, tmp_path)
    assert not (tmp_path / "ran").exists()


def test_benchmarks_that_are_not_there_are_told_with_the_sources(tmp_path):
    text = """\
sources:
  - {name: a, layout: csv, path: none.csv, license: mit, kind: thread}
benchmarks:
  - {name: b, layout: cmmlu, path: nowhere}
  - name: c
    layout: mcq
    path: nor/this.json
"""
    (tmp_path / "my.yaml").write_text(text, "utf-8")
    with pytest.raises(SourceError) as caught:
        dry_run(load(tmp_path / "my.yaml"))
    assert caught.value.source == "a"
    assert [(fault.line, fault.owner) for fault in caught.value.faults] == [
        (2, "source 'a'"), (4, "benchmark 'b'"), (7, "benchmark 'c'"),
    ]  # fmt: skip
    assert "there is no such file or folder" in caught.value.faults[2].told()
    (tmp_path / "none.csv").write_text(
        "question,answer\n咳嗽怎么办？,多喝温水，注意休息。\n", "utf-8"
    )
    with pytest.raises(SourceError, match="benchmark 'b'") as caught:
        dry_run(load(tmp_path / "my.yaml"))
    assert caught.value.source is None
    (tmp_path / "my.yaml").write_text(text + "stages: {decontaminate: false}\n", "utf-8")
    dry_run(load(tmp_path / "my.yaml"), allow_empty=True)


def test_a_licence_that_is_no_id_is_named_by_a_build(tmp_path):
    (tmp_path / "a.txt").write_text(
        "第一章 发热\n发热的病人应当多饮水，注意休息，三天不退就去医院看病。\n", "utf-8"
    )
    text = "sources:\n  - {name: a, layout: text, path: a.txt, licence: Apache 2.0}\n"
    (tmp_path / "my.yaml").write_text(text, "utf-8")
    lines = dry_run(load(tmp_path / "my.yaml"))
    (line,) = [line for line in lines if isinstance(line, Warn)]
    assert line.startswith("line 2: source 'a': the licence 'Apache 2.0' is no SPDX id")
    assert line.endswith("Did you mean 'apache-2.0'?")


# --- other names -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "domain"),
    [("中医", "tcm"), ("西医", "modern"), ("TCM", "tcm"), ("通用", "general"), ("Western Medicine", "modern")],
)  # fmt: skip
def test_a_domain_in_other_words(word, domain):
    source = {"name": "a", "layout": "text", "path": "a", "licence": "mit", "domain": word}
    recipe = Recipe(sources=[source])
    assert (recipe.sources[0].domain, recipe.sources[0].license) == (domain, "mit")
    same = Recipe(sources=[source | {"domain": domain}])
    assert recipe.model_dump_json() == same.model_dump_json()


ROWS = {
    "alpaca": {"instruction": "咳嗽怎么办？", "input": "", "output": "多喝温水，注意休息。"},
    "belle": {"instruction": "咳嗽怎么办？", "input": "三天了", "output": "多喝温水，注意休息。"},
    "firefly": {"kind": "MedicalQA", "input": "咳嗽怎么办？", "target": "多喝温水，注意休息。"},
    "vicuna": {"conversations": [{"from": "human", "value": "咳嗽怎么办？"},
                                 {"from": "gpt", "value": "多喝温水，注意休息。"}]},
    "messages": {"messages": [{"role": "user", "content": "咳嗽怎么办？"},
                              {"role": "assistant", "content": "多喝温水，注意休息。"}]},
    "swift": {"query": "咳嗽怎么办？", "response": "多喝温水，注意休息。"},
}  # fmt: skip


@pytest.mark.parametrize("alias", ROWS)
def test_layouts_by_their_usual_names(tmp_path, alias):
    import chimed_datasets as chimed

    (tmp_path / "a.jsonl").write_text(json.dumps(ROWS[alias], ensure_ascii=False) + "\n", "utf-8")
    (record,) = chimed.read(alias, tmp_path / "a.jsonl")
    assert [message.role for message in record.messages] == ["user", "assistant"]
    assert record.messages[0].content.startswith("咳嗽怎么办？")
    assert record.messages[1].content == "多喝温水，注意休息。"
    source = {"name": "a", "layout": alias, "path": "a.jsonl", "license": "mit"}
    (made,) = parse({"sources": [source]}, tmp_path).sources
    assert made.layout in ("instruction", "jsonl", "sharegpt", "query_response")


# --- licences --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("Apache 2.0", "apache-2.0"),
        ("Apache License, Version 2.0", "apache-2.0"),
        ("apache2", "apache-2.0"),
        ("CC BY 4.0", "cc-by-4.0"),
        ("CC-BY", "cc-by-4.0"),
        ("Creative Commons Attribution 4.0 International", "cc-by-4.0"),
        ("知识共享署名 4.0", "cc-by-4.0"),
        ("CC0", "cc0-1.0"),
        ("MIT License", "mit"),
        ("GPLv3", "gpl-3.0"),
        ("公有领域", "public-domain"),
        ("cc by nc sa 4.0", "cc-by-nc-sa-4.0"),
        ("ours alone", None),
    ],
)
def test_the_nearest_licence(given, meant):
    assert not is_id(given)
    assert nearest_id(given) == meant
    assert (f"Did you mean {meant!r}?" in doubt(given)) == (meant is not None)


@pytest.mark.parametrize("given", ["mit", "MIT", "Apache-2.0", "not-stated", "GPL-3.0-only",
                                   "mit or apache-2.0", "LicenseRef-ours", "public-domain"])  # fmt: skip
def test_ids_are_not_doubted(given):
    assert doubt(given) == ""


# --- the schema ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validator():
    made = schema()
    jsonschema.Draft7Validator.check_schema(made)
    return jsonschema.Draft7Validator(made)


GOOD = [samples.RECIPE, *sorted(Path(__file__).parent.glob("recipes/*.yaml"))]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_the_schema_takes_good_recipes(validator, path):
    assert list(validator.iter_errors(yaml.safe_load(path.read_text("utf-8")))) == []


def test_the_schema_takes_other_names(validator):
    entry = {"name": "a", "layout": "firefly", "path": "a", "licence": "mit", "domain": "中 医"}
    code = {"name": "b", "layout": "./mine.py", "path": "b", "license": "mit", "own": 1}
    known = {"known": "huatuo26m-lite", "path": "x"}
    content = {"sources": [entry, code, known], "stages": {"./phrases.py": {}, "mask": False}}
    assert list(validator.iter_errors(content)) == []


BEYOND = {  # what only a look at several parts, or at files, can tell
    "names that stand twice", "keys that stand twice, and more", "conditions and targets",
    "sources that others name", "a revision without a hub, and takedowns that are not there",
    "takedowns that are not there",
}  # fmt: skip


@pytest.mark.parametrize("case", [case for case in FAULTS if case not in BEYOND])
def test_the_schema_refuses_wrong_recipes(validator, case):
    assert not validator.is_valid(marked(FAULTS[case][0]).content)


def test_the_schema_says_what_keys_mean(validator):
    own = validator.schema["properties"]
    assert "decides the splits" in own["seed"]["description"]
    entry = own["sources"]["items"]
    assert "SPDX" in entry["properties"]["license"]["description"]
    csv = next(
        one for one in entry["allOf"] if "csv" in str(one["if"]) and "qa_csv" not in str(one["if"])
    )
    assert "columns" in csv["then"]["properties"]["header"]["description"]
    assert own["stages"]["properties"]["filter"]["anyOf"][1]["properties"]["max_chars"][
        "description"
    ]


def test_the_command_prints_and_writes_the_schema(tmp_path, validator):
    printed = CliRunner().invoke(app, ["schema"])
    assert json.loads(printed.stdout) == validator.schema
    CliRunner().invoke(app, ["schema", "--out", str(tmp_path / "s.json")])
    assert (tmp_path / "s.json").read_text("utf-8") == printed.stdout

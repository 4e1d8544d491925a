"""From files to a chart in one command, with a tiny model: what a newcomer runs first."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import yaml

from chimed_datasets.building.run import build
from chimed_datasets.recipe import load
from tests.common.files import SCRIPTS, write_jsonl
from tests.common.text import prose

DEPARTMENTS = ("神经内科", "消化内科", "心血管内科", "呼吸内科", "骨科", "皮肤科")
STEMS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A user's folder: entries of an encyclopedia and threads; and a recipe over it."""
    folder = tmp_path_factory.mktemp("data")
    entries = [
        {"title": f"{STEMS[n // 20]}{STEMS[n % 20]}综合征",
         "text": f"病因：{prose(n, 20)}。\n就诊科室：{DEPARTMENTS[n % 6]}。"}
        for n in range(120)
    ]  # fmt: skip
    threads = [
        {"question": prose(3000 + n, 20), "answer": prose(4000 + n, 20 + n % 5), "dept": d}
        for n in range(60)
        for d in [DEPARTMENTS[n % 2]]
    ]
    write_jsonl(folder / "files" / "entries.jsonl", entries)
    write_jsonl(folder / "files" / "threads.jsonl", threads)
    (folder / "recipe.yaml").write_text(
        "name: first\nsources:\n"
        "  - {name: entries, layout: jsonl, path: DATA/files/entries.jsonl, license: mit,\n"
        "     kind: document, domain: modern, fields: {text: text, title: title}}\n"
        "  - {name: threads, layout: jsonl, path: DATA/files/threads.jsonl, license: mit,\n"
        "     kind: thread, fields: {question: question, answer: answer, department: dept}}\n"
        "stages: {filter: false, deduplicate: false, split: {validation: 0.05, test: 0.3}}\n",
        "utf-8",
    )
    return folder


def test_paths_of_a_recipe_lie_in_the_user_s_folder(script, data, tmp_path):
    first = script("first")
    made = first.recipe_for(data / "recipe.yaml", data, tmp_path / "out")
    read = yaml.safe_load(made.read_text("utf-8"))
    assert [one["path"] for one in read["sources"]] == [
        str(data / "files" / f"{name}.jsonl") for name in ("entries", "threads")
    ]
    with pytest.raises(SystemExit, match=r"entries.jsonl is not there: .* needs it for 'entries'"):
        first.recipe_for(data / "recipe.yaml", tmp_path, tmp_path / "out")


def test_a_model_is_cut_to_a_dataset_of_what_configs_it_has(script, data, tmp_path):
    first, make_model = script("first"), script("make_model")
    recipe = first.recipe_for(data / "recipe.yaml", data, tmp_path)  # no preference pair
    build(load(recipe), tmp_path / "dataset")
    texts = [*chain(*make_model.batches(str(tmp_path / "dataset"), None, 1000))]
    assert sum("综合征" in text or "病因" in text for text in texts) == 120
    assert len(texts) == 120 + 2 * 60


def test_what_is_there_is_not_made_again(script, monkeypatch, tmp_path):
    first, ran = script("first"), []
    monkeypatch.setattr(first.run_all, "run", ran.append)
    first.make(tmp_path / "new", ["a"])
    first.make(tmp_path, ["b"])
    assert ran == [["a"]]


@pytest.mark.parametrize(
    ("flags", "slow"), [("fma avx avx2", True), ("avx2 avx512_bf16", False), ("amx_bf16", False)]
)
def test_a_cpu_without_bf16_works_in_32_bits(script, monkeypatch, tmp_path, flags, slow):
    first = script("first")
    monkeypatch.setattr(first.shutil, "which", lambda name: None)
    (tmp_path / "cpuinfo").write_text(f"flags\t\t: {flags}\n", "utf-8")
    wanted = ["evaluate.dtype=float32", "stages.cpt.bf16=false"] if slow else []
    assert first.precision({"cpt": {}}, tmp_path / "cpuinfo") == wanted


def results():
    def row(model, probe, accuracy, **more):
        about = {"model": model, "probe": probe, "n": 355, "prior alone": [0.4]}
        return {**about, "accuracy": [accuracy, accuracy - 0.05, accuracy + 0.05], **more}

    gain = {"over the first, paired": [0.1, 0.04, 0.16], "McNemar p": 0.001}
    return [
        row(model, probe, 0.5 + 0.1 * (model == "cpt"), **(gain if model == "cpt" else {}))
        for model in ("base", "cpt")
        for probe in ("chimed_department", "chimed_department_form")
    ]


def test_the_gain_is_told_with_its_interval(script):
    lines = script("first").told(results()).splitlines()
    assert lines[0] == (
        "in words never trained: 50.0 % -> 60.0 % of 355, gain +10.0 points [+4.0, +16.0], "
        "McNemar p = 0.001; the most frequent option alone: 40.0 %"
    )
    assert lines[1].startswith("in the form of the entries: ")


def test_the_chart_is_a_picture(script, tmp_path):
    script("first").chart(results(), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chimed"), reason="the library is not installed")
def test_one_command_goes_from_files_to_a_chart(data, tiny, tmp_path):
    """As a newcomer types it, in processes of its own; a second time it makes nothing anew."""
    command = [
        sys.executable, str(SCRIPTS / "first.py"), str(data), "--recipe", str(data / "recipe.yaml"),
        "--model", str(tiny), "--out", str(tmp_path / "first"), "stages.cpt.max_steps=2",
        "stages.cpt.bf16=false", "evaluate.dtype=float32",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "in words never trained: " in done.stdout
    assert "points [" in done.stdout
    out = tmp_path / "first"
    assert (out / "before-and-after.png").read_bytes().startswith(b"\x89PNG")
    page = (out / "results.md").read_text("utf-8")
    for told in ("- command: `", "- commit: `", "fingerprint ", "- log: `", "| cpt | 2 |"):
        assert told in page
    assert "| base | chimed_department | " in page
    assert "+ " in (out / "log.txt").read_text("utf-8")
    built = (out / "dataset" / "manifest.json").stat().st_mtime_ns
    steps = json.loads((out / "cpt" / "training.json").read_text("utf-8"))
    again = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert again.returncode == 0
    assert " build " not in again.stdout
    assert (out / "dataset" / "manifest.json").stat().st_mtime_ns == built
    assert json.loads((out / "cpt" / "training.json").read_text("utf-8")) == steps

"""Tasks of lm-eval are written from the registry: address, commit and licence are its entries'."""

from __future__ import annotations

import re

import pytest
import yaml

from chimed_datasets import known
from docs import task_files
from tests.common.files import SCRIPTS

TASKS = SCRIPTS / "tasks"
SCRIPTED = {"haonan-li/cmmlu", "lmlmcat/cmmlu", "FreedomIntelligence/CMB", "shibing624/medical"}
"""Repositories with a loading script, which `datasets` does not run: only their files are named."""


@pytest.mark.parametrize("name", task_files.ASKED)
def test_a_task_file_is_that_of_the_registry(name):
    mend = "python docs/task_files.py"
    assert (TASKS / f"{name}.yaml").read_text("utf-8") == task_files.text(name), mend


def test_every_task_but_that_of_one_s_own_files_is_of_the_registry():
    written = {path.stem for path in TASKS.glob("[a-z]*.yaml")}
    assert written - {"mcq"} == task_files.ASKED.keys()


@pytest.mark.parametrize("name", task_files.ASKED)
def test_no_task_names_a_loading_script_and_each_names_a_commit(name):
    config = yaml.safe_load(re.sub("!function", "", task_files.text(name)))
    assert config["dataset_path"] in {"csv", "json", "parquet"}
    assert config["dataset_path"] not in SCRIPTED
    task = task_files.ASKED[name]
    entry = known.entry(task.kind, task.entry)
    if entry.path is not None:
        assert re.fullmatch("[0-9a-f]{40}", config["metadata"]["revision"])
    for member in config["task"]:
        files = member["dataset_kwargs"]["data_files"]
        assert set(files) >= {task.asked}
        for file in files.values():
            assert entry.path is None or entry.revision in file


def test_a_task_without_a_commit_says_so():
    assert "No commit of theirs is known." in task_files.text("mlecqa")
    assert "revision" not in yaml.safe_load(task_files.text("mlecqa"))["metadata"]

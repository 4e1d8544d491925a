"""Every task file asks what its publisher's files hold: lm-eval itself loads each, from the very
addresses in the file (a Hub on this machine answers), and from local files with --data-dir."""

from __future__ import annotations

import functools
import shutil
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs import task_files
from tests.common.files import SCRIPTS, write_jsonl
from tests.known import make
from tests.known.hub_server import put_form, served_hub

TASKS = SCRIPTS / "tasks"
FORM = {
    "ceval": ("ceval-medical-parquet", {"clinical_medicine"}, 1),
    "cmb": ("cmb-exam", {"exam"}, 1),
    "cmexam": ("cmexam-test", {"exam"}, 2),
    "cmmlu": ("cmmlu-medical", {"anatomy"}, 2),
    "medqa": ("medqa-zh-parquet", {"mainland"}, 2),
    "mlecqa": ("mlec-qa-test", {"TCM", "Stomatology"}, 2),
}
"""Task -> the published form of its files, subjects of which it has all files, their questions."""


@pytest.fixture(autouse=True)
def own_caches(tmp_path, monkeypatch):
    """`datasets` keeps what it reads by address: another test's file may have had the same one."""
    for name in ("HF_DATASETS_CACHE", "DOWNLOADED_DATASETS_PATH"):
        monkeypatch.setattr(f"datasets.config.{name}", str(tmp_path / "cache"), raising=False)
    monkeypatch.setattr("datasets.config.EXTRACTED_DATASETS_PATH", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def loaded(tasks: Path, name: str) -> list[Any]:
    """The subjects that lm-eval loads of a file of tasks, by the file's own words alone."""
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(tasks), include_defaults=False)
    return list(manager.load([f"chimed_{name}"])["tasks"].values())


def asked(task: Any) -> list[tuple[str, list[str], str]]:
    docs = task.test_docs() if task.has_test_docs() else task.validation_docs()
    return [(d["question"], list(d["options"]), d["choices"][d["answer"]].strip()) for d in docs]


def agree(tasks: list[Any], form: str, questions: int) -> None:
    """All questions of these subjects are asked, each as the form's own key has it."""
    found = [question for task in tasks for question in asked(task)]
    told = [
        (one["stem"], list(one["options"].values()), "".join(sorted(one["answers"])))
        for one in make.wanted(form)
        if one["answers"]
    ]
    assert len(found) == questions
    assert [one for one in found if one not in told] == []


@pytest.fixture(autouse=True)
def online(monkeypatch) -> None:
    """The servers are of this machine, whatever the environment says of the Hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)


@pytest.fixture
def site(tmp_path) -> Iterator[tuple[Path, str]]:
    """A folder, and where a server gives its files."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def own_tasks(folder: Path, name: str, subjects: set[str], *changes: tuple[str, str]) -> Path:
    """Copy a task's file with those subjects alone: lm-eval loads all that a group has."""
    folder.mkdir()
    for shared in ("_common.yaml", "questions.py"):
        shutil.copy(TASKS / shared, folder / shared)
    text = (TASKS / f"{name}.yaml").read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    content = yaml.safe_load(text)
    content["task"] = [one for one in content["task"] if one["task"] in subjects]
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return folder


@pytest.mark.parametrize("name", ["ceval", "cmb", "cmmlu", "medqa"])
def test_lm_eval_loads_a_task_from_the_address_in_its_file(name, tmp_path, monkeypatch, script):
    form, subjects, questions = FORM[name]
    tasks = own_tasks(tmp_path / "tasks", name, subjects)
    revision = yaml.safe_load(task_files.text(name))["metadata"]["revision"]
    with served_hub(monkeypatch) as hub:
        monkeypatch.setattr("datasets.config.HF_ENDPOINT", hub.endpoint)
        put_form(hub, form, tmp_path / form)
        repo = hub.repos[make.form(form)["repository"].removeprefix("huggingface:")]
        repo.branches[revision] = repo.branches.pop("main")  # nothing lies anywhere else
        agree(loaded(tasks, name), form, questions)


def test_lm_eval_loads_cmexam_from_the_commit_on_github(tmp_path, site, script):
    folder, address = site
    form, subjects, questions = FORM["cmexam"]
    revision = yaml.safe_load(task_files.text("cmexam"))["metadata"]["revision"]
    make.lay_out(form, folder / "williamliujl" / "CMExam" / revision)
    github = ("https://raw.githubusercontent.com", address)
    tasks = own_tasks(tmp_path / "tasks", "cmexam", subjects, github)
    agree(loaded(tasks, "cmexam"), form, questions)


def test_lm_eval_loads_mlec_qa_from_the_folder_that_its_file_names(
    tmp_path, monkeypatch, capsys, script
):
    form, subjects, questions = FORM["mlecqa"]
    unpacked(form, tmp_path, tmp_path / "mlec-qa")
    tasks = own_tasks(tmp_path / "tasks", "mlecqa", subjects)
    monkeypatch.chdir(tmp_path)
    agree(loaded(tasks, "mlecqa"), form, questions)
    assert "1 of 2 questions are left out: a picture is needed 1" in capsys.readouterr().err


def unpacked(form: str, folder: Path, target: Path) -> None:
    """Lay a form out as its user has it: what is in an archive is unpacked, by its file's name."""
    make.lay_out(form, folder / "published")
    for path in sorted((folder / "published").rglob("*")):
        if path.suffix == ".zip":
            zipfile.ZipFile(path).extractall(target)


LOCAL = {
    "ceval": ("ceval-medical", "ceval", 2),
    "cmexam": ("cmexam-test", "", 2),
    "cmmlu": ("cmmlu-medical", "cmmlu", 3),
    "mlecqa": ("mlec-qa-test", "mlec-qa", 2),
    "cmb": ("cmb-exam", "", 1),
    "medqa": ("medqa-zh", "", 1),
}


@pytest.mark.parametrize("name", LOCAL)
def test_lm_eval_loads_a_task_from_local_files(name, tmp_path, script):
    from lm_eval.tasks import TaskManager

    form, folder, questions = LOCAL[name]
    data = tmp_path / "data"
    if folder:
        unpacked(form, tmp_path, data / folder)
    else:
        make.lay_out(form, data)
    if name == "cmexam":
        (data / "data").rename(data / "cmexam")
    if name == "medqa":
        unpacked(form, tmp_path, tmp_path / "zip")
        (data / "medqa").mkdir()
        four = tmp_path / "zip" / "data_clean" / "questions" / "Mainland" / "4_options"
        shutil.copy(four / "test.jsonl", data / "medqa" / "test.jsonl")
    configs = [config for _, config in script("mcq").subjects(name, data)]
    assert configs
    tasks = TaskManager(include_defaults=False).load(configs)["tasks"]
    agree(list(tasks.values()), form, questions)


def test_several_right_answers_are_a_set_of_letters(tmp_path, script):
    """The likeliest set is the answer: each ends a line, so that none is the beginning of another."""
    from lm_eval.tasks import TaskManager

    mcq = script("mcq")
    rows = [
        {"question": "属于辛温解表药的是", "options": dict(zip("ABC", ("麻黄", "桂枝", "薄荷"), strict=True)), "answer": "BA"},
        {"question": "属于辛凉解表药的是", "options": dict(zip("ABC", ("麻黄", "桂枝", "薄荷"), strict=True)), "answer": "C"},
    ]  # fmt: skip
    write_jsonl(tmp_path / "own.jsonl", rows)
    for form, wanted in (("letter", ["AB\n", "C"]), ("text", ["薄荷"])):
        configs = [config for _, config in mcq.subjects("mcq", tmp_path, form)]
        task = next(iter(TaskManager(include_defaults=False).load(configs)["tasks"].values()))
        docs = list(task.test_docs())
        assert [task.doc_to_choice(doc)[task.doc_to_target(doc)] for doc in docs] == wanted
        if form == "letter":
            assert task.doc_to_choice(docs[0]) == ["AB\n", "AC\n", "BC\n", "ABC\n"]
            told = [task.doc_to_text(doc) for doc in docs]
            assert ["（多选）" in text for text in told] == [True, False]

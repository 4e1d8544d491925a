"""make_probes.py on a small build: what is asked, what is not, and lm-eval reads it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from datasets import load_dataset

from chimed_datasets.building.run import build
from chimed_datasets.recipe import load
from tests.common.files import read_jsonl, write_jsonl
from tests.common.text import prose

DEPARTMENTS = ("神经内科", "消化内科", "心血管内科", "呼吸内科", "骨科", "皮肤科")
HERBS = [
    "人参",
    "白术",
    "茯苓",
    "甘草",
    "黄芪",
    "当归",
    "川芎",
    "熟地",
    "白芍",
    "陈皮",
    "半夏",
    "柴胡",
    "桂枝",
    "麻黄",
    "杏仁",
    "石膏",
]
TASKS = ("department", "department_form", "formula", "formula_new", "answer")
DISEASE = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"


def composition(n: int) -> str:
    return "、".join(random.Random(n).sample(HERBS, 4))


def formula(n: int) -> str:
    return f"{DISEASE[n % 20]}{DISEASE[n // 20]}和中汤"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Diseases of six departments; herbs; formulas in five books each, others in one; threads."""
    folder = tmp_path_factory.mktemp("probed")
    modern = [
        {"title": f"{DISEASE[n // 20]}{DISEASE[n % 20]}综合征",
         "text": f"病因：{prose(n, 20)}。\n就诊科室：{DEPARTMENTS[n % 6]}。"}
        for n in range(120)
    ]  # fmt: skip
    classic = [{"title": h, "book": "本草", "text": f"味甘，微温。{prose(500 + n, 30)}"}
               for n, h in enumerate(HERBS)]  # fmt: skip
    for n in range(100):
        for book in range(5 if n < 30 else 1):
            text = f"{composition(n)}。{prose(1000 + 10 * n + book, 40)}"
            classic.append({"title": formula(n), "book": f"方书{book}", "text": text})
    threads = [
        {"question": prose(3000 + n, 20), "answer": prose(4000 + n, 20 + n % 5), "dept": d}
        for n in range(100)
        for d in [DEPARTMENTS[n % 2]]
    ]
    for name, rows in (("modern", modern), ("classic", classic), ("threads", threads)):
        write_jsonl(folder / f"{name}.jsonl", rows)
    (folder / "recipe.yaml").write_text(
        "name: probed\nsources:\n"
        "  - {name: modern, layout: jsonl, path: modern.jsonl, license: mit, kind: document,\n"
        "     domain: modern, fields: {text: text, title: title}}\n"
        "  - {name: classic, layout: jsonl, path: classic.jsonl, license: mit, kind: document,\n"
        "     domain: tcm, fields: {text: text, title: title, book: book}}\n"
        "  - {name: threads, layout: jsonl, path: threads.jsonl, license: mit, kind: thread,\n"
        "     fields: {question: question, answer: answer, department: dept}}\n"
        "stages: {filter: false, deduplicate: false, split: {validation: 0, test: 0.3}}\n",
        "utf-8",
    )
    build(load(folder / "recipe.yaml"), folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def probes(run, built, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("probes")
    run("make_probes", "--dataset", built, "--out", folder)
    return folder


def items(probes: Path, name: str) -> list[dict]:
    return read_jsonl(probes / f"chimed_{name}.jsonl")


def test_every_item_has_four_options_and_one_is_right(probes):
    told = json.loads((probes / "probes.json").read_text("utf-8"))["probes"]
    for name in TASKS:
        own = items(probes, name)
        assert len(own) == told[f"chimed_{name}"]["n"] > 4, name
        assert all(len(set(one["options"])) == 4 for one in own)
        assert all(0 <= one["answer"] < 4 for one in own)
        assert told[f"chimed_{name}"]["prior"] == pytest.approx(
            sum(one["prior"] for one in own) / len(own), abs=1e-4
        )


def test_departments_are_of_diseases_that_no_training_row_names(probes, built):
    train = "\n".join(load_dataset(str(built), "pretrain", split="train")["text"])
    held = {row["title"]: row["text"] for row in load_dataset(str(built), "pretrain", split="test")}
    hard = 0
    for one in items(probes, "department"):
        disease = one["group"]
        assert disease not in train
        assert f"就诊科室：{one['options'][one['answer']]}" in held[disease]
        assert one["context"] == f"患者得了{disease}，应当挂号的科室是"
        hard += one["hard"]
        if one["hard"]:
            assert {option[-2:] for option in one["options"]} == {"内科"}
    assert hard > 2
    forms = [one["context"] for one in items(probes, "department_form")]
    assert all(form.endswith("\n就诊科室：") for form in forms)


def test_formulas_are_those_of_several_training_books_or_of_none(probes, built):
    rows = load_dataset(str(built), "pretrain", split="train")
    train = "\n".join(rows["text"])
    books = {}
    for row in rows:
        books.setdefault(row["title"], set()).add(json.loads(row["metadata"]).get("book"))
    for one in items(probes, "formula"):
        assert len(books[one["group"]]) >= 3
    for one in items(probes, "formula_new"):
        assert one["group"] not in train
    known = set(HERBS) & books.keys()  # herbs that a training row tells of
    lists = {formula(n): composition(n) for n in range(100)}
    for name in ("formula", "formula_new"):
        for one in items(probes, name):
            sizes = [len(option.split("、")) for option in one["options"]]
            right = [herb for herb in lists[one["group"]].split("、") if herb in known]
            assert one["options"][one["answer"]].split("、") == right
            assert all(abs(size - len(right)) <= 1 for size in sizes)


def test_replies_are_of_one_length_and_department(probes, built):
    rows = list(load_dataset(str(built), "sft", split="test"))
    by_reply = {row["messages"][1]["content"]: row for row in rows}
    own = items(probes, "answer")
    assert len({one["group"] for one in own}) == len(own)
    for one in own:
        told = [by_reply[option] for option in one["options"]]
        assert len({row["department"] for row in told}) == 1
        right = told[one["answer"]]
        assert right["thread_id"] == one["group"]
        assert one["context"] == f"{right['messages'][0]['content']}\n回答："


def test_the_same_seed_asks_the_same(run, built, probes, tmp_path):
    run("make_probes", "--dataset", built, "--out", tmp_path)
    for path in probes.glob("*.jsonl"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_training_rows_are_never_asked(run, built, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run("make_probes", "--dataset", built, "--out", tmp_path, "--splits", "train")
    assert "no probe of knowledge" in capsys.readouterr().err


def test_lm_eval_asks_them(probes, script, tiny):
    """By its own command's way: the group is found, and each item gets its four likelihoods."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    scorer = script("evaluate").Scorer(str(tiny), "float32", 512)
    manager = TaskManager(include_path=str(probes), include_defaults=False)
    found = simple_evaluate(
        model=HFLM(scorer.model, tokenizer=scorer.tokenizer, batch_size=4),
        tasks=["chimed_probes"], task_manager=manager, limit=2, bootstrap_iters=0,
    )  # fmt: skip
    assert set(found["samples"]) == {f"chimed_{name}" for name in TASKS}
    for samples in found["samples"].values():
        assert all(len(sample["filtered_resps"]) == 4 for sample in samples)


def test_herbs_are_read_in_their_order(script):
    herbs_of = script("make_probes").herbs_of
    assert herbs_of("白术、人参各三钱，炙甘草", {"人参", "白术", "甘草", "炙甘草"}) == [
        "白术", "人参", "炙甘草",
    ]  # fmt: skip

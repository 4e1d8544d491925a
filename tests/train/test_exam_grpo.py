"""GRPO learns over the config `exam`, with the rule reward."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from chimed_datasets.building.run import build
from chimed_datasets.recipe import load
from tests.common.exams import ACTS, HERBS


@pytest.fixture(scope="module")
def exam(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exam")
    rows = [
        {
            "question": f"{herb}的主要功效是",
            "options": {a: ACTS[(n + k) % len(ACTS)] for k, a in enumerate("ABCD")},
            "answer": "AB"[: 1 + n % 2],
            "image": "a.png" if n == 11 else "",
        }
        for n, herb in enumerate(HERBS)
    ]
    (folder / "exam.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    source = {
        "name": "e",
        "layout": "exam",
        "path": "exam.json",
        "license": "x",
        "images": "mark",
    }
    split = {"split": {"validation": 0, "test": 0}}
    content = yaml.safe_dump({"sources": [source], "stages": split}, allow_unicode=True)
    (folder / "recipe.yaml").write_text(content, "utf-8")
    build(load(folder / "recipe.yaml"), folder / "built")
    return folder / "built"


def test_two_steps_over_exam_items(train, script, tiny, exam, tmp_path, monkeypatch):
    grpo, seen = script("grpo"), []
    real = grpo.exam_reward

    def exam_reward(completions, **columns):
        rewards = real(completions=completions, **columns)
        seen.append((len(completions), columns["answer"], columns["answer_type"], rewards))
        return [float(n % 2) for n in range(len(rewards))]  # a random model is never right

    monkeypatch.setattr(grpo, "exam_reward", exam_reward)
    out = train("grpo", tmp_path / "grpo", model_name_or_path=tiny, dataset_name=exam, exam=True)
    assert json.loads((out / "training.json").read_text("utf-8"))["steps"] == 2
    assert len(seen) == 2
    for count, answers, kinds, rewards in seen:
        assert count == len(answers) == len(rewards) == 2  # both of one question
        assert {("A", "single"), ("AB", "multiple")} >= set(zip(answers, kinds, strict=True))
        assert set(rewards) <= {0.0, 1.0}
    refused = (out / "refused.jsonl").read_text("utf-8").splitlines()
    assert len(refused) == 1
    assert "needs a picture" in refused[0]
    before, after = ((p / "model.safetensors").read_bytes() for p in (tiny, out))
    assert before != after

"""KTO on single replies: two steps, what it is trained on, and the rows that it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from datasets import load_dataset

from chimed_datasets.building.run import build
from chimed_datasets.recipe import load
from tests.common.files import read_jsonl, write_jsonl
from tests.common.text import prose

END = "<eos>"


def made(folder: Path, low: int | None = 3, reasoning: str = "inline") -> Path:
    """Build scored replies, one to a prompt; every second good one has a trace."""
    scored = []
    for n in range(24):
        think = f"<think>{prose(53_000 + n, 15)}</think>" if n % 4 == 1 else ""
        reply = {"text": think + prose(51_000 + n, 20), "score": 1 + 8 * (n % 2)}
        scored.append({"prompt": prose(50_000 + n, 12), "responses": [reply]})
    write_jsonl(folder / "scored.jsonl", scored)
    bounds = {"high": 8} | ({} if low is None else {"low": low})
    content = {
        "name": "small",
        "sources": [
            {"name": "scored", "layout": "scored", "path": "scored.jsonl", "license": "mit"}
        ],
        "stages": {"split": {"validation": 0, "test": 0}},
        "builders": {
            "preference": {"unpaired": {"scores": {"scored": bounds}}, "reasoning": reasoning}
        },
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    build(load(folder / "recipe.yaml"), folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("labelled"))


@pytest.fixture
def batches(script, monkeypatch) -> list[dict]:
    """What the trainer is given at each step."""
    kto, seen = script("kto"), []

    class Seeing(kto.KTOTrainer):
        def compute_loss(self, model, inputs, *args, **kwargs):
            seen.append({name: value.clone() for name, value in inputs.items()})
            return super().compute_loss(model, inputs, *args, **kwargs)

    monkeypatch.setattr(kto, "KTOTrainer", Seeing)
    return seen


def test_kto_steps_on_replies_and_their_labels(train, batches, labelled, script, tiny, tmp_path):
    out = train("kto", tmp_path / "kto", model_name_or_path=tiny, dataset_name=labelled)
    told = json.loads((out / "training.json").read_text("utf-8"))
    assert told["steps"] == 2
    assert told["first_loss"] == pytest.approx(0.5, abs=1e-3)  # model = reference
    assert (out / "model.safetensors").exists()
    assert read_jsonl(out / "refused.jsonl") == []
    tokenizer = script("common").load_tokenizer(str(tiny))
    rows = load_dataset(str(labelled), "unpaired", split="train")
    known = {(row["completion"][0]["content"], row["label"]) for row in rows}
    assert any(text.startswith("<think>\n") for text, _ in known)
    assert len(batches) == 2
    for batch in batches:
        for ids, mask, label in zip(
            batch["input_ids"], batch["completion_mask"], batch["label"], strict=True
        ):
            said = tokenizer.decode(ids[mask.bool()]).removesuffix(f"{END}\n")
            assert (said, bool(label)) in known


def test_a_prompt_that_fills_the_length_is_refused(script, tiny):
    tokenizer = script("common").load_tokenizer(str(tiny))
    row = {"prompt": [{"role": "user", "content": "头痛"}]}
    asked = len(
        tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, return_dict=True)[
            "input_ids"
        ]
    )
    usable = script("kto").usable
    assert [usable(row, tokenizer, n) for n in (asked, asked + 1, None)] == [False, True, True]


def test_one_label_alone_is_refused(run, train, tiny, tmp_path):
    folder = made(tmp_path, low=None)
    with pytest.raises(SystemExit, match="have the label True: KTO needs good and bad"):
        train("kto", tmp_path / "kto", model_name_or_path=tiny, dataset_name=folder)
    assert not (tmp_path / "kto" / "model.safetensors").exists()


def test_traces_that_the_template_loses_are_refused(script, train, tiny, tmp_path, monkeypatch):
    folder = made(tmp_path, reasoning="keep")
    common = script("common")
    plain = "{%- for m in messages -%}{{ m['content'] }}{%- endfor -%}"

    def load_tokenizer(name, **more):
        tokenizer = common.load_tokenizer(name, **more)
        tokenizer.chat_template = plain
        return tokenizer

    monkeypatch.setattr(script("kto"), "load_tokenizer", load_tokenizer)
    with pytest.raises(SystemExit, match="leaves out the reasoning traces"):
        train("kto", tmp_path / "kto", model_name_or_path=tiny, dataset_name=folder)

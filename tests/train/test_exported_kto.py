"""An export for TRL's KTOTrainer: it trains on every line, and on no other text."""

from __future__ import annotations

import json
import re

import pytest
from datasets import load_dataset

from chimed_datasets.built.dataset import open_built
from chimed_datasets.export import format_of, write_export
from tests.common import exports


@pytest.mark.filterwarnings("ignore:`gradient_checkpointing_:FutureWarning")
def test_two_steps_on_an_export(script, tiny, tmp_path):
    from transformers import AutoModelForCausalLM
    from trl import KTOConfig, KTOTrainer

    built = open_built(exports.made(tmp_path))
    (train, *_) = write_export(built, format_of("trl-kto"), tmp_path / "to")
    path = tmp_path / "to" / train.file
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert any(line["completion"][0]["content"].startswith("<think>\n") for line in lines)
    tokenizer = script("common").load_tokenizer(str(tiny))
    trainer = KTOTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny),
        args=KTOConfig(
            output_dir=str(tmp_path / "out"), max_steps=2, per_device_train_batch_size=4,
            max_length=4096, report_to="none", use_cpu=True, save_strategy="no",
        ),
        train_dataset=load_dataset("json", data_files=str(path), split="train"),
        processing_class=tokenizer,
    )  # fmt: skip
    assert len(trainer.train_dataset) == len(lines) == train.lines
    for line, item in zip(lines, trainer.train_dataset, strict=True):
        said = tokenizer.decode(item["completion_ids"])
        assert line["completion"][0]["content"] in said
        asked = tokenizer.decode(item["prompt_ids"])
        assert all(message["content"] in asked for message in line["prompt"])
        assert item["label"] == line["label"]
        assert len(re.findall("</think>", said)) <= 1
    trainer.train()
    assert trainer.state.global_step == 2

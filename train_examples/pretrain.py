"""Further pre-training on the documents of the `pretrain` config.

    python train_examples/pretrain.py --config train_examples/recipes/gemma-3-270m/pretrain.yaml \\
        --dataset_name chimed2 --output_dir out/pretrain

    accelerate launch --config_file train_examples/accelerate/fsdp.yaml \\
        train_examples/pretrain.py --config train_examples/recipes/qwen3-8b/pretrain.yaml

Documents end with the end token and are packed into sequences of `max_length`, so that every token
is trained on. Any flag of TRL's SFTConfig and ModelConfig can stand in the recipe or be given on
the command line; `--resume_from_checkpoint last` goes on where a run was broken off.

Medical text alone makes a model forget the rest: `--replay_name` mixes in general text, by default
to 15 % of all characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from common import (
    DataArguments,
    general_text,
    load_tokenizer,
    model_kwargs,
    origin,
    parse,
    splits,
    train_and_save,
)
from datasets import Dataset, concatenate_datasets
from trl import ModelConfig, SFTConfig, SFTTrainer, get_peft_config

PACKED = {"packing": True, "packing_strategy": "wrapped"}
"""The other strategies either cut long documents off or need FlashAttention to keep them apart."""


@dataclass
class PretrainArguments(DataArguments):
    """Which documents, and beside them general text against forgetting."""

    text_matches: str | None = field(
        default=None, metadata={"help": "Take documents alone in which this expression is found."}
    )
    max_chars: int | None = field(
        default=None, metadata={"help": "Take documents alone of at most this many characters."}
    )
    replay_name: str | None = field(
        default=None,
        metadata={"help": "Dataset of general text: Hub name, folder, .jsonl or .txt."},
    )
    replay_config: str | None = field(default=None, metadata={"help": "Its config."})
    replay_column: str = field(default="text", metadata={"help": "Its text column."})
    replay_share: float = field(default=0.15, metadata={"help": "Its share of all characters."})


def load_replay(name: str, data: PretrainArguments) -> Dataset:
    """Return the general text ``name`` as a dataset of one column, `text`."""
    rows = general_text(name, data.replay_column, data.replay_config)
    return rows.select_columns([data.replay_column]).rename_columns({data.replay_column: "text"})


def documents(rows: Dataset, data: PretrainArguments) -> Dataset:
    """Return the texts that are asked for, as a dataset of one column, `text`."""
    wanted, most = re.compile(data.text_matches or ""), data.max_chars or float("inf")
    texts = rows["text"]
    taken = [n for n, text in enumerate(texts) if len(text) <= most and wanted.search(text)]
    if not taken:
        raise SystemExit(f"--text_matches {data.text_matches} --max_chars {most}: no document.")
    return rows.select(taken).select_columns(["text"])


def with_replay(rows: Dataset, replay: Dataset, share: float, seed: int) -> Dataset:
    """Return ``rows`` with as many texts of ``replay`` as make up ``share`` of all characters.

    None is taken twice; what was reached is printed.
    """
    if not 0 <= share < 1:
        raise SystemExit(f"--replay_share {share}: expected a share from 0 up to, not with, 1.")
    chars = sum(map(len, rows["text"]))
    replay = replay.shuffle(seed=seed)
    count = general = 0
    for text in replay["text"]:
        if general >= chars * share / (1 - share):
            break
        count, general = count + 1, general + len(text)
    taken = replay.select(range(count))
    print(f"replay: {len(taken)} texts, {general / (general + chars):.1%} of all characters")
    return concatenate_datasets([rows, taken]).shuffle(seed=seed)


def main() -> None:
    data, args, model = parse(PretrainArguments, SFTConfig, ModelConfig, defaults=PACKED)
    name = model.model_name_or_path
    tokenizer = load_tokenizer(name, args.eos_token, **origin(model, args))
    made = splits(data, args, "pretrain", lambda rows, _: documents(rows, data))
    if data.replay_name:
        replay = load_replay(data.replay_name, data)
        made["train_dataset"] = with_replay(
            made["train_dataset"], replay, data.replay_share, args.seed
        )
    args.model_init_kwargs = model_kwargs(model, args)
    trainer = SFTTrainer(
        model=name,
        args=args,
        **made,
        processing_class=tokenizer,
        peft_config=get_peft_config(model),
    )
    train_and_save(trainer, tokenizer, data, model)


if __name__ == "__main__":
    main()

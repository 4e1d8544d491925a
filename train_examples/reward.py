"""A reward model on the pairs of the `preference` config.

    python train_examples/reward.py --config train_examples/recipes/qwen3-0.6b/reward.yaml \\
        --model_name_or_path out/sft --dataset_name chimed2 --output_dir out/reward

The model reads a whole conversation and gives one number; the loss is -log sigmoid(chosen -
rejected). `best_of_n.py` and `grpo.py` use it. A pair with a side longer than `max_length`, or with
the same tokens on both, is refused, with its id, in output_dir/refused.jsonl (the trainer itself
would leave long ones out in silence).
"""

from __future__ import annotations

from common import (
    DataArguments,
    keep,
    load_tokenizer,
    model_kwargs,
    origin,
    parse,
    splits,
    train_and_save,
)
from datasets import Dataset
from trl import ModelConfig, RewardConfig, RewardTrainer, get_peft_config

HEAD = {"lora_task_type": "SEQ_CLS", "lora_modules_to_save": ["score"]}
"""With LoRA, the new layer that gives the number is trained whole."""


def tokens(row: dict, tokenizer) -> dict:
    """Return `chosen_ids` and `rejected_ids`: the prompt with each of its answers."""
    return {
        f"{side}_ids": tokenizer.apply_chat_template(row["prompt"] + row[side], return_dict=True)[
            "input_ids"
        ]
        for side in ("chosen", "rejected")
    }


def usable(row: dict, max_length: int | None) -> bool:
    sides = row["chosen_ids"], row["rejected_ids"]
    return sides[0] != sides[1] and max(map(len, sides)) <= (max_length or float("inf"))


def main() -> None:
    data, args, model = parse(DataArguments, RewardConfig, ModelConfig, defaults=HEAD)
    tokenizer = load_tokenizer(model.model_name_or_path, args.eos_token, **origin(model, args))

    def prepare(rows: Dataset, refused: str) -> Dataset:
        rows = rows.select_columns(["id", "prompt", "chosen", "rejected"]).map(
            lambda row: tokens(row, tokenizer), num_proc=args.dataset_num_proc, desc="Tokens"
        )
        good = [usable(row, args.max_length) for row in rows]
        reason = f"longer than {args.max_length} tokens, or the same on both sides"
        kept = keep(rows, good, args.output_dir, reason, refused)
        return kept.select_columns(["chosen_ids", "rejected_ids"])

    args.model_init_kwargs = model_kwargs(model, args)
    trainer = RewardTrainer(
        model=model.model_name_or_path,
        args=args,
        **splits(data, args, "preference", prepare),
        processing_class=tokenizer,
        peft_config=get_peft_config(model),
    )
    train_and_save(trainer, tokenizer, data, model)


if __name__ == "__main__":
    main()

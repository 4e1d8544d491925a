"""Direct preference optimisation on the pairs of the `preference` config.

    python train_examples/dpo.py --config train_examples/recipes/gemma-3-270m/dpo.yaml \\
        --model_name_or_path out/sft --dataset_name chimed2 --output_dir out/dpo

Starts from the fine-tuned model, which is also the reference: with LoRA no second copy is loaded.
A pair whose sides are the same within `max_length` tokens would train on nothing: it is refused,
with its id, in output_dir/refused.jsonl. Where replies have reasoning traces, the template must
render them; else the script ends before the first step and says what to do.
"""

from __future__ import annotations

from common import (
    DataArguments,
    check_traces,
    keep,
    load_tokenizer,
    model_kwargs,
    origin,
    parse,
    splits,
    train_and_save,
    which,
)
from datasets import Dataset
from trl import DPOConfig, DPOTrainer, ModelConfig, get_peft_config


def usable(row: dict, tokenizer, max_length: int | None) -> bool:
    """Tell whether the sides differ within ``max_length`` tokens; their prompt is one."""
    chosen, rejected = (
        tokenizer.apply_chat_template(row["prompt"] + row[side], return_dict=True)["input_ids"]
        for side in ("chosen", "rejected")
    )
    return chosen[:max_length] != rejected[:max_length]


def main() -> None:
    data, args, model = parse(DataArguments, DPOConfig, ModelConfig)
    tokenizer = load_tokenizer(model.model_name_or_path, **origin(model, args))

    def prepare(rows: Dataset, refused: str) -> Dataset:
        for side in ("chosen", "rejected"):
            talks = (row["prompt"] + row[side] for row in rows)
            check_traces(talks, tokenizer, trained=False)
        good = which(rows, lambda row: usable(row, tokenizer, args.max_length), args)
        reason = f"the same within {args.max_length} tokens"
        kept = keep(rows, good, args.output_dir, reason, refused)
        return kept.select_columns(["prompt", "chosen", "rejected"])

    args.model_init_kwargs = model_kwargs(model, args)
    trainer = DPOTrainer(
        model=model.model_name_or_path,
        args=args,
        **splits(data, args, "preference", prepare),
        processing_class=tokenizer,
        peft_config=get_peft_config(model),
    )
    train_and_save(trainer, tokenizer, data, model)


if __name__ == "__main__":
    main()

"""KTO on the single replies of the `unpaired` config: each is good or bad by itself.

    python train_examples/kto.py --config train_examples/recipes/qwen3-0.6b/kto.yaml \\
        --model_name_or_path out/sft --dataset_name chimed2 --output_dir out/kto

A build has the config where its recipe asks for it: `builders: {preference: {unpaired: true}}`.
Starts from the fine-tuned model, which is also the reference: with LoRA no second copy is loaded.
A row whose prompt alone fills `max_length` would train on nothing: it is refused, with its id, in
output_dir/refused.jsonl. With one label alone the model would learn to say anything more, or less,
often: the script ends before the first step. So it does where the template loses reasoning traces.
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
from trl import KTOConfig, KTOTrainer, ModelConfig, get_peft_config


def usable(row: dict, tokenizer, max_length: int | None) -> bool:
    """Tell whether some of the reply is within ``max_length`` tokens."""
    asked = tokenizer.apply_chat_template(
        row["prompt"], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    return max_length is None or len(asked) < max_length


def main() -> None:
    data, args, model = parse(DataArguments, KTOConfig, ModelConfig)
    tokenizer = load_tokenizer(model.model_name_or_path, **origin(model, args))

    def prepare(rows: Dataset, refused: str) -> Dataset:
        check_traces((row["prompt"] + row["completion"] for row in rows), tokenizer, trained=False)
        good = which(rows, lambda row: usable(row, tokenizer, args.max_length), args)
        reason = f"the prompt alone has {args.max_length} tokens"
        kept = keep(rows, good, args.output_dir, reason, refused)
        return kept.select_columns(["prompt", "completion", "label"])

    made = splits(data, args, "unpaired", prepare)
    labels = set(made["train_dataset"]["label"])
    if len(labels) == 1:
        raise SystemExit(
            f"all {len(made['train_dataset'])} rows have the label {labels.pop()}: KTO needs good "
            "and bad replies. In the recipe of the build give thresholds for scores (`unpaired: "
            "{scores: …}`), take the replies of pairs as well (`unpaired: {repeat_paired: true}`), "
            "or add a source."
        )
    args.model_init_kwargs = model_kwargs(model, args)
    trainer = KTOTrainer(
        model=model.model_name_or_path,
        args=args,
        **made,
        processing_class=tokenizer,
        peft_config=get_peft_config(model),
    )
    train_and_save(trainer, tokenizer, data, model)


if __name__ == "__main__":
    main()

"""Supervised fine-tuning on the messages of the `sft` config.

    python train_examples/sft.py --config train_examples/recipes/gemma-3-270m/sft.yaml \\
        --model_name_or_path out/pretrain --dataset_name chimed2 --output_dir out/sft

The loss is taken on the assistant's tokens alone, the end token among them. A base model without a
chat template gets the one beside this file; `chat_template_path` names another. A row whose
assistant tokens all fall to `max_length` would train on nothing: it is refused, with its id, in
output_dir/refused.jsonl. Where rows have reasoning traces, the template must render them as the
assistant's; else the script ends before the first step and says what to do.

`--sft_file winners.jsonl` trains on the rows that `best_of_n.py` wrote instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
    training_template,
)
from datasets import Dataset
from trl import ModelConfig, SFTConfig, SFTTrainer, get_peft_config

IGNORED = -100
"""The label that the loss passes over."""
NO_THOUGHT = "<think>\n\n</think>\n\n"
"""What a template of a model that thinks puts before a reply without a thought."""


@dataclass
class SftArguments(DataArguments):
    sft_file: str | None = field(
        default=None, metadata={"help": "JSON Lines of id and messages, instead of the dataset."}
    )


def label(messages: list[dict], tokenizer, template: str, max_length: int | None) -> dict:
    """Return `input_ids` and `labels` of a conversation, both cut to ``max_length`` tokens.

    A label is the token itself where the assistant wrote it, IGNORED elsewhere. Raises SystemExit
    where the template leaves the end of a reply without a label.

    TRL's template for Qwen3 puts an empty thought before each reply, Qwen's own before the last
    alone: those of earlier turns are left out, as they are when the model is used.
    """
    encoded = tokenizer.apply_chat_template(
        messages, chat_template=template, return_dict=True, return_assistant_tokens_mask=True
    )
    own, marked = (
        tokenizer.apply_chat_template(messages, chat_template=one, tokenize=False)
        for one in (None, template)
    )
    pairs = list(zip(encoded["input_ids"], encoded["assistant_masks"], strict=True))
    if extra := marked.count(NO_THOUGHT) - own.count(NO_THOUGHT):
        block = tokenizer(NO_THOUGHT, add_special_tokens=False)["input_ids"]
        pairs = without_first(pairs, block, extra)
    labels = [token if own else IGNORED for token, own in pairs]
    if tokenizer.eos_token_id not in labels and any(own for _, own in pairs):
        raise SystemExit(
            f"the chat template does not end a reply with {tokenizer.eos_token!r}: the model would "
            "never learn to stop. Name the token that ends a turn with --eos_token."
        )
    ids = [token for token, _ in pairs]
    return {"input_ids": ids[:max_length], "labels": labels[:max_length]}


def without_first(pairs: list[tuple[int, int]], block: list[int], times: int) -> list:
    """Return tokens and their marks without the first ``times`` occurrences of a block of tokens
    that the assistant wrote."""
    left, at, wide = [], 0, len(block)
    while at < len(pairs):
        if times > 0 and pairs[at : at + wide] == [(token, 1) for token in block]:
            at, times = at + wide, times - 1
        else:
            left.append(pairs[at])
            at += 1
    return left


def main() -> None:
    data, args, model = parse(SftArguments, SFTConfig, ModelConfig)
    name = model.model_name_or_path
    more = origin(model, args)
    tokenizer = load_tokenizer(name, args.eos_token, args.chat_template_path, **more)
    template = training_template(tokenizer)

    def prepare(rows: Dataset, refused: str) -> Dataset:
        rows = rows.select_columns(["id", "messages"])
        check_traces(rows["messages"], tokenizer, template, trained=True)
        rows = rows.map(
            lambda row: label(row["messages"], tokenizer, template, args.max_length),
            num_proc=args.dataset_num_proc,
            desc="Labels",
        )
        usable = [any(t != IGNORED for t in labels) for labels in rows["labels"]]
        reason = f"no supervised token within {args.max_length} tokens"
        kept = keep(rows, usable, args.output_dir, reason, refused)
        return kept.select_columns(["input_ids", "labels"])

    args.model_init_kwargs = model_kwargs(model, args)
    trainer = SFTTrainer(
        model=name,
        args=args,
        **splits(data, args, "sft", prepare, data.sft_file),
        processing_class=tokenizer,
        peft_config=get_peft_config(model),
    )
    train_and_save(trainer, tokenizer, data, model)


if __name__ == "__main__":
    main()

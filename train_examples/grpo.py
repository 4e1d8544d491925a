"""Online reinforcement learning: GRPO on the prompts of the `sft` config, scored by a reward model.

    python train_examples/grpo.py --config train_examples/recipes/qwen3-0.6b/grpo.yaml \\
        --model_name_or_path out/sft --reward_model out/reward --output_dir out/grpo

Each prompt is answered `num_generations` times; answers that the reward model puts above the mean
of their group become likelier. The answer in the dataset is not used. A prompt longer than
`max_prompt_length` tokens is refused, with its id, in output_dir/refused.jsonl.

A reward model is easy to please with nonsense: read the answers (`--log_completions true`) and
compare with `evaluate.py` before a higher reward is believed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from common import (
    DataArguments,
    keep,
    load_tokenizer,
    model_kwargs,
    origin,
    parse,
    prompt_of,
    splits,
    tokens_to_answer,
    train_and_save,
    which,
)
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer, ModelConfig, get_peft_config


@dataclass
class GrpoArguments(DataArguments):
    reward_model: str = field(
        default="out/reward", metadata={"help": "What `reward.py` wrote, whole (not an adapter)."}
    )
    max_prompt_length: int = field(default=1024, metadata={"help": "In tokens."})


def main() -> None:
    data, args, model = parse(GrpoArguments, GRPOConfig, ModelConfig)
    tokenizer = load_tokenizer(model.model_name_or_path, **origin(model, args))

    def fits(row: dict) -> bool:
        asked = tokens_to_answer(tokenizer, row["prompt"])["input_ids"]
        return len(asked) <= data.max_prompt_length

    def prepare(rows: Dataset, refused: str) -> Dataset:
        rows = rows.select_columns(["id", "messages"])
        rows = rows.map(lambda row: {"prompt": prompt_of(row["messages"])})
        reason = f"the prompt is longer than {data.max_prompt_length} tokens"
        kept = keep(rows, which(rows, fits, args), args.output_dir, reason, refused)
        return kept.select_columns(["prompt"])

    args.model_init_kwargs = model_kwargs(model, args)
    args.chat_template_kwargs = {"enable_thinking": False, **(args.chat_template_kwargs or {})}
    trainer = GRPOTrainer(
        model=model.model_name_or_path,
        reward_funcs=data.reward_model,
        args=args,
        **splits(data, args, "sft", prepare),
        processing_class=tokenizer,
        peft_config=get_peft_config(model),
    )
    train_and_save(trainer, tokenizer, data, model)


if __name__ == "__main__":
    main()

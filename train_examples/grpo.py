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
    load_rows,
    load_tokenizer,
    model_kwargs,
    parse,
    prompt_of,
    tokens_to_answer,
    train_and_save,
)
from trl import GRPOConfig, GRPOTrainer, ModelConfig, get_peft_config


@dataclass
class GrpoArguments(DataArguments):
    reward_model: str = field(
        default="out/reward", metadata={"help": "What `reward.py` wrote, whole (not an adapter)."}
    )
    max_prompt_length: int = field(default=1024, metadata={"help": "In tokens."})


def main() -> None:
    data, args, model = parse(GrpoArguments, GRPOConfig, ModelConfig)
    tokenizer = load_tokenizer(model.model_name_or_path)
    rows = load_rows(data, "sft", args.seed).select_columns(["id", "messages"])
    rows = rows.map(lambda row: {"prompt": prompt_of(row["messages"])})
    lengths = [len(tokens_to_answer(tokenizer, p).input_ids) for p in rows["prompt"]]
    reason = f"the prompt is longer than {data.max_prompt_length} tokens"
    rows = keep(rows, [n <= data.max_prompt_length for n in lengths], args.output_dir, reason)
    args.model_init_kwargs = model_kwargs(model)
    args.chat_template_kwargs = {"enable_thinking": False, **(args.chat_template_kwargs or {})}
    trainer = GRPOTrainer(
        model=model.model_name_or_path,
        reward_funcs=data.reward_model,
        args=args,
        train_dataset=rows.select_columns(["prompt"]),
        processing_class=tokenizer,
        peft_config=get_peft_config(model),
    )
    train_and_save(trainer, tokenizer, data, model)


if __name__ == "__main__":
    main()

"""Online reinforcement learning: GRPO, with answers scored by a reward model or by a rule.

    python train_examples/grpo.py --config train_examples/recipes/qwen3-0.6b/grpo.yaml \\
        --model_name_or_path out/sft --reward_model out/reward --output_dir out/grpo

Each prompt is answered `num_generations` times; answers that the reward model puts above the mean
of their group become likelier. The answer in the dataset is not used. A prompt longer than
`max_prompt_length` tokens is refused, with its id, in output_dir/refused.jsonl.

The prompts are those of the `sft` config. With `--exam true` they are those of the config `exam`,
which a build has of exam items, and a rule (`rewards.py`) says whether an answer chooses the right
options: no reward model is needed. Leave room for the answer in `max_completion_length`.

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
    without_traces,
)
from datasets import Dataset
from rewards import exam_reward
from trl import GRPOConfig, GRPOTrainer, ModelConfig, get_peft_config

READ = ("answer", "answer_type", "options")
"""Columns of `exam` that the rule reads."""


@dataclass
class GrpoArguments(DataArguments):
    reward_model: str = field(
        default="out/reward", metadata={"help": "What `reward.py` wrote, whole (not an adapter)."}
    )
    exam: bool = field(
        default=False,
        metadata={"help": "Learn over the config `exam`: a rule reads which options are chosen."},
    )
    max_prompt_length: int = field(default=1024, metadata={"help": "In tokens."})


def main() -> None:
    data, args, model = parse(GrpoArguments, GRPOConfig, ModelConfig)
    tokenizer = load_tokenizer(model.model_name_or_path, **origin(model, args))

    def fits(row: dict) -> bool:
        asked = tokens_to_answer(tokenizer, row["prompt"])["input_ids"]
        return len(asked) <= data.max_prompt_length and not row.get("has_image")

    def prepare(rows: Dataset, refused: str) -> Dataset:
        reason = f"the prompt is longer than {data.max_prompt_length} tokens"
        if data.exam:
            rows = rows.map(lambda row: {"prompt": without_traces(row["prompt"])})
            reason += ", or needs a picture"
        else:
            rows = rows.select_columns(["id", "messages"])
            rows = rows.map(lambda row: {"prompt": prompt_of(row["messages"])})
        kept = keep(rows, which(rows, fits, args), args.output_dir, reason, refused)
        return kept.select_columns(["prompt", *(READ if data.exam else ())])

    args.model_init_kwargs = model_kwargs(model, args)
    args.chat_template_kwargs = {"enable_thinking": False, **(args.chat_template_kwargs or {})}
    trainer = GRPOTrainer(
        model=model.model_name_or_path,
        reward_funcs=exam_reward if data.exam else data.reward_model,
        args=args,
        **splits(data, args, "exam" if data.exam else "sft", prepare),
        processing_class=tokenizer,
        peft_config=get_peft_config(model),
    )
    train_and_save(trainer, tokenizer, data, model)


if __name__ == "__main__":
    main()

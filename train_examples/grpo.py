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
    load_rows,
    load_tokenizer,
    model_kwargs,
    parse,
    prompt_of,
    tokens_to_answer,
    train_and_save,
    without_traces,
)
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
    tokenizer = load_tokenizer(model.model_name_or_path)
    if data.exam:
        rows = load_rows(data, "exam", args.seed)
        rows = rows.map(lambda row: {"prompt": without_traces(row["prompt"])})
    else:
        rows = load_rows(data, "sft", args.seed).select_columns(["id", "messages"])
        rows = rows.map(lambda row: {"prompt": prompt_of(row["messages"])})
    lengths = [len(tokens_to_answer(tokenizer, p).input_ids) for p in rows["prompt"]]
    reason = f"the prompt is longer than {data.max_prompt_length} tokens"
    usable = [n <= data.max_prompt_length for n in lengths]
    if data.exam:
        reason += ", or needs a picture"
        usable = [good and not image for good, image in zip(usable, rows["has_image"], strict=True)]
    rows = keep(rows, usable, args.output_dir, reason)
    args.model_init_kwargs = model_kwargs(model)
    args.chat_template_kwargs = {"enable_thinking": False, **(args.chat_template_kwargs or {})}
    trainer = GRPOTrainer(
        model=model.model_name_or_path,
        reward_funcs=exam_reward if data.exam else data.reward_model,
        args=args,
        train_dataset=rows.select_columns(["prompt", *(READ if data.exam else ())]),
        processing_class=tokenizer,
        peft_config=get_peft_config(model),
    )
    train_and_save(trainer, tokenizer, data, model)


if __name__ == "__main__":
    main()

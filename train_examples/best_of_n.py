"""Best of n: a model answers each prompt of the `sft` config n times, a reward model picks.

    python train_examples/best_of_n.py --config train_examples/recipes/qwen3-0.6b/best_of_n.yaml \\
        --model_name_or_path out/sft --reward_model out/reward --output_dir out/best
    python train_examples/sft.py --config train_examples/recipes/qwen3-0.6b/sft.yaml \\
        --model_name_or_path out/sft --sft_file out/best/winners.jsonl --output_dir out/sft-best

winners.jsonl holds `id` and `messages` with the best answer, its score and those of all its rivals;
decoding.json how they were drawn, and how far the best lie above the mean. Only answers that came
to their end within `max_new_tokens` stand for election: fine-tuning on a cut one would teach to
stop midway. A prompt without any is refused, with its id, in output_dir/refused.jsonl.

Under `accelerate launch` every process answers its share of the prompts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from common import (
    DataArguments,
    decoding,
    keep,
    load_rows,
    load_tokenizer,
    model_kwargs,
    origin,
    parse,
    prompt_of,
    tokens_to_answer,
    without_thought,
)
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    set_seed,
)
from trl import ModelConfig


@dataclass
class BestOfNArguments(DataArguments):
    reward_model: str = field(default="out/reward", metadata={"help": "What `reward.py` wrote."})
    output_dir: str = field(default="out/best", metadata={"help": "Where the answers go."})
    n: int = field(default=4, metadata={"help": "Answers per prompt."})
    batch_size: int = field(default=4, metadata={"help": "Prompts at a time; n answers each."})
    max_prompt_length: int = field(default=1024, metadata={"help": "In tokens."})
    max_new_tokens: int = field(default=512, metadata={"help": "Tokens of an answer at most."})
    temperature: float = field(default=0.8, metadata={"help": "Above 0."})
    top_p: float = field(default=0.95, metadata={"help": "Mass of the tokens drawn from."})
    seed: int = field(default=42, metadata={"help": "Draws rows and answers."})


@torch.inference_mode()
def draw(model, tokenizer, prompts: list[list[dict]]) -> list[list[str | None]]:
    """Return n answers for each prompt; None stands for one that is empty or did not end."""
    batch = tokens_to_answer(tokenizer, prompts, return_tensors="pt", padding=True)
    batch = batch.to(model.device)
    drawn = model.generate(**batch)[:, batch["input_ids"].shape[1] :]
    answers = [
        without_thought(tokenizer.decode(row, skip_special_tokens=True)) or None
        if tokenizer.eos_token_id in row
        else None
        for row in drawn
    ]
    n = model.generation_config.num_return_sequences
    return [answers[k : k + n] for k in range(0, len(answers), n)]


@torch.inference_mode()
def scores(judge, tokenizer, conversations: list[list[dict]]) -> list[float]:
    """Return the reward model's number for each conversation."""
    batch = tokenizer.apply_chat_template(
        conversations, return_dict=True, return_tensors="pt", padding=True
    ).to(judge.device)
    return judge(**batch).logits[:, 0].float().tolist()


def elect(row: dict, answers: list[str | None], judge, tokenizer) -> dict | None:
    """Return the row with its best answer, or None where no answer stands."""
    asked, standing = prompt_of(row["messages"]), list(filter(None, answers))
    if not standing:
        return None
    full = [[*asked, {"role": "assistant", "content": answer}] for answer in standing]
    points = scores(judge, tokenizer, full)
    best = max(range(len(points)), key=points.__getitem__)
    return {"id": row["id"], "messages": full[best], "score": points[best], "scores": points}


def main() -> None:
    data, model = parse(BestOfNArguments, ModelConfig)
    if model.use_peft:
        raise SystemExit("--use_peft: nothing is trained here. Name the merged model instead.")
    state, out = PartialState(cpu=not torch.cuda.is_available()), Path(data.output_dir)
    set_seed(data.seed + state.process_index)
    tokenizer = load_tokenizer(model.model_name_or_path, **origin(model))
    tokenizer.padding_side = "left"
    policy = AutoModelForCausalLM.from_pretrained(model.model_name_or_path, **model_kwargs(model))
    policy = policy.to(state.device).eval()
    judge = AutoModelForSequenceClassification.from_pretrained(data.reward_model).eval()
    judge, reader = judge.to(state.device), AutoTokenizer.from_pretrained(data.reward_model)
    settings = policy.generation_config = decoding(
        tokenizer, data.max_new_tokens, data.temperature, data.top_p, num_return_sequences=data.n
    )
    rows = load_rows(data, "sft", data.seed).select_columns(["id", "messages"])
    lengths = [
        len(tokens_to_answer(tokenizer, p).input_ids) for p in map(prompt_of, rows["messages"])
    ]
    fits = [k for k, n in enumerate(lengths) if n <= data.max_prompt_length]
    share = fits[state.process_index :: state.num_processes]
    elected: dict[str, dict | None] = {}
    for at in range(0, len(share), data.batch_size):
        picked = [rows[k] for k in share[at : at + data.batch_size]]
        drawn = draw(policy, tokenizer, [prompt_of(r["messages"]) for r in picked])
        for row, answers in zip(picked, drawn, strict=True):
            elected[row["id"]] = elect(row, answers, judge, reader)
    parts: list[dict[str, dict | None]] = gather_object([elected])
    winners = {k: v for part in parts for k, v in part.items() if v}
    if not state.is_main_process:
        return
    reason = f"no answer ended within {data.max_new_tokens} tokens, or the prompt was too long"
    kept = keep(rows, [i in winners for i in rows["id"]], data.output_dir, reason)
    with (out / "winners.jsonl").open("w", encoding="utf-8") as file:
        for row_id in kept["id"]:
            file.write(json.dumps(winners[row_id], ensure_ascii=False) + "\n")
    best = [w["score"] for w in winners.values()]
    mean = [sum(w["scores"]) / len(w["scores"]) for w in winners.values()]
    summary = {
        "policy": model.model_name_or_path,
        "reward_model": data.reward_model,
        "decoding": settings.to_diff_dict(),
        "seed": data.seed,
        "prompts": len(rows),
        "winners": len(best),
        "mean_score_of_best": sum(best) / len(best),
        "mean_score_of_all": sum(mean) / len(mean),
    }
    (out / "decoding.json").write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()

"""What the training scripts share: arguments, the tokenizer, refused rows, and the saved model."""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from datasets import Dataset, load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel
from transformers.trainer_utils import get_last_checkpoint
from trl import ModelConfig, TrlParser, get_peft_config
from trl.chat_template_utils import get_training_chat_template, has_generation_markers

TEMPLATE = Path(__file__).with_name("chat_template.jinja")


@dataclass
class DataArguments:
    """Which rows a stage trains on."""

    dataset_name: str = field(default="chimed2", metadata={"help": "Folder or Hub name."})
    train_split: str = field(default="train", metadata={"help": "Split that is trained on."})
    max_samples: int | None = field(
        default=None, metadata={"help": "Train on this many rows, drawn by the seed."}
    )
    merge: bool = field(
        default=True,
        metadata={"help": "After LoRA, write the merged model to output_dir (the adapter alone "
                          "lies in output_dir/adapter either way)."},
    )  # fmt: skip


def parse(*kinds: Any, defaults: dict | None = None) -> tuple:
    """Read `--config recipe.yaml` and the command line into dataclasses of these ``kinds``;
    TensorBoard is the default report."""
    parser = TrlParser(kinds)
    if any("report_to" in kind.__dataclass_fields__ for kind in kinds):
        parser.set_defaults(report_to="tensorboard")
    parser.set_defaults(**(defaults or {}))
    return parser.parse_args_and_config()


def load_rows(data: DataArguments, config: str, seed: int) -> Dataset:
    """Return the training rows of one config of the dataset, shuffled."""
    rows = load_dataset(data.dataset_name, config, split=data.train_split).shuffle(seed=seed)
    return rows.select(range(min(len(rows), data.max_samples or len(rows))))


def load_tokenizer(name: str, eos_token: str | None = None, template: str | None = None):
    """Return a tokenizer whose pad token is not its end token and which has a chat template: that
    of the file ``template``, or its own, or the one beside this script.

    Where pad = end, a collator that hides padding hides the end from the loss too, and a model
    that never learns to end never stops. A reserved token (Qwen has ``<|vision_pad|>``) or ``unk``
    serves as pad instead: padding is neither attended to nor scored, so no embedding is added.
    """
    tokenizer = AutoTokenizer.from_pretrained(name)
    tokenizer.eos_token = eos_token or tokenizer.eos_token
    if tokenizer.eos_token_id is None:
        raise SystemExit(f"{name}: the tokenizer has no end token. Name one with --eos_token.")
    if tokenizer.pad_token_id in (None, tokenizer.eos_token_id):
        reserved = [str(t) for t in tokenizer.added_tokens_decoder.values() if "pad" in str(t)]
        free = {*reserved, tokenizer.unk_token} - {None, tokenizer.eos_token}
        if not free:
            raise SystemExit(
                f"{name}: pad and end token are both {tokenizer.eos_token!r}. Give the tokenizer a "
                "pad token of its own, or name the token that ends a turn with --eos_token."
            )
        tokenizer.pad_token = min(free, key=lambda token: (token not in reserved, token))
    tokenizer.padding_side = "right"
    if template or tokenizer.chat_template is None:
        tokenizer.chat_template = Path(template or TEMPLATE).read_text("utf-8")
    return tokenizer


def training_template(tokenizer) -> str:
    """Return the tokenizer's chat template with the assistant's tokens marked."""
    if has_generation_markers(tokenizer.chat_template):
        return tokenizer.chat_template
    marked = get_training_chat_template(tokenizer)
    assert marked is not None  # it is None for a template that has marks
    return marked


def tokens_to_answer(tokenizer, messages: list, **more):
    """Return the encoding of a prompt, or of several, up to where the reply begins. A model that
    may think is asked not to: a reply that is scored or compared is a reply alone."""
    return tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_dict=True, enable_thinking=False, **more
    )


def without_traces(messages: list[dict]) -> list[dict]:
    """Return messages without their reasoning traces."""
    return [{"role": m["role"], "content": m["content"]} for m in messages]


def check_traces(conversations, tokenizer, template: str | None = None, *, trained: bool) -> None:
    """Raise SystemExit where the chat template loses the reasoning trace of the last reply.

    conversations: lists of messages; the first with a trace is looked at.
    template:      in place of the tokenizer's own.
    trained:       whether the trace's tokens must be marked as the assistant's, too.
    """
    thinking = (talk for talk in conversations if talk[-1].get("reasoning_content"))
    talk = next(thinking, None)
    if talk is None:
        return
    trace = "".join(talk[-1]["reasoning_content"].split())
    where = " with --chat_template_path" if trained else " when you fine-tune"
    fix = (
        f"Name a template that renders `reasoning_content`{where}, or build the dataset with "
        "`reasoning: inline` or `drop`."
    )
    text = tokenizer.apply_chat_template(talk, chat_template=template, tokenize=False)
    if trace not in "".join(text.split()):
        raise SystemExit(
            f"the chat template of {tokenizer.name_or_path} leaves out the reasoning traces of the "
            f"dataset: the model would never see them. {fix}"
        )
    if trained:
        encoded = tokenizer.apply_chat_template(
            talk, chat_template=template, return_dict=True, return_assistant_tokens_mask=True
        )
        pairs = zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
        own = tokenizer.decode([token for token, mine in pairs if mine])
        if trace not in "".join(own.split()):
            raise SystemExit(
                f"the chat template of {tokenizer.name_or_path} renders reasoning traces outside "
                f"of what the assistant says: they would not be trained. {fix}"
            )


def load_model(path: str, dtype: str) -> PreTrainedModel:
    """Return a model that is not to be trained, on a GPU where there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
    return model.to(device).eval()  # type: ignore[arg-type]  # its decorator hides the self


def prompt_of(messages: list[dict]) -> list[dict]:
    """Return a conversation without its last reply."""
    return messages[:-1] if messages[-1]["role"] == "assistant" else messages


def decoding(
    tokenizer, max_new_tokens: int, temperature: float, top_p: float, **more
) -> GenerationConfig:
    """Return how to draw answers; temperature 0 takes the likeliest token.

    Set it as ``model.generation_config``: what is handed to ``generate`` is filled up with what the
    model came with (Gemma's top_k, Qwen's temperature), and two models would be asked unlike.
    """
    drawn = {"temperature": temperature, "top_p": top_p, "top_k": 0} if temperature else {}
    return GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=temperature > 0,
        repetition_penalty=1.0,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **drawn,
        **more,
    )


def model_kwargs(model: ModelConfig) -> dict:
    """Return what `from_pretrained` is given beside the name."""
    wanted = {"dtype": model.dtype, "attn_implementation": model.attn_implementation}
    return {"revision": model.model_revision, **{k: v for k, v in wanted.items() if v}}


def keep(rows: Dataset, usable: list[bool], output_dir: str, reason: str) -> Dataset:
    """Return the usable rows; the ids of the others go to output_dir/refused.jsonl."""
    refused = [row_id for row_id, good in zip(rows["id"], usable, strict=True) if not good]
    if PartialState().is_main_process:
        Path(output_dir).mkdir(parents=True, exist_ok=True)
        with (Path(output_dir) / "refused.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps({"id": i, "reason": reason}) + "\n" for i in refused)
        if refused:
            few = ", ".join(refused[:5]) + (", …" if len(refused) > 5 else "")
            print(f"refused {len(refused)} of {len(rows)} rows ({reason}): {few}", file=sys.stderr)
    if len(refused) == len(rows):
        raise SystemExit(f"no row is left to train on: {reason}. Raise --max_length.")
    return rows.select([k for k, good in enumerate(usable) if good])


def train_and_save(trainer, tokenizer, data: DataArguments, model: ModelConfig) -> None:
    """Train (from a checkpoint where one is named; "last" finds it), then save what later stages,
    `evaluate.py` and `chat.py` load: a whole model and its tokenizer in output_dir."""
    args = trainer.args
    resume, out = args.resume_from_checkpoint, Path(args.output_dir)
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=get_last_checkpoint(out) if resume == "last" else resume)
    seconds = time.monotonic() - began
    adapter = get_peft_config(model) is not None
    trainer.save_model(out / "adapter" if adapter else out)
    if not trainer.is_world_process_zero():
        return
    tokenizer.save_pretrained(out)
    if adapter and data.merge:
        merge(model, out, type(trainer.accelerator.unwrap_model(trainer.model).get_base_model()))
    (out / "training.json").write_text(
        json.dumps(figures(trainer, seconds), indent=1) + "\n", "utf-8"
    )


def merge(model: ModelConfig, out: Path, kind: Any = AutoModelForCausalLM) -> None:
    """Add the adapter in out/adapter to a fresh copy of its base model and save the sum in out."""
    from peft import PeftModel

    more = {} if kind.__name__.endswith("CausalLM") else {"num_labels": 1}
    base = kind.from_pretrained(model.model_name_or_path, **model_kwargs(model), **more)
    PeftModel.from_pretrained(base, out / "adapter").merge_and_unload().save_pretrained(out)


def figures(trainer, seconds: float) -> dict:
    """Return what a table of runs needs to know of one."""
    history = trainer.state.log_history
    tokens = max((entry.get("num_tokens", 0) for entry in history), default=0)
    losses = [entry["loss"] for entry in history if "loss" in entry]
    trained = [p.numel() for p in trainer.model.parameters() if p.requires_grad]
    cuda = torch.cuda.is_available()
    peak = torch.cuda.max_memory_allocated() if cuda else 1024 * _peak_kib()
    return {
        "steps": trainer.state.global_step,
        "tokens": int(tokens),
        "seconds": round(seconds, 1),
        "tokens_per_second": round(tokens / seconds, 1),
        "device": torch.cuda.get_device_name()
        if cuda
        else f"CPU, {torch.get_num_threads()} threads",
        "peak_memory_gib": round(peak / 2**30, 2),
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "trained_parameters": sum(trained),
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
    }


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

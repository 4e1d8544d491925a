"""What the training scripts share: arguments, the tokenizer, refused rows, and the saved model."""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from datasets import Dataset, load_dataset
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    EarlyStoppingCallback,
    GenerationConfig,
    PreTrainedModel,
    TrainerCallback,
)
from trl import (
    ModelConfig,
    TrlParser,
    get_peft_config,
    get_quantization_config,
)
from trl.chat_template_utils import get_training_chat_template, has_generation_markers

TEMPLATE = Path(__file__).with_name("chat_template.jinja")


@dataclass
class DataArguments:
    """Which rows a stage trains on."""

    dataset_name: str = field(default="chimed2", metadata={"help": "Folder or Hub name."})
    train_split: str = field(default="train", metadata={"help": "Split that is trained on."})
    sources: list[str] | None = field(
        default=None, metadata={"help": "Take rows of these sources alone."}
    )
    domains: list[str] | None = field(
        default=None, metadata={"help": "Take rows of these domains alone: tcm, modern, general."}
    )
    mixture: list[str] | None = field(
        default=None,
        metadata={"help": "Shares of domains or sources, as modern=0.6 tcm=0.4: of all characters "
                          "in pre-training, else of all rows. No row is taken twice."},
    )  # fmt: skip
    max_samples: int | None = field(
        default=None, metadata={"help": "Train on this many rows, drawn by the seed."}
    )
    validation_split: str = field(
        default="validation", metadata={"help": "Split for the loss that --eval_strategy asks for."}
    )
    max_validation_samples: int | None = field(
        default=None, metadata={"help": "Take this many rows of it, drawn by the seed."}
    )
    early_stopping_patience: int | None = field(
        default=None,
        metadata={"help": "End when so many evaluations in a row were no better than the best "
                          "one; needs --load_best_model_at_end true."},
    )  # fmt: skip
    merge: bool = field(
        default=True,
        metadata={"help": "After LoRA, write the merged model to output_dir (the adapter alone "
                          "lies in output_dir/adapter either way)."},
    )  # fmt: skip


def parse(*kinds: Any, defaults: dict | None = None) -> tuple:
    """Read `--config recipe.yaml` and the command line into dataclasses of these ``kinds``;
    TensorBoard is the default report, and tokens are counted over all runs of a training."""
    parser = TrlParser(kinds)
    if any("report_to" in kind.__dataclass_fields__ for kind in kinds):
        parser.set_defaults(report_to="tensorboard")
    parser.set_defaults(**(defaults or {}))
    parsed = parser.parse_args_and_config()
    for one in parsed:
        if getattr(one, "include_num_input_tokens_seen", None) == "no":
            one.include_num_input_tokens_seen = "non_padding"
    return parsed


def load_rows(
    data: DataArguments, config: str, seed: int, split: str | None = None, most: int | None = None
) -> Dataset:
    """Return rows of one config of the dataset, shuffled: of the split that is trained on, or of
    ``split``; at most `max_samples`, or ``most``. Raises SystemExit where none is left."""
    try:
        rows = load_dataset(data.dataset_name, config, split=split or data.train_split)
    except ValueError as error:
        if split is None or "split" not in str(error):
            raise
        raise SystemExit(
            f"{data.dataset_name} has no split {split!r} of {config}. Name another with "
            "--validation_split, or build the dataset with `split: {validation: 0.05}`."
        ) from None
    return drawn(chosen(rows, data, seed), seed, most if split else data.max_samples)


def chosen(rows: Dataset, data: DataArguments, seed: int) -> Dataset:
    """Return the rows of the sources and domains that are asked for, in their mixture."""
    for flag, column in (("sources", "source"), ("domains", "domain")):
        wanted = getattr(data, flag)
        if not wanted:
            continue
        if column not in rows.column_names:
            raise SystemExit(f"--{flag}: these rows have no column {column!r}. Leave the flag out.")
        known = rows.unique(column)
        if missing := sorted({*wanted} - {*known}):
            raise SystemExit(
                f"--{flag} {missing[0]}: no row has it. Known: {', '.join(sorted(known))}."
            )
        rows = rows.select([n for n, value in enumerate(rows[column]) if value in wanted])
    return mixed(rows, data.mixture, seed) if data.mixture else rows


def mixed(rows: Dataset, mixture: list[str], seed: int) -> Dataset:
    """Return as many rows as give each domain or source of ``mixture`` (name=share) its share of
    the characters, or of the rows where these do not tell `num_chars`; none is taken twice."""
    columns = [name for name in ("domain", "source") if name in rows.column_names]
    shares = {name: share for name, _, share in (one.partition("=") for one in mixture)}
    try:
        wanted = {name: float(share) for name, share in shares.items()}
    except ValueError:
        wanted = {}
    if not abs(sum(wanted.values()) - 1) < 1e-6 or min(wanted.values()) <= 0:
        raise SystemExit(f"--mixture {' '.join(mixture)}: expected name=share, in all 1.")
    rows = rows.shuffle(seed=seed)
    sizes = rows["num_chars"] if "num_chars" in rows.column_names else [1] * len(rows)
    labels = list(zip(*(rows[column] for column in columns), strict=True))
    places = {name: [n for n, own in enumerate(labels) if name in own] for name in wanted}
    whole = {name: sum(sizes[n] for n in own) for name, own in places.items()}
    if missing := [name for name, size in whole.items() if not size]:
        raise SystemExit(f"--mixture: no row is of the {' or '.join(columns)} {missing[0]!r}.")
    if len({n for own in places.values() for n in own}) < sum(map(len, places.values())):
        raise SystemExit("--mixture: a row would count twice. Name domains or sources, not both.")
    room = min(whole[name] / share for name, share in wanted.items())
    taken = []
    for name, share in wanted.items():
        left = room * share
        for n in places[name]:
            if left <= 0:
                break
            taken.append(n)
            left -= sizes[n]
    return rows.select(sorted(taken))


def drawn(rows: Dataset, seed: int, most: int | None) -> Dataset:
    """Return the rows shuffled, or ``most`` of them."""
    return rows.shuffle(seed=seed).select(range(min(len(rows), most or len(rows))))


def splits(
    data: DataArguments,
    args: Any,
    config: str,
    prepare: Callable[[Dataset, str], Dataset],
    file: str | None = None,
) -> dict[str, Dataset]:
    """Return a trainer's `train_dataset` and, where `--eval_strategy` asks for one, `eval_dataset`.

    prepare: makes of rows what the trainer reads; it is given the name of the file that tells which
    rows were refused, too. The first process of a machine does it, the others read its result.
    file: JSON Lines to train on in place of the dataset.
    """
    with args.main_process_first(desc="rows", local=True):
        if file:
            rows = load_dataset("json", data_files=file, split="train")
            rows = chosen(rows, data, args.seed)
            rows = drawn(rows, args.seed, data.max_samples)
        else:
            rows = load_rows(data, config, args.seed)
        made = {"train_dataset": prepare(rows, "refused.jsonl")}
        if args.do_eval or args.eval_on_start:
            most = data.max_validation_samples
            rows = load_rows(data, config, args.seed, data.validation_split, most)
            made["eval_dataset"] = prepare(rows, "refused-validation.jsonl")
    return made


def general_text(name: str, column: str, config: str | None = None) -> Dataset:
    """Return the rows of a file (.jsonl, .json, .txt) or of the `train` split of a dataset.

    Raises SystemExit where they have no ``column``.
    """
    kind = {".jsonl": "json", ".json": "json", ".txt": "text"}.get(Path(name).suffix)
    if kind:
        rows = load_dataset(kind, data_files=name, split="train")
    else:
        rows = load_dataset(name, config, split="train")
    if column not in rows.column_names:
        known = ", ".join(rows.column_names)
        raise SystemExit(f"{name} has no column {column!r} of text. It has: {known}.")
    return rows


def load_tokenizer(
    name: str, eos_token: str | None = None, template: str | None = None, **more: Any
):
    """Return a tokenizer whose pad token is not its end token and which has a chat template: that
    of the file ``template``, or its own, or the one beside this script.

    Where pad = end, a collator that hides padding hides the end from the loss too, and a model
    that never learns to end never stops. A reserved token (Qwen has ``<|fim_pad|>``) or ``unk``
    serves as pad instead: padding is neither attended to nor scored, so no embedding is added.
    ``more`` is for `from_pretrained`, see :func:`origin`.
    """
    tokenizer = AutoTokenizer.from_pretrained(name, **more)
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


def without_thought(reply: str) -> str:
    """Return what a model said behind its thought, which it may think though it was asked not to;
    nothing where the thought never ended."""
    _, mark, said = reply.rpartition("</think>")
    if not mark and reply.lstrip().startswith("<think>"):
        return ""
    return said.strip()


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


def origin(model: ModelConfig, args: Any = None) -> dict:
    """Return which version of a model and its tokenizer is loaded, and whether its code may run."""
    trusted = getattr(args, "trust_remote_code", False)
    return {"revision": model.model_revision, "trust_remote_code": trusted}


def model_kwargs(model: ModelConfig, args: Any = None, *, whole: bool = False) -> dict:
    """Return what `from_pretrained` is given beside the name; ``whole``: in no less than 16 bits.

    Raises SystemExit where 4 or 8 bits are asked for and cannot be had.
    """
    wanted = {"dtype": model.dtype, "attn_implementation": model.attn_implementation}
    made = {**origin(model, args), **{k: v for k, v in wanted.items() if v}}
    if whole or not (model.load_in_4bit or model.load_in_8bit):
        return made
    flag = "--load_in_4bit" if model.load_in_4bit else "--load_in_8bit"
    if not importlib.util.find_spec("bitsandbytes"):
        raise SystemExit(f"{flag} needs bitsandbytes: pip install bitsandbytes.")
    if args is not None and not model.use_peft:
        raise SystemExit(f"{flag}: weights in so few bits are not trained. Add --use_peft true.")
    device = {"": PartialState().local_process_index} if torch.cuda.is_available() else None
    return {
        **made,
        "quantization_config": get_quantization_config(model),
        "device_map": device,
    }


def which(rows: Dataset, usable: Callable[[dict], bool], args: Any) -> list[bool]:
    """Return for each row whether it is usable, from the disk where another process asked it."""
    return rows.map(
        lambda row: {"usable": usable(row)},
        remove_columns=rows.column_names,
        num_proc=getattr(args, "dataset_num_proc", None),
        desc="Rows",
    )["usable"]


def keep(
    rows: Dataset,
    usable: list[bool],
    output_dir: str,
    reason: str,
    file_name: str = "refused.jsonl",
) -> Dataset:
    """Return the usable rows; the ids of the others go to a file in output_dir."""
    refused = [row_id for row_id, good in zip(rows["id"], usable, strict=True) if not good]
    if PartialState().is_main_process:
        Path(output_dir).mkdir(parents=True, exist_ok=True)
        with (Path(output_dir) / file_name).open("w", encoding="utf-8") as file:
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
    out = Path(args.output_dir)
    resume = args.resume_from_checkpoint
    resume = last_checkpoint(out) if resume == "last" else resume
    if data.early_stopping_patience:
        if not args.load_best_model_at_end:
            raise SystemExit("--early_stopping_patience needs --load_best_model_at_end true.")
        trainer.add_callback(EarlyStoppingCallback(data.early_stopping_patience))
    clock = Clock(resume)
    trainer.add_callback(clock)
    trainer.train(resume_from_checkpoint=resume)
    seconds = clock.seconds()
    adapter = get_peft_config(model) is not None
    trainer.save_model(out / "adapter" if adapter else out)
    if not trainer.is_world_process_zero():
        return
    tokenizer.save_pretrained(out)
    if adapter and data.merge:
        merge(
            model, args, out, type(trainer.accelerator.unwrap_model(trainer.model).get_base_model())
        )
    (out / "training.json").write_text(
        json.dumps(figures(trainer, seconds), indent=1) + "\n", "utf-8"
    )


def last_checkpoint(out: Path) -> str | None:
    """Return the last checkpoint in ``out`` that is whole, or None: where a run is killed while it
    saves, `trainer_state.json`, which is written last, is missing or cut."""
    whole = [folder for folder in out.glob("checkpoint-*") if _is_whole(folder)]
    return max(map(str, whole), key=lambda name: int(name.rpartition("-")[2]), default=None)


def _is_whole(folder: Path) -> bool:
    try:
        json.loads((folder / "trainer_state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return True


class Clock(TrainerCallback):
    """Counts the seconds of a training over all its runs: each checkpoint keeps those before it."""

    FILE = "seconds.json"

    def __init__(self, resume: str | bool | None) -> None:
        kept = Path(resume) / self.FILE if isinstance(resume, str) else None
        self.before = json.loads(kept.read_text("utf-8")) if kept and kept.exists() else 0.0
        self.began = time.monotonic()

    def seconds(self) -> float:
        return self.before + time.monotonic() - self.began

    def on_save(self, args, state, control, **_) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if state.is_world_process_zero:
            (folder / self.FILE).write_text(json.dumps(self.seconds()), "utf-8")


def merge(model: ModelConfig, args: Any, out: Path, kind: Any = AutoModelForCausalLM) -> None:
    """Add the adapter in out/adapter to a fresh copy of its base model and save the sum in out."""
    from peft import PeftModel

    more = {} if kind.__name__.endswith("CausalLM") else {"num_labels": 1}
    given = model_kwargs(model, args, whole=True)
    base = kind.from_pretrained(model.model_name_or_path, **given, **more)
    PeftModel.from_pretrained(base, out / "adapter").merge_and_unload().save_pretrained(out)


def figures(trainer, seconds: float) -> dict:
    """Return what a table of runs needs to know of one, from its first step on."""
    history = trainer.state.log_history
    tokens = trainer.state.num_input_tokens_seen
    losses = [entry["loss"] for entry in history if "loss" in entry]
    scored = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    # Under ZeRO-3 a process holds none of a weight, and ds_numel is its size.
    sizes = [(getattr(p, "ds_numel", p.numel()), p) for p in trainer.model.parameters()]
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
        "parameters": sum(n for n, _ in sizes),
        "trained_parameters": sum(n for n, p in sizes if p.requires_grad),
        "first_loss": losses[0] if losses else None,
        "last_loss": losses[-1] if losses else None,
        **({"best_validation_loss": min(scored)} if scored else {}),
    }


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

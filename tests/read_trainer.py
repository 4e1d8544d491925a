"""What a trainer makes of data files, by its own loader, converter and template.

    python read_trainer.py llama-factory|ms-swift FOLDER TOLD.json

It runs in the trainer's environment, without a network. FOLDER has a ``dataset_info.json`` in the
trainer's form. TOLD.json gets, for each of its entries, a list of examples: ``text`` (all that the
model sees), ``trained`` (what is in the labels), the same of the ``other`` side of a pair, ``label``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

LONGEST = 400_000  # tokens: bytes, with the tokenizer below
TEMPLATE = "qwen3"


def small_model(folder: str) -> str:
    """Write a tokenizer whose tokens are bytes, and a config; return the folder."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config

    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    letters = [*marks, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokens = Tokenizer(models.BPE({letter: n for n, letter in enumerate(letters)}, []))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokens.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token=marks[0], eos_token=marks[2],
        additional_special_tokens=marks[1:], model_max_length=LONGEST,
        chat_template="{{ messages[0].content }}",
    ).save_pretrained(folder)  # fmt: skip
    Qwen3Config(
        vocab_size=len(letters), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=1, num_key_value_heads=1, head_dim=16,
        max_position_embeddings=LONGEST, eos_token_id=2, pad_token_id=0, dtype="float32",
    ).save_pretrained(folder)  # fmt: skip
    return folder


def example(tokenizer, item, sides=("", "chosen_")) -> dict:
    """Return the texts of one encoded example."""
    told = {}
    for prefix, name in ((sides[0], ""), (sides[1], ""), ("rejected_", "other ")):
        if item.get(f"{prefix}input_ids") is not None:
            ids, labels = list(item[f"{prefix}input_ids"]), item.get(f"{prefix}labels")
            told[f"{name}text"] = tokenizer.decode(ids)
            told[f"{name}trained"] = tokenizer.decode([one for one in labels if one != -100])
    return told


def llama_factory(folder: Path, model: str, work: str) -> dict:
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    def stage_of(entry: dict) -> str:
        if entry.get("ranking"):
            return "rm"
        columns = entry["columns"]
        return (
            "kto"
            if "kto_tag" in columns
            else "sft"
            if len(columns) > 1 or "tags" in entry
            else "pt"
        )

    told = {}
    for name, entry in json.loads((folder / "dataset_info.json").read_text("utf-8")).items():
        stage = stage_of(entry)
        given, data, training, _, _ = get_train_args(
            {
                "model_name_or_path": model, "stage": "dpo" if stage == "rm" else stage,
                "do_train": True, "dataset": name, "dataset_dir": str(folder), "template": TEMPLATE,
                "cutoff_len": LONGEST, "packing": False, "overwrite_cache": True, "use_cpu": True,
                "output_dir": f"{work}/out", "cache_dir": f"{work}/{name}", "report_to": "none",
            }
        )  # fmt: skip
        tokenizer = load_tokenizer(given)["tokenizer"]
        template = get_template_and_fix_tokenizer(tokenizer, data)
        read = get_dataset(template, given, data, training, stage=stage, tokenizer=tokenizer)
        told[name] = []
        for item in read["train_dataset"]:
            item.setdefault("labels", item.get("input_ids"))  # of pt: all is trained
            label = {"label": item["kto_tags"]} if "kto_tags" in item else {}
            told[name].append(example(tokenizer, item) | label)
    return told


def ms_swift(folder: Path, model: str, work: str) -> dict:
    from swift.dataset import load_dataset, register_dataset_info
    from swift.model import get_processor
    from swift.template import get_template

    tokenizer = get_processor(model, model_type="qwen3")
    register_dataset_info(str(folder / "dataset_info.json"))
    told = {}
    for entry in json.loads((folder / "dataset_info.json").read_text("utf-8")):
        name = entry["dataset_name"]
        rows, _ = load_dataset([name], num_proc=None, load_from_cache_file=False, strict=False)
        mode, more = "train", {}
        if "rejected_response" in rows.column_names:
            mode = "rlhf"
        elif "label" in rows.column_names:
            mode = "kto"
        elif len(rows[0]["messages"]) == 1:
            more = {"use_chat_template": False, "loss_scale": "all"}
        template = get_template(tokenizer, template_type=TEMPLATE, max_length=LONGEST, **more)
        template.set_mode(mode)
        told[name] = []
        for row in rows:
            item = template.encode(dict(row), return_length=True)
            label = {"label": bool(item["label"])} if mode == "kto" else {}
            told[name].append(example(tokenizer, item) | label)
    return told


def main(trainer: str, folder: str, target: str) -> None:
    with tempfile.TemporaryDirectory() as work:
        os.environ.update(
            HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", USE_HF="1", CUDA_VISIBLE_DEVICES="",
            HF_HOME=f"{work}/home", MODELSCOPE_CACHE=f"{work}/modelscope",
        )  # fmt: skip
        read = {"llama-factory": llama_factory, "ms-swift": ms_swift}[trainer]
        told = read(Path(folder).resolve(), small_model(f"{work}/model"), work)
    Path(target).write_text(json.dumps(told, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

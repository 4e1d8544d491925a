"""Reasoning traces in training: rendered whole, trained whole, never half a block; or refused."""

from __future__ import annotations

import re

import pytest

from chimed_datasets.building.run import build
from chimed_datasets.recipe import load
from tests.common.files import SCRIPTS, write_jsonl
from tests.common.text import prose

ASK = {"role": "user", "content": "头痛三天。"}
PLAIN = {"role": "assistant", "content": "先休息。", "reasoning_content": None}
THINKS = {"role": "assistant", "content": "先休息。", "reasoning_content": "先排除危险信号。"}
TALKS = {
    "with": [ASK, THINKS],
    "without": [ASK, PLAIN],
    "first with": [ASK, THINKS, ASK, PLAIN],
    "last with": [ASK, PLAIN, ASK, THINKS],
    "both": [ASK, THINKS, ASK, THINKS],
}
NO_TRACES = (
    "{%- for m in messages -%}{{ m['role'] + '：' }}"
    "{%- if m['role'] == 'assistant' -%}{%- generation -%}{{ m['content'] + eos_token }}"
    "{%- endgeneration -%}{%- else -%}{{ m['content'] }}{%- endif -%}{%- endfor -%}"
)
OUTSIDE = NO_TRACES.replace(
    "{%- generation -%}", "{{ m['reasoning_content'] or '' }}{%- generation -%}"
)


@pytest.fixture(scope="module")
def qwen(tiny):
    from transformers import AutoTokenizer
    from trl.chat_template_utils import qwen3_chat_template

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = qwen3_chat_template
    tokenizer.eos_token = "<|im_end|>"
    return tokenizer


@pytest.fixture(scope="module")
def own(script, tiny):
    """The tiny tokenizer with the template beside the scripts."""
    return script("common").load_tokenizer(str(tiny))


def blocks(text: str) -> None:
    """Marks of a thought come in pairs, one after the other."""
    marks = re.findall(r"</?think>", text)
    assert marks == ["<think>", "</think>"] * (len(marks) // 2)


@pytest.mark.parametrize("name", TALKS)
@pytest.mark.parametrize("kind", ["qwen", "own"])
def test_mixed_rows_have_no_stray_block(name, kind, script, request):
    tokenizer = request.getfixturevalue(kind)
    common, sft = script("common"), script("sft")
    template = common.training_template(tokenizer)
    told = sft.label(TALKS[name], tokenizer, template, None)
    learnt = tokenizer.decode([token for token in told["labels"] if token != -100])
    blocks(learnt)
    blocks(tokenizer.decode(told["input_ids"]))
    traces = [m["reasoning_content"] for m in TALKS[name] if m.get("reasoning_content")]
    assert sum(learnt.count(trace) for trace in set(traces)) == len(traces)
    for trace in traces:
        assert f"<think>\n{trace}\n</think>\n\n先休息。" in learnt


def test_a_row_without_traces_is_rendered_as_before(own):
    """The column is there for all messages; what it adds is nothing."""
    bare = [{k: v for k, v in m.items() if k != "reasoning_content"} for m in TALKS["without"]]
    texts = [own.apply_chat_template(talk, tokenize=False) for talk in (bare, TALKS["without"])]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("template", "trained", "said"),
    [
        (NO_TRACES, True, "leaves out the reasoning traces"),
        (NO_TRACES, False, "leaves out the reasoning traces"),
        (OUTSIDE, True, "renders reasoning traces outside"),
        (OUTSIDE, False, None),
        (None, True, None),
    ],
)
def test_a_template_that_loses_traces_is_refused(template, trained, said, script, own):
    check = script("common").check_traces
    if said is None:
        check(TALKS.values(), own, template, trained=trained)
        return
    with pytest.raises(SystemExit, match=said) as ended:
        check(TALKS.values(), own, template, trained=trained)
    assert "reasoning: inline" in str(ended.value)
    check([TALKS["without"]], own, template, trained=trained)


def test_a_reply_that_is_scored_is_asked_without_thinking(qwen, script):
    common = script("common")
    asked = common.tokens_to_answer(qwen, [ASK])["input_ids"]
    assert qwen.decode(asked).endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert common.without_traces([THINKS]) == [{"role": "assistant", "content": "先休息。"}]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("先休息。", "先休息。"),
        ("<think>\n\n</think>\n\n先休息。", "先休息。"),
        ("<think>\n要排除危险信号。\n</think>\n\n先休息。", "先休息。"),
        ("要排除危险信号。\n</think>\n\n先休息。", "先休息。"),  # the prompt opened the thought
        ("<think>\n要排除", ""),
        ("", ""),
    ],
)
def test_a_thought_is_no_part_of_a_reply(script, reply, said):
    assert script("common").without_thought(reply) == said


def test_an_empty_thought_is_no_part_of_what_is_scored(script, qwen, tiny):
    """The likelihood of an answer is that of the answer and its end."""
    scorer = script("evaluate").Scorer(str(tiny), "float32", 512)
    scorer.tokenizer = qwen
    ids, start = scorer.answer([ASK], [PLAIN])
    assert qwen.decode(ids[start:]) == "先休息。<|im_end|>"


def test_winners_are_without_thoughts(script, qwen, monkeypatch):
    """What best of n finds is trained on."""
    import torch

    end = qwen.eos_token
    texts = [f"<think>想</think>\n\n甲{end}", f"乙{end}", f"<think>想{end}", "丙"]
    rows = [qwen(text)["input_ids"] for text in texts]
    width = max(map(len, rows))

    class Model:
        device = "cpu"
        generation_config = script("common").decoding(qwen, 8, 1.0, 1.0, num_return_sequences=4)

        def generate(self, input_ids, **_):
            padded = [row + [qwen.pad_token_id] * (width - len(row)) for row in rows]
            return torch.cat([input_ids.repeat(4, 1), torch.tensor(padded)], dim=1)

    assert script("best_of_n").draw(Model(), qwen, [[ASK]]) == [["甲", "乙", None, None]]


@pytest.fixture(scope="module")
def thinking(tmp_path_factory):
    """A build in which half of the replies, and half of the pairs' sides, have a trace."""
    folder = tmp_path_factory.mktemp("thinking")
    rows, pairs = [], []
    for n in range(24):
        trace = {"thinking": prose(40_000 + n, 20)} if n % 2 else {}
        rows.append(
            {"instruction": prose(41_000 + n, 12), "output": prose(42_000 + n, 20), **trace}
        )
        think = f"<think>{prose(43_000 + n, 15)}</think>" if n % 2 else ""
        pairs.append({"prompt": prose(44_000 + n, 12), "chosen": think + prose(45_000 + n, 20),
                      "rejected": prose(46_000 + n, 20)})  # fmt: skip
    write_jsonl(folder / "rows.jsonl", rows)
    write_jsonl(folder / "pairs.jsonl", pairs)
    (folder / "recipe.yaml").write_text(
        "name: thinking\nsources:\n"
        "  - {name: rows, layout: instruction, path: rows.jsonl, license: mit}\n"
        "  - {name: pairs, layout: preference_pairs, path: pairs.jsonl, license: mit}\n"
        "stages: {split: {validation: 0, test: 0}}\n"
    )
    build(load(folder / "recipe.yaml"), folder / "out")
    return folder / "out"


def test_steps_on_rows_with_and_without_traces(thinking, run, tiny, tmp_path):
    recipes = SCRIPTS / "recipes" / "tiny"
    flags = ["--model_name_or_path", tiny, "--dataset_name", thinking, "--max_steps", 2]
    run("sft", "--config", recipes / "sft.yaml", *flags, "--output_dir", tmp_path / "sft")
    run("dpo", "--config", recipes / "dpo.yaml", *flags, "--output_dir", tmp_path / "dpo")
    assert (tmp_path / "sft" / "model.safetensors").exists()
    assert (tmp_path / "dpo" / "model.safetensors").exists()


def test_training_does_not_begin_where_traces_would_be_lost(thinking, run, tiny, tmp_path):
    (tmp_path / "plain.jinja").write_text(NO_TRACES, "utf-8")
    flags = ["--model_name_or_path", tiny, "--dataset_name", thinking]
    flags += ["--chat_template_path", tmp_path / "plain.jinja", "--output_dir", tmp_path / "sft"]
    with pytest.raises(SystemExit, match="leaves out the reasoning traces"):
        run("sft", "--config", SCRIPTS / "recipes" / "tiny" / "sft.yaml", *flags)
    assert not (tmp_path / "sft").exists()

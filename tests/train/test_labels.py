"""What the loss is taken on: the assistant's tokens and the end, nothing else, and never nothing.

The tiny model's tokenizer has a token for every byte, so that decoded labels are exact.
"""

from __future__ import annotations

import json

import pytest
from datasets import load_dataset

from tests.common.files import read_jsonl

END = "<eos>"
TALK = [
    {"role": "system", "content": "你是一名医生。"},
    {"role": "user", "content": "头痛三天。"},
    {"role": "assistant", "content": "有没有发热？"},
    {"role": "user", "content": "没有。"},
    {"role": "assistant", "content": "先休息，多喝水。"},
]


@pytest.fixture(scope="module")
def tokenizer(script, tiny):
    return script("common").load_tokenizer(str(tiny))


@pytest.fixture(scope="module")
def qwen(script, tiny):
    """The tiny tokenizer with the template and the marks of Qwen3, pad and end being one token."""
    from transformers import AutoTokenizer
    from trl.chat_template_utils import qwen3_chat_template

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.add_special_tokens(
        {"extra_special_tokens": ["<|im_start|>", "<|im_end|>", "<|vision_pad|>"]}
    )
    tokenizer.pad_token, tokenizer.unk_token = tokenizer.eos_token, None
    tokenizer.chat_template = qwen3_chat_template
    return tokenizer


def supervised(told: dict, tokenizer) -> str:
    """Return the text under the labels; a label is its own token, at its own place."""
    pairs = zip(told["input_ids"], told["labels"], strict=True)
    assert all(label in (-100, token) for token, label in pairs)
    return tokenizer.decode([t for t in told["labels"] if t != -100])


# --- conversations ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (TALK[1:3], "有没有发热？<eos>"),
        (TALK[:3], "有没有发热？<eos>"),
        (TALK[1:], "有没有发热？<eos>先休息，多喝水。<eos>"),
        (TALK, "有没有发热？<eos>先休息，多喝水。<eos>"),
        ([TALK[1], {"role": "assistant", "content": "医生：患者："}], "医生：患者：<eos>"),
    ],
)
def test_only_replies_and_their_ends(script, tokenizer, messages, expected):
    sft, common = script("sft"), script("common")
    told = sft.label(messages, tokenizer, common.training_template(tokenizer), None)
    assert supervised(told, tokenizer) == expected


@pytest.mark.parametrize("length", [1, 20, 50, 60, 61, 80, 500])
def test_a_cut_cuts_labels_alike(script, tokenizer, length):
    sft = script("sft")
    template = script("common").training_template(tokenizer)
    whole, part = (sft.label(TALK, tokenizer, template, n) for n in (None, length))
    assert part == {key: values[:length] for key, values in whole.items()}


def test_a_template_of_qwen_is_marked(script, qwen):
    common, sft = script("common"), script("sft")
    qwen.eos_token = "<|im_end|>"
    told = sft.label(TALK, qwen, common.training_template(qwen), None)
    thought = "<think>\n\n</think>\n\n"
    assert supervised(told, qwen) == (
        f"有没有发热？<|im_end|>\n{thought}先休息，多喝水。<|im_end|>\n"
    )


def test_past_turns_are_trained_as_they_are_read(script, qwen):
    """An empty thought before each reply was trained on, which no prompt of later has."""
    common, sft = script("common"), script("sft")
    qwen.eos_token = "<|im_end|>"
    told = sft.label(TALK, qwen, common.training_template(qwen), None)
    asked = common.tokens_to_answer(qwen, TALK[:-1])["input_ids"]
    assert told["input_ids"][: len(asked)] == asked
    assert qwen.decode(told["input_ids"]) == qwen.apply_chat_template(TALK, tokenize=False)


def test_labels_are_those_of_trl_where_nothing_is_thought(script, tokenizer, tmp_path):
    """Its `assistant_only_loss` masks alike; what it lacks is the list of rows that it drops."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained(tokenizer.name_or_path)
    args = SFTConfig(
        str(tmp_path), assistant_only_loss=True, max_length=60, use_cpu=True, bf16=False,
        report_to="none",
    )  # fmt: skip
    rows = Dataset.from_list([{"messages": TALK}])
    trainer = SFTTrainer(model, args, train_dataset=rows, processing_class=tokenizer)
    (batch,) = trainer.get_train_dataloader()
    template = script("common").training_template(tokenizer)
    ours = script("sft").label(TALK, tokenizer, template, 60)
    assert batch["labels"][0].tolist() == ours["labels"]
    assert batch["input_ids"][0].tolist() == ours["input_ids"]


def test_a_template_that_never_ends_a_reply_is_refused(script, tokenizer):
    template = script("common").TEMPLATE.read_text("utf-8").replace(" + eos_token", "")
    with pytest.raises(SystemExit, match="never learn to stop"):
        script("sft").label(TALK, tokenizer, template, None)


# --- pad and end ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pad", "unk", "more", "expected"),
    [
        ("<pad>", "<unk>", [], "<pad>"),
        (END, "<unk>", [], "<unk>"),
        (None, "<unk>", [], "<unk>"),
        (END, "<unk>", ["<|vision_pad|>", "<|fim_pad|>"], "<|fim_pad|>"),
        (END, None, ["<|vision_pad|>"], "<|vision_pad|>"),
    ],
)
def test_pad_is_not_the_end(script, tiny, tmp_path, pad, unk, more, expected):
    save_tokenizer(tiny, tmp_path, pad, unk, more)
    loaded = script("common").load_tokenizer(str(tmp_path))
    assert (loaded.pad_token, loaded.eos_token) == (expected, END)
    assert loaded.pad_token_id != loaded.eos_token_id


def test_no_pad_token_is_an_error(script, tiny, tmp_path):
    save_tokenizer(tiny, tmp_path, END, END, [])
    with pytest.raises(SystemExit, match="pad and end token are both '<eos>'"):
        script("common").load_tokenizer(str(tmp_path))


def save_tokenizer(source, folder, pad, unk, more):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source)
    tokenizer.add_special_tokens({"extra_special_tokens": more})
    tokenizer.pad_token, tokenizer.unk_token = pad, unk
    tokenizer.save_pretrained(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    if "<pad>" not in (pad, unk):  # it would be found as a reserved token
        described = json.loads((folder / "tokenizer.json").read_text("utf-8"))
        kept = [t for t in described["added_tokens"] if t["content"] != "<pad>"]
        (folder / "tokenizer.json").write_text(json.dumps(described | {"added_tokens": kept}))
    config.get("added_tokens_decoder", {}).pop("0", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")


# --- what the trainers put before the model ----------------------------------------------------


@pytest.fixture
def seen(script, monkeypatch):
    """Collect the batches that a script's trainer computes its loss on."""

    def watch(name: str, trainer: str) -> list[dict]:
        module, batches = script(name), []
        kind = getattr(module, trainer)

        class Watched(kind):
            def compute_loss(self, model, inputs, *args, **kwargs):
                batches.append({k: v.clone() for k, v in inputs.items() if hasattr(v, "clone")})
                return super().compute_loss(model, inputs, *args, **kwargs)

        monkeypatch.setattr(module, trainer, Watched)
        return batches

    return watch


def decoded(tokenizer, ids, mask) -> list[str]:
    return [
        tokenizer.decode(row[keep.bool()].tolist()) for row, keep in zip(ids, mask, strict=True)
    ]


def test_sft_trains_on_replies(train, seen, tiny, dataset, tokenizer, tmp_path):
    batches = seen("sft", "SFTTrainer")
    out = train("sft", tmp_path / "sft", model_name_or_path=tiny, max_length=150)
    rows = load_dataset(str(dataset), "sft", split="train")
    replies = {
        "".join(m["content"] + END for m in row["messages"] if m["role"] == "assistant")
        for row in rows
    }
    assert len(batches) == 2
    for batch in batches:
        assert batch["input_ids"].shape[1] <= 150
        for text in decoded(tokenizer, batch["input_ids"], batch["labels"] != -100):
            cut = text.rstrip("�")  # a character of three bytes may be cut
            assert cut
            assert any(reply == text or reply.startswith(cut) for reply in replies)
    # Prompts that fill the window are refused by id; every other row is trained on.
    refused = read_jsonl(out / "refused.jsonl")
    long = {row["id"] for row in rows if first_reply(tokenizer, row["messages"]) >= 150}
    assert {row["id"] for row in refused} == long != set()
    assert {row["reason"] for row in refused} == {"no supervised token within 150 tokens"}


def test_packed_conversations_keep_their_labels(train, seen, tiny, dataset, tokenizer, tmp_path):
    """Whole conversations lie side by side; each is told apart by its positions."""
    batches = seen("sft", "SFTTrainer")
    train(
        "sft", tmp_path / "sft", model_name_or_path=tiny, max_length=2000, packing=True,
        packing_strategy="bfd", max_samples=12, max_steps=1, per_device_train_batch_size=1,
    )  # fmt: skip
    rows = load_dataset(str(dataset), "sft", split="train")
    replies = {m["content"] for row in rows for m in row["messages"] if m["role"] == "assistant"}
    (batch,) = batches
    ids, labels = batch["input_ids"][0], batch["labels"][0]
    starts = int((batch["position_ids"][0] == 0).sum())
    assert starts > 1
    learnt = tokenizer.decode(ids[labels != -100]).split(END)
    assert learnt.pop() == ""
    assert set(learnt) <= replies
    assert len(learnt) >= starts


def first_reply(tokenizer, messages) -> int:
    """Return the position of the first token of the first reply."""
    before = next(k for k, m in enumerate(messages) if m["role"] == "assistant")
    asked = tokenizer.apply_chat_template(messages[:before], add_generation_prompt=True)
    return len(asked["input_ids"])


def test_no_row_left_is_an_error(train, tiny, tmp_path):
    with pytest.raises(SystemExit, match="no row is left"):
        train("sft", tmp_path, model_name_or_path=tiny, max_length=5)


def test_dpo_compares_answers(train, seen, tiny, dataset, tokenizer, tmp_path):
    batches = seen("dpo", "DPOTrainer")
    out = train("dpo", tmp_path / "dpo", model_name_or_path=tiny, max_length=1000)
    rows = load_dataset(str(dataset), "preference", split="train")
    pairs = {(r["chosen"][0]["content"], r["rejected"][0]["content"]) for r in rows}
    assert len(batches) == 2
    for batch in batches:
        texts = decoded(tokenizer, batch["input_ids"], batch["completion_mask"])
        half = len(texts) // 2
        for chosen, rejected in zip(texts[:half], texts[half:], strict=True):
            assert chosen.endswith(f"{END}\n")
            assert tuple(t.removesuffix(f"{END}\n") for t in (chosen, rejected)) in pairs
    assert (out / "refused.jsonl").read_text("utf-8") == ""


def test_dpo_refuses_pairs_with_nothing_to_tell(script, tokenizer):
    usable = script("dpo").usable
    prompt = [{"role": "user", "content": "头痛"}]
    row = {"prompt": prompt, **{side: reply(text) for side, text in SIDES.items()}}
    asked = len(
        tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=True)[
            "input_ids"
        ]
    )
    # "多喝水" and "多休息" part after one character of three bytes.
    assert [usable(row, tokenizer, asked + n) for n in (0, 3, 6, 100)] == [False, False, True, True]
    assert not usable(row | {"rejected": row["chosen"]}, tokenizer, None)


SIDES = {"chosen": "多喝水", "rejected": "多休息"}


def reply(text: str) -> list[dict]:
    return [{"role": "assistant", "content": text}]


def test_reward_reads_whole_conversations(script, tokenizer):
    reward = script("reward")
    row = {"prompt": TALK[1:2], "chosen": reply("多喝水"), "rejected": reply("多休息")}
    told = reward.tokens(row, tokenizer)
    start = "<bos>患者：头痛三天。\n医生："
    assert tokenizer.decode(told["chosen_ids"]) == f"{start}多喝水{END}\n"
    assert tokenizer.decode(told["rejected_ids"]) == f"{start}多休息{END}\n"
    length = len(told["chosen_ids"])
    assert reward.usable(told, None)
    assert reward.usable(told, length)
    assert not reward.usable(told, length - 1)
    assert not reward.usable(told | {"rejected_ids": told["chosen_ids"]}, None)


def test_pretraining_leaves_no_token_out(train, seen, tiny, dataset, tokenizer, tmp_path):
    """Documents longer than a sequence go on in the next; each ends with the end token."""
    batches = seen("pretrain", "SFTTrainer")
    train(
        "pretrain",
        tmp_path / "cpt",
        model_name_or_path=tiny,
        max_length=128,
        per_device_train_batch_size=32,
        max_steps=-1,
        num_train_epochs=1,
    )
    texts = load_dataset(str(dataset), "pretrain", split="train")["text"]
    assert max(len(text.encode()) for text in texts) > 128
    labels = [batch["labels"] for batch in batches]
    assert sum(int((row != -100).sum()) for row in labels) == sum(
        len(tokenizer(text + END)["input_ids"]) for text in texts
    )
    assert sum(int((row == tokenizer.eos_token_id).sum()) for row in labels) == len(texts)
    assert all((b["labels"] == b["input_ids"])[b["labels"] != -100].all() for b in batches)

"""Every training script for two steps of the tiny model, from its recipe and command line.

Each stage goes on from the one before it, as a user's would.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from datasets import load_dataset

from tests.common.files import SCRIPTS, read_jsonl

GENERAL = "今天天气很好，我们去公园散步，看见许多人在放风筝。\n" * 400


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def pretrained(train, tiny, out) -> Path:
    """Two steps on documents and general text, a checkpoint after each."""
    (out / "general.txt").write_text(GENERAL, "utf-8")
    return train(
        "pretrain",
        out / "pretrain",
        model_name_or_path=tiny,
        replay_name=out / "general.txt",
        save_strategy="steps",
        save_steps=1,
    )


@pytest.fixture(scope="module")
def tuned(train, pretrained, out) -> Path:
    return train("sft", out / "sft", model_name_or_path=pretrained)


@pytest.fixture(scope="module")
def rewarded(train, tuned, out) -> Path:
    return train("reward", out / "reward", model_name_or_path=tuned)


@pytest.fixture(scope="module")
def winners(train, tuned, rewarded, out) -> Path:
    return train("best_of_n", out / "best", model_name_or_path=tuned, reward_model=rewarded)


def weights(folder: Path) -> dict:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def same(one: dict, two: dict) -> bool:
    assert one.keys() == two.keys()
    return all(bool((value == two[name]).all()) for name, value in one.items())


def told(folder: Path) -> dict:
    """Return what a run tells of itself; it went two steps and left logs for TensorBoard."""
    found = json.loads((folder / "training.json").read_text("utf-8"))
    assert found["steps"] == 2
    assert found["tokens"] > 0
    assert list(folder.rglob("events.out.tfevents.*"))
    return found


# --- stages -----------------------------------------------------------------------------------


def test_pretrain(pretrained, tiny):
    assert told(pretrained)["trained_parameters"] == told(pretrained)["parameters"]
    assert not same(weights(pretrained), weights(tiny))


def test_pretrain_goes_on_where_it_broke_off(train, pretrained, tiny, out):
    """From the first checkpoint the second step is what it was without a break."""
    broken = out / "broken"
    broken.mkdir()
    shutil.copytree(pretrained / "checkpoint-1", broken / "checkpoint-1")
    train(
        "pretrain",
        broken,
        model_name_or_path=tiny,
        replay_name=out / "general.txt",
        resume_from_checkpoint="last",
    )
    assert not same(weights(broken / "checkpoint-1"), weights(broken))
    assert same(weights(broken), weights(pretrained))


def test_tokens_and_seconds_are_of_all_runs(train, pretrained, tiny, out):
    """After a break the account is that of the whole training, as its steps and losses are."""
    broken = out / "counted"
    broken.mkdir()
    shutil.copytree(pretrained / "checkpoint-1", broken / "checkpoint-1")
    (broken / "checkpoint-1" / "seconds.json").write_text("1000", "utf-8")
    given = {"replay_name": out / "general.txt", "resume_from_checkpoint": "last"}
    train("pretrain", broken, model_name_or_path=tiny, **given)
    assert told(broken)["tokens"] == told(pretrained)["tokens"]
    assert told(broken)["first_loss"] == told(pretrained)["first_loss"]
    assert told(broken)["seconds"] > 1000
    assert json.loads((pretrained / "checkpoint-2" / "seconds.json").read_text("utf-8")) > 0


@pytest.mark.parametrize("torn", [None, "", '{"epoch"'])
def test_a_checkpoint_that_was_not_saved_whole_is_passed_over(script, tmp_path, torn):
    """Where a run is killed while it saves, the one before it is taken up."""
    find = script("common").last_checkpoint
    assert find(tmp_path) is None
    for step in (9, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}", "utf-8")
    (tmp_path / "checkpoint-99").mkdir()
    if torn is not None:
        (tmp_path / "checkpoint-99" / "trainer_state.json").write_text(torn, "utf-8")
    assert find(tmp_path) == str(tmp_path / "checkpoint-10")


def test_a_run_goes_on_beside_a_torn_checkpoint(train, pretrained, tiny, out):
    broken = out / "torn"
    broken.mkdir()
    shutil.copytree(pretrained / "checkpoint-1", broken / "checkpoint-1")
    (broken / "checkpoint-99").mkdir()
    given = {"replay_name": out / "general.txt", "resume_from_checkpoint": "last"}
    train("pretrain", broken, model_name_or_path=tiny, **given)
    assert same(weights(broken), weights(pretrained))


@pytest.mark.parametrize("name", ["pretrain", "sft", "dpo", "reward"])
def test_the_loss_on_rows_that_are_not_trained_on(train, tiny, out, name):
    folder = train(
        name, out / f"validated-{name}", model_name_or_path=tiny, eval_strategy="steps",
        eval_steps=1, max_validation_samples=2,
    )  # fmt: skip
    assert told(folder)["best_validation_loss"] > 0
    if name != "pretrain":
        assert (folder / "refused-validation.jsonl").exists()


def test_training_ends_early_where_validation_gets_no_better(train, tiny, out):
    """At a rate that ruins the model the first evaluation is the best."""
    folder = train(
        "sft", out / "early", model_name_or_path=tiny, max_steps=9, learning_rate=5.0,
        eval_strategy="steps", eval_steps=1, save_strategy="steps", save_steps=1,
        load_best_model_at_end=True, early_stopping_patience=2, max_validation_samples=2,
    )  # fmt: skip
    assert json.loads((folder / "training.json").read_text("utf-8"))["steps"] < 9


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"load_in_4bit": True}, "--load_in_4bit needs bitsandbytes"),
        ({"load_in_8bit": True}, "--load_in_8bit needs bitsandbytes"),
        ({"early_stopping_patience": 2}, "needs --load_best_model_at_end true"),
        ({"eval_strategy": "epoch", "validation_split": "none"}, "no split 'none' of sft"),
        ({"domains": "modem"}, "--domains modem: no row has it. Known: "),
        ({"sources": "none"}, "--sources none: no row has it. Known: "),
        ({"mixture": "modern=0.4"}, "expected name=share, in all 1"),
        ({"mixture": "modern"}, "--mixture modern: expected name=share, in all 1"),
        ({"mixture": "none=1"}, "no row is of the domain or source 'none'"),
    ],
)
def test_a_flag_that_cannot_be_followed_is_refused(train, tiny, tmp_path, monkeypatch, flags, said):
    from importlib import util

    find = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name, *more: name != "bitsandbytes" and find(name, *more)
    )
    with pytest.raises(SystemExit, match=said):
        train("sft", tmp_path, model_name_or_path=tiny, **flags)
    assert not (tmp_path / "model.safetensors").exists()


def test_four_bits_are_asked_for(script, monkeypatch):
    """The base in four bits, with LoRA alone; merged into weights of 16 bits or more."""
    from importlib import util

    common = script("common")
    monkeypatch.setattr(util, "find_spec", lambda name: True)
    model = common.ModelConfig(load_in_4bit=True, use_peft=True)
    assert common.model_kwargs(model, object())["quantization_config"].load_in_4bit
    assert "quantization_config" not in common.model_kwargs(model, object(), whole=True)
    with pytest.raises(SystemExit, match="Add --use_peft true"):
        common.model_kwargs(common.ModelConfig(load_in_4bit=True), object())


def test_version_and_trust_reach_model_and_tokenizer(script):
    from types import SimpleNamespace

    common = script("common")
    model = common.ModelConfig(model_revision="abc")
    wanted = {"revision": "abc", "trust_remote_code": True}
    args = SimpleNamespace(trust_remote_code=True)
    assert common.origin(model, args) == wanted
    assert common.model_kwargs(model, args).items() >= wanted.items()


@pytest.mark.parametrize("name", ["pretrain", "sft", "dpo", "kto", "reward", "grpo"])
def test_every_stage_asks_for_its_version(train, script, tiny, tmp_path, monkeypatch, name):
    """Of the tokenizer too: it was that of another version than the model."""
    seen = {}

    def stop(path, *_, **more):
        seen.update(more)
        raise SystemExit("seen")

    monkeypatch.setattr(script(name), "load_tokenizer", stop)
    with pytest.raises(SystemExit, match="seen"):
        train(name, tmp_path, model_name_or_path=tiny, model_revision="abc", trust_remote_code=True)
    assert seen == {"revision": "abc", "trust_remote_code": True}


def test_best_of_n_refuses_what_only_training_has(train, tiny, tmp_path):
    with pytest.raises(SystemExit, match="--use_peft: nothing is trained here"):
        train("best_of_n", tmp_path, model_name_or_path=tiny, use_peft=True)


def test_rows_of_a_domain_or_a_source(script, dataset):
    common = script("common")
    for flag, column in (("domains", "domain"), ("sources", "source")):
        every = common.load_rows(common.DataArguments(str(dataset)), "pretrain", 1)
        value = every[0][column]
        data = common.DataArguments(str(dataset), **{flag: [value]})
        found = common.load_rows(data, "pretrain", 1)
        assert sorted(found["id"]) == sorted(row["id"] for row in every if row[column] == value)
        assert 0 < len(found) < len(every)


def test_a_mixture_is_of_characters(script):
    from datasets import Dataset

    rows = Dataset.from_dict(
        {
            "domain": ["tcm"] * 900 + ["modern"] * 100,
            "source": ["a"] * 900 + ["b"] * 100,
            "num_chars": [10] * 900 + [20] * 100,
        }
    )
    mixed = script("common").mixed
    found = mixed(rows, ["modern=0.5", "tcm=0.5"], 1)
    assert [found["domain"].count(one) for one in ("modern", "tcm")] == [100, 200]
    few = mixed(rows, ["b=0.1", "a=0.9"], 1)
    assert [few["source"].count(one) for one in ("b", "a")] == [50, 900]
    assert few["num_chars"] == mixed(rows, ["b=0.1", "a=0.9"], 1)["num_chars"]
    with pytest.raises(SystemExit, match="would count twice"):
        mixed(rows, ["a=0.5", "tcm=0.5"], 1)


@pytest.mark.parametrize("share", [0, 0.15, 0.5])
def test_replay_reaches_its_share(script, share):
    from datasets import Dataset

    rows = Dataset.from_dict({"text": ["病" * 100] * 20})
    replay = Dataset.from_dict({"text": ["天" * 20] * 500})
    mixed = script("pretrain").with_replay(rows, replay, share, seed=1)["text"]
    general = sum(len(text) for text in mixed if text[0] == "天")
    assert sum(map(len, mixed)) - general == 2000
    assert general / (2000 + general) == pytest.approx(share, abs=0.01)


def test_replay_that_is_all_is_an_error(script):
    with pytest.raises(SystemExit, match="expected a share"):
        script("pretrain").with_replay(None, None, 1.0, seed=1)


def test_sft(tuned, pretrained):
    from transformers import AutoTokenizer

    assert told(tuned)["device"]
    assert not same(weights(tuned), weights(pretrained))
    tokenizer = AutoTokenizer.from_pretrained(tuned)
    assert "医生：" in tokenizer.chat_template  # so that later stages need not ask
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


def test_lora_is_merged(train, pretrained, out):
    """The adapter is kept, and the model beside it answers as base and adapter do together."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    folder = train(
        "sft", out / "lora", model_name_or_path=pretrained, use_peft=True, lora_r=4, lora_alpha=64
    )
    assert told(folder)["trained_parameters"] < told(folder)["parameters"] / 4
    ids = torch.tensor([[2, 50, 60, 70]])
    base = AutoModelForCausalLM.from_pretrained(pretrained)
    with torch.no_grad():
        before = base(ids).logits
        adapted = PeftModel.from_pretrained(base, folder / "adapter")(ids).logits
        merged = AutoModelForCausalLM.from_pretrained(folder)(ids).logits
    assert torch.allclose(adapted, merged, atol=1e-4)
    assert not torch.allclose(before, merged, atol=1e-3)


def test_dpo(train, tuned, out):
    folder = train("dpo", out / "dpo", model_name_or_path=tuned)
    assert told(folder)["first_loss"] == pytest.approx(0.6931, abs=1e-3)  # model = reference
    assert not same(weights(folder), weights(tuned))


def test_reward(rewarded, tuned):
    told(rewarded)
    config = json.loads((rewarded / "config.json").read_text("utf-8"))
    assert config["architectures"] == ["LlamaForSequenceClassification"]
    assert config["pad_token_id"] == 0
    assert weights(rewarded)["score.weight"].shape[0] == 1


def test_reward_with_lora_keeps_its_head(train, tuned, out):
    """The merged model gives the scores of base, adapter and trained head together."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification as Kind

    folder = train(
        "reward", out / "reward-lora", model_name_or_path=tuned, use_peft=True, lora_alpha=64
    )
    ids = torch.tensor([[2, 50, 60, 70], [2, 50, 0, 0]])
    base = Kind.from_pretrained(tuned, num_labels=1)
    with torch.no_grad():
        whole = PeftModel.from_pretrained(base, folder / "adapter")(ids[:1]).logits
        merged = Kind.from_pretrained(folder)
        assert torch.allclose(merged(ids[:1]).logits, whole, atol=1e-4)
        merged(ids)  # a batch needs the pad token in the config


def test_best_of_n(winners, tuned, rewarded, dataset, script):
    best = script("best_of_n")
    rows = {row["id"]: row for row in load_dataset(str(dataset), "sft", split="train")}
    found = read_jsonl(winners / "winners.jsonl")
    refused = [row["id"] for row in read_jsonl(winners / "refused.jsonl")]
    summary = json.loads((winners / "decoding.json").read_text("utf-8"))
    assert summary["prompts"] == 12 == len(found) + len(refused)
    assert {w["id"] for w in found} | set(refused) <= rows.keys()
    assert summary["decoding"]["temperature"] == 0.8
    assert summary["decoding"]["num_return_sequences"] == 4
    assert summary["mean_score_of_best"] >= summary["mean_score_of_all"]
    judge = best.AutoModelForSequenceClassification.from_pretrained(rewarded)
    tokenizer = best.AutoTokenizer.from_pretrained(rewarded)
    for winner in found:
        *asked, answer = winner["messages"]
        assert asked == rows[winner["id"]]["messages"][:-1]
        assert answer["role"] == "assistant"
        assert answer["content"]
        assert winner["score"] == max(winner["scores"])
        (again,) = best.scores(judge, tokenizer, [winner["messages"]])
        assert again == pytest.approx(winner["score"], abs=1e-4)


@pytest.mark.parametrize(
    ("answers", "points", "best"),
    [(["a", "b", None], [1.0, 2.0], "b"), ([None, "c"], [-3.0], "c"), ([None, None], [], None)],
)
def test_the_best_that_ended_is_elected(script, monkeypatch, answers, points, best):
    module = script("best_of_n")
    monkeypatch.setattr(module, "scores", lambda judge, tokenizer, talks: points)
    row = {"id": "x", "messages": [{"role": "user", "content": "?"}]}
    found = module.elect(row, answers, None, None)
    assert (found and found["messages"][-1]["content"]) == best


def test_winners_are_trained_on(train, tuned, winners, out):
    file = winners / "winners.jsonl"
    folder = train("sft", out / "sft-best", model_name_or_path=tuned, sft_file=file)
    assert not same(weights(folder), weights(tuned))


def test_grpo(train, tuned, rewarded, out):
    folder = train(
        "grpo", out / "grpo", model_name_or_path=tuned, reward_model=rewarded, max_prompt_length=150
    )
    told(folder)
    assert not same(weights(folder), weights(tuned))
    assert (folder / "refused.jsonl").read_text("utf-8").count("longer than 150 tokens") > 1


@pytest.mark.parametrize("given", [None, '{"enable_thinking": true}'])
def test_grpo_asks_without_thinking(train, script, tuned, rewarded, tmp_path, monkeypatch, given):
    """Answers that are rewarded are replies alone, unless thoughts are asked for."""
    seen = {}

    def stop(**more):
        seen.update(more["args"].chat_template_kwargs)
        raise SystemExit("seen")

    monkeypatch.setattr(script("grpo"), "GRPOTrainer", stop)
    more = {"chat_template_kwargs": given} if given else {}
    with pytest.raises(SystemExit, match="seen"):
        train("grpo", tmp_path, model_name_or_path=tuned, reward_model=rewarded, **more)
    assert seen == {"enable_thinking": given is not None}


# --- chat -------------------------------------------------------------------------------------


def test_chat_answers_one_question(run, tuned, capsys):
    run("chat", tuned, "--ask", "头痛三天，怎么办？", "--max-new-tokens", 8)
    shown = capsys.readouterr().out
    assert "no medical advice" in shown
    assert "不构成医疗建议" in shown
    assert shown.rpartition("医生：")[2].strip()


def test_chat_remembers_until_told_anew(run, script, tuned, monkeypatch, capsys):
    lines = iter(["头痛", "发热", "/new", "咳嗽", ""])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    asked = []
    chat = script("chat")

    def answer(model, tokenizer, messages):
        asked.append([m["content"] for m in messages])
        return "嗯"

    monkeypatch.setattr(chat, "answer", answer)
    run("chat", tuned)
    assert asked == [["头痛"], ["头痛", "嗯", "发热"], ["咳嗽"]]


# --- recipes ----------------------------------------------------------------------------------

STAGES = {
    "pretrain": ("PretrainArguments", "SFTConfig"),
    "sft": ("SftArguments", "SFTConfig"),
    "reward": ("DataArguments", "RewardConfig"),
    "dpo": ("DataArguments", "DPOConfig"),
    "kto": ("DataArguments", "KTOConfig"),
    "best_of_n": ("BestOfNArguments",),
    "grpo": ("GrpoArguments", "GRPOConfig"),
}
RECIPES = sorted(p for p in SCRIPTS.glob("recipes/*/*.yaml") if p.stem in STAGES)


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_recipe_is_read_whole(script, monkeypatch, path):
    """Every key is a flag of its script (an unknown one is an error), with a value it takes."""
    module = script(path.stem)
    kinds = [getattr(module, name) for name in (*STAGES[path.stem], "ModelConfig")]
    # A recipe for GPUs is refused where there is none, unless it is told that this is meant.
    cpu = ["--use_cpu", "true"] if path.stem != "best_of_n" else []
    monkeypatch.setattr(sys, "argv", [f"{path.stem}.py", "--config", str(path), *cpu])
    parsed = script("common").parse(*kinds)
    assert len(parsed) == len(kinds)


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_run_of_minutes_saves_checkpoints(path):
    """All but the tiny ones, which take seconds, can be taken up after a break."""
    recipe = yaml.safe_load(path.read_text("utf-8"))
    if path.stem != "best_of_n" and path.parent.name != "tiny":
        assert recipe["save_steps"] > 0
        assert recipe.get("save_strategy", "steps") == "steps"


def test_parameters_are_counted_where_each_process_holds_a_part(script):
    """Under ZeRO-3 a weight has no elements of its own."""
    from types import SimpleNamespace

    import torch

    weight = torch.nn.Parameter(torch.zeros(0))
    weight.ds_numel = 1000
    frozen = torch.nn.Parameter(torch.zeros(7), requires_grad=False)
    state = SimpleNamespace(log_history=[], num_input_tokens_seen=10, global_step=1)
    model = SimpleNamespace(parameters=lambda: iter([weight, frozen]))
    found = script("common").figures(SimpleNamespace(state=state, model=model), 2.0)
    assert (found["parameters"], found["trained_parameters"]) == (1007, 1000)


@pytest.mark.parametrize("size", ["4b", "8b"])
def test_recipes_of_eight_gpus_keep_them_busy(size):
    """Short conversations are packed, padding is left out, and vLLM generates."""
    read = {
        name: yaml.safe_load((SCRIPTS / "recipes" / f"qwen3-{size}" / f"{name}.yaml").read_text())
        for name in ("sft", "dpo", "grpo", "best_of_n")
    }
    assert (read["sft"]["packing"], read["sft"]["packing_strategy"]) == (True, "bfd")
    assert read["dpo"]["padding_free"]
    for name in ("sft", "dpo"):  # without it neighbours in a pack would see one another
        assert read[name]["attn_implementation"] == "flash_attention_2"
    assert (read["grpo"]["use_vllm"], read["grpo"]["vllm_mode"]) == (True, "colocate")
    room = read["grpo"]["max_prompt_length"] + read["grpo"]["max_completion_length"]
    assert read["grpo"]["vllm_max_model_length"] >= room
    assert read["best_of_n"]["batch_size"] >= 8


@pytest.mark.parametrize("stage", ["pretrain", "sft"])
def test_larger_models_learn_at_lower_rates(stage):
    """One rate for all sizes, 1e-4, came with the scripts of another model."""
    rates = [
        yaml.safe_load((SCRIPTS / "recipes" / f"qwen3-{size}" / f"{stage}.yaml").read_text())[
            "learning_rate"
        ]
        for size in ("0.6b", "1.7b", "4b", "8b")
    ]
    assert rates == sorted(set(rates), reverse=True)
    assert 1e-5 <= rates[-1] <= rates[2] <= 3e-5


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("accelerate/*.yaml")), ids=lambda p: p.stem)
def test_a_config_of_accelerate_is_read_whole(path):
    from accelerate.commands.config.config_args import load_config_from_file

    read = load_config_from_file(str(path)).to_dict()  # an unknown key is an error
    assert read["distributed_type"].lower() == path.stem
    given = yaml.safe_load(path.read_text("utf-8"))
    assert read[f"{path.stem}_config"] == given[f"{path.stem}_config"]


def test_scripts_need_nothing_of_the_library():
    """They read the dataset by load_dataset, wherever it came from."""
    for path in SCRIPTS.glob("*.py"):
        assert "chimed_datasets" not in path.read_text("utf-8"), path.name


def test_the_guide_names_what_is_there(script, monkeypatch):
    """Every command of docs/how-to/train.md is one that its script reads."""
    guide = (SCRIPTS.parent / "docs" / "how-to" / "train.md").read_text("utf-8")
    commands = re.findall(r"^python train_examples/(\w+)\.py --config (\S+)(.*)$", guide, re.M)
    assert {name for name, _, _ in commands} == {*STAGES, "run_all"}
    for name, recipe, rest in commands:
        if name == "run_all":  # its config runs in test_evaluate.py
            assert (SCRIPTS.parent / recipe).exists()
            continue
        cpu = ["--use_cpu", "true"] if name != "best_of_n" else []
        path = str(SCRIPTS.parent / recipe)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", "--config", path, *rest.split(), *cpu])
        kinds = [getattr(script(name), kind) for kind in (*STAGES[name], "ModelConfig")]
        script("common").parse(*kinds)
    told = set(re.findall(r"^\| `(\w+)\.py`", guide, re.M))
    parts = {"measures", "mcq", "rewards", "safety", "tables", "together"}
    modules = {"common", "make_model", *parts}
    assert told == {path.stem for path in SCRIPTS.glob("*.py")} - modules
